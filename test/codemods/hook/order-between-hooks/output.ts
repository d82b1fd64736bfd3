import type { Outcome, Parallelizable, Run, WorkerSelf } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  total(): number {
    return 1;
  }

  /** Runs in the master, before the first fork. */
  beforeRun(run: Run): void {
    void run; // Write here what is to happen, in place of this line.
  }

  /** Runs in a worker, once, before its first item: the place to open connections. */
  afterFork(worker: WorkerSelf): void {
    void worker; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, when an item was processed, and is awaited before the item is recorded as done. */
  afterProcess(item: Item, result: void, outcome: Outcome): void {
    void [item, result, outcome]; // Write here what is to happen, in place of this line.
  }

  afterFailure(): void {}
}
