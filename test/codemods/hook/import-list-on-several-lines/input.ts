import type {
  ItemContext,
  Parallelizable,
} from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item, context: ItemContext): void {
    console.log(item, context.number);
  }
}
