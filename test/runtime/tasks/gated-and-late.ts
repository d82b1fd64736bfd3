import { once } from 'node:events';
import type { ItemContext, Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

/** Two items that wait at the gate. The first is surely too late: it waits for its signal as well. */
export default class GatedAndLate implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    yield* [1, 2];
  }

  async process(item: number, { signal }: ItemContext): Promise<void> {
    const aborted = item === 1 && once(signal, 'abort');
    await waitAtGate(`item ${item}`);
    await aborted;
  }
}
