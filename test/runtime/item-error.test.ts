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
      { ...good, cause: 'x' },
      { ...good, message: 'x'.repeat(200_000) },
      { ...good, fields: { a: 'x'.repeat(200_000) } },
    ],
    { ...good, fields: Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`f${at}`, 1])) },
  ]) {
    expect(() => itemErrorFrom(forged), JSON.stringify(forged)?.slice(0, 100)).toThrow(ProtocolError);
  }
});
