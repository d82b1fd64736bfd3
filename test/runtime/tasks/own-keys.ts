import type { ItemContext, Outcome } from '#divvy';

/** Items whose key is as the first argument says. */
export default class OwnKeys {
  *dispatch(): Generator<string> {
    yield 'a';
    yield 'b';
  }

  key(): string {
    const way = process.argv[2];
    if (way === 'throws') throw new Error('no key');
    if (way === 'a number') return 7 as unknown as string;
    if (way === 'empty') return '';
    if (way === 'long') return 'é'.repeat(257);
    return 'key a';
  }

  process(item: string, { key }: ItemContext): void {
    console.log(`process ${item}: ${key}`);
  }

  afterProcess(item: string, _result: unknown, { key }: Outcome): void {
    console.log(`done ${item}: ${key}`);
  }
}
