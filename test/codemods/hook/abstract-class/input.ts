import type { Parallelizable } from '#divvy';

type Item = number;

export default abstract class Nightly implements Parallelizable<Item> {
  abstract dispatch(): Iterable<Item>;

  abstract process(item: Item): void;
}
