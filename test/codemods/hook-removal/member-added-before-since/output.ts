import type { Parallelizable } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  mine(): void {}
}
