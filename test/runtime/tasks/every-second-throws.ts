import type { Parallelizable } from '#divvy';

/** Ten items, every second of which throws. */
export default class EverySecondThrows implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    for (let item = 0; item < 10; item++) yield item;
  }

  process(item: number): void {
    if (item % 2 === 1) throw new Error('an odd item');
  }
}
