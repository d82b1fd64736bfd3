import type { Parallelizable } from '#divvy';

type Item = number;
type Report = { readonly bytes: number };

export default class Nightly implements Parallelizable<Item, Report> {
  *dispatch(): Generator<Item> {}

  async process(item: Item): Promise<Report> {
    return { bytes: item };
  }
}
