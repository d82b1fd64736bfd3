import type { Parallelizable } from '#divvy';

type Item = number;

class Base {
  key(): string {
    return "";
  }
}

export default class Nightly extends Base implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}
