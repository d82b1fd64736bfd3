import type { Parallelizable } from '#divvy';

type Item = number;

class Other {
  method( {}
}

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}
