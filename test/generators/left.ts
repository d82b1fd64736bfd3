// Commands, edits, formatters, line ends and merges in any order: nothing that its owner wrote is ever removed.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { treeOf } from './commands.ts';
import { divvyHere } from './in-process.ts';
import { git } from './project.ts';
import { packageJson } from './shapes/proof.ts';
import { repositoryWith } from './shapes/repository.ts';

const TASKS = ['nightly', 'weekly', 'yearly'];
const HOOKS = ['key', 'total', 'afterRun'];
/** What the owner edits, where it is there. */
const FILES = [
  ...TASKS.flatMap((task) => [`tasks/${task}.ts`, `tasks/${task}.test.ts`]),
  'tasks/tsconfig.json',
  'vendor/divvy/index.ts',
  'vendor/divvy/README.md',
  '.prettierignore',
  'package.json',
];

type Step =
  | { readonly kind: 'add' | 'remove' | 'merge'; readonly task: string }
  | { readonly kind: 'hook'; readonly action: 'add' | 'remove'; readonly task: string; readonly hook: string }
  | { readonly kind: 'edit' | 'format' | 'replace'; readonly path: string }
  | { readonly kind: 'crlf'; readonly isOn: boolean }
  | { readonly kind: 'undo' | 'commit' };

const task = fc.constantFrom(...TASKS);
const path = fc.constantFrom(...FILES);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('add', 'remove'), task }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('hook'),
      action: fc.constantFrom('add', 'remove'),
      task,
      hook: fc.constantFrom(...HOOKS),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('edit'), path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('format', 'replace'), path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crlf'), isOn: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('merge'), task }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('undo', 'commit') }) },
);

/** What was found by hand, before any chance. */
const EXAMPLES: Step[][] = [
  [
    { kind: 'add', task: 'nightly' },
    { kind: 'edit', path: 'tasks/nightly.ts' },
    { kind: 'commit' },
    { kind: 'hook', action: 'add', task: 'nightly', hook: 'key' },
    { kind: 'remove', task: 'nightly' },
  ],
  [
    { kind: 'add', task: 'nightly' },
    { kind: 'replace', path: '.prettierignore' },
    { kind: 'add', task: 'weekly' },
    { kind: 'crlf', isOn: true },
    { kind: 'remove', task: 'nightly' },
    { kind: 'format', path: 'vendor/divvy/index.ts' },
    { kind: 'remove', task: 'weekly' },
  ],
  [
    { kind: 'add', task: 'nightly' },
    { kind: 'merge', task: 'weekly' },
    { kind: 'edit', path: 'tasks/weekly.ts' },
    { kind: 'remove', task: 'weekly' },
    { kind: 'undo' },
  ],
];

/** Runs many sequences of steps, those of above first. */
export async function nothingOfItsOwnersIsLost(runs: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 12 }), async (steps) => {
      const owner = new Owner();
      for (const each of steps) await owner.takes(each);
      for (const each of [...TASKS, 'main']) await owner.takes({ kind: 'remove', task: each });
      await owner.takes({ kind: 'undo' });
    }),
    { numRuns: runs, examples: EXAMPLES.map((steps) => [steps]) },
  );
}

class Owner {
  readonly #root = repositoryWith({ 'package.json': packageJson(), '.prettierrc': '{}\n' });
  /** Of each file what its owner has written into it. */
  readonly #mine = new Map<string, string[]>();
  /** The files that are not as divvy wrote them. */
  readonly #touched = new Set<string>();
  #count = 0;

  async takes(each: Step): Promise<void> {
    if (each.kind === 'add' || each.kind === 'remove') await this.#runs([each.kind, each.task, '--allow-dirty']);
    else if (each.kind === 'hook') await this.#hooks(each.action, each.task, each.hook);
    else if (each.kind === 'undo') await this.#runs(['undo']);
    else if (each.kind === 'commit') this.#commits();
    else if (each.kind === 'crlf') this.#converts(each.isOn);
    else if (each.kind === 'merge') await this.#merges(each.task);
    else if ('path' in each && existsSync(join(this.#root, each.path))) this.#changes(each.kind, each.path);
  }

  async #hooks(action: string, name: string, hook: string): Promise<void> {
    if (existsSync(join(this.#root, `tasks/${name}.ts`)))
      await this.#runs(['hook', action, hook, '--task', name, '--allow-dirty']);
  }

  async #runs(argv: readonly string[]): Promise<void> {
    const before = Object.keys(treeOf(this.#root, ['.divvy']));
    const { code, stderr } = await divvyHere(argv, this.#root);
    const said = `${argv.join(' ')}: ${stderr}`;
    expect([0, 2, 3], said).toContain(code);
    for (const [file, marks] of this.#mine) {
      expect(existsSync(join(this.#root, file)), `${file} after ${said}`).toBe(true);
      for (const mark of marks) expect(this.#read(file), `${file} after ${said}`).toContain(mark);
    }
    const after = Object.keys(treeOf(this.#root, ['.divvy']));
    const runtime = (tree: string[]) => tree.filter((file) => file.startsWith('vendor/divvy/'));
    const there = runtime(after);
    if (there.length > 0 && runtime(before).length > 0) expect(there, said).toEqual(runtime(before));
    const [command, name] = argv;
    if (command === 'remove' && code !== 2)
      for (const file of [`tasks/${name}.ts`, `tasks/${name}.test.ts`])
        if (!this.#touched.has(file)) expect(existsSync(join(this.#root, file)), `${file} after ${said}`).toBe(false);
  }

  #changes(kind: 'edit' | 'format' | 'replace', file: string): void {
    const mark = `mine${this.#count++}`;
    const text = this.#read(file);
    const eol = text.includes('\r\n') ? '\r\n' : '\n';
    this.#touched.add(file);
    if (file === 'package.json') this.#write(file, text.replace('{', `{${eol}  "${mark}": 1,`));
    else if (kind === 'format') this.#write(file, `${text}${eol}${eol}`);
    else if (kind === 'replace' && file === '.prettierignore') {
      this.#mine.delete(file);
      this.#write(file, `${mark}/${eol}`);
    } else this.#write(file, `${text}${file.startsWith('.') ? '' : '// '}${mark}${eol}`);
    if (kind !== 'format' || file === 'package.json') this.#mine.set(file, [...(this.#mine.get(file) ?? []), mark]);
  }

  #converts(isOn: boolean): void {
    for (const [file, content] of Object.entries(treeOf(this.#root, ['.divvy', 'vendor']))) {
      if (content === 'folder') continue;
      const text = this.#read(file).replaceAll('\r\n', '\n');
      this.#write(file, isOn ? text.replaceAll('\n', '\r\n') : text);
    }
  }

  #commits(): void {
    git(this.#root, 'add', '--all');
    git(this.#root, 'commit', '--quiet', '--allow-empty', '--message', 'step');
  }

  /** Somebody else has added a task; scripts in package.json are for people to merge. */
  async #merges(name: string): Promise<void> {
    this.#commits();
    const branch = `other${this.#count++}`;
    git(this.#root, 'checkout', '--quiet', '-b', branch);
    await this.#runs(['add', name, '--allow-dirty']);
    this.#commits();
    const theirs = this.#read('package.json');
    git(this.#root, 'checkout', '--quiet', '-');
    await this.#runs(['add', 'main', '--allow-dirty']);
    this.#commits();
    const ours = this.#read('package.json');
    try {
      git(this.#root, 'merge', '--quiet', '--message', 'merged', branch);
    } catch {
      const unmerged = git(this.#root, 'diff', '--name-only', '--diff-filter=U').split('\n').filter(Boolean);
      if (unmerged.join() !== 'package.json') git(this.#root, 'merge', '--abort');
      else this.#write('package.json', bothOf(ours, theirs));
    }
    this.#commits();
  }

  #read = (file: string): string => readFileSync(join(this.#root, file), 'utf8');
  #write = (file: string, text: string): void => writeFileSync(join(this.#root, file), text);
}

function bothOf(ours: string, theirs: string): string {
  const [mine, other] = [ours, theirs].map((text) => JSON.parse(text) as Record<string, Record<string, string>>);
  const scripts = { ...other?.['scripts'], ...mine?.['scripts'] };
  const text = `${JSON.stringify({ ...mine, scripts }, null, 2)}\n`;
  return ours.includes('\r\n') ? text.replaceAll('\n', '\r\n') : text;
}
