import type { Parallelizable } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  // A key.
  /**
   * Of an item.
   */
  key(item: Item): string {
    return `${item}`;
  } // done

  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}
