import type { Parallelizable } from '#divvy';

export default class FirstItem implements Parallelizable<number> {
  dispatch(): Iterable<number> {
    return [1];
  }

  process(_item: number): void {
    console.log(JSON.stringify({ startedAt: performance.timeOrigin + performance.now() }));
  }
}
