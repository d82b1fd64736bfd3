// Tasks come and go in any order, while the package's owner goes on editing: what is not divvy's is never lost or changed.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { applyEdits, type JSONPath, modify, parse } from 'jsonc-parser';
import { expect } from 'vitest';
import { freshFolder, treeOf } from './commands.ts';
import { divvyHere } from './in-process.ts';

type Json = { [name: string]: unknown };

/** What the owner does to a file; each number chooses among what is there. */
type Edit =
  | { readonly kind: 'put'; readonly at: 'top' | 'scripts' | 'imports'; readonly name: number }
  | { readonly kind: 'drop'; readonly at: 'top' | 'scripts' | 'imports'; readonly which: number }
  | { readonly kind: 'reorder'; readonly turn: number }
  | { readonly kind: 'exclude'; readonly name: number }
  | { readonly kind: 'include'; readonly which: number }
  | { readonly kind: 'comment'; readonly line: number }
  | { readonly kind: 'ignore'; readonly name: number; readonly isFirst: boolean };

type Step = { readonly kind: 'run'; readonly command: 'add' | 'remove'; readonly task: string } | Edit;

const TASKS = ['nightly', 'weekly', 'yearly'];
const PLACES = ['top', 'scripts', 'imports'] as const;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('run'),
      command: fc.constantFrom('add', 'remove'),
      task: fc.constantFrom(...TASKS),
    }),
  },
  fc.record({ kind: fc.constant('put'), at: fc.constantFrom(...PLACES), name: fc.nat(9) }),
  fc.record({ kind: fc.constant('drop'), at: fc.constantFrom(...PLACES), which: fc.nat(9) }),
  fc.record({ kind: fc.constant('reorder'), turn: fc.nat(5) }),
  fc.record({ kind: fc.constant('exclude'), name: fc.nat(9) }),
  fc.record({ kind: fc.constant('include'), which: fc.nat(9) }),
  fc.record({ kind: fc.constant('comment'), line: fc.nat(20) }),
  fc.record({ kind: fc.constant('ignore'), name: fc.nat(9), isFirst: fc.boolean() }),
);

const style = fc.record({
  unit: fc.constantFrom('  ', '    ', '\t', ''),
  lineEnd: fc.constantFrom('\n', '\r\n'),
  end: fc.constantFrom('\n', ''),
  mark: fc.constantFrom('', '\uFEFF'),
});

const start = fc.record({
  style,
  packageJson: fc.constantFrom<Json>(
    { type: 'module' },
    { scripts: { test: 'echo' }, type: 'module', imports: { '#own': './own.js' } },
    { imports: {}, name: 'host', scripts: {}, type: 'module', devDependencies: { eslint: '8' } },
  ),
  tsconfig: fc.constantFrom(
    '// Ours.\n{\n  "compilerOptions": { "outDir": "build" }, // the end\n}\n',
    '{ "exclude": ["old"] }',
    '{\n  "exclude": [\n    "old", // since 2020\n  ],\n}\n',
    '{\n  "include": ["src"]\n}\n',
  ),
  ignored: fc.constantFrom('build/\n', 'build/', ''),
});

type Start = typeof start extends fc.Arbitrary<infer It> ? It : never;

const PACKAGE = 'package.json';
const TSCONFIG = 'tsconfig.json';
const IGNORED = ['.eslintignore', '.prettierignore'];

/** A comment of the owner's in the list that divvy had to make. */
const COMMENT_IN_OUR_LIST: { start: Start; steps: Step[] } = {
  start: {
    style: { unit: '  ', lineEnd: '\n', end: '\n', mark: '' },
    packageJson: { type: 'module' },
    tsconfig: '// Ours.\n{\n  "compilerOptions": { "outDir": "build" }, // the end\n}\n',
    ignored: 'build/\n',
  },
  steps: [
    { kind: 'run', command: 'add', task: 'nightly' },
    { kind: 'exclude', name: 0 },
    { kind: 'comment', line: 3 },
    { kind: 'include', which: 0 },
  ],
};

/** Runs many sequences of steps; each must keep what is the owner's, and leave nothing of divvy's at its end. */
export async function tasksComeAndGo(runs: number): Promise<void> {
  const sequence = fc.record({ start, steps: fc.array(step, { minLength: 4, maxLength: 12 }) });
  await fc.assert(
    fc.asyncProperty(sequence, async ({ start: from, steps }) => {
      const owner = new Owner(from);
      for (const each of steps) await owner.takes(each);
      await owner.removesAll();
    }),
    { numRuns: runs, examples: [[COMMENT_IN_OUR_LIST]] },
  );
}

/** The owner of a package, who knows what of it is not divvy's. */
class Owner {
  readonly #folder = freshFolder();
  readonly #there = new Set<string>();
  readonly #first: Record<string, string>;

  constructor({ style: { unit, lineEnd, end, mark }, packageJson, tsconfig, ignored }: Start) {
    const text = (JSON.stringify(packageJson, null, unit) + end).replaceAll('\n', lineEnd);
    this.#write(PACKAGE, mark + text);
    this.#write(TSCONFIG, mark + tsconfig.replaceAll('\n', lineEnd));
    this.#write('.prettierrc', '{}\n');
    this.#write('host.ts', 'export {};\n');
    for (const path of IGNORED) this.#write(path, ignored.replaceAll('\n', lineEnd));
    this.#first = treeOf(this.#folder);
  }

  async takes(each: Step): Promise<void> {
    if (each.kind === 'run') await this.#runs(each.command, each.task);
    else this.#edits(each);
  }

  async removesAll(): Promise<void> {
    for (const task of [...this.#there]) await this.#runs('remove', task);
    const tree = treeOf(this.#folder, ['.divvy']);
    expect(Object.keys(tree)).toEqual(Object.keys(this.#first));
    for (const [path, content] of Object.entries(tree))
      expect(content.replaceAll(/own\d\/vendor\/divvy/g, ''), path).not.toMatch(/divvy|"tasks"/);
  }

  /** A command puts text in or takes text out, and what is the owner's afterwards is what it was before. */
  async #runs(command: 'add' | 'remove', task: string): Promise<void> {
    const isThere = this.#there.has(task);
    const before = this.#texts();
    const mine = this.#mine();
    const { code, stderr } = await divvyHere([command, task], this.#folder);
    const expected = command === 'remove' && !isThere ? 2 : 0;
    expect(code, `${command} ${task}: ${stderr}`).toBe(expected);
    if (command === 'add') this.#there.add(task);
    else this.#there.delete(task);
    expect(this.#mine()).toEqual(mine);
    for (const [path, text] of Object.entries(this.#texts())) {
      const [less, more] = command === 'add' ? [before[path] ?? '', text] : [text, before[path] ?? ''];
      expect(isWithin(less, more), `${command} ${task}, ${path}:\n${before[path]}\nis now\n${text}`).toBe(true);
    }
    const scripts = (this.#json(PACKAGE)['scripts'] ?? {}) as Json;
    for (const name of TASKS) expect(Object.hasOwn(scripts, `divvy:${name}`), name).toBe(this.#there.has(name));
    expect(existsSync(join(this.#folder, 'vendor/divvy/run.mjs'))).toBe(this.#there.size > 0);
  }

  #edits(edit: Edit): void {
    if (edit.kind === 'put') {
      this.#modify(PACKAGE, placeOf(edit.at, nameIn(edit.at, edit.name)), `value ${edit.name}`);
    } else if (edit.kind === 'drop') {
      const value = this.#json(PACKAGE);
      const holder = (edit.at === 'top' ? value : value[edit.at]) ?? {};
      const names = Object.keys(holder).filter((name) => /^(s|k|#x)\d$/.test(name));
      const name = names[edit.which % names.length];
      if (name !== undefined) this.#modify(PACKAGE, placeOf(edit.at, name), undefined);
    } else if (edit.kind === 'reorder') {
      const turned = (value: Json): Json => {
        const all = Object.entries(value);
        return Object.fromEntries([...all.slice(edit.turn % all.length), ...all.slice(0, edit.turn % all.length)]);
      };
      const { scripts, ...rest } = this.#json(PACKAGE);
      const value = turned({ ...rest, ...(scripts !== undefined && { scripts: turned(scripts as Json) }) });
      this.#write(PACKAGE, `${JSON.stringify(value, null, 2)}\n`);
    } else if (edit.kind === 'ignore') {
      const line = `own${edit.name}/vendor/divvy/`;
      for (const path of IGNORED) {
        const text = this.#read(path);
        const isOpen = text !== '' && !text.endsWith('\n');
        this.#write(path, edit.isFirst ? `${line}\n${text}` : `${text}${isOpen ? '\n' : ''}${line}`);
      }
    } else this.#editsTsconfig(edit);
  }

  #editsTsconfig(edit: Exclude<Edit, { kind: 'put' | 'drop' | 'reorder' | 'ignore' }>): void {
    const there = (this.#json(TSCONFIG)['exclude'] ?? []) as string[];
    if (edit.kind === 'exclude') {
      this.#modify(TSCONFIG, ['exclude', edit.name % (there.length + 1)], `own${edit.name}`, true);
    } else if (edit.kind === 'include') {
      const which = there.findIndex((name, index) => name.startsWith('own') && index >= edit.which % there.length);
      if (which >= 0) this.#modify(TSCONFIG, ['exclude', which], undefined);
    } else {
      const lines = this.#read(TSCONFIG).split('\n');
      lines.splice((edit.line % lines.length) + 1, 0, `// comment ${edit.line}`);
      this.#write(TSCONFIG, lines.join('\n'));
    }
  }

  /** What is the owner's of each file: values and their order, comments, lines. */
  #mine(): unknown {
    const notDivvys = (name: string) => name !== '#divvy' && !name.startsWith('divvy:');
    const ofPackage = Object.entries(this.#json(PACKAGE)).flatMap(([name, value]) => {
      if (name !== 'scripts' && name !== 'imports') return [[name, value]];
      const own = Object.entries(value as Json).filter(([key]) => notDivvys(key));
      return own.length > 0 ? [[name, own]] : [];
    });
    const { exclude = [], ...ofTsconfig } = this.#json(TSCONFIG);
    const standing = ['node_modules', 'build', 'tasks', 'vendor/divvy'];
    return {
      ofPackage,
      ofTsconfig: Object.entries(ofTsconfig),
      exclude: (exclude as string[]).filter((name) => !standing.includes(name)),
      comments: this.#read(TSCONFIG).match(/\/\/.*/g),
      ignored: IGNORED.map((path) =>
        this.#lines(path).filter((line) => !['vendor/divvy/', 'divvy.lock.json', ''].includes(line)),
      ),
    };
  }

  #texts(): Record<string, string> {
    const paths = [PACKAGE, TSCONFIG, ...IGNORED, '.prettierrc', 'host.ts'];
    return Object.fromEntries(paths.map((path) => [path, this.#read(path)]));
  }

  #modify(path: string, at: JSONPath, value: unknown, isArrayInsertion = false): void {
    const text = this.#read(path);
    // A byte order mark is no part of what the library knows.
    const mark = text.startsWith('\uFEFF') ? '\uFEFF' : '';
    const bare = text.slice(mark.length);
    const formattingOptions = { insertSpaces: true, tabSize: 2, eol: '\n' };
    this.#write(path, mark + applyEdits(bare, modify(bare, at, value, { formattingOptions, isArrayInsertion })));
  }

  #json = (path: string): Json => parse(this.#read(path).replace('\uFEFF', '')) as Json;
  #lines = (path: string): string[] => this.#read(path).split(/\r?\n/);
  #read = (path: string): string => readFileSync(join(this.#folder, path), 'utf8');
  #write = (path: string, text: string): void => writeFileSync(join(this.#folder, path), text);
}

const nameIn = (at: (typeof PLACES)[number], name: number): string =>
  `${{ top: 'k', scripts: 's', imports: '#x' }[at]}${name}`;
const placeOf = (at: (typeof PLACES)[number], name: string): string[] => (at === 'top' ? [name] : [at, name]);

/** Whether a text is another one with some of it left out. White space is not counted: that in an empty object goes. */
function isWithin(less: string, more: string): boolean {
  let at = 0;
  for (const character of less.replaceAll(/\s/g, '')) {
    at = more.indexOf(character, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
