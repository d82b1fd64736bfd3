import type { Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

/** One item, which says what process it is in, and waits at the gate. */
export default class ShowsItself implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    yield 1;
  }

  async process(): Promise<void> {
    console.log(`worker process ${process.pid}`);
    await waitAtGate('item');
  }
}
