import type {
  ItemContext, // What process is told.
  Parallelizable // The contract.
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
