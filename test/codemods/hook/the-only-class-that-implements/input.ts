import type { Parallelizable } from '#divvy';

type Item = number;

class Client {
  close(): void {}
}

export class Nightly implements Parallelizable<Item> {
  readonly client = new Client();

  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}
