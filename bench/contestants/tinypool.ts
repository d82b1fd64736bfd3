/** tinypool: threads. */

import Tinypool from 'tinypool';
import { loadOfArguments } from '../load.ts';
import { measure } from './measure.ts';

const load = loadOfArguments();
const pool = new Tinypool({
  filename: new URL('./work.ts', import.meta.url).href,
  minThreads: load.workers,
  maxThreads: load.workers,
  concurrentTasksPerWorker: load.inFlight,
});
await measure(load, (name, item) => pool.run(item, { name }));
await pool.destroy();
