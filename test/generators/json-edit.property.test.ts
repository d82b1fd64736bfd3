// JSON of any shape and style: what is put in can be read there, nothing else reads otherwise, and taken out again every byte is as it was.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { putIn, replaceValue, takeOutElement, takeOutProperty } from '../../generators/json/edit.ts';
import { type JsonText, readJson, textAt, valueAt } from '../../generators/json/text.ts';

const read = (text: string): JsonText => {
  const json = readJson(text, 'jsonc');
  if ('reason' in json) throw new Error(`${json.line}: ${json.reason}\n${text}`);
  return json;
};

const KEYS = ['scripts', 'imports', 'exclude', 'a', 'b', '__proto__', 'x y', '"'];

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('1', 'null', '"text"', '"\\u0041"', 'true'),
    tie('array'),
    tie('object'),
  ),
  array: fc.array(tie('value'), { maxLength: 3 }).map((items) => ({ open: '[', items, close: ']' })),
  object: fc
    .uniqueArray(fc.tuple(fc.constantFrom(...KEYS), tie('value')), { maxLength: 4, selector: ([key]) => key })
    .map((pairs) => ({ open: '{', items: pairs.map(([key, value]) => ({ key, value })), close: '}' })),
})) as unknown as { object: fc.Arbitrary<Shape> };

interface Shape {
  readonly open: string;
  readonly items: readonly unknown[];
  readonly close: string;
}

/** How one file is written: each gap is chosen by the next of these numbers. */
const style = fc.record({
  lineEnd: fc.constantFrom('\n', '\r\n'),
  unit: fc.constantFrom('  ', '\t', '    ', ' '),
  colon: fc.constantFrom(':', ': ', ' : '),
  mode: fc.constantFrom('lines', 'one line', 'compact', 'mixed'),
  trailingComma: fc.boolean(),
  commaFirst: fc.boolean(),
  comments: fc.boolean(),
  mark: fc.boolean(),
  finalNewline: fc.boolean(),
});

type Style = typeof style extends fc.Arbitrary<infer It> ? It : never;

function written(value: unknown, style: Style, depth: number): string {
  if (typeof value === 'string') return value;
  const { open, items, close } = value as Shape;
  const inLines = style.mode === 'lines' || (style.mode === 'mixed' && depth % 2 === 0);
  const gap = (at: number) =>
    inLines ? `${style.lineEnd}${style.unit.repeat(at)}` : style.mode === 'compact' ? '' : ' ';
  if (items.length === 0) return depth % 2 === 0 ? `${open}${close}` : `${open}${gap(depth)}${close}`;
  const comment = (index: number) => {
    if (!style.comments || index % 2 === 1) return '';
    return inLines ? ` // "${index}": {,` : '/*,]*/';
  };
  const parts = items.map((item, index) => {
    const isLast = index === items.length - 1;
    const text =
      open === '['
        ? written(item, style, depth + 1)
        : `${JSON.stringify((item as { key: string }).key)}${style.colon}${written((item as { value: unknown }).value, style, depth + 1)}`;
    const comma = isLast && !style.trailingComma ? '' : ',';
    const isFirst = comma !== '' && style.commaFirst;
    return `${gap(depth + 1)}${text}${isFirst ? `${comment(index)}${gap(depth + 1)},` : `${comma}${comment(index)}`}`;
  });
  return `${open}${parts.join('')}${gap(depth)}${close}`;
}

const file = fc.tuple(json.object, style).map(([shape, style]) => {
  const text = written(shape, style, 0);
  return `${style.mark ? '\uFEFF' : ''}${text}${style.finalNewline ? style.lineEnd : ''}`;
});

/** What is in it beside one place. */
function others(text: string, without: readonly string[]): unknown {
  const walk = (path: string[]): unknown => {
    if (path.join('\0') === without.join('\0')) return 'left out';
    const value = valueAt(read(text), path);
    if (typeof value !== 'object' || value === null) return value;
    return Object.keys(value).map((key) => [key, Array.isArray(value) ? value : walk([...path, key])]);
  };
  return walk([]);
}

test.each([
  { at: ['scripts'], key: 'divvy:nightly' },
  { at: ['imports'], key: '#divvy' },
  { at: ['a', 'b', 'scripts'], key: 'k' },
  { at: ['exclude'], key: undefined },
  { at: ['a', 'exclude'], key: undefined },
])('what is put into $at as $key comes out again to the byte', ({ at, key }) => {
  let put = 0;
  fc.assert(
    fc.property(file, (text) => {
      const before = read(text);
      if (key !== undefined && valueAt(before, [...at, key]) !== undefined) return;
      const result = putIn(before, at, key, 'the value');
      if (result === undefined) return;
      put++;
      const after = read(result.text);
      const there = valueAt(after, key === undefined ? at : [...at, key]);
      expect(key === undefined ? (there as unknown[]).at(-1) : there).toBe('the value');
      const outermost = result.made.find(({ was }) => was === null)?.at ?? at;
      if (outermost.length === at.length) expect(others(result.text, at)).toEqual(others(patched(text, at), at));

      let back = key === undefined ? takeOutElement(after, at, 'the value') : takeOutProperty(after, [...at, key]);
      for (const made of result.made.toReversed()) {
        back = made.was === null ? takeOutProperty(read(back), made.at) : replaceValue(read(back), made.at, made.was);
      }
      expect(back).toBe(text);
    }),
    { numRuns: 3000 },
  );
  expect(put).toBeGreaterThan(500);
});

/** The same file with something at the place, so that both have it. */
function patched(text: string, at: readonly string[]): string {
  const there = valueAt(read(text), at);
  return there === undefined ? (putIn(read(text), at.slice(0, -1), at.at(-1), '')?.text ?? text) : text;
}

test('what has to be made is behind what it should be behind, and comes out again to the byte', () => {
  let put = 0;
  fc.assert(
    fc.property(file, fc.subarray(KEYS), (text, behind) => {
      const before = read(text);
      const keys = Object.keys(valueAt(before, []) as object);
      if (keys.includes('imports') || keys.length === 0) return;
      const result = putIn(before, ['imports'], '#divvy', 'the value', behind);
      if (result === undefined) return;
      put++;
      const after = Object.keys(valueAt(read(result.text), []) as object);
      const last = keys.findLast((key) => behind.includes(key)) ?? keys.at(-1) ?? '';
      expect(after).toEqual(keys.flatMap((key) => (key === last ? [key, 'imports'] : [key])));
      expect(takeOutProperty(read(result.text), ['imports'])).toBe(text);
    }),
    { numRuns: 3000 },
  );
  expect(put).toBeGreaterThan(500);
});

test('several are put in one after the other, and taken out in any order', () => {
  fc.assert(
    fc.property(file, fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), (text, order) => {
      const keys = ['divvy:a', 'divvy:b', 'divvy:c'];
      let now = text;
      const made = [];
      for (const key of keys) {
        const result = putIn(read(now), ['scripts'], key, key);
        if (result === undefined) return;
        made.push(...result.made);
        now = result.text;
      }
      for (const index of order) now = takeOutProperty(read(now), ['scripts', keys[index] ?? '']);
      for (const { at, was } of made.toReversed()) {
        now = was === null ? takeOutProperty(read(now), at) : replaceValue(read(now), at, was);
      }
      expect(now).toBe(text);
    }),
    { numRuns: 3000 },
  );
});

test('an object that holds a comment and nothing else is not touched', () => {
  expect(putIn(read('{ "scripts": { /* none yet */ } }'), ['scripts'], 'a', 'b')).toBeUndefined();
});

test.each([
  ['{ "a": 1, "b": 2,\n  "a": 3 }', 2, 'it has the key "a" twice'],
  ['{ "x": { "a": 1, "\\u0061": 2 } }', 1, 'it has the key "a" twice'],
  ['[1]', 1, 'it is not one JSON object'],
  ['', 1, 'it is not JSON'],
  ['{\n  "a": 1\n  "b": 2 }', 3, 'it is not JSON'],
  ['{ "a": 1 } x', 1, 'it is not JSON'],
])('%j is refused, with its line', (text, line, reason) => {
  const json = readJson(text, 'json');
  expect(json).toMatchObject({ line, reason: expect.stringContaining(reason) });
});

test('package.json may have no comments, and a tsconfig.json may', () => {
  const text = '{\n  // here\n  "a": [1,],\n}';
  expect(readJson(text, 'json')).toHaveProperty('reason');
  expect(textAt(read(text), ['a'])).toBe('[1,]');
});
