/**
 * Items of every kind that can be carried; with the argument `unfit`, some that can't be. ledger.ndjson in the folder
 * that the run was started in says whether each arrived as it was dispatched.
 */

import { appendFileSync } from 'node:fs';
import { inspect, isDeepStrictEqual } from 'node:util';
import type { ItemContext, Outcome } from '#divvy';

const isUnfit = process.argv[2] === 'unfit';

interface Circle {
  readonly name: string;
  self?: Circle;
}

function carried(): unknown[] {
  const circle: Circle = { name: 'a circle' };
  circle.self = circle;
  const twice = { name: 'twice' };
  return [
    { date: new Date(86_400_000), expression: /a+b/giu },
    new Map<unknown, unknown>([
      ['set', new Set([1n, 'two'])],
      [{ a: 'key' }, new Map()],
    ]),
    2n ** 70n,
    { a: undefined, b: null, c: [undefined, null] },
    undefined,
    null,
    -0,
    [-0, Number.NaN, Infinity, -Infinity],
    Buffer.from([0, 1, 2, 10, 255]),
    { bytes: new Uint16Array([1, 65_535]), floats: new Float64Array([0.1, -0]), buffer: new ArrayBuffer(3) },
    circle,
    [twice, twice],
    // biome-ignore lint/suspicious/noSparseArray: a hole must stay a hole
    [1, , 3],
    { plain: ['ä', '😀', '\ud800', '\u0000', '__proto__'], yes: true, no: false, tiny: 5e-324 },
    `a long text: ${'ä😀'.repeat(2000)}`,
    new RangeError('an error', { cause: 'a cause' }).message,
    { deep: [[[[[{ date: new Date(0) }]]]]] },
  ];
}

function unfit(): unknown[] {
  return ['the first', { retry: (): void => {} }, { list: [Symbol('no')] }, Buffer.alloc(3 * 1024 * 1024), 'the last'];
}

const values = isUnfit ? unfit() : carried();

export default class Values {
  *dispatch(): Generator<unknown> {
    yield* values;
  }

  process(item: unknown, { number }: ItemContext): unknown {
    look('item', item, number);
    return item;
  }

  afterProcess(item: unknown, result: unknown, { number }: Outcome): void {
    look('item in afterProcess', item, number);
    look('result', result, number);
  }
}

function look(what: string, value: unknown, number: number): void {
  const wanted = values[number - 1];
  const came = isDeepStrictEqual(value, wanted) && isSameInside(value, wanted) ? 'whole' : shown(value);
  appendFileSync('ledger.ndjson', `${JSON.stringify({ what, number, came, wanted: shown(wanted) })}\n`);
}

/** What occurs twice, and what stands in a circle, is the same object. */
function isSameInside(value: unknown, wanted: unknown): boolean {
  const [one, other] = [Object(value), Object(wanted)] as Record<string, unknown>[];
  if (other?.['self'] === other) return one?.['self'] === one;
  return !Array.isArray(value) || typeof value[0] !== 'object' || value[1] === undefined || value[0] === value[1];
}

const shown = (value: unknown): string => inspect(value, { breakLength: Infinity }).slice(0, 200);
