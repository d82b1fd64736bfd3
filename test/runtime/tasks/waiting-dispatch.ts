import type { Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

/** One item that is soon done, and a dispatch that then waits for the gate. */
export default class WaitingDispatch implements Parallelizable<number> {
  async *dispatch(): AsyncGenerator<number> {
    yield 1;
    await waitAtGate('dispatch');
    yield 2;
  }

  process(item: number): void {
    console.log(`processed ${item}`);
  }
}
