import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placesOf } from '../../generators/change-set/record.ts';
import { className, namesOfRuntime, nearestTaskName, whyNotTaskName } from '../../generators/project/names.ts';

describe('a task may be called', () => {
  test.each(['a', 'my-backfill', 'dance-party', 'x2', 'sha256-sums', 'a'.repeat(64), 'my-test', 'test-me', 'items'])(
    '%s',
    (name) => expect(whyNotTaskName(name)).toBeUndefined(),
  );
});

describe('a task may not be called', () => {
  test.each([
    ['', /lower-case/],
    ['My-Task', /lower-case/],
    ['my_task', /lower-case/],
    ['my--task', /lower-case/],
    ['-my-task', /lower-case/],
    ['my-task-', /lower-case/],
    ['2-fast', /lower-case/],
    ['naïve', /lower-case/],
    ["a';process.exit()//", /lower-case/],
    ['`', /lower-case/],
    ['a\nb', /lower-case/],
    ['a\n', /lower-case/],
    ['a\u2028b', /lower-case/],
    ['..', /lower-case/],
    ['../outside', /lower-case/],
    ['__proto__', /lower-case/],
    ['a'.repeat(65), /65 characters/],
    ['class', /reserved word/],
    ['default', /reserved word/],
    ['await', /reserved word/],
    ['string', /reserved word/],
    ['con', /Windows/],
    ['nul', /Windows/],
    ['com1', /Windows/],
    ['divvy', /something else/],
    ['last', /something else/],
    ['done', /something else/],
    ['telemetry', /something else/],
    ['engine', /something else/],
    ['test', /something else/],
    ['typescript', /something else/],
    ['item', /class Item/],
    ['parallelizable', /class Parallelizable/],
    ['item-context', /class ItemContext/],
    ['async-generator', /class AsyncGenerator/],
    ['date', /class Date/],
    ['map', /class Map/],
  ])('%j', (name, reason) => {
    expect(whyNotTaskName(name)).toMatch(reason);
  });
});

test('a task may not be called what a template of ours declares, or imports, beside its class', () => {
  const files = globSync('templates/*/files/**/*.ts', { cwd: join(import.meta.dirname, '../..') });
  const found = files.flatMap((file) => {
    const text = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
    const declared = [...text.matchAll(/\b(?:type|interface|class|enum) ([A-Z]\w*)/g)].map(([, name = '']) => name);
    const imported = [...text.matchAll(/^import .*?\{(.*?)\}/gm)].flatMap(([, names = '']) => names.split(/\W+/));
    return [...declared, ...imported].filter((name) => /^[A-Z]/.test(name) && !name.startsWith('Example'));
  });
  expect(found).toContain('Row');
  for (const name of new Set(found)) {
    const task = name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
    const why = whyNotTaskName(task) ?? `${name} is missing in TYPES_OF_A_TASK of generators/project/names.ts`;
    expect(why).toMatch(/would hide another|something else/);
  }
});

test.each(['Master', 'ItemContext', 'RunResult', 'InlineOutcome', 'MasterOptions', 'TaskError', 'PermanentError'])(
  'a task may not be called what the runtime exports: %s',
  (name) => {
    expect(namesOfRuntime()).toContain(name);
    expect(whyNotTaskName(name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase())).toMatch(/would hide another/);
  },
);

describe('the nearest good name', () => {
  test.each([
    ['My Task', 'my-task'],
    ['myBackfill', 'my-backfill'],
    ['my_backfill', 'my-backfill'],
    ['--x--', 'x'],
    ['2fast', 'fast'],
    ['Überholung', 'uberholung'],
    ['class', 'class-task'],
    ['CON', 'con-task'],
    ['item', 'item-task'],
    ["a';process.exit()//", 'a-process-exit'],
    ['', 'my-task'],
    ['日本', 'my-task'],
    ['../..', 'my-task'],
  ])('of %j is %s', (text, name) => expect(nearestTaskName(text)).toBe(name));

  test('of whatever text is a good name, and a good name is its own', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 100 }), fc.stringMatching(/^[a-zA-Z0-9 _-]{0,80}$/)),
        (text) => {
          const name = nearestTaskName(text);
          expect(whyNotTaskName(name)).toBeUndefined();
          expect(nearestTaskName(name)).toBe(name);
        },
      ),
      { numRuns: 500 },
    );
  });
});

test.each([
  ['dance-party', 'DanceParty'],
  ['a', 'A'],
  ['sha256-sums', 'Sha256Sums'],
  ['x-2', 'X2'],
])('the class of %s is %s', (name, expected) => expect(className(name)).toBe(expected));

test('what divvy keeps in .divvy is nothing that a task’s journals could be in', () => {
  const { home, pending, done, last, left, aside } = placesOf('/root');
  for (const path of [pending, done, last, left, aside]) {
    expect(whyNotTaskName(relative(home, path)), path).toBeDefined();
  }
});
