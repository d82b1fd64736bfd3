import type { Parallelizable } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  key(item: Item): string;
  /** Really. */
  key(item: Item, again?: boolean): string {
    return `${item}${again}`;
  }

  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}
