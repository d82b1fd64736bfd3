/** A program that uses the runtime as a library. Its last line says what came of it. */

import { isMasterProcess, isWorkerProcess, Master, runInline, Shutdown } from '#divvy';

class Doubles {
  *dispatch(): Generator<number> {
    yield 1;
    yield 2;
  }

  process(item: number): number {
    if (item > 2) throw new RangeError('too large');
    return item * 2;
  }
}

const taskFile = new URL('./work.ts', import.meta.url);
const seen: string[] = [];
const master = new Master(taskFile, {
  workers: 2,
  items: ['plain 1', 'plain 2', 'throws 3'],
  observe: ({ type }) => seen.push(type),
});
const { counts, exitCode } = await master.run();

const stopped: Master = new Master(taskFile, {
  workers: 1,
  items: ['stays 4'],
  itemEvents: true,
  observe: ({ type }) => {
    if (type === 'items handed') setImmediate(() => stopped.shutdownNow());
  },
});
const error: unknown = await stopped.run().catch((reason: unknown) => reason);

const inline = await runInline(Doubles, { items: [1, 2, 3] });
console.log(
  JSON.stringify({
    counts,
    exitCode,
    workers: master.workers.length,
    first: seen[0],
    last: seen.at(-1),
    isMaster: isMasterProcess(),
    isWorker: isWorkerProcess(),
    stopped: error instanceof Shutdown && error.result?.counts.unfinished,
    inline: inline.map((each) => (each.done ? each.result : each.error.name)),
  }),
);
