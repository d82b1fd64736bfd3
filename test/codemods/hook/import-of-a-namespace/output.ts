import type * as divvy from '#divvy';

type Item = number;

export default class Nightly implements divvy.Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  /** Runs in the master, when an item is given up. */
  afterFailure(item: Item, error: divvy.ItemError, outcome: divvy.Outcome): void {
    void [item, error, outcome]; // Write here what is to happen, in place of this line.
  }
}
