import type { Parallelizable } from '#divvy';

type Item = number;

/** Runs at night. */
export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}
