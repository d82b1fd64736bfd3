import { type Parallelizable, PermanentError } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    throw new PermanentError(String(item));
  }
}
