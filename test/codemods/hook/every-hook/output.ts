import type { ItemError, Outcome, Parallelizable, Run, RunResult, WorkerExit, WorkerHandle, WorkerSelf } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  /** Runs in the master, before the first fork. */
  async total(): Promise<number> {
    return Number.POSITIVE_INFINITY; // Not known yet. How many items does dispatch yield?
  }

  /** Runs in the master, before the first fork. */
  async beforeRun(run: Run): Promise<void> {
    void run; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, after the last worker is reaped, however the run ended. */
  async afterRun(run: Run, result: RunResult): Promise<void> {
    void [run, result]; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, before each fork, the first of a worker and every later one. */
  async beforeFork(worker: WorkerHandle): Promise<void> {
    void worker; // Write here what is to happen, in place of this line.
  }

  /** Runs in a worker, once, before its first item: the place to open connections. */
  async afterFork(worker: WorkerSelf): Promise<void> {
    void worker; // Write here what is to happen, in place of this line.
  }

  /** Runs in a worker, before a graceful exit: the place to close connections. */
  async beforeExit(worker: WorkerSelf): Promise<void> {
    void worker; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, when a worker's process has been reaped. */
  async afterExit(worker: WorkerHandle, exit: WorkerExit): Promise<void> {
    void [worker, exit]; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, when an item was processed, and is awaited before the item is recorded as done. */
  async afterProcess(item: Item, result: void, outcome: Outcome): Promise<void> {
    void [item, result, outcome]; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, when an item is given up. */
  async afterFailure(item: Item, error: ItemError, outcome: Outcome): Promise<void> {
    void [item, error, outcome]; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, once for each item of `dispatch`. */
  key(item: Item): string {
    return JSON.stringify(item); // Put in its place what names it for good, such as its id.
  }
}
