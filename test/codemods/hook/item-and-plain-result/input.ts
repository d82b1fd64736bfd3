import type { Parallelizable } from '#divvy';

export default class Nightly implements Parallelizable<number, string> {
  *dispatch(): Generator<number> {}

  async process(item: number): Promise<string> {
    return String(item);
  }
}
