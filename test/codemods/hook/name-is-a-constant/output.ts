import type { Parallelizable } from '#divvy';

const KEY = 'key' as const;

export default class Nightly implements Parallelizable<number> {
  [KEY](item: number): string {
    return `${item}`;
  }

  *dispatch() {
    yield 1;
  }

  process(item: number): void {
    console.log(item);
  }
}
