import type { ItemError, Outcome } from '#divvy';

class Point {
  x = 1;
  get double(): number {
    return this.x * 2;
  }
}

const deep: { next?: unknown } = {};
for (let at = deep, depth = 0; depth < 100_000; depth++) at = at.next = {};

function trap(): never {
  throw new Error('trap');
}

/** Yields one by one what cannot be carried, and between them what can, which goes on. */
export default class Unfit {
  *dispatch(): Generator<unknown> {
    yield { id: 1 };
    yield { id: 2 };
    yield { retry(): void {} };
    yield { list: [1, { 'odd key': Symbol('s') }] };
    yield { map: new Map([['k', { f: (): void => {} }]]) };
    yield new Set([(): void => {}]);
    yield { later: Promise.reject(new Error('by which nobody is stopped')) };
    yield {
      get broken(): never {
        throw new Error('not today');
      },
    };
    yield { proxy: new Proxy({}, { ownKeys: trap }) };
    yield (): void => {};
    yield Symbol('s');
    yield new WeakMap();
    yield deep;
    yield Buffer.alloc(1024 * 1024);
    yield new Point();
    const mutated = { value: 'as yielded' };
    yield mutated;
    mutated.value = 'changed afterwards';
  }

  process(item: { id?: number; double?: number }): unknown {
    console.log(`processed ${JSON.stringify(item)} ${item.constructor.name}`);
    if (item.id === 1) return { back: { call(): void {} } };
    if (item.id === 2) return Buffer.alloc(1024 * 1024);
    return undefined;
  }

  afterProcess(): void {}

  afterFailure(_item: unknown, error: ItemError, { number, attempts }: Outcome): void {
    console.log(`failed ${number} after ${attempts}: ${error.name}: ${error.message}`);
  }
}
