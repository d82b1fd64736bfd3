import { type Parallelizable, PermanentError, type Run, type WorkerHandle } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    throw new PermanentError(String(item));
  }

  /** Runs in the master, before the first fork. */
  beforeRun(run: Run): void {
    void run; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, before each fork, the first of a worker and every later one. */
  beforeFork(worker: WorkerHandle): void {
    void worker; // Write here what is to happen, in place of this line.
  }
}
