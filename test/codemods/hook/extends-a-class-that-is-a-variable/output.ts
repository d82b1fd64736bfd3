import type { ItemError, Outcome, Parallelizable } from '#divvy';

type Item = number;

const Base = class implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
};

export default class Nightly extends Base {
  /** Runs in the master, when an item is given up. */
  afterFailure(item: Item, error: ItemError, outcome: Outcome): void {
    void [item, error, outcome]; // Write here what is to happen, in place of this line.
  }

  // Nothing of its own yet.
}
