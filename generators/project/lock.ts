/**
 * divvy.lock.json, for the tool: what made the project, from what answers, and what each file was when it was written.
 *
 * Two branches that each add a task must merge. So all that is known of one task is one line, and nothing else changes with
 * it: no sum is there of a file that both edit. git takes two new lines at one place for a conflict; so the tasks are spread
 * over many gaps, each at a place that follows from its name alone, with an empty line between any two gaps. A comma stands
 * behind every line, since what is below `tasks` ends with an entry that is none: so the lines of both sides are always
 * good JSON, where they meet in one gap too, and somebody has to keep both.
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

/** A file that was there before, edited. */
export interface EditedHost {
  readonly path: string;
  /** All that is in it by divvy now. */
  readonly insertions: readonly Insertion[];
  /** Of the rest of it, where divvy has written that too. */
  readonly sum?: string;
}

export interface LockedTask {
  /** What its file was made from; absent where that was there before, and was kept. */
  readonly template?: string;
  readonly templateVersion?: string;
  /** Where it came from, and what that was: of a template from elsewhere. */
  readonly source?: string;
  readonly resolved?: string;
  /** None that is secret. */
  readonly answers: { readonly [name: string]: unknown };
  readonly hooks: readonly string[];
  /** The files that are its own. */
  readonly files?: readonly string[];
  /** The packages that it needs. */
  readonly dependencies?: readonly string[];
  /** The scripts that its template has put into package.json, each with its command. */
  readonly scripts?: { readonly [name: string]: string };
}

/** What was put into a file that was there before. */
interface LockedHostFile {
  readonly insertions: readonly Insertion[];
}

export interface Lock {
  readonly lockVersion: 1;
  /** Of the vendored runtime, which is that of the package that wrote it. */
  readonly runtime: string;
  readonly tasks: { readonly [task: string]: LockedTask };
  /**
   * The sum of each file that was written whole, as divvy wrote it: without what was put into it since, and with the hooks.
   * A file that its owner has edited never gets another sum, so that it is never taken for divvy's.
   */
  readonly files: { readonly [path: string]: string };
  /** What hooks are in which file by `divvy hook` and `--hooks`, to be taken out exactly; absent where there is none. */
  readonly edited?: { readonly [path: string]: Inserted };
  /** The files that were there before, and were edited; absent where there is none. */
  readonly host?: { readonly [path: string]: LockedHostFile };
  /** The folders that were made. */
  readonly folders?: readonly string[];
}

/** One task as its line has it. What is in memory by file is here by task. */
interface TaskLine extends Omit<LockedTask, 'files'> {
  /** Each file that is its own, with its sum; null where it is not as divvy wrote it. */
  readonly files?: { readonly [path: string]: string | null };
  readonly edited?: { readonly [path: string]: unknown };
  readonly insertions?: { readonly [path: string]: readonly unknown[] };
}

/** All of it as it is in the file; of what hooks have put in, and of the host, it is looked at later what each thing is. */
interface LockFile {
  readonly runtime: string;
  readonly tasks: { readonly [task: string]: TaskLine };
  readonly files: { readonly [path: string]: string };
  readonly edited?: Table;
  readonly host?: Table;
  readonly folders?: readonly string[];
}

type Table = { readonly [name: string]: unknown };

/** How many gaps: two tasks meet in one of them once in so many times. */
const GAPS = 100;

/** The name of what stands behind the last task. */
const END = '';

/** The lock as a file: the same lock is always the same text. */
export function textOf({ lockVersion, runtime, tasks, files, edited = {}, host = {}, folders = [] }: Lock): string {
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
    // Two branches may each have put a package in: what ends the list is no insertion, for the sake of the comma before it.
    const lines = shared.map((each) => `\n        ${JSON.stringify(each)},`).join('');
    return shared.length > 0
      ? [`${JSON.stringify(path)}: {\n      "insertions": [${lines}\n        null\n      ]\n    }`]
      : [];
  });
  const parts = [
    entry('lockVersion', lockVersion),
    entry('runtime', runtime),
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
  const end = `    ${entry(END, 'A comma stands behind each task: where git cannot merge two of them, keep both lines.')}`;
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

/** A lock may have come with somebody else's repository: nothing in it is what it should be before that is known. */
function lockIn(text: string): Lock | undefined {
  let value: unknown;
  try {
    value = parseSafely(text);
  } catch {
    return undefined;
  }
  if (!isLockFile(value)) return undefined;
  const { runtime, tasks: all, edited = {}, host = {}, folders = [] } = value;
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
    tasks,
    files,
    ...some('edited', Object.fromEntries(Object.entries(hooks).filter(([, each]) => isInserted(each)))),
    ...some('host', byFile),
    ...(folders.length > 0 && { folders }),
  };
}

const isLockFile = (value: unknown): value is LockFile => faultIn(value) === undefined;

/** The place of the first thing that is not as it should be; undefined where all is. */
function faultIn(value: unknown): readonly string[] | undefined {
  if (!isObject(value)) return [];
  const { lockVersion, runtime, tasks, files, edited = {}, host = {}, folders = [] } = value;
  const part = Object.entries({
    lockVersion: lockVersion === 1,
    runtime: isText(runtime),
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

/** The lock of a project; undefined where there is none, or none of this version that can be read. */
export function readLock(folder: string): Lock | undefined {
  const file = join(folder, LOCK);
  return stat(file)?.isFile() ? lockIn(readWhole(file).toString('utf8')) : undefined;
}

/** The lock that a command edits; undefined where there is none. Throws a Refusal where there is one that cannot be read. */
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

/** Throws a Refusal with exit code 3 where git has left conflicts in the lock: whose a file is cannot be told then. */
export function refuseUnmerged(folder: string): void {
  const file = join(folder, LOCK);
  if (stat(file)?.isFile() !== true) return;
  const conflicts = conflictsIn(readWhole(file).toString('utf8'));
  if (conflicts.length > 0) throw unmergedLock(LOCK, conflicts);
}

/** What is in a file of the host by divvy. */
export function insertionsIn(lock: Lock | undefined, path: string): readonly Insertion[] {
  const known: unknown = lock?.host?.[path]?.insertions;
  return Array.isArray(known) ? known.filter(isInsertion) : [];
}

/** What was put into a file, as far as the lock knows. */
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
