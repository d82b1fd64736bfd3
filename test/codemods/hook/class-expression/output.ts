import type { Parallelizable, WorkerExit, WorkerHandle } from '#divvy';

type Item = number;

const Nightly = class implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  /** Runs in the master, when a worker's process has been reaped. */
  afterExit(worker: WorkerHandle, exit: WorkerExit): void {
    void [worker, exit]; // Write here what is to happen, in place of this line.
  }
};

export default Nightly;
