import type { Parallelizable } from '#divvy';

type Item = number;

export class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}

export class Hourly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}
