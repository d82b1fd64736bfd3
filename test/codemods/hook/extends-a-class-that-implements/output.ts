import type { Outcome, Parallelizable } from '#divvy';

type Item = number;

class Base implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}

export default class Nightly extends Base {
  readonly retries = 3;

  /** Runs in the master, when an item was processed, and is awaited before the item is recorded as done. */
  afterProcess(item: Item, result: void, outcome: Outcome): void {
    void [item, result, outcome]; // Write here what is to happen, in place of this line.
  }
}
