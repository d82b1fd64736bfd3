import type { Parallelizable } from '#divvy';

type Item = number;

const Base = class implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
};

export default class Nightly extends Base {
  // Nothing of its own yet.
}
