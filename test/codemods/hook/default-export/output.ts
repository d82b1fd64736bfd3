import type { Parallelizable, WorkerHandle } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  /** Runs in the master, before each fork, the first of a worker and every later one. */
  beforeFork(worker: WorkerHandle): void {
    void worker; // Write here what is to happen, in place of this line.
  }
}
