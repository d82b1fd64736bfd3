// What has to hold in every repository that a task is added to.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { vendoredRuntime } from '../../../generators/project/vendor.ts';
import { divvy } from '../commands.ts';
import { divvyHere } from '../in-process.ts';
import { git } from '../project.ts';
import { contentOf, put, type Ran, repositoryWith, runIn } from './repository.ts';

// Each repository is a dozen commands, its task, its tests and its checks: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 600_000 });

export interface Shape {
  readonly files: Readonly<Record<string, string | Buffer>>;
  /** Packages that are installed. */
  readonly tools?: readonly string[];
  /** What is run before all is committed, such as an install that makes a real lock file. */
  readonly prepare?: readonly (readonly string[])[];
  /** Of every command that is run. */
  readonly env?: NodeJS.ProcessEnv;
  /** The folder of the package that is meant, where it is not the repository's own. */
  readonly within?: string;
  /** What is added to `divvy add nightly`. */
  readonly argv?: readonly string[];
  /** What is put into files that were there: every piece, in its order. Paths are relative to the package. */
  readonly edited: Readonly<Record<string, readonly string[]>>;
  /** The files that are made beside those that every package gets. */
  readonly made?: readonly string[];
  /** Where tasks and runtime go. */
  readonly tasks?: string;
  readonly runtime?: string;
  /** The task file's ending. */
  readonly ending?: '.ts' | '.mts';
  /** The files of the task's test, in the folder of tasks. */
  readonly tests?: readonly string[];
  /** The command that runs the task, without its options; and those options. */
  readonly run?: readonly string[];
  /** The command that runs its test. */
  readonly test?: readonly string[];
  /** The lines that are to be written by hand: put into files of the repository before it is checked again. */
  readonly byHand?: Readonly<Record<string, string>>;
  /** Commands of the host's that end afterwards as they did before. */
  readonly checks?: readonly (readonly string[])[];
  /** Those that print the same, too. */
  readonly same?: readonly (readonly string[])[];
}

/** A script that runs the task of a package that is edited by two spaces; it is put before `test`. */
export const SCRIPT = '\n    "divvy:nightly": "exec node vendor/divvy/run.mjs tasks/nightly.ts",';
export const IMPORTS = '\n  "imports": {\n    "#divvy": "./vendor/divvy/index.ts"\n  },';
export const PACKAGE = { 'package.json': [IMPORTS, SCRIPT] };
/** The same where the package manager is yarn or bun. */
export const WITHOUT_EXEC = { 'package.json': [IMPORTS, SCRIPT.replace('exec ', '')] };

/** A package.json as npm writes it. */
export const packageJson = (fields: object = {}): string =>
  `${JSON.stringify({ name: 'host', version: '1.0.0', type: 'module', scripts: { test: 'node --test' }, ...fields }, null, 2)}\n`;

const QUIET = { code: 0, stderr: '' };

/** Goes through all that the contract promises of add, remove and undo, in one repository. */
export async function prove(shape: Shape): Promise<void> {
  const { within = '', argv = [], tasks = 'tasks', ending = '.ts' } = shape;
  const root = repositoryWith(shape.files, shape.tools);
  if (shape.prepare) await prepare(root, shape);
  const cwd = join(root, within);
  const at = (path: string) => join(within, path);
  const before = contentOf(root);
  const hostChecks = () =>
    Promise.all([...(shape.checks ?? []), ...(shape.same ?? [])].map((each) => runIn(root, each, shape.env)));
  const gaveBefore = await hostChecks();
  for (const [index, each] of (shape.checks ?? []).entries()) {
    expect(gaveBefore[index]?.code, `${each.join(' ')}\n${gaveBefore[index]?.stdout}${gaveBefore[index]?.stderr}`).toBe(
      0,
    );
  }

  expect(await divvy(['add', 'nightly', ...argv], { cwd })).toMatchObject(QUIET);
  const after = contentOf(root);
  expectOnly(shape, before, after);
  expectInGit(root, before, after);

  const unfinished = shape.byHand ? byHand(root, shape.byHand) : undefined;
  await expectRuns(shape, cwd, gaveBefore, hostChecks);
  unfinished?.();

  // Once more is nothing more. Another task beside it, and both gone again: the one order here, the other below.
  expect((await expectQuiet(['add', 'nightly', ...argv], cwd)).stdout).toContain('Nothing to do');
  expect(contentOf(root)).toEqual(after);
  await expectQuiet(['add', 'weekly', ...argv], cwd);
  await expectQuiet(['remove', 'weekly'], cwd);
  expect(contentOf(root)).toEqual(after);
  await expectQuiet(['remove', 'nightly'], cwd);
  expect(contentOf(root)).toEqual(before);

  await expectQuiet(['add', 'weekly', ...argv], cwd);
  await expectQuiet(['undo'], cwd);
  expect(contentOf(root)).toEqual(before);

  await expectQuiet(['add', 'weekly', ...argv], cwd);
  await expectQuiet(['add', 'nightly', ...argv], cwd);
  await expectQuiet(['remove', 'weekly'], cwd);
  expect(existsSync(join(cwd, tasks, `weekly${ending}`))).toBe(false);
  await expectKeepsWhatWasEdited(shape, root, at);
}

async function prepare(root: string, { prepare: commands = [], env }: Shape): Promise<void> {
  for (const each of commands) {
    const ran = await runIn(root, each, env);
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
  }
  git(root, 'add', '--all');
  git(root, 'commit', '--quiet', '--message', 'prepared');
}

async function expectQuiet(argv: readonly string[], cwd: string): Promise<Ran> {
  const { code, stdout, stderr } = await divvyHere(argv, cwd);
  expect({ argv, code, stderr }).toEqual({ argv, ...QUIET });
  return { code, stdout, stderr };
}

/** The tree is what it was, with the pieces put in and the files made that were expected, and nothing else. */
function expectOnly(shape: Shape, before: Record<string, string>, after: Record<string, string>): void {
  const { within = '', tasks = 'tasks', runtime = 'vendor/divvy', ending = '.ts' } = shape;
  const edited = new Map(Object.entries(shape.edited).map(([path, pieces]) => [join(within, path), pieces]));
  for (const [path, content] of Object.entries(before)) {
    const pieces = edited.get(path)?.map((piece) => Buffer.from(piece).toString('latin1'));
    if (pieces === undefined) expect(after[path], path).toBe(content);
    else {
      for (const piece of pieces) expect(after[path], path).toContain(piece);
      expect(without(after[path] ?? '', pieces), path).toBe(content);
    }
  }
  const vendored = vendoredRuntime(runtime).map(({ path }) => path);
  const tests = shape.tests ?? [`nightly.test${ending}`];
  const own = [`${tasks}/nightly${ending}`, `${tasks}/tsconfig.json`, ...tests.map((path) => `${tasks}/${path}`)];
  const made = ['divvy.json', 'divvy.lock.json', ...own, ...vendored, ...(shape.made ?? [])];
  const isFile = (path: string) => !path.endsWith('/');
  const added = Object.keys(after).filter((path) => isFile(path) && before[path] === undefined);
  const wanted = made.map((path) => join(within, path)).filter((path) => before[path] === undefined);
  expect(added.sort()).toEqual(wanted.sort());
  for (const { path, after: bytes } of vendoredRuntime(runtime)) {
    expect(after[join(within, path)]?.replace(/^\d+ /, ''), path).toBe(bytes.toString('latin1'));
  }
}

/** A text with some pieces taken out, one after another. */
function without(text: string, pieces: readonly string[]): string {
  let left = text;
  let from = 0;
  for (const piece of pieces) {
    const at = left.indexOf(piece, from);
    if (at < 0) return `there is no ${piece} from ${from} on in ${left}`;
    left = left.slice(0, at) + left.slice(at + piece.length);
    from = at;
  }
  return left;
}

/** What git has to say is what was looked at by bytes: nothing else is there, and what is new is not ignored. */
function expectInGit(root: string, before: Record<string, string>, after: Record<string, string>): void {
  const status = git(root, 'status', '--porcelain', '--untracked-files=all').split('\n').filter(Boolean);
  const expected = Object.keys(after)
    .filter((path) => !path.endsWith('/') && after[path] !== before[path])
    .map((path) => `${before[path] === undefined ? '??' : ' M'} ${path}`);
  expect(status.sort()).toEqual(expected.sort());
}

/** Writes what a person was told to write, and returns what takes it back. */
function byHand(root: string, files: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(files).map((path) => [path, readFileSync(join(root, path))] as const);
  put(root, files);
  return () => put(root, Object.fromEntries(before));
}

async function expectRuns(
  shape: Shape,
  cwd: string,
  gaveBefore: readonly Ran[],
  hostChecks: () => Promise<Ran[]>,
): Promise<void> {
  const { tasks = 'tasks', ending = '.ts', tests = [`nightly.test${ending}`] } = shape;
  const [run, test, gaveAfter, types] = await Promise.all([
    runIn(cwd, shape.run ?? ['npm', 'run', '--silent', 'divvy:nightly', '--', '-n', '2'], shape.env),
    runIn(cwd, shape.test ?? ['node', '--test', `${tasks}/${tests[0]}`], shape.env),
    hostChecks(),
    shape.tools?.includes('typescript') ? runIn(cwd, ['tsc', '-p', tasks]) : undefined,
  ]);
  expect(run, run.stderr).toMatchObject({ code: 0 });
  const items = run.stdout.split('\n').filter((line) => /^item \d+ was processed by worker [12],/.test(line));
  expect(items, run.stdout).toHaveLength(12);
  expect(test, test.stdout + test.stderr).toMatchObject({ code: 0 });
  if (types) expect(types, types.stdout).toMatchObject({ code: 0, stdout: '' });
  for (const [index, each] of (shape.checks ?? []).entries()) {
    const now = gaveAfter[index];
    expect(now?.code, `${each.join(' ')}\n${now?.stdout}${now?.stderr}`).toBe(0);
  }
  const offset = shape.checks?.length ?? 0;
  for (const [index, each] of (shape.same ?? []).entries()) {
    expect({ each, ...gaveAfter[offset + index] }).toEqual({ each, ...gaveBefore[offset + index] });
  }
}

/** From a repository with one task: what was edited is kept and named, and the rest goes. */
async function expectKeepsWhatWasEdited(shape: Shape, root: string, at: (path: string) => string): Promise<void> {
  const { tasks = 'tasks', ending = '.ts', tests = [`nightly.test${ending}`] } = shape;
  const file = (path: string) => join(root, at(path));
  const task = `${tasks}/nightly${ending}`;
  const test = `${tasks}/${tests[0]}`;
  for (const path of [task, test, `${tasks}/tsconfig.json`]) appendFileSync(file(path), '// mine\n');
  const edited = readFileSync(file('package.json'), 'utf8')
    .replace('run.mjs tasks/nightly', 'run.mjs -v tasks/nightly')
    .replace(`run.mjs ${tasks}/nightly`, `run.mjs -v ${tasks}/nightly`);
  writeFileSync(file('package.json'), edited);
  git(root, 'add', '--all');
  git(root, 'commit', '--quiet', '--message', 'mine');

  const { code, stderr } = await divvyHere(['remove', 'nightly'], join(root, at('')));
  expect({ code, stderr }).toMatchObject({ code: 3 });
  const kept = [task, test, `${tasks}/tsconfig.json`];
  for (const path of kept) {
    expect(stderr).toContain(`${path}: it was edited since`);
    expect(readFileSync(file(path), 'utf8')).toMatch(/\/\/ mine\n$/);
  }
  expect(stderr).toContain('package.json: scripts.divvy:nightly was edited since');
  expect(readFileSync(file('package.json'), 'utf8')).toContain('-v');
  expect(readFileSync(file('package.json'), 'utf8')).not.toContain('#divvy');
  const gone = ['divvy.json', 'divvy.lock.json', shape.runtime ?? 'vendor/divvy'].filter(
    (path) => shape.files[at(path)] === undefined,
  );
  for (const path of gone) expect(existsSync(file(path)), path).toBe(false);
  git(root, 'add', '--all');
  git(root, 'commit', '--quiet', '--message', 'gone');
}
