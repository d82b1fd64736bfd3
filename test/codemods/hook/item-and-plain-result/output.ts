import type { Outcome, Parallelizable } from '#divvy';

export default class Nightly implements Parallelizable<number, string> {
  *dispatch(): Generator<number> {}

  async process(item: number): Promise<string> {
    return String(item);
  }

  /** Runs in the master, when an item was processed, and is awaited before the item is recorded as done. */
  afterProcess(item: number, result: string, outcome: Outcome): void {
    void [item, result, outcome]; // Write here what is to happen, in place of this line.
  }
}
