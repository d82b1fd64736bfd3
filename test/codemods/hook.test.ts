import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { ts } from 'ts-morph';
import { describe, expect, test } from 'vitest';
import { addHooks, type HookResult, hooksIn } from '../../generators/codemods/hook.ts';
import { removeHooks } from '../../generators/codemods/hook-removal.ts';
// Frozen, so that a comment which is put better in the real one does not change every case.
import { contract } from './sources.ts';

/**
 * A case is a folder: input.ts, options.json (`hooks`, and what else matters), and what comes of it: output.ts, the same as
 * the input where nothing changes, or refused.txt.
 */
const codemods = [
  { codemod: 'hook', edit: addHooks, least: 60 },
  { codemod: 'hook-removal', edit: removeHooks, least: 40 },
];

test('every folder here is that of a codemod', () => {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual(codemods.map(({ codemod }) => codemod));
});

describe.each(codemods)('each case of $codemod', ({ codemod, edit, least }) => {
  const home = join(import.meta.dirname, codemod);
  const read = (...path: string[]): string => readFileSync(join(home, ...path), 'utf8');
  const cases = readdirSync(home).map((name) => ({ name, files: readdirSync(join(home, name)).sort() }));

  function run(name: string, source: string): HookResult {
    return edit(source, {
      fileName: 'tasks/nightly.ts',
      force: false,
      contract,
      ...JSON.parse(read(name, 'options.json')),
    });
  }

  test('there are many', () => expect(cases.length).toBeGreaterThanOrEqual(least));

  test.each(cases)('$name is a whole case', ({ files }) => {
    const result = files.includes('refused.txt') ? ['refused.txt'] : ['output.ts'];
    expect(files).toEqual(['input.ts', 'options.json', ...result].sort());
  });

  test.each(cases.filter(({ files }) => files.includes('output.ts')))('$name', ({ name }) => {
    const [input, output] = [read(name, 'input.ts'), read(name, 'output.ts')];

    expect(run(name, input)).toMatchObject(
      input === output ? { kind: 'unchanged' } : { kind: 'changed', text: output },
    );
    expect(run(name, output), 'the second time').toEqual({ kind: 'unchanged' });
    expect(syntaxErrors(output)).toEqual([]);
    const [less, more] = [input, output].sort((a, b) => a.length - b.length);
    expect(isSubsequence(less ?? '', more ?? ''), 'every character of the one is in the other, in order').toBe(true);
  });

  test.each(cases.filter(({ files }) => files.includes('refused.txt')))('$name', ({ name }) => {
    const result = run(name, read(name, 'input.ts'));
    const refusals = result.kind === 'refused' ? result.refusals : [];

    expect(refusals.map(({ line, reason, remedy }) => `${line}: ${reason}\n${remedy}\n`).join('')).toBe(
      read(name, 'refused.txt'),
    );
  });
});

describe('each case', () => {
  test('what comes out passes the strictest type check, unused parameters forbidden', async () => {
    const root = join(import.meta.dirname, '../..');
    const project = join(import.meta.dirname, 'tsconfig.cases.json');
    const tsc = execa(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project, '--pretty', 'false'], {
      cwd: root,
      all: true,
      reject: false,
    });
    expect(await tsc).toMatchObject({ all: '', exitCode: 0 });
  });

  test('every hook, and every task of a template, is as linters that know types want it: async only where it awaits', async () => {
    const root = join(import.meta.dirname, '../..');
    const rules = ['require-await', 'no-meaningless-void-operator', 'no-floating-promises', 'no-explicit-any'];
    const argv = ['--type-aware', '-A', 'all', ...rules.flatMap((rule) => ['-D', `typescript/${rule}`])];
    const paths = [join(import.meta.dirname, 'hook/every-hook/output.ts'), 'templates/*/files/tasks/*.ts'];
    const files = paths.flatMap((path) => globSync(path, { cwd: root }));
    expect(files.length).toBeGreaterThan(5);
    const lint = execa('node_modules/.bin/oxlint', [...argv, ...files], { cwd: root, all: true, reject: false });
    expect(await lint).toMatchObject({ all: expect.stringContaining('Found 0 warnings and 0 errors'), exitCode: 0 });
  });
});

describe('what is added is taken out again, to the byte:', () => {
  const home = join(import.meta.dirname, 'hook');
  const cases = readdirSync(home).filter((name) => existsSync(join(home, name, 'output.ts')));
  test.each(cases)('%s', (name) => {
    const read = (file: string): string => readFileSync(join(home, name, file), 'utf8');
    const options = { fileName: 'tasks/nightly.ts', contract, force: false, ...JSON.parse(read('options.json')) };
    const result = addHooks(read('input.ts'), options);
    if (result.kind !== 'changed') return;
    const hooks = result.hooks.map((each) => each.name);
    expect(removeHooks(result.text, { ...options, hooks, inserted: result.inserted })).toMatchObject({
      kind: 'changed',
      text: read('input.ts'),
      inserted: { hooks: {}, imports: [] },
    });
  });
});

describe('a hook that a base class of another file has is refused, however the class gets here:', () => {
  const base = 'export class Base {\n  key(): string {\n    return "";\n  }\n}\n';
  const task = (imported: string, extended: string): string =>
    `${imported}\nexport default class T extends ${extended} implements Parallelizable<number> {}\n`;
  test.each([
    ["import { Base } from './base.ts';", 'Base', {}],
    ["import { Own } from './other.ts';", 'Own', { 'other.ts': "export { Base as Own } from './base.ts';" }],
    ["import Own from './other.ts';", 'Own', { 'other.ts': "export { Base as default } from './base.ts';" }],
    ["import Own from './other.ts';", 'Own', { 'other.ts': "import { Base } from './base.ts';\nexport default Base;" }],
    [
      "import { Own } from './other.ts';",
      'Own',
      { 'other.ts': "import { Base as B } from './base.ts';\nexport { B as Own };" },
    ],
    [
      "import { Base } from './other.ts';",
      'Base',
      { 'other.ts': "export * from './none.ts';\nexport * from './other.ts';\nexport * from './base.ts';" },
    ],
    ["import * as all from './base.ts';", 'all.Base', {}],
    [
      "import { Middle } from './other.ts';",
      'Middle<string>',
      { 'other.ts': "import * as all from './base.ts';\nexport class Middle<T> extends all.Base {}" },
    ],
  ] as const)('%s extends %s, %j', (imported, extended, others) => {
    const files: Record<string, string> = { 'base.ts': base, ...others };
    const read = (specifier: string) => {
      const fileName = specifier.slice(2);
      const source = files[fileName];
      return source === undefined ? undefined : { source, fileName };
    };
    const options = { fileName: 't.ts', hooks: ['key'], contract, read };
    const refusals = [expect.objectContaining({ fileName: 'base.ts', line: 2 })];
    expect(addHooks(task(imported, extended), options)).toEqual({ kind: 'refused', refusals });
    const removed = removeHooks(task(imported, extended), { ...options, force: true });
    expect(removed).toEqual({ kind: 'refused', refusals });
  });
});

test('what was put in before, and taken out by hand since, is no longer known', () => {
  const source = 'export default class T {\n}\n';
  const inserted = { hooks: { beforeRun: '  beforeRun() {}' }, imports: ['Run'], statement: 'before' } as const;
  const result = addHooks(source, { fileName: 't.ts', hooks: ['total'], contract, inserted });
  if (result.kind !== 'changed') throw new Error(JSON.stringify(result));
  expect(result.inserted).toEqual({ hooks: { total: expect.stringContaining('total()') }, imports: [] });
});

describe('the contract file of the project decides', () => {
  const source =
    "import type { Parallelizable } from '#divvy';\n\nexport default class T implements Parallelizable<Date> {\n}\n";

  test('which hooks there are, their order, signature and comment', () => {
    const other = [
      'export interface Lease {}',
      'export interface Parallelizable<Item, Result = void> {',
      '  /** Late. Really late. */',
      '  last?(): void;',
      '  /** Runs in the master,',
      '   * when an item is handed out. Twice is possible. */',
      '  onLease?(item: readonly Item[], lease: Map<string, Lease>, result: Result): Promise<Lease>;',
      '}',
    ].join('\n');

    expect(hooksIn(other).map(({ name }) => name)).toEqual(['last', 'onLease']);
    expect(addHooks(source, { fileName: 't.ts', hooks: ['onLease', 'last'], contract: other })).toMatchObject({
      kind: 'changed',
      hooks: [
        { name: 'last', line: 5 },
        { name: 'onLease', line: 10 },
      ],
      text: [
        "import type { Lease, Parallelizable } from '#divvy';",
        '',
        'export default class T implements Parallelizable<Date> {',
        '  /** Late. */',
        '  last(): void {',
        '    // Write here what is to happen.',
        '  }',
        '',
        '  /** Runs in the master, when an item is handed out. */',
        '  onLease(item: readonly Date[], lease: Map<string, Lease>, result: void): Promise<Lease> {',
        "    throw new Error('onLease is not written yet');",
        '  }',
        '}',
        '',
      ].join('\n'),
    });
  });

  test('and where it is not one, that is said', () => {
    expect(hooksIn('export {};')).toEqual([]);
    expect(addHooks(source, { fileName: 't.ts', hooks: ['total'], contract: 'export {};' })).toMatchObject({
      kind: 'refused',
      refusals: [{ reason: expect.stringContaining('no interface Parallelizable') }],
    });
  });

  test("the runtime's own has the hooks that are promised, and each can be added", () => {
    const own = readFileSync(join(import.meta.dirname, '../../runtime/parallelizable.ts'), 'utf8');
    const promised = ['total', 'beforeRun', 'afterRun', 'beforeFork', 'afterFork', 'beforeExit', 'afterExit'];
    const hooks = hooksIn(own).map(({ name }) => name);

    expect(hooks).toEqual([...promised, 'afterProcess', 'afterFailure', 'throttle', 'cursor', 'key']);
    const edited = addHooks(source, { fileName: 't.ts', hooks, contract: own });
    expect(edited).toMatchObject({
      kind: 'changed',
      text: expect.stringMatching(
        /throttle\(\): number \{\s+return 0;[\s\S]*cursor\(.*\): Place \{\s+void .*\s+return 0;/,
      ),
    });
  });
});

function syntaxErrors(text: string): string[] {
  const { diagnostics = [] } = ts.transpileModule(text, { reportDiagnostics: true, fileName: 'output.ts' });
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

function isSubsequence(part: string, whole: string): boolean {
  let found = 0;
  for (const character of whole) if (part.startsWith(character, found)) found += character.length;
  return found === part.length;
}
