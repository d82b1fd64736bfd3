// `npm run bench:engine`: a run over a queue beside plain BullMQ, one job an item. Both on one Redis of the benchmark's own, with
// two processes that do the items; the two in turns. Prints a Markdown table.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisServer } from '../test/runtime/engine/redis.ts';
import { median } from './median.ts';

const ROUNDS = Number(process.argv[2] ?? 5);
/** So many that each takes some seconds. */
const PLAIN_ITEMS = 40_000;
const DIVVY_ITEMS = 1_000_000;
const GOAL = 20;
const runner = join(import.meta.dirname, '../runtime/run.mjs');
const file = (name: string): string => join(import.meta.dirname, 'engine', name);
const folder = mkdtempSync(join(tmpdir(), 'divvy-bench-engine-'));
await using redis = await RedisServer.start();
let runs = 0;

async function plain(): Promise<number> {
  const queue = `plain-${++runs}`;
  const workers = [1, 2].map(() => fork(file('plain-worker.ts'), [String(redis.port), queue]));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const producer = fork(file('plain-producer.ts'), [String(redis.port), queue, String(PLAIN_ITEMS)]);
  const [ms] = (await once(producer, 'message')) as [number];
  for (const worker of workers) worker.kill('SIGKILL');
  return (PLAIN_ITEMS / ms) * 1000;
}

function divvy(args: readonly string[]): ChildProcess {
  const env = { ...process.env, DIVVY_ENGINE_URL: redis.url, COUNT: String(DIVVY_ITEMS) };
  return spawn(process.execPath, [runner, '--engine', 'bullmq', ...args, file('numbers.ts')], {
    env,
    stdio: ['ignore', 'inherit', 'pipe'],
  });
}

/** Resolves with how many items it did in a second, from the start of its process. */
async function overQueue(args: readonly string[]): Promise<number> {
  await redis.client.flushall();
  const host = divvy(['--join', '-n', '2']);
  await once(host.stderr as NodeJS.ReadableStream, 'data'); // it waits for a run
  const began = performance.now();
  const dispatcher = divvy(args);
  dispatcher.stderr?.resume();
  const [status] = (await once(dispatcher, 'exit')) as [number];
  const ms = performance.now() - began;
  if (status !== 0) throw new Error(`the dispatcher ended with ${status}`);
  host.stderr?.resume();
  await once(host, 'exit');
  return (DIVVY_ITEMS / ms) * 1000;
}

const contestants: readonly [string, () => Promise<number>][] = [
  ['BullMQ, one job an item', plain],
  ['divvy over BullMQ', () => overQueue(['--no-journal'])],
  ['divvy over BullMQ (journal on)', () => overQueue(['--journal', join(folder, `${++runs}.ndjson`)])],
];
const figures = contestants.map((): number[] => []);
for (let round = 0; round <= ROUNDS; round++) {
  console.error(round === 0 ? 'not counted' : `round ${round} of ${ROUNDS}`);
  for (const [at, [, run]] of contestants.entries()) {
    const figure = await run();
    if (round > 0) figures[at]?.push(figure);
  }
}
rmSync(folder, { recursive: true });
console.log(`Node.js ${process.versions.node}, ${availableParallelism()} CPUs, ${ROUNDS} rounds; medians.\n`);
console.log('| | items | items/s | against plain BullMQ | goal |\n|---|---|---|---|---|');
for (const [at, [name]] of contestants.entries()) {
  const ratio = median((figures[at] ?? []).map((figure, round) => figure / (figures[0]?.[round] ?? 1)));
  const items = at === 0 ? PLAIN_ITEMS : DIVVY_ITEMS;
  const goal = at === 0 ? '' : `at least ${GOAL}: ${ratio >= GOAL ? 'met' : 'missed'}`;
  const pace = Number(median(figures[at] ?? []).toPrecision(3)).toLocaleString('en');
  console.log(`| ${name} | ${items.toLocaleString('en')} | ${pace} | ${at === 0 ? '' : ratio.toFixed(1)} | ${goal} |`);
}
