// Sends values of every kind to a worker and back, and once through runInline; says what did not come back as it was.
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { Master, runInline } from '#divvy';
import Echo, { received } from '../tasks/echo.ts';

const seed = Number(process.argv[2]);
const leaf = fc.oneof(
  fc.constantFrom(undefined, -0, Number.NaN, Infinity, /a+/gi, new Error('no', { cause: 1 }), new RangeError('far')),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.uint8Array().map((bytes) => bytes.slice().buffer),
);
/** Node.js 22 takes no two invalid dates for equal. */
const isComparable = (value: unknown): boolean => !inspect(value, { depth: null }).includes('Invalid Date');
const any = fc
  .anything({
    maxDepth: 3,
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withBoxedValues: true,
    values: [leaf, fc.string({ unit: 'binary' }), fc.double(), fc.boolean(), fc.integer()],
  })
  .filter(isComparable);

const cycle: { self?: unknown; twice: unknown[] } = { twice: [] };
cycle.self = cycle;
cycle.twice = [cycle.twice, cycle];
const loop = new Map<unknown, unknown>();
loop.set(loop, new Set([loop]));
const own = JSON.parse('{"__proto__": {"polluted": true}}') as unknown;
// biome-ignore lint/suspicious/noExplicitAny: any item that there may be
const sent: any[] = [cycle, loop, own, ...fc.sample(any, { numRuns: 400, seed })];

const wrong: string[] = [];
const compare = (by: string, number: number, actual: unknown): void => {
  try {
    assert.deepStrictEqual(actual, sent[number - 1]);
    if (Buffer.isBuffer(sent[number - 1]) !== Buffer.isBuffer(actual)) throw new Error('a Buffer is none any more');
  } catch (error) {
    wrong.push(`${by}, item ${number}: ${(error as Error).message}`);
  }
};

const { counts } = await new Master(new URL('../tasks/echo.ts', import.meta.url), {
  workers: 2,
  concurrency: 5,
  items: sent,
}).run();
for (let number = 1; number <= sent.length; number++) compare('worker', number, received.get(number));
for (const outcome of await runInline(Echo, { items: sent })) {
  compare('inline', outcome.number, outcome.done ? outcome.result : outcome.error);
}
console.log(
  JSON.stringify({ done: counts.done, sent: sent.length, polluted: 'polluted' in {}, wrong: wrong.slice(0, 3) }),
);
