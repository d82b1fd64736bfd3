import type { ItemError, Outcome as DivvyDivvyOutcome, Parallelizable } from '#divvy';

type Item = number;

type Outcome = 'good' | 'bad';
type DivvyOutcome = Outcome;

export default class Nightly implements Parallelizable<Item> {
  readonly last: DivvyOutcome = 'good';

  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  /** Runs in the master, when an item is given up. */
  afterFailure(item: Item, error: ItemError, outcome: DivvyDivvyOutcome): void {
    void [item, error, outcome]; // Write here what is to happen, in place of this line.
  }
}
