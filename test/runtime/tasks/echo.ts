import type { Parallelizable } from '#divvy';

/** What came back from the workers, by the item's number. */
export const received = new Map<number, unknown>();

/** Returns each item as it came. The items are the program's, by the option `items`. */
// biome-ignore lint/suspicious/noExplicitAny: any item that there may be
export default class Echo implements Parallelizable<any, unknown> {
  *dispatch(): Generator<never> {}

  process(item: unknown): unknown {
    return item;
  }

  afterProcess(_item: unknown, result: unknown, { number }: { number: number }): void {
    received.set(number, result);
  }
}
