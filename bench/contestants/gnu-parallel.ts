/** GNU parallel: it starts a process for each item. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { itemsOf, loadOfArguments } from '../load.ts';
import { report } from './measure.ts';

const load = loadOfArguments();
const began = performance.now();
const parallel = spawn('parallel', ['--jobs', String(load.workers), 'true'], { stdio: ['pipe', 'inherit', 'inherit'] });
const exited = once(parallel, 'exit');
await pipeline(Readable.from(itemsOf(load)).map(line), parallel.stdin);
const [status] = await exited;
if (status !== 0) throw new Error(`parallel: exit code ${status}`); // how many of its jobs have failed
report(load.count, performance.now() - began);

function line(item: unknown): string {
  return `${item}\n`;
}
