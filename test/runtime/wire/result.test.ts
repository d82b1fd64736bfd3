// What process returned, on its way: what JSON can carry, what it cannot, and in which forms it arrives.
import { describe, expect, test } from 'vitest';
import { encodeResult, resultJson, resultValue } from '../../../runtime/wire/result.ts';

const BOTH = { asJson: true, asValue: true };
const JSON_ONLY = { asJson: true, asValue: false };

const jsonOf = (result: unknown): string =>
  `${resultJson(encodeResult(result, 'the result', 1000, JSON_ONLY), JSON_ONLY)}`;

describe('a result', () => {
  test.each([
    [undefined, 'null'],
    [null, 'null'],
    [{ a: undefined, b: [undefined, 1] }, '{"b":[null,1]}'],
    [-0, '0'],
    ['\uD800', '"\\ud800"'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [Buffer.from('a'), '{"type":"Buffer","data":[97]}'],
    [{ toJSON: () => ({ inner: [1] }) }, '{"inner":[1]}'],
    [JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
    ['x'.repeat(600), `"${'x'.repeat(600)}"`],
    [{ toJSON: () => undefined }, 'null'],
    [new URL('http://a/'), '"http://a/"'],
  ])('that JSON can carry is that JSON: %o', (result, json) => {
    expect(jsonOf(result)).toBe(json);
  });

  test('that occurs twice in itself is written twice', () => {
    const twice = { a: [1] };
    expect(jsonOf([twice, { twice }])).toBe('[{"a":[1]},{"twice":{"a":[1]}}]');
  });

  const circle: { deep: unknown[] } = { deep: [] };
  circle.deep.push({ again: circle });
  let nested: unknown = 1;
  for (let depth = 0; depth < 100_000; depth++) nested = [nested];
  test.each([
    [Number.NaN, 'the result is NaN, which JSON cannot carry'],
    [new Map(), 'the result is a Map, which JSON cannot carry'],
    [{ a: { b: new Set() } }, 'the result: .a.b is a Set, which JSON cannot carry'],
    [{ a: { ok: 1 }, c: [0, { d: 1n }] }, 'the result: .c.1.d is a bigint, which JSON cannot carry'],
    [{ f: () => {} }, 'the result: .f is a function, which JSON cannot carry'],
    [[Symbol('s')], 'the result: .0 is a symbol, which JSON cannot carry'],
    [{ e: new Error('no') }, 'the result: .e is an Error, which JSON cannot carry'],
    [{ at: new Date(Number.NaN) }, 'the result: .at is an invalid Date, which JSON cannot carry'],
    [{ bytes: new Uint8Array(1) }, 'the result: .bytes is an array of bytes or numbers, which JSON cannot carry'],
    [{ p: Promise.resolve() }, 'the result: .p is a promise (await it first), which JSON cannot carry'],
    [{ of: new Number(Number.NaN) }, 'the result: .of is NaN, which JSON cannot carry'],
    [
      { q: new URLSearchParams('a=b') },
      'the result: .q is an object without members that are its own, which JSON cannot carry',
    ],
    [
      { m: new Proxy(new Map(), {}) },
      'the result: .m is an object without members that are its own, which JSON cannot carry',
    ],
    [circle, 'the result: .deep.0.again contains itself, which JSON cannot carry'],
    [
      {
        get a() {
          throw new Error('broken');
        },
      },
      'the result cannot be written as JSON: broken',
    ],
    [nested, expect.stringMatching(/^the result.* cannot be written as JSON: Maximum call stack/)],
    [['x'.repeat(1000)], expect.stringMatching(/^the result comes to 1004 bytes of JSON, more than the 1000/)],
  ])('that it cannot carry fails, with the place in it: %#', (result, message) => {
    expect(() => jsonOf(result)).toThrow(expect.objectContaining({ name: 'UnfitError', permanent: true, message }));
  });

  test('for afterProcess, too, arrives in both forms', () => {
    const bytes = encodeResult({ at: new Date(0), n: undefined }, 'the result', 1000, BOTH);
    expect(`${resultJson(bytes, BOTH)}`).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
    expect(resultValue(bytes, BOTH)).toEqual({ at: new Date(0), n: undefined });
  });
});
