/** jest-worker, with processes: it gives a worker one item at a time. */

import { fileURLToPath } from 'node:url';
import { Worker } from 'jest-worker';
import { type Load, loadOfArguments } from '../load.ts';
import { measure } from './measure.ts';

const load = loadOfArguments();
const exposedMethods = ['nothing', 'nothingAsync', 'nap'] as const;
const pool = new Worker(fileURLToPath(new URL('./work.ts', import.meta.url)), {
  numWorkers: load.workers,
  exposedMethods,
  ...(load.serialization && { forkOptions: { serialization: load.serialization } }),
}) as Worker & Record<Load['work'], (item: unknown) => Promise<void>>;
await measure(load, (name, item) => pool[name](item));
await pool.end();
