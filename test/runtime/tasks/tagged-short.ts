import type { Parallelizable } from '#divvy';

/** Items that take microseconds, and so come in runs; each prints a line. */
export default class TaggedShort implements Parallelizable<{ id: number }> {
  *dispatch(): Generator<{ id: number }> {
    for (let id = 1; id <= 3000; id++) yield { id };
  }

  process({ id }: { id: number }): void {
    console.log(`line of ${id}`);
  }
}
