import type { ItemError, Outcome, Parallelizable } from '#divvy';

export default class Nightly implements Parallelizable<{ readonly id: number; readonly tags: string[] }> {
  *dispatch(): Generator<{ readonly id: number; readonly tags: string[] }> {}

  process(): void {}

  /** Runs in the master, when an item is given up. */
  afterFailure(item: { readonly id: number; readonly tags: string[] }, error: ItemError, outcome: Outcome): void {
    void [item, error, outcome]; // Write here what is to happen, in place of this line.
  }
}
