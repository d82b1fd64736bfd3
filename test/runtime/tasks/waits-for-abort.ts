import { once } from 'node:events';
import type { ItemContext, Parallelizable } from '#divvy';

/** One item that waits for its signal alone, and so keeps nothing open that Node.js would wait for. */
export default class WaitsForAbort implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    yield 1;
  }

  async process(_item: number, { signal }: ItemContext): Promise<void> {
    console.log('waits');
    await once(signal, 'abort');
    console.log('aborted');
  }
}
