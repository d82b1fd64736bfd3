import { once } from 'node:events';
import type { ItemContext, Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

/** An item that ends when its signal is aborted, and says so. */
export default class Aborted implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    yield 1;
    yield 2;
  }

  async process(item: number, { signal }: ItemContext): Promise<void> {
    const aborted = once(signal, 'abort');
    void waitAtGate(`item ${item}`);
    await aborted;
    console.log(`aborted ${item}: ${signal.reason.name}: ${signal.reason.message}`);
    signal.throwIfAborted();
  }
}
