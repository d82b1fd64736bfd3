import type { Parallelizable } from '#divvy';

type Item = number;

type Constructor = new () => Parallelizable<Item>;

const Nightly = class implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
} satisfies Constructor;

export default Nightly;
