import type { Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

/** A dispatch that waits at the gate before its one item, and so before there is any worker. */
export default class GatedDispatch implements Parallelizable<number> {
  async *dispatch(): AsyncGenerator<number> {
    await waitAtGate('dispatch');
    yield 1;
  }

  process(item: number): void {
    console.log(`processed ${item}`);
  }
}
