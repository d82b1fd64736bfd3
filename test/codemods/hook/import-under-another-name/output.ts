import type { Run as Night, Parallelizable as Task } from '#divvy';

type Item = number;

export default class Nightly implements Task<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  /** Runs in the master, before the first fork. */
  beforeRun(run: Night): void {
    void run; // Write here what is to happen, in place of this line.
  }

  afterRun(night: Night): void {
    console.log(night.runId);
  }
}
