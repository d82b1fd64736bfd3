import type { Parallelizable, WorkerHandle } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  afterRun(): void {}

  /** Runs in the master, before each fork, the first of a worker and every later one. */
  beforeFork(worker: WorkerHandle): void {
    void worker; // Write here what is to happen, in place of this line.
  }

  beforeRun(): void {}

  process(item: Item): void {
    console.log(item);
  }

  /** Runs in the master, before the first fork. */
  total(): number {
    return Number.POSITIVE_INFINITY; // Not known yet. How many items does dispatch yield?
  }

  *dispatch(): Generator<Item> {
    yield 1;
  }
}
