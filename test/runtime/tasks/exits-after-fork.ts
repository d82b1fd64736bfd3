import type { Parallelizable } from '#divvy';

/** A worker that exits before it could be handed anything. */
export default class ExitsAfterFork implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    yield 1;
  }

  afterFork(): void {
    process.exit(1);
  }

  process(): void {}
}
