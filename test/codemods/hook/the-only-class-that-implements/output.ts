import type { Parallelizable, WorkerSelf } from '#divvy';

type Item = number;

class Client {
  close(): void {}
}

export class Nightly implements Parallelizable<Item> {
  readonly client = new Client();

  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  /** Runs in a worker, before a graceful exit: the place to close connections. */
  beforeExit(worker: WorkerSelf): void {
    void worker; // Write here what is to happen, in place of this line.
  }
}
