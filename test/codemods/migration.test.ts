// What a release renames is renamed in tasks: only that, whole, and once.
import { describe, expect, test } from 'vitest';
import { type Migration, migrate } from '../../generators/codemods/migration.ts';

const renamedType: Migration = { name: 'item-context', export: 'ItemContext', to: 'Context' };
const renamedHook: Migration = { name: 'before-fork', member: 'beforeFork', to: 'beforeBoot' };

const run = (source: string, migration: Migration) => migrate(source, 'tasks/nightly.ts', migration);

/** Source, and what it becomes. */
const EXPORTS: readonly (readonly [string, string, string])[] = [
  [
    'a type that is imported by its name',
    "import type { ItemContext, Parallelizable } from '#divvy';\nfunction log(context: ItemContext): ItemContext['key'] { return context.key; }\n",
    "import type { Context, Parallelizable } from '#divvy';\nfunction log(context: Context): Context['key'] { return context.key; }\n",
  ],
  [
    'one that has another name here',
    "import { type ItemContext as It } from '#divvy';\nlet it: It;\n",
    "import { type Context as It } from '#divvy';\nlet it: It;\n",
  ],
  [
    'one whose new name is taken here',
    "import type { ItemContext } from '#divvy';\ninterface Context {}\nlet it: ItemContext;\n",
    "import type { Context as ItemContext } from '#divvy';\ninterface Context {}\nlet it: ItemContext;\n",
  ],
  [
    'one that is hidden by another in a function',
    "import { ItemContext } from '#divvy';\nfunction f(ItemContext: number) { return ItemContext; }\nItemContext;\n",
    "import { Context as ItemContext } from '#divvy';\nfunction f(ItemContext: number) { return ItemContext; }\nItemContext;\n",
  ],
  [
    'members, strings and comments of that name stay',
    "import { ItemContext } from '#divvy';\n// ItemContext\nconst it = { ItemContext, 'ItemContext': 1, a: { ItemContext: 2 } };\nit.ItemContext;\n",
    "import { Context } from '#divvy';\n// ItemContext\nconst it = { ItemContext: Context, 'ItemContext': 1, a: { ItemContext: 2 } };\nit.ItemContext;\n",
  ],
  [
    'what a file passes on keeps its name',
    "export { ItemContext, Master } from '#divvy';\n",
    "export { Context as ItemContext, Master } from '#divvy';\n",
  ],
  [
    'and so does what it imports first',
    "import { ItemContext } from '#divvy';\nexport { ItemContext };\n",
    "import { Context } from '#divvy';\nexport { Context as ItemContext };\n",
  ],
  [
    'CRLF stays',
    "import { ItemContext } from '#divvy';\r\nItemContext;\r\n",
    "import { Context } from '#divvy';\r\nContext;\r\n",
  ],
  [
    'of another module it is left alone',
    "import { ItemContext } from './other.ts';\n",
    "import { ItemContext } from './other.ts';\n",
  ],
  [
    'what cannot be parsed is left alone',
    "import { ItemContext from '#divvy';\n",
    "import { ItemContext from '#divvy';\n",
  ],
];

describe('an export that is renamed', () => {
  test.each(EXPORTS)('%s', (_, source, expected) => {
    const once = run(source, renamedType);
    expect(once).toEqual({ text: expected, byHand: [] });
    expect(run(once.text, renamedType)).toEqual({ text: expected, byHand: [] });
  });

  test('through a namespace its author has to write it, and is shown the line', () => {
    const source = "import * as divvy from '#divvy';\n\n  const it: divvy.ItemContext = x;\n";
    expect(run(source, renamedType)).toEqual({
      text: source,
      byHand: [{ line: 3, reason: 'ItemContext is called Context now', write: 'const it: divvy.Context = x;' }],
    });
  });
});

describe('a member that is renamed', () => {
  const task = (members: string) => `export default class Nightly {\n  *dispatch() {}\n  process() {}\n${members}}\n`;

  test('is renamed in the class of the task, with its overloads and its uses by this', () => {
    const source = task('  beforeFork(): void;\n  async beforeFork() { this.beforeFork; other.beforeFork; }\n');
    const expected = task('  beforeBoot(): void;\n  async beforeBoot() { this.beforeBoot; other.beforeFork; }\n');
    expect(run(source, renamedHook)).toEqual({ text: expected, byHand: [] });
    expect(run(expected, renamedHook)).toEqual({ text: expected, byHand: [] });
  });

  test('next to one of the new name its author has to decide', () => {
    const source = task('  beforeFork() {}\n  beforeBoot() {}\n');
    expect(run(source, renamedHook)).toMatchObject({ text: source, byHand: [{ line: 4 }] });
  });

  test('another class is left alone', () => {
    const source = `class Other { beforeFork() {} }\n${task('')}`;
    expect(run(source, renamedHook)).toEqual({ text: source, byHand: [] });
  });
});
