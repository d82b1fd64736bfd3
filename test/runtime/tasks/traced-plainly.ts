// Prints what is around each of its items, and around dispatch. For the module ../programs/tracer.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ItemContext, Parallelizable } from '#divvy';
import { around } from '../programs/tracer.ts';

export default class TracedPlainly implements Parallelizable<string> {
  async *dispatch(): AsyncGenerator<string> {
    console.log(`dispatch in ${around.getStore()}`);
    yield* process.argv.slice(2);
  }

  key(item: string): string {
    return item;
  }

  process(item: string, { attempt }: ItemContext): void | Promise<void> {
    const say = (): void => console.log(`${item} in ${around.getStore()}, ${process.env['TRACED_BY']}`);
    if (item === 'later') return sleep(5).then(say);
    say();
    if (item === 'throws' && attempt === 1) throw new Error('it throws');
    if (item === 'rejects' && attempt === 1) return Promise.reject(new Error('it rejects'));
  }

  beforeExit(): void {
    console.log('exits');
  }
}
