import type { Parallelizable, Run } from '#divvy';

type Item = number;

function logged<This, Args extends unknown[], R>(method: (this: This, ...args: Args) => R): (this: This, ...args: Args) => R {
  return method;
}

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  @logged
  process(item: Item): void {
    console.log(item);
  }

  /** Runs in the master, before the first fork. */
  beforeRun(run: Run): void {
    void run; // Write here what is to happen, in place of this line.
  }

  @logged
  afterRun(): void {}
}
