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
  total(): number {
    return Number.POSITIVE_INFINITY; // Not known yet. How many items does dispatch yield?
  }

  /** Runs in the master, before the first fork. */
  beforeRun(run: Run): void {
    void run; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, after the last worker is reaped, however the run ended. */
  afterRun(run: Run, result: RunResult): void {
    void [run, result]; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, before each fork, the first of a worker and every later one. */
  beforeFork(worker: WorkerHandle): void {
    void worker; // Write here what is to happen, in place of this line.
  }

  /** Runs in a worker, once, before its first item: the place to open connections. */
  afterFork(worker: WorkerSelf): void {
    void worker; // Write here what is to happen, in place of this line.
  }

  /** Runs in a worker, before a graceful exit: the place to close connections. */
  beforeExit(worker: WorkerSelf): void {
    void worker; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, when a worker's process has been reaped. */
  afterExit(worker: WorkerHandle, exit: WorkerExit): void {
    void [worker, exit]; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, when an item was processed, and is awaited before the item is recorded as done. */
  afterProcess(item: Item, result: void, outcome: Outcome): void {
    void [item, result, outcome]; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, when an item is given up. */
  afterFailure(item: Item, error: ItemError, outcome: Outcome): void {
    void [item, error, outcome]; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, once for each item of `dispatch`. */
  key(item: Item): string {
    return JSON.stringify(item); // Put in its place what names it for good, such as its id.
  }
}
