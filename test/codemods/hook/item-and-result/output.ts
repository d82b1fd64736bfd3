import type { Outcome, Parallelizable } from '#divvy';

type Item = number;
type Report = { readonly bytes: number };

export default class Nightly implements Parallelizable<Item, Report> {
  *dispatch(): Generator<Item> {}

  async process(item: Item): Promise<Report> {
    return { bytes: item };
  }

  /** Runs in the master, when an item was processed, and is awaited before the item is recorded as done. */
  afterProcess(item: Item, result: Awaited<Report>, outcome: Outcome): void {
    void [item, result, outcome]; // Write here what is to happen, in place of this line.
  }
}
