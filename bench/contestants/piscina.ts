/** piscina: threads. What is in flight in a worker is its `concurrentTasksPerWorker`. */

import { Piscina } from 'piscina';
import { loadOfArguments } from '../load.ts';
import { measure } from './measure.ts';

const load = loadOfArguments();
const pool = new Piscina({
  filename: new URL('./work.ts', import.meta.url).href,
  minThreads: load.workers,
  maxThreads: load.workers,
  concurrentTasksPerWorker: load.inFlight,
});
await measure(load, (name, item) => {
  const moved = load.transfer && Buffer.isBuffer(item);
  return pool.run(moved ? Piscina.move(item) : item, { name });
});
await pool.destroy();
