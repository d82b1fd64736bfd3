import type { Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

/** As many items as the first argument says, each of which waits at the gate. */
export default class Gated implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= Number(process.argv[2]); item++) yield item;
  }

  async process(item: number): Promise<void> {
    await waitAtGate(`item ${item}`);
    console.log(`finished ${item}`);
  }
}
