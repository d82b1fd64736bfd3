import type { Parallelizable, Run } from '#divvy';

type Item = number;

class Base implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}

export default class Nightly extends Base { // Nothing changes.
  /** Runs in the master, before the first fork. */
  beforeRun(run: Run): void {
    void run; // Write here what is to happen, in place of this line.
  }

  afterRun(): void {}
}
