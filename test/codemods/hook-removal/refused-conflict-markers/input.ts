import type { Parallelizable } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
<<<<<<< HEAD
    yield 1;
=======
    yield 2;
>>>>>>> theirs
  }

  process(item: Item): void {
    console.log(item);
  }
}
