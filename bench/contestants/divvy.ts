/**
 * This runtime, as a program uses it: by its library.
 *
 * Where items take long the clock starts once every worker is ready, as with the pools. Where they take no time they come
 * from a generator that is not async, which cannot wait for that: the clock starts as soon as the first worker is ready. It
 * stops when the last item is done; the workers' exits are not counted.
 *
 * The first argument is the runtime's index.ts: bench/against.ts names the one of another commit.
 */

import { rmSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { itemsOf, loadOfArguments } from '../load.ts';
import { report } from './measure.ts';

enableCompileCache(); // as the runner does
const { Master } = (await import(pathToFileURL(process.argv[2] ?? '').href)) as typeof import('../../runtime/index.ts');

const WARM_UP_MS = 20;

const load = loadOfArguments();
const journal = load.journal === true && join(tmpdir(), `divvy-bench-${process.pid}.ndjson`);
const metricsFile = load.metrics ? join(tmpdir(), `divvy-bench-${process.pid}.prom`) : undefined;
let began = 0;
let ready = 0;
let warmUps = 0;
let ended = 0;

/** Short naps until every worker is ready, and when all of them are over, the items. */
async function* whenWarm(): AsyncGenerator<unknown, undefined> {
  for (; ready < load.workers; warmUps++) yield WARM_UP_MS;
  while (master.counts.done < warmUps) await setTimeout(1);
  began = performance.now();
  yield* itemsOf(load);
}

const master = new Master(new URL('./divvy-task.ts', import.meta.url), {
  workers: load.workers,
  concurrency: load.inFlight,
  journal,
  ...(metricsFile && { metricsFile }), // a runtime of an earlier commit may not know it
  items: load.work === 'nap' ? whenWarm() : itemsOf(load),
  observe: ({ type }) => {
    if (type === 'worker ready' && ready++ === 0) began = performance.now();
  },
});
const watch = setInterval(() => {
  if (master.counts.done === load.count + warmUps) ended ||= performance.now();
}, 1);
const { counts } = await master.run();
clearInterval(watch);
report(counts.done - warmUps, (ended || performance.now()) - began);
if (journal) rmSync(journal);
if (metricsFile) rmSync(metricsFile);
