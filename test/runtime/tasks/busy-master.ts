import { writeSync } from 'node:fs';
import type { Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

/** Two items, the first of which waits at the gate; WINCH keeps the master's thread busy for three seconds. */
export default class BusyMaster implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    process.once('SIGWINCH', beBusy);
    yield 1;
    yield 2;
  }

  async process(item: number): Promise<void> {
    if (item === 1) await waitAtGate('item 1');
    console.log(`finished ${item}`);
  }
}

function beBusy(): void {
  writeSync(1, 'busy\n');
  for (const end = performance.now() + 3000; performance.now() < end; );
}
