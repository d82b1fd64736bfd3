/** workerpool, with processes or with threads: it gives a worker one item at a time. */

import { fileURLToPath } from 'node:url';
import workerpool from 'workerpool';
import { loadOfArguments } from '../load.ts';
import { measure } from './measure.ts';

const load = loadOfArguments();
const pool = workerpool.pool(fileURLToPath(new URL('./workerpool-worker.ts', import.meta.url)), {
  workerType: load.workerType ?? 'process',
  minWorkers: load.workers,
  maxWorkers: load.workers,
});
await measure(load, (name, item) => pool.exec(name, [item]));
await pool.terminate();
