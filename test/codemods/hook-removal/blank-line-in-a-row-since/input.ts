import type { Parallelizable, Run, RunResult } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  /** Runs in the master, before the first fork. */
  async beforeRun(run: Run): Promise<void> {
    void run; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, after the last worker is reaped, however the run ended. */
  async afterRun(run: Run, result: RunResult): Promise<void> {
    void [run, result]; // Write here what is to happen, in place of this line.
  }


  /** Runs in the master, once for each item of `dispatch`. */
  key(item: Item): string {
    return JSON.stringify(item); // Put in its place what names it for good, such as its id.
  }
}
