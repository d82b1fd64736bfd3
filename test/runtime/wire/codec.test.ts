// What is carried arrives as v8.serialize would have it, whichever way it goes.
import { inspect, isDeepStrictEqual } from 'node:util';
import v8 from 'node:v8';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { bytesOf, decodeValue, encodeValue } from '../../../runtime/wire/codec.ts';
import { encode, FrameReader } from '../../../runtime/wire/frames.ts';

const key = fc.oneof(fc.string({ unit: 'binary', maxLength: 5 }), fc.constantFrom('__proto__', 'toJSON', '0', '-1'));
/** Node.js 22 takes no two invalid dates for equal: they have a test of their own. */
const isComparable = (value: unknown): boolean => !inspect(value, { depth: null }).includes('Invalid Date');
const anything = fc
  .anything({
    key,
    maxDepth: 4,
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
    withUnicodeString: true,
  })
  .filter(isComparable);

class Point {
  x = 1;
}

const shared = { there: 'twice' };
const circle: Record<string, unknown> = { name: 'round' };
circle['self'] = circle;
const match = 'abc'.match(/b/);

const values: [string, unknown][] = [
  ['minus zero', -0],
  ['minus zero in an object', { a: [-0] }],
  ['no number', { a: Number.NaN, b: Number.POSITIVE_INFINITY }],
  ['undefined', undefined],
  ['a field that is undefined', { a: undefined, b: 1 }],
  ['half a character', { a: '\ud800' }],
  ['half a character in a long string', `${'x'.repeat(1000)}\ud800`],
  ['a long string', 'ünï'.repeat(1000)],
  ['a string of any length', 'x'.repeat(511)],
  ['an array with a hole', Object.assign(new Array(3), { 0: 1, 2: 3 })],
  ['an array with more than its elements', match],
  ['an array with a hole and a field besides', Object.assign(new Array(2), { 0: 1, more: 2 })],
  ['what is there twice', { a: shared, b: [shared] }],
  ['a circle', circle],
  ['a field named __proto__', JSON.parse('{"__proto__": {"polluted": true}, "a": 1}')],
  ['a class instance', new Point()],
  ['an object of no prototype', Object.assign(Object.create(null), { a: 1 })],
  ['a Buffer', Buffer.from('bytes')],
  ['an empty Buffer', Buffer.alloc(0)],
  ['a typed array', new Float64Array([1.5, -0])],
  ['a getter', Object.defineProperty({}, 'a', { enumerable: true, get: () => 7 })],
  ['a field that is not listed', Object.defineProperty({ b: 1 }, 'a', { enumerable: false, value: 7 })],
  ['a field named by a symbol', { [Symbol('s')]: 1, a: 2 }],
  ['many values', Array.from({ length: 65 }, (_, index) => index)],
  ['deeply nested', JSON.parse(`${'['.repeat(70)}1${']'.repeat(70)}`)],
];

/** By each of the ways that it may go: as an item in a frame, and as a result. */
function carried(value: unknown): unknown[] {
  const body = encodeValue(value, 'it', Infinity);
  const reader = new FrameReader(0);
  reader.allowItems(2 ** 30);
  const bytes = Buffer.concat(
    encode({
      kind: 'items',
      batchAcks: true,
      runs: [{ number: 1, attempt: 1, hasKeys: false, payloads: [{ key: '', body }] }],
    }),
  );
  const message = reader.read(bytes);
  const item = message && 'items' in message ? message.items[0] : undefined;
  return [item?.value(), item?.value(), decodeValue(bytesOf(body))];
}

test.for(values)('%s', ([, value]) => {
  const expected = v8.deserialize(v8.serialize(value));
  for (const arrived of carried(value)) expect(isDeepStrictEqual(arrived, expected)).toBe(true);
});

test('anything that can be carried', () => {
  fc.assert(
    fc.property(anything, (value) => {
      const expected = v8.deserialize(v8.serialize(value));
      return carried(value).every((arrived) => isDeepStrictEqual(arrived, expected));
    }),
    { numRuns: 2000 },
  );
});

test('a field is read once: a getter may say something else the next time', () => {
  let times = 0;
  const item = {
    get a(): unknown {
      times += 1;
      return times === 1 ? 'first' : () => 'a function';
    },
  };
  for (const arrived of carried(item)) expect(arrived).toEqual({ a: 'first' });
  expect(times).toBe(1);
});

test('a toJSON that somebody has given to all objects is not gone by', () => {
  const everything = Object.prototype as { toJSON?: () => string };
  onTestFinished(() => void delete everything.toJSON);
  everything.toJSON = () => 'not this';
  const body = encodeValue({ a: [1] }, 'it', Infinity);
  delete everything.toJSON;
  expect(decodeValue(body)).toEqual({ a: [1] });
});

test('an invalid date', () => {
  for (const arrived of carried(new Date(Number.NaN))) {
    expect(arrived).toBeInstanceOf(Date);
    expect(Number((arrived as Date).getTime())).toBeNaN();
  }
});

test('a list with a hole and a name', () => {
  const list: number[] & { name?: number } = [1];
  list.length = 2;
  list.name = 5;
  for (const arrived of carried(list)) expect(isDeepStrictEqual(arrived, list)).toBe(true);
});

test('what is there twice is the same thing when it arrives', () => {
  for (const arrived of carried({ a: shared, b: shared })) {
    const { a, b } = arrived as { a: object; b: object };
    expect(a).toBe(b);
  }
});

test('each time that it is read it is another', () => {
  const [first, second] = carried({ list: [1] }) as { list: number[] }[];
  first?.list.push(2);
  expect(second).toEqual({ list: [1] });
});

test('the task may go on with what it has yielded', () => {
  const bytes = Buffer.from('bytes');
  const body = encodeValue(bytes, 'it', Infinity);
  bytes.fill(0);
  expect(decodeValue(body)).toEqual(Buffer.from('bytes'));
});
