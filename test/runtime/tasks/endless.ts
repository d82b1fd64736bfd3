import type { Parallelizable } from '#divvy';

const MB = 1024 * 1024;

/** Items without end; the master says how much it keeps in memory after some and after many, and then stops itself. */
export default class Endless implements Parallelizable<string> {
  *dispatch(): Generator<string> {
    for (let item = 1; ; item++) {
      if (item === 150_000 || item === 450_000) {
        globalThis.gc?.();
        const { heapUsed, external } = process.memoryUsage();
        console.error(`${Math.round((heapUsed + external) / MB)} MB at ${item}`);
        if (item === 450_000) process.kill(process.pid, 'SIGINT');
      }
      yield `${item} ${'x'.repeat(100)}`;
    }
  }

  process(): void {}
}
