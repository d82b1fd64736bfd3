import type { Parallelizable, WorkerSelf } from '#divvy';
import { waitAtGate } from './gate.ts';

const [state = ''] = process.argv.slice(2);

/** Four items that are soon done, and workers that the first argument holds at the gate: while they are booting, or draining. */
export default class Held implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= 4; item++) yield item;
  }

  async afterFork({ number }: WorkerSelf): Promise<void> {
    if (state === 'booting') await waitAtGate(`worker ${number}`);
  }

  process(item: number): void {
    console.log(`finished ${item}`);
  }

  async beforeExit({ number }: WorkerSelf): Promise<void> {
    if (state === 'draining') await waitAtGate(`worker ${number}`);
    console.log(`left ${number}`);
  }
}
