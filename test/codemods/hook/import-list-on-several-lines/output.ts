import type {
  ItemContext,
  ItemError,
  Outcome,
  Parallelizable,
  Run,
} from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item, context: ItemContext): void {
    console.log(item, context.number);
  }

  /** Runs in the master, before the first fork. */
  beforeRun(run: Run): void {
    void run; // Write here what is to happen, in place of this line.
  }

  /** Runs in the master, when an item is given up. */
  afterFailure(item: Item, error: ItemError, outcome: Outcome): void {
    void [item, error, outcome]; // Write here what is to happen, in place of this line.
  }
}
