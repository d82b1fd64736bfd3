import type { Parallelizable } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  afterRun(): void {}

  beforeRun(): void {}

  process(item: Item): void {
    console.log(item);
  }

  *dispatch(): Generator<Item> {
    yield 1;
  }
}
