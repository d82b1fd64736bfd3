import type { Parallelizable, Run } from '#divvy';

type Item = number;
type Last = Run | undefined;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}
