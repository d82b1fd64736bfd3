// How items are named across runs, and what a run knows of each name.
import { createHash } from 'node:crypto';
import v8 from 'node:v8';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Ended, KeySet } from '../../../runtime/journal/key-set.ts';
import { contentKey } from '../../../runtime/key.ts';
import { runTask } from '../run-task.ts';
import { Project } from './ledger.ts';

/** What a worker has of it, and what a resume reads from the same input. */
const carried = (value: unknown): unknown => v8.deserialize(v8.serialize(value));

const leaf = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    Number.NaN,
    Infinity,
    '',
    '0',
    'null',
    'undefined',
    'NaN',
    '1n',
    1n,
  ),
  fc.constantFrom(
    [],
    {},
    /a/g,
    /a/,
    new Date(0),
    new Date(Number.NaN),
    Object(1),
    Object('1'),
    Object(true),
    Object(1n),
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.double(),
  fc.bigInt(),
  fc.date(),
  fc.uint8Array({ maxLength: 3 }),
  fc.int8Array({ maxLength: 3 }),
  fc.float64Array({ maxLength: 2 }),
  fc.uint8Array({ maxLength: 3 }).map((bytes) => bytes.buffer),
);
const { item } = fc.letrec((tie) => ({
  item: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.array(tie('item'), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie('item'), { maxKeys: 3 }),
    fc.array(fc.tuple(tie('item'), tie('item')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.array(tie('item'), { maxLength: 3 }).map((values) => new Set(values)),
  ),
}));

/** The same value, with the fields of its objects, its maps and its sets put in the other way round. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (value instanceof Map) return new Map([...value].reverse().map(([key, part]) => [turned(key), turned(part)]));
  if (value instanceof Set) return new Set([...value].reverse().map(turned));
  if (typeof value !== 'object' || value === null) return value;
  if (![Object.prototype, null].includes(Object.getPrototypeOf(value))) return value;
  const entries = Object.entries(value).reverse();
  // Not by assignment: one of the fields may be called __proto__.
  return Object.fromEntries(entries.map(([key, part]) => [key, turned(part)]));
}

/** What is as long as this is hashed by itself, and each way of being so is a value of its own. */
test('a default key is 128 bits of a SHA-256, which the set of keys takes as they are', () => {
  const keys = new KeySet();
  for (let number = 0; number < 200; number++) {
    const key = contentKey(number);
    expect(key).toBe(createHash('sha256').update(String(number)).digest().subarray(0, 16).toString('base64url'));
    keys.ended(key, undefined, 'done');
    keys.isRead();
    expect(keys.count(key, true)).toEqual({ occurrence: 1, ended: 'done' });
    expect(keys.count(key)).toEqual({ occurrence: 2, ended: undefined });
  }
});

test('the default key of what is long is that of its content', () => {
  const text = 'a'.repeat(5000);
  const bytes = Buffer.from(text);
  const long = [
    text,
    `${text}b`,
    `\ud800${text}`,
    `\udc00${text}`,
    bytes,
    new Uint8Array(bytes),
    bytes.buffer,
    Buffer.from(`b${text}`),
    [text],
    { text },
    new Map([[text, text]]),
    JSON.stringify(text),
  ];
  expect(new Set(long.map(contentKey)).size).toBe(long.length);
  expect(long.map((value) => contentKey(carried(value)))).toEqual(long.map(contentKey));
  expect(contentKey(`Text(${contentKey(text)})`)).not.toBe(contentKey(text));
});

describe('the default key', () => {
  test('is the same for the same value, in whichever order it was put together, and in a worker', () => {
    fc.assert(
      fc.property(item, (value) => {
        const key = contentKey(value);
        expect(key).toMatch(/^[\w-]{21}[AQgw]$/);
        expect(contentKey(turned(value))).toBe(key);
        expect(contentKey(carried(value))).toBe(key);
      }),
      { numRuns: 2000 },
    );
  });

  test('is another for another value', () => {
    const different: unknown[] = [
      ...[undefined, null, true, false, 0, -0, 1, Number.NaN, Infinity, -Infinity, 1n, -1n, 2 ** 53, 2n ** 53n],
      ...['', '0', '-0', '1', '1n', 'null', 'undefined', 'true', 'NaN', '[]', '{}', 'é', 'e\u0301', '\ud800', '\udc00'],
      ...[[], [undefined], new Array(1), [null], [[]], [0, 1], [1, 0], [[0], 1], [[0, 1]], ['0,1'], ['0', '1']],
      ...[
        {},
        { a: 1 },
        { a: '1' },
        { a: undefined },
        { b: 1 },
        { a: { b: 1 } },
        { a: 1, b: 1 },
        { 'a:1': 1 },
        { 'a":1,"b': 1 },
      ],
      ...[Object.assign([1], { index: 0 }), Object.assign([1], { index: 1 }), 'ab'.match(/a/), 'ba'.match(/a/), [1]],
      ...[
        new Date(0),
        new Date(1),
        new Date(Number.NaN),
        /a/,
        /a/g,
        /b/,
        new Error('a'),
        new Error('b'),
        new TypeError('a'),
      ],
      ...[
        new Map(),
        new Map([[1, 2]]),
        new Map([[2, 1]]),
        new Map<unknown, unknown>([
          [1, 2],
          [3, 4],
        ]),
        new Map([
          [1, 2],
          [4, 3],
        ]),
      ],
      ...[new Set(), new Set([1]), new Set([1, 2]), new Set(['1', 2]), new Set([new Set([1]), 2]), new Set([[1, 2]])],
      ...[
        new Uint8Array(1),
        new Uint8Array(2),
        new Int8Array(1),
        new Uint8ClampedArray(1),
        Buffer.alloc(1),
        new ArrayBuffer(1),
      ],
      ...[new DataView(new ArrayBuffer(1)), new Float32Array(1), new Float64Array([0]), new Float64Array([-0])],
      ...[new BigInt64Array(1), new BigUint64Array(1), Object(0), Object(-0), Object('0'), Object(false), Object(0n)],
    ];
    const byKey = Map.groupBy(different, (value) => contentKey(value));
    expect([...byKey.values()].filter((same) => same.length > 1)).toEqual([]);
  });

  test('does not depend on how a string is kept, nor on where in its buffer an array lies', () => {
    const oneByte = 'abc';
    const twoByte = 'abc€'.slice(0, 3);
    for (const wrap of [(text: string) => text, (text: string) => ({ text }), (text: string) => Object(text)])
      expect(contentKey(wrap(twoByte))).toBe(contentKey(wrap(oneByte)));
    expect(contentKey(new Uint8Array([0, 1, 2, 3]).subarray(1, 3))).toBe(contentKey(new Uint8Array([1, 2])));
  });

  test('knows a cycle by where it leads', () => {
    const cycle = (build: (inner: Record<string, unknown>, outer: Record<string, unknown>) => unknown): unknown => {
      const outer: Record<string, unknown> = {};
      const inner: Record<string, unknown> = { name: 'inner' };
      outer['inner'] = inner;
      inner['to'] = build(inner, outer);
      return outer;
    };
    const toInner = contentKey(cycle((inner) => inner));
    const toOuter = contentKey(cycle((_, outer) => outer));
    expect(contentKey(cycle((inner) => inner))).toBe(toInner);
    expect(contentKey(carried(cycle((_, outer) => outer)))).toBe(toOuter);
    expect(new Set([toInner, toOuter, contentKey(cycle(() => undefined)), contentKey(cycle(() => '^1'))]).size).toBe(4);
    const map = new Map<string, unknown>();
    map.set('self', map);
    expect(contentKey(carried(map))).toBe(contentKey(map));
  });
});

test('a KeySet knows of each key what a Map would', () => {
  const key = fc.constantFrom(
    'a',
    'b',
    '1 a',
    '',
    '€'.repeat(100),
    '\ud800',
    '\ud801', // half a pair, as the one before: UTF-8 has neither
    '"\\ud800"',
    ...Array.from({ length: 20 }, (_, at) => `key ${at}`),
  );
  const end = fc.record({
    key,
    occurrence: fc.integer({ min: 1, max: 4 }),
    how: fc.constantFrom<Ended>('done', 'failed', 'left'),
  });
  fc.assert(
    fc.property(
      fc.array(end, { maxLength: 60 }),
      fc.array(key, { maxLength: 60 }),
      fc.nat(1000),
      (ends, keys, expected) => {
        const set = new KeySet(expected);
        const model = new Map<string, Ended>();
        for (const { key: of, occurrence, how } of ends) {
          set.ended(of, occurrence, how);
          model.set(JSON.stringify([of, occurrence]), how);
        }
        set.isRead();
        const counts = { done: 0, failed: 0, left: 0 };
        for (const how of model.values()) counts[how] += 1;
        expect({ done: set.done, failed: set.failed, left: set.left }).toEqual(counts);
        const seen = new Map<string, number>();
        for (const of of keys) {
          const occurrence = (seen.get(of) ?? 0) + 1;
          seen.set(of, occurrence);
          expect(set.count(of)).toEqual({ occurrence, ended: model.get(JSON.stringify([of, occurrence])) });
        }
      },
    ),
  );
  // Enough of them for its tables to grow several times.
  const grown = new KeySet();
  for (let at = 0; at < 30_000; at++) grown.ended(`key ${at}`, undefined, at % 3 === 0 ? 'failed' : 'done');
  grown.isRead();
  for (let at = 0; at < 30_000; at++) expect(grown.count(`key ${at}`).ended).toBe(at % 3 === 0 ? 'failed' : 'done');
  expect(grown.count('key 30000')).toEqual({ occurrence: 1, ended: undefined });
});

test('a KeySet takes keys that look like hashes for what they are', () => {
  const set = new KeySet();
  // Of the third sort, the last of 22 characters would come to the same bytes as that of the first.
  const last = ['A', 'Q', 'B', 'AA', ''];
  const keys = Array.from({ length: 3000 }, (_, at) => `${at}`.padStart(21, '0')).flatMap((number) =>
    last.map((end) => number + end),
  );
  for (const [at, key] of keys.entries()) if (at % 3 === 0) set.ended(key, undefined, 'done');
  set.isRead();
  for (const [at, key] of keys.entries()) {
    expect(set.count(key)).toEqual({ occurrence: 1, ended: at % 3 === 0 ? 'done' : undefined });
    expect(set.count(key).occurrence).toBe(2);
  }
});

test('a KeySet counts equal keys beyond what a byte can say', () => {
  const set = new KeySet();
  const done = [1, 62, 63, 64, 65, 200];
  for (const occurrence of done) set.ended('same', occurrence, 'done');
  set.ended('same', 64, 'failed');
  set.isRead();
  for (let occurrence = 1; occurrence <= 300; occurrence++) {
    const ended = occurrence === 64 ? 'failed' : done.includes(occurrence) ? 'done' : undefined;
    expect(set.count('same')).toEqual({ occurrence, ended });
    expect(set.count(`other ${occurrence}`)).toEqual({ occurrence: 1, ended: undefined });
  }
});

describe('items of equal content', () => {
  const key = fc.constantFrom(...['a', 'b', 'c'].map(contentKey), 'no default key');
  /** What a run wrote: the outcomes of a new one or a resume, or of one that retries what has failed. */
  const run = fc.record({
    retries: fc.boolean(),
    lines: fc.array(fc.record({ key, how: fc.constantFrom<Ended>('done', 'failed') }), { maxLength: 150 }),
  });

  test('are counted: a resume skips as many as have ended, and a retry takes as many as have failed', () => {
    fc.assert(
      fc.property(fc.array(run, { maxLength: 4 }), fc.boolean(), (runs, byBytes) => {
        const set = new KeySet();
        const model = new Map<string, Record<Ended, number>>();
        for (const { retries, lines } of runs) {
          set.readsRetries = retries;
          const left = new Map([...model].map(([of, { failed }]) => [of, failed]));
          for (const { key: of, how } of lines) {
            const counts = model.get(of) ?? { done: 0, failed: 0, left: 0 };
            if (retries) {
              const failed = left.get(of) ?? 0;
              if (failed === 0) continue; // there was nothing to retry
              left.set(of, failed - 1);
              counts.failed -= 1;
            }
            counts[how] += 1;
            model.set(of, counts);
            if (byBytes && of.length === 22) set.endedHashed(Buffer.from(`"${of}"`), 1, how);
            else set.ended(of, undefined, how);
          }
        }
        set.isRead();
        for (const [of, { done, failed }] of model) {
          const ended = Array.from({ length: done + failed + 2 }, () => set.count(of).ended);
          expect(ended.slice(0, done + failed).sort()).toEqual([
            ...Array(done).fill('done'),
            ...Array(failed).fill('failed'),
          ]);
          expect(ended.slice(-2)).toEqual([undefined, undefined]);
        }
        const sum = (how: Ended): number => [...model.values()].reduce((total, counts) => total + counts[how], 0);
        expect([set.done, set.failed]).toEqual([sum('done'), sum('failed')]);
      }),
    );
  });
});

describe('a key of the task’s own', () => {
  const journaled = (way: string) => {
    const { folder } = new Project([]);
    const args = ['--journal', `${folder}/j.ndjson`, '-n', '1', '--', way];
    return {
      run: () => runTask('own-keys', { args }).ended(),
      resume: () => runTask('own-keys', { args: ['--resume', ...args] }).ended(),
    };
  };

  test('names its item in process, in hooks and in the journal; equal ones are told apart by their order', async () => {
    const { run, resume } = journaled('equal');
    const first = await run();
    expect(first.stdout.split('\n').sort()).toEqual([
      '',
      'done a: key a',
      'done b: key a',
      'process a: key a',
      'process b: key a',
    ]);
    expect(first.status).toBe(0);
    const second = await resume();
    expect([second.status, second.stdout]).toEqual([0, '']);
  });

  test.each([
    ['throws', 'key threw'],
    ['a number', 'key returned 7 for item 1; it must return a string of 1 to 512 bytes'],
    ['empty', "key returned '' for item 1"],
    ['long', 'it must return a string of 1 to 512 bytes'],
  ])('that %s ends the run with 70', async (way, message) => {
    const { status, stderr, stdout } = await journaled(way).run();
    expect(stderr).toContain(message);
    expect([status, stdout]).toEqual([70, '']);
  });
});
