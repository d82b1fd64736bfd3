import { once } from 'node:events';
import type { ItemContext, Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

const [count, ...deaf] = process.argv.slice(2);

/** As many items as the first argument says. Each waits at the gate, and obeys its signal, except those that the other arguments name. */
export default class Controlled implements Parallelizable<number> {
  total(): number {
    return Number(count);
  }

  *dispatch(): Generator<number> {
    for (let item = 1; item <= Number(count); item++) yield item;
  }

  key(item: number): string {
    return `key ${item}`;
  }

  async process(item: number, { attempt, signal }: ItemContext): Promise<void> {
    console.log(`begun ${item}, attempt ${attempt}`);
    const gate = waitAtGate(`item ${item}`);
    if (deaf.includes(String(item))) return gate;
    await Promise.race([gate, once(signal, 'abort')]);
    if (signal.aborted) console.log(`${item} is aborted: ${(signal.reason as Error).name}`);
    signal.throwIfAborted();
  }
}
