// JSON of any shape and style: what is put in can be read there, nothing else reads otherwise, and taken out again every byte is as it was.
import fc from 'fast-check';
import { createScanner } from 'jsonc-parser';
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

/** A comment, and whether it stands before the white space of its place, or behind it. */
const comment = fc.record({
  text: fc.constantFrom('', '', '', '/*,]*/', '/* "a": {', '// "scripts": {,', '//'),
  isBefore: fc.boolean(),
});

/** How one file is written: each gap is taken from the next of these comments. */
const style = fc.record({
  lineEnd: fc.constantFrom('\n', '\r\n'),
  unit: fc.constantFrom('  ', '\t', '    ', ' '),
  colon: fc.constantFrom(':', ': ', ' : '),
  mode: fc.constantFrom('lines', 'one line', 'compact', 'mixed'),
  trailingComma: fc.boolean(),
  commaFirst: fc.boolean(),
  comments: fc.oneof(fc.constant([]), fc.array(comment, { minLength: 1, maxLength: 12 })),
  mark: fc.boolean(),
  finalNewline: fc.boolean(),
});

type Style = (typeof style extends fc.Arbitrary<infer It> ? It : never) & { next: number };

/** White space, and there the next comment. */
function gap(space: string, style: Style): string {
  const { text, isBefore } = style.comments[style.next++ % (style.comments.length || 1)] ?? {
    text: '',
    isBefore: true,
  };
  if (text === '') return space;
  const isLine = text.startsWith('//');
  // One of several lines.
  const whole = isLine || text.endsWith('*/') ? text : `${text}${style.lineEnd} */`;
  const ending = !isLine || (isBefore && space.includes('\n')) ? '' : style.lineEnd;
  return isBefore ? ` ${whole}${ending}${space}` : `${space}${whole}${ending}`;
}

function written(value: unknown, style: Style, depth: number): string {
  if (typeof value === 'string') return value;
  const { open, items, close } = value as Shape;
  const inLines = style.mode === 'lines' || (style.mode === 'mixed' && depth % 2 === 0);
  const space = (at: number) =>
    inLines ? `${style.lineEnd}${style.unit.repeat(at)}` : style.mode === 'compact' ? '' : ' ';
  if (items.length === 0) return `${open}${gap(depth % 2 === 0 ? '' : space(depth), style)}${close}`;
  const parts = items.map((item, index) => {
    const isLast = index === items.length - 1;
    const before = gap(space(depth + 1), style);
    let text: string;
    if (open === '[') text = written(item, style, depth + 1);
    else {
      const { key, value } = item as { key: string; value: unknown };
      const [behindKey = '', behindColon = ''] = style.colon.split(':');
      const colon = `${gap(behindKey, style)}:${gap(behindColon, style)}`;
      text = `${JSON.stringify(key)}${colon}${written(value, style, depth + 1)}`;
    }
    if (isLast && !style.trailingComma) return `${before}${text}`;
    return `${before}${text}${gap(style.commaFirst ? space(depth + 1) : '', style)},`;
  });
  return `${open}${parts.join('')}${gap(space(depth), style)}${close}`;
}

function fileOf(shape: Shape, chosen: Omit<Style, 'next'>): string {
  const style = { ...chosen, next: 0 };
  const text = `${gap('', style)}${written(shape, style, 0)}${gap(style.finalNewline ? style.lineEnd : '', style)}`;
  return `${style.mark ? '\uFEFF' : ''}${text}`;
}

const file = fc.tuple(json.object, style).map(([shape, style]) => fileOf(shape, style));

/** A file that has a list and a map for sure. */
const fileWithBoth = fc
  .tuple(fc.subarray(['"a"', '"b"', '"c"', '"d"']), fc.subarray(KEYS), fc.boolean(), style)
  .map(([items, keys, isFirst, style]) => {
    const list = { key: 'exclude', value: { open: '[', items, close: ']' } };
    const properties = keys.map((key) => ({ key, value: '"text"' }));
    const map = { key: 'scripts', value: { open: '{', items: properties, close: '}' } };
    return fileOf({ open: '{', items: isFirst ? [list, map] : [map, list], close: '}' }, style);
  });

/** The comments of a text, in their order. */
function commentsOf(text: string): string[] {
  const scanned = text.replace('\uFEFF', ' ');
  const scanner = createScanner(scanned);
  const found: string[] = [];
  for (let kind = scanner.scan(); kind !== END; kind = scanner.scan())
    if (kind === LINE_COMMENT || kind === BLOCK_COMMENT)
      found.push(scanned.slice(scanner.getTokenOffset()).slice(0, scanner.getTokenLength()));
  return found;
}
const [LINE_COMMENT, BLOCK_COMMENT, END] = [12, 13, 17];

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
      expect(commentsOf(result.text)).toEqual(commentsOf(text));
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

test.each([
  { at: ['scripts'], key: 'divvy:nightly' },
  { at: [], key: 'new' },
  { at: ['exclude'], key: undefined },
])('what is put anywhere among those of $at is there, and comes out again to the byte', ({ at, key }) => {
  let put = 0;
  fc.assert(
    fc.property(fileWithBoth, fc.nat(), (text, number) => {
      const holder = valueAt(read(text), at);
      if (typeof holder !== 'object' || holder === null) return;
      const before = Array.isArray(holder) ? holder : Object.keys(holder);
      let place = before.length;
      const result = putIn(read(text), at, key, 'the value', (_, names) => {
        expect(names).toEqual(before);
        place = number % (names.length + 1);
        return place;
      });
      if (result === undefined) return;
      put++;
      const after = read(result.text);
      const now = valueAt(after, at);
      expect(Array.isArray(now) ? now : Object.keys(now as object)).toEqual(
        before.toSpliced(place, 0, key ?? 'the value'),
      );
      expect(commentsOf(result.text)).toEqual(commentsOf(text));
      const back = key === undefined ? takeOutElement(after, at, 'the value') : takeOutProperty(after, [...at, key]);
      const [made] = result.made;
      expect(made?.was ? replaceValue(read(back), made.at, made.was) : back).toBe(text);
    }),
    { numRuns: 2000 },
  );
  expect(put).toBeGreaterThan(1000);
});

test('whatever is taken out, everything else stays, comments too', () => {
  fc.assert(
    fc.property(fileWithBoth, fc.nat(), (text, number) => {
      const { exclude, scripts } = valueAt(read(text), []) as { exclude: string[]; scripts: object };
      const nth = (names: readonly string[]): string => names[number % (names.length || 1)] ?? 'none';
      const element = nth(exclude);
      const withoutElement = takeOutElement(read(text), ['exclude'], element);
      expect(valueAt(read(withoutElement), [])).toEqual({
        exclude: exclude.filter((each) => each !== element),
        scripts,
      });
      expect(commentsOf(withoutElement)).toEqual(commentsOf(text));

      const keys = Object.keys(scripts);
      const key = nth(keys);
      const withoutKey = takeOutProperty(read(text), ['scripts', key]);
      expect(valueAt(read(withoutKey), ['exclude'])).toEqual(exclude);
      expect(Object.keys(valueAt(read(withoutKey), ['scripts']) as object)).toEqual(
        keys.filter((each) => each !== key),
      );
      // Those between the key and its value go with both.
      expect(commentsOf(text).length - commentsOf(withoutKey).length).toBeLessThanOrEqual(2);
    }),
    { numRuns: 4000 },
  );
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

test.each([
  ['"dist", "build", // outputs\n  ', '"dist", "build", "tasks", // outputs\n  '],
  ['"dist", "build" // outputs\n  ', '"dist", "build", "tasks" // outputs\n  '],
  [
    '\n    "dist", // one\n    "build", // outputs\n  ',
    '\n    "dist", // one\n    "build", // outputs\n    "tasks",\n  ',
  ],
  ['\n    "dist", // one\n    "build" /* two */\n  ', '\n    "dist", // one\n    "build", /* two */\n    "tasks"\n  '],
  ['\n    "dist" // one\n    , // two\n  ', '\n    "dist" // one\n    , // two\n    "tasks",\n  '],
])('into [%j] comes an element: [%j]', (before, after) => {
  const text = (elements: string) => `{\n  "exclude": [${elements}]\n}\n`;
  expect(putIn(read(text(before)), ['exclude'], undefined, 'tasks')?.text).toBe(text(after));
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
