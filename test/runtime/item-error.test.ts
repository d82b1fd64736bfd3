// What is thrown in a worker, as data: what it carries is kept, in bounded size; and what is forged is refused.
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { itemErrorFrom, ProtocolError, toItemError } from '../../runtime/errors.ts';
import type { ItemError } from '../../runtime/parallelizable.ts';

const sizeOf = (error: ItemError): number => Buffer.byteLength(JSON.stringify(error));
/** As it arrives. */
const carried = (thrown: unknown): ItemError => itemErrorFrom(JSON.parse(JSON.stringify(toItemError(thrown))));

describe('what an error carries is kept', () => {
  test('fields of its own, as JSON can say them', () => {
    const fields = { status: 409, row: { id: 7, tags: ['a', 'b'], at: new Date(0) }, big: 10n, ok: true, none: null };
    const error = Object.assign(new Error('no'), fields, { undef: undefined, call: (): void => {}, permanent: true });
    expect(carried(error).fields).toEqual({
      ...{ status: 409, row: { id: 7, tags: ['a', 'b'], at: '1970-01-01T00:00:00.000Z' } },
      ...{ big: '10n', ok: true, none: null },
    });
    expect(carried(new Error('no'))).not.toHaveProperty('fields');
  });

  test('the errors of an AggregateError, and causes, with their codes and fields', () => {
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', port: 9 });
    const error = new TypeError('fetch failed', { cause: new AggregateError([refused, 'text'], '') });
    expect(carried(error)).toMatchObject({
      ...{ name: 'TypeError', message: 'fetch failed' },
      cause: {
        ...{ name: 'AggregateError', message: '' },
        errors: [
          { name: 'Error', message: 'refused', code: 'ECONNREFUSED', fields: { port: 9 } },
          { name: 'NonError', message: "'text'" },
        ],
      },
    });
  });

  test('a list of errors that are none is a field', () => {
    const error = Object.assign(new Error('invalid'), { errors: [{ path: 'a', message: 'missing' }] });
    expect(carried(error)).toMatchObject({ fields: { errors: [{ path: 'a', message: 'missing' }] } });
    expect(carried(error)).not.toHaveProperty('errors');
  });

  test('of another realm', () => {
    const foreign: unknown = runInNewContext(
      'Object.assign(new TypeError("no", { cause: new Error("why") }), { id: 5 })',
    );
    expect(carried(foreign)).toMatchObject({
      ...{ name: 'TypeError', message: 'no', fields: { id: 5 }, cause: { name: 'Error', message: 'why' } },
      stack: expect.stringContaining('TypeError: no\n    at'),
    });
  });

  test('what cannot be looked at does not hide the rest', () => {
    const error = Object.assign(new Error('no'), { id: 5 });
    for (const part of ['cause', 'errors', 'code', 'stack', 'secret'])
      Object.defineProperty(error, part, {
        enumerable: true,
        get() {
          throw new Error('looked at');
        },
      });
    const unseen = '(throws when it is looked at)';
    expect(carried(error)).toEqual({
      ...{ name: 'Error', message: 'no', fields: { id: 5, errors: unseen, secret: unseen } },
    });
  });
});

/** An error with so many causes: `cause 1`, …, the last of them `root`. */
function chain(causes: number, root: unknown = new Error('root'), text = ''): Error {
  let at = root;
  for (let number = causes - 1; number > 0; number--) at = new Error(`cause ${number}${text}`, { cause: at });
  return new Error(`first${text}`, { cause: at });
}

function* links(error: ItemError): Generator<ItemError> {
  for (let at: ItemError | undefined = error; at; at = at.cause) yield at;
}

describe('of a long chain of causes the first ones are kept, and the innermost', () => {
  const messages = (error: ItemError): string[] => [...links(error)].map(({ message }) => message.slice(0, 7));
  const leftOut = (error: ItemError): (number | undefined)[] => [...links(error)].map((each) => each.causesLeftOut);

  test('eight causes are all kept', () => {
    const error = carried(chain(8));
    expect(messages(error)).toEqual(['first', ...[1, 2, 3, 4, 5, 6, 7].map((at) => `cause ${at}`), 'root']);
    expect(leftOut(error)).toEqual(Array(9).fill(undefined));
  });

  test('of more than eight it is known how many are left out, and where', () => {
    const error = carried(chain(30));
    expect(messages(error)).toEqual(['first', ...[1, 2, 3, 4, 5, 6, 7].map((at) => `cause ${at}`), 'root']);
    expect(leftOut(error)).toEqual([...Array(7).fill(undefined), 22, undefined]);
  });

  test('also where there is no room for all of them', () => {
    const error = carried(chain(8, new Error('root'), '\u0000'.repeat(5000)));
    const all = messages(error);
    expect([all[0], all[1], all.at(-1)]).toEqual(['first\u0000\u0000', 'cause 1', 'root']);
    expect(leftOut(error).at(-2)).toBe(9 - all.length);
  });

  test('also where the first one fills all of it', () => {
    const error = carried(new Error('\u0000'.repeat(50_000), { cause: new Error('root') }));
    expect(error.cause?.message).toBe('root');
  });

  test('with the errors that the innermost stands for', () => {
    const root = new AggregateError([new Error('a'), new Error('b')], '');
    for (const causes of [1, 7, 8, 9, 20])
      expect([...links(carried(chain(causes, root)))].at(-1)).toMatchObject({
        errors: [{ message: 'a' }, { message: 'b' }],
      });
  });

  test('a chain that leads back into itself ends there', () => {
    const error = chain(2);
    (error.cause as Error).cause = error;
    expect(messages(carried(error))).toEqual(['first', 'cause 1']);
  });

  test('a chain without an end', () => {
    class Endless extends Error {
      override get cause(): Error {
        return new Endless('more');
      }
    }
    expect(messages(carried(new Endless('first')))).toHaveLength(9);
  });
});

describe('how many errors one stands for', () => {
  const many = (count: number): Error =>
    new AggregateError(Array.from({ length: count }, (_, at) => new Error(`part ${at}`)));

  test('is known, also where only the first eight are kept', () => {
    const error = carried(many(500));
    expect(error.errors).toHaveLength(8);
    expect(error.errorCount).toBe(500);
    expect(carried(many(8))).not.toHaveProperty('errorCount');
  });

  test('also at the deepest place, where none is kept', () => {
    let deep = many(20);
    for (let depth = 0; depth < 8; depth++) deep = new AggregateError([deep]);
    let error: ItemError | undefined = carried(deep);
    for (let depth = 0; depth < 8; depth++) error = error?.errors?.[0];
    expect(error).toMatchObject({ errorCount: 20 });
    expect(error).not.toHaveProperty('errors');
  });

  test('one that throws when it is looked at does not hide the others', () => {
    const errors = [new Error('a'), new Error('b')];
    Object.defineProperty(errors, 0, {
      get() {
        throw new Error('looked at');
      },
    });
    const error = new Error('several');
    Object.defineProperty(error, 'errors', { value: errors });
    expect(carried(error)).toMatchObject({ message: 'several', errors: [{ name: 'NonError' }, { message: 'b' }] });
  });
});

describe('all of it is bounded', () => {
  const loop = new Error('loop');
  loop.cause = new AggregateError(Array(20).fill(loop), 'more', { cause: loop });
  const wide: Record<string, unknown> = {};
  for (let at = 0; at < 1000; at++) wide[`field${at}`] = { text: 'ü'.repeat(100_000), list: Array(10_000).fill(wide) };
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  let nested: Error = new Error('\u0000'.repeat(100_000));
  for (let depth = 0; depth < 100; depth++) {
    nested = new AggregateError([nested, nested, nested], '\u0000\ud800'.repeat(100_000), { cause: nested });
  }

  test.each([
    ['an error that is its own cause, and aggregates itself', loop],
    ['large fields', Object.assign(new Error('no'), wide)],
    ['a field that holds itself', Object.assign(new Error('no'), { cyclic })],
    ['a message of a megabyte', new Error('x'.repeat(1_000_000))],
    ['what JSON must escape, nested', nested],
    ['a text', 'x'.repeat(1_000_000)],
  ])('%s', (_, thrown) => {
    const error = toItemError(thrown);
    expect(sizeOf(error)).toBeLessThanOrEqual(64 * 1024 + 2048);
    expect(itemErrorFrom(JSON.parse(JSON.stringify(error)))).toEqual(JSON.parse(JSON.stringify(error)));
  });

  test.each([0, 1, 2, 3])('no character is cut in two, %i characters in', (before) => {
    const text = 'x'.repeat(before) + '👩‍🚀'.repeat(100_000);
    const error = toItemError(Object.assign(new Error(text, { cause: new Error(text, { cause: text }) }), { text }));
    expect(JSON.stringify(error)).not.toMatch(/\\u[dD][89a-fA-F]/);
  });

  test('at most 20 fields of 1 KB each', () => {
    const fields = toItemError(Object.assign(new Error('no'), wide)).fields ?? {};
    expect(Object.keys(fields)).toHaveLength(20);
    for (const field of Object.values(fields))
      expect(Buffer.byteLength(JSON.stringify(field))).toBeLessThanOrEqual(1200);
  });

  test('a message of a megabyte leaves the stack its frames', () => {
    expect(toItemError(new Error('x'.repeat(1_000_000))).stack).toMatch(/item-error\.test\.ts/);
  });
});

const good = {
  name: 'E',
  message: 'm',
  stack: 's',
  code: 1,
  fields: { a: [1] },
  errors: [{ name: 'E', message: 'm' }],
};

test('what a task writes to its worker’s socket by itself is an error only where it has the form of one', () => {
  expect(itemErrorFrom({ ...good, cause: good })).toEqual({ ...good, cause: good });
  let deep: object = good;
  for (let depth = 0; depth < 10; depth++) deep = { ...good, cause: deep };
  for (const forged of [
    ...[null, undefined, 'text', [], {}, { name: 'E' }, { ...good, message: 5 }, { ...good, stack: {} }],
    ...[
      { ...good, code: {} },
      { ...good, fields: [] },
      { ...good, fields: null },
      { ...good, fields: 'x' },
    ],
    ...[{ ...good, errors: 'x' }, { ...good, errors: [5] }, { ...good, errors: Array(9).fill(good) }, deep],
    ...[
      { ...good, errorCount: 'x' },
      { ...good, errorCount: -1 },
      { ...good, errorCount: 1.5 },
      { ...good, errorCount: 1e300 },
      { ...good, causesLeftOut: null },
      { ...good, causesLeftOut: 0 },
    ],
    ...[
      { ...good, cause: 'x' },
      { ...good, message: 'x'.repeat(200_000) },
      { ...good, fields: { a: 'x'.repeat(200_000) } },
    ],
    { ...good, fields: Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`f${at}`, 1])) },
  ]) {
    expect(() => itemErrorFrom(forged), JSON.stringify(forged)?.slice(0, 100)).toThrow(ProtocolError);
  }
});
