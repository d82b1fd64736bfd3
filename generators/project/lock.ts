/**
 * divvy.lock.json, which only the tool reads: what made the project, from which answers, and the sum of each file as
 * divvy wrote it.
 *
 * Two branches that each add a task must merge. So everything about one task is on one line, and adding a task changes
 * nothing else: the lock has no sum of a file that both branches edit. git reports a conflict when both sides add a
 * line at the same place. So the tasks are spread over many gaps: a task's name alone decides its gap, and an empty
 * line separates the gaps. Every task line ends with a comma, because the last entry of `tasks` is not a task. So even
 * if two lines meet in one gap and somebody has to keep both, the result is valid JSON.
 */

import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { Inserted } from '../codemods/inserted.ts';
import { readWhole, stat } from '../disk/disk.ts';
import { LOCK } from '../disk/file-names.ts';
import { conflictsIn } from '../disk/markers.ts';
import { type Insertion, isInsertion } from '../json/insertions.ts';
import { parseSafely } from '../json/parse.ts';
import { lineAt, readJson, valueAt } from '../json/text.ts';
import { badLock, unmergedLock } from '../terminal/errors.ts';
import type { Refusal } from '../terminal/refusal.ts';

/** A file that existed before divvy, and that divvy edited. */
export interface EditedHost {
  readonly path: string;
  /** Everything that divvy has inserted into it so far. */
  readonly insertions: readonly Insertion[];
  /** The sum of the rest of the file, if divvy wrote that too. */
  readonly sum?: string;
}

export interface LockedTask {
  /** The template that its file was made from; absent if the file existed before and was kept. */
  readonly template?: string;
  readonly templateVersion?: string;
  /** Where a template from elsewhere came from, and what that resolved to. */
  readonly source?: string;
  readonly resolved?: string;
  /** Without the secret ones. */
  readonly answers: { readonly [name: string]: unknown };
  readonly hooks: readonly string[];
  /** The files that belong to this task alone. */
  readonly files?: readonly string[];
  /** The packages that this task needs. */
  readonly dependencies?: readonly string[];
  /** The scripts that its template added to package.json, each with its command. */
  readonly scripts?: { readonly [name: string]: string };
}

/** What fills README.md and the other files that every new project gets. */
export interface Made {
  /** The first task. */
  readonly task: string;
  /** What its template is said to be, as it stands in these files. */
  readonly description: string;
}

/** What divvy inserted into a file that existed before. */
interface LockedHostFile {
  readonly insertions: readonly Insertion[];
}

export interface Lock {
  readonly lockVersion: 1;
  /** The version of the vendored runtime: that of the divvy package that wrote it. */
  readonly runtime: string;
  /** Set if nobody has tried what `divvy upgrade --no-verify` put together. */
  readonly unverified?: true;
  /** What the files of the new project were filled with; absent if the tasks were added to a package. */
  readonly made?: Made;
  readonly tasks: { readonly [task: string]: LockedTask };
  /**
   * The sum of each file that divvy wrote whole, as divvy wrote it: with the hooks, but without later insertions. A
   * file that its owner has edited never gets a new sum, so that divvy never takes it for its own.
   */
  readonly files: { readonly [path: string]: string };
  /**
   * Which hooks `divvy hook` and `--hooks` added to which file, so that they can be removed exactly; absent if there
   * are none.
   */
  readonly edited?: { readonly [path: string]: Inserted };
  /** The files that existed before and that divvy edited; absent if there are none. */
  readonly host?: { readonly [path: string]: LockedHostFile };
  /** The folders that divvy made. */
  readonly folders?: readonly string[];
}

/** One task as its line in the lock. In memory this data is grouped by file; here it is grouped by task. */
interface TaskLine extends Omit<LockedTask, 'files'> {
  /** The sum of each file that belongs to this task; null if the file is no longer as divvy wrote it. */
  readonly files?: { readonly [path: string]: string | null };
  readonly edited?: { readonly [path: string]: unknown };
  readonly insertions?: { readonly [path: string]: readonly unknown[] };
}

/** The whole lock as it is in the file. The entries in `edited` and `host` are checked later, when they are used. */
interface LockFile {
  readonly runtime: string;
  readonly unverified?: true;
  readonly made?: Made;
  readonly tasks: { readonly [task: string]: TaskLine };
  readonly files: { readonly [path: string]: string };
  readonly edited?: Table;
  readonly host?: Table;
  readonly folders?: readonly string[];
}

type Table = { readonly [name: string]: unknown };

/** The number of gaps: two new tasks land in the same gap once in this many times. */
const GAPS = 100;

/** The name of the entry after the last task. */
const END = '';

/** Renders the lock as a file: the same lock always gives the same text. */
export function textOf(lock: Lock): string {
  const { lockVersion, runtime, unverified, made, tasks, files, edited = {}, host = {}, folders = [] } = lock;
  const own = new Set(Object.values(tasks).flatMap((task) => task.files ?? []));
  const gaps: string[][] = Array.from({ length: GAPS }, () => []);
  for (const [name, task] of sorted(tasks)) {
    const insertions = Object.entries(host).flatMap(([path, { insertions: all }]) => {
      const its = all.filter((each) => taskOf(each) === name).map((each) => ({ ...each, task: undefined }));
      return its.length > 0 ? [[path, its] as const] : [];
    });
    const { files: paths = [], ...rest } = task;
    const line: TaskLine = {
      ...rest,
      files: Object.fromEntries(paths.toSorted().map((path) => [path, files[path] ?? null])),
      ...some('edited', Object.fromEntries(sorted(edited).filter(([path]) => paths.includes(path)))),
      ...some('insertions', Object.fromEntries(insertions)),
    };
    gaps[gapOf(name)]?.push(`    ${entry(name, line)},`);
  }
  const ofNone = <Value>(by: { readonly [path: string]: Value }) => sorted(by).filter(([path]) => !own.has(path));
  const hosts = sorted(host).flatMap(([path, { insertions }]) => {
    const shared = insertions.filter((each) => !Object.hasOwn(tasks, taskOf(each) ?? END));
    // Two branches may each add a package. So a `null` ends the list, and every insertion before it has a comma.
    const lines = shared.map((each) => `\n        ${JSON.stringify(each)},`).join('');
    return shared.length > 0
      ? [`${JSON.stringify(path)}: {\n      "insertions": [${lines}\n        null\n      ]\n    }`]
      : [];
  });
  const parts = [
    entry('lockVersion', lockVersion),
    entry('runtime', runtime),
    ...(unverified ? [entry('unverified', unverified)] : []),
    ...(made ? [entry('made', made)] : []),
    block(
      'files',
      '{}',
      ofNone(files).map(([path, sum]) => entry(path, sum)),
    ),
    ...[ofNone(edited).map(([path, inserted]) => entry(path, inserted))].flatMap((each) =>
      blockOfSome('edited', '{}', each),
    ),
    ...blockOfSome('host', '{}', hosts),
    ...blockOfSome(
      'folders',
      '[]',
      folders.toSorted().map((folder) => JSON.stringify(folder)),
    ),
  ];
  const lines = gaps.flatMap((gap) => [...gap, '']);
  const end = `    ${entry(END, 'A comma stands after each task: where git cannot merge two of them, keep both lines.')}`;
  return `{\n${parts.map((part) => `  ${part},\n`).join('')}  "tasks": {\n${lines.join('\n')}\n${end}\n  }\n}\n`;
}

const entry = (name: string, value: unknown): string => `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
const block = (name: string, [open, close]: string, lines: readonly string[]): string =>
  `${JSON.stringify(name)}: ${open}${lines.map((line) => `\n    ${line}`).join()}\n  ${close}`;
const blockOfSome = (name: string, brackets: string, lines: readonly string[]): string[] =>
  lines.length > 0 ? [block(name, brackets, lines)] : [];
const some = (name: string, table: Table): Table => (Object.keys(table).length > 0 ? { [name]: table } : {});
const sorted = <Value>(by: { readonly [name: string]: Value }): [string, Value][] =>
  Object.entries(by).sort(([a], [b]) => (a < b ? -1 : 1));

const gapOf = (task: string): number => Number.parseInt(hash('sha256', task).slice(0, 8), 16) % GAPS;
const taskOf = (insertion: Insertion): string | undefined => ('was' in insertion ? undefined : insertion.task);

/** A lock may have come with somebody else's repository: trust nothing in it before it is checked. */
function lockIn(text: string): Lock | undefined {
  let value: unknown;
  try {
    value = parseSafely(text);
  } catch {
    return undefined;
  }
  if (!isLockFile(value)) return undefined;
  const { runtime, unverified, made, tasks: all, edited = {}, host = {}, folders = [] } = value;
  const { [END]: _, ...lines } = all;

  const tasks: { [task: string]: LockedTask } = {};
  const files: { [path: string]: string } = { ...value.files };
  const hooks: { [path: string]: unknown } = { ...edited };
  const insertions = Object.entries(host).map(([path, each]) => [path, insertionsOf(each)] as const);
  for (const [name, { files: own, edited: itsHooks = {}, insertions: its = {}, ...task }] of Object.entries(lines)) {
    tasks[name] = { ...task, ...(own && { files: Object.keys(own) }) };
    for (const [path, sum] of Object.entries(own ?? {})) if (sum !== null) files[path] = sum;
    Object.assign(hooks, itsHooks);
    const named = (each: unknown) => (isObject(each) ? [{ ...each, task: name }] : []);
    insertions.push(...Object.entries(its).map(([path, each]) => [path, each.flatMap(named)] as const));
  }
  const byFile: { [path: string]: { insertions: Insertion[] } } = {};
  for (const [path, each] of insertions) {
    byFile[path] = { insertions: [...(byFile[path]?.insertions ?? []), ...each.filter(isInsertion)] };
  }
  return {
    lockVersion: 1,
    runtime,
    ...(unverified && { unverified }),
    ...(made && { made }),
    tasks,
    files,
    ...some('edited', Object.fromEntries(Object.entries(hooks).filter(([, each]) => isInserted(each)))),
    ...some('host', byFile),
    ...(folders.length > 0 && { folders }),
  };
}

const isLockFile = (value: unknown): value is LockFile => faultIn(value) === undefined;

/** The path to the first wrong value in the lock; undefined if everything is right. */
function faultIn(value: unknown): readonly string[] | undefined {
  if (!isObject(value)) return [];
  const { lockVersion, runtime, unverified, made, tasks, files, edited = {}, host = {}, folders = [] } = value;
  const part = Object.entries({
    lockVersion: lockVersion === 1,
    runtime: isText(runtime),
    unverified: unverified === undefined || unverified === true,
    made: made === undefined || (isObject(made) && isText(made['task']) && isText(made['description'])),
    tasks: isObject(tasks),
    files: isObject(files),
    edited: isObject(edited),
    host: isObject(host),
    folders: isTexts(folders),
  }).find(([, isGood]) => !isGood)?.[0];
  if (part !== undefined) return [part];
  const wrong = (table: unknown, isOne: (each: unknown) => boolean) =>
    Object.entries(isObject(table) ? table : {}).find(([name, each]) => name !== END && !isOne(each))?.[0];
  const [task, file] = [wrong(tasks, isTaskLine), wrong(files, isText)];
  if (task !== undefined) return ['tasks', task];
  return file === undefined ? undefined : ['files', file];
}

const insertionsOf = (host: unknown): readonly unknown[] =>
  isObject(host) && Array.isArray(host['insertions']) ? host['insertions'] : [];

function isTaskLine(value: unknown): value is TaskLine {
  if (!isObject(value)) return false;
  const { template, templateVersion, source, resolved, answers, hooks, files, edited, insertions } = value;
  const { dependencies, scripts } = value;
  return (
    [template, templateVersion, source, resolved].every((each) => each === undefined || isText(each)) &&
    (template === undefined) === (templateVersion === undefined) &&
    (source === undefined) === (resolved === undefined) &&
    isObject(answers) &&
    isTexts(hooks) &&
    (dependencies === undefined || isTexts(dependencies)) &&
    (scripts === undefined || isTableOf(scripts, isText)) &&
    (files === undefined || isTableOf(files, (sum) => sum === null || isText(sum))) &&
    (edited === undefined || isObject(edited)) &&
    (insertions === undefined || isTableOf(insertions, Array.isArray))
  );
}

const isObject = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);

function isTableOf<Value>(
  value: unknown,
  isOne: ((each: unknown) => each is Value) | ((each: unknown) => boolean),
): value is { readonly [name: string]: Value } {
  return isObject(value) && Object.values(value).every(isOne);
}

/** The lock of a project; undefined if there is none, or none of this version that divvy can read. */
export function readLock(folder: string): Lock | undefined {
  const file = join(folder, LOCK);
  return stat(file)?.isFile() ? lockIn(readWhole(file).toString('utf8')) : undefined;
}

/**
 * The lock that a command edits; undefined if there is none. Throws a Refusal with exit code 3 if divvy cannot read it.
 */
export function lockToEdit(folder: string): Lock | undefined {
  const lock = readLock(folder);
  if (lock !== undefined || stat(join(folder, LOCK)) === undefined) return lock;
  refuseUnmerged(folder);
  if (stat(join(folder, LOCK))?.isFile() !== true) throw badLock(LOCK, 'it is not a file');
  throw unreadable(readWhole(join(folder, LOCK)).toString('utf8'));
}

function unreadable(text: string): Refusal {
  const json = readJson(text, 'json');
  if ('reason' in json) return badLock(LOCK, json.reason, json.line);
  const at = faultIn(valueAt(json, []));
  if (at !== undefined) return badLock(LOCK, `${at.join('.')} is not as divvy writes it`, lineAt(json, at));
  return badLock(LOCK, 'it has a name in it that every object has');
}

/**
 * Throws a Refusal with exit code 3 if git has left conflicts in the lock: divvy could not tell then who owns a file.
 */
export function refuseUnmerged(folder: string): void {
  const file = join(folder, LOCK);
  if (stat(file)?.isFile() !== true) return;
  const conflicts = conflictsIn(readWhole(file).toString('utf8'));
  if (conflicts.length > 0) throw unmergedLock(LOCK, conflicts);
}

/** What divvy has inserted into a file of the host. */
export function insertionsIn(lock: Lock | undefined, path: string): readonly Insertion[] {
  const known: unknown = lock?.host?.[path]?.insertions;
  return Array.isArray(known) ? known.filter(isInsertion) : [];
}

/** The hooks that divvy has inserted into a file, as far as the lock knows. */
export function insertedIn(lock: Lock | undefined, path: string): Inserted | undefined {
  const known = lock?.edited?.[path];
  if (!isInserted(known)) return undefined;
  const { hooks, imports, statement } = known;
  return { hooks, imports, ...(statement && { statement }) };
}

function isInserted(value: unknown): value is Inserted {
  if (!isObject(value)) return false;
  const { hooks, imports, statement } = value as Partial<Inserted>;
  return (
    isObject(hooks) &&
    Object.values(hooks ?? {}).every((text) => typeof text === 'string') &&
    Array.isArray(imports) &&
    imports.every((text) => typeof text === 'string') &&
    [undefined, 'behind', 'before'].includes(statement)
  );
}
