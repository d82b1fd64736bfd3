import type * as divvy from '#divvy';

type Item = number;

export default class Nightly implements divvy.Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}
