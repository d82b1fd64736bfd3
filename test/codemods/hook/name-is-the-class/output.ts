import type { Parallelizable, Run as DivvyRun, RunResult } from '#divvy';

type Item = number;

export default class Run implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  /** Runs in the master, before the first fork. */
  beforeRun(run: DivvyRun): void {
    void run; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, after the last worker is reaped, however the run ended. */
  afterRun(run: DivvyRun, result: RunResult): void {
    void [run, result]; // Write here what is to happen, in place of this line.
  }
}
