import type { Parallelizable } from '#divvy';

abstract class Base<T extends string> implements Parallelizable<T> {
  abstract dispatch(): Iterable<T>;

  process(item: T): void {
    console.log(item);
  }
}

export default class Nightly extends Base<'a'> {
  *dispatch(): Generator<'a'> {}
}
