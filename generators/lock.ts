/** divvy.lock.json, for the tool: what made the project, from what answers, and what each file was when it was written. */

import { join } from 'node:path';
import { readWhole, stat } from './change-set/disk.ts';
import { sha256, type Wanted } from './change-set/survey.ts';
import type { Inserted } from './codemods/inserted.ts';
import { badLock } from './errors.ts';
import { type Insertion, isInsertion } from './host/insertions.ts';
import { version } from './package.ts';
import { parseSafely } from './sources/templates-in.ts';
import type { Template } from './templates.ts';

export const LOCK = 'divvy.lock.json';

export interface LockedTask {
  readonly template: string;
  readonly templateVersion: string;
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
}

/** What hooks are in a file by `divvy hook` and `--hooks`, so that they can be taken out again exactly. */
interface EditedFile extends Inserted {
  /** Of the file as the last such command left it; absent where it had changes in it that git did not have. */
  readonly sha256?: string;
}

/** What was put into a file that was there before. */
interface LockedHostFile {
  /** Of the file as the last command left it; absent where it had changes in it that git did not have. */
  readonly sha256?: string;
  readonly insertions: readonly Insertion[];
}

export interface Lock {
  readonly lockVersion: 1;
  /** Of the vendored runtime, which is that of the package that wrote it. */
  readonly runtime: string;
  readonly tasks: { readonly [task: string]: LockedTask };
  /** The sha256 of each file that was written, as it was written. */
  readonly files: { readonly [path: string]: string };
  /** The files that hooks were put into; absent where there is none. */
  readonly edited?: { readonly [path: string]: EditedFile };
  /** The files that were there before, and were edited; absent where there is none. */
  readonly host?: { readonly [path: string]: LockedHostFile };
  /** The folders that were made. */
  readonly folders?: readonly string[];
}

interface TaskToLock {
  readonly task: string;
  readonly template: Template;
  /** The answers to its prompts, without those that are secret. */
  readonly answers: { readonly [name: string]: string };
  readonly hooks: readonly string[];
  /** The paths of its own files. */
  readonly files: readonly string[];
  /** The task file, and what the hooks have put into it. */
  readonly edited?: Edited | undefined;
}

/** A file that was there before, edited. */
export interface EditedHost {
  readonly path: string;
  readonly from: Buffer;
  readonly to: Buffer;
  /** All that is in it by divvy now. */
  readonly insertions: readonly Insertion[];
  /** Whether it had changes in it that git did not have, and divvy did not make. */
  readonly isDirty: boolean;
}

/** What hooks have put into a file. */
export interface Edited {
  readonly path: string;
  readonly inserted: Inserted;
  /** Whether the file had changes in it that git did not have, and divvy did not make. */
  readonly isDirty: boolean;
}

/**
 * The lock as it is after a command that makes a task.
 *
 * before  - the lock that is there; what it says of other tasks, and of files that were not written now, stays.
 * written - every file that is there now as divvy wrote it, the edited ones of the host left aside.
 * host    - those.
 * folders - that had to be made.
 */
export function lockText(
  { task, template: { manifest, origin }, answers, hooks, files, edited }: TaskToLock,
  written: readonly Wanted[],
  before: Lock | undefined,
  host: readonly EditedHost[] = [],
  folders: readonly string[] = [],
): string {
  const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.permissions?.packageJson?.devDependencies });
  const locked: LockedTask = {
    template: manifest.name,
    templateVersion: manifest.version,
    ...(origin && { source: origin.source, resolved: origin.resolved }),
    answers,
    hooks,
    files: [...files].sort(),
    ...(dependencies.length > 0 && { dependencies }),
  };
  const sums = new Map([
    ...Object.entries(before?.files ?? {}),
    ...written.flatMap(({ path, after }) => (after ? [[path, sha256(after)] as const] : [])),
  ]);
  const made = [...new Set([...(before?.folders ?? []), ...folders])].sort();
  const lock: Lock = {
    lockVersion: 1,
    runtime: before?.runtime ?? version,
    tasks: { ...before?.tasks, [task]: locked },
    files: Object.fromEntries([...sums].sort(byName)),
    ...(before?.edited && { edited: before.edited }),
    ...(before?.host && { host: before.host }),
    ...(made.length > 0 && { folders: made }),
  };
  const file = written.find(({ path }) => path === edited?.path)?.after;
  const withHost = host.reduce(withEditedHost, lock);
  return textOf(edited && file ? withEdited(withHost, edited, file) : withHost);
}

/**
 * The lock as it is after a task is gone.
 *
 * gone - the paths of the files that are no longer there, or are the person's own now.
 */
export function lockWithout(lock: Lock, task: string, gone: readonly string[], host: readonly EditedHost[]): string {
  const left = <Value>(by: { readonly [path: string]: Value } | undefined, names: readonly string[]) =>
    Object.fromEntries(Object.entries(by ?? {}).filter(([name]) => !names.includes(name)));
  const { edited: before, ...rest } = lock;
  const edited = left(before, gone);
  const without: Lock = {
    ...rest,
    tasks: left(lock.tasks, [task]),
    files: left(lock.files, gone),
    ...(Object.keys(edited).length > 0 && { edited }),
  };
  return textOf(host.reduce(withEditedHost, without));
}

function withEditedHost(lock: Lock, { path, from, to, insertions, isDirty }: EditedHost): Lock {
  const { host: before, ...rest } = lock;
  const others = Object.entries(before ?? {}).filter(([other]) => other !== path);
  const here: [string, LockedHostFile] = [path, { ...(!isDirty && { sha256: sha256(to) }), insertions }];
  const host = [...others, ...(insertions.length > 0 ? [here] : [])].sort(byName);
  // A file that divvy has written whole stays its own.
  const files = lock.files[path] === sha256(from) ? { ...lock.files, [path]: sha256(to) } : lock.files;
  return { ...rest, files, ...(host.length > 0 && { host: Object.fromEntries(host) }) };
}

/**
 * The lock as it is after a file was edited.
 *
 * What it says the file was when it was written follows only where the file still was that: else it would say of what
 * somebody has written that divvy had, and it could be removed or replaced.
 */
export function lockAfterEdit(lock: Lock, edited: Edited, from: Buffer, to: Buffer): string {
  const wasOurs = lock.files[edited.path] === sha256(from);
  const files = wasOurs ? { ...lock.files, [edited.path]: sha256(to) } : lock.files;
  return textOf(withEdited({ ...lock, files }, edited, to));
}

function withEdited(lock: Lock, { path, inserted, isDirty }: Edited, file: Buffer): Lock {
  const { edited: before, ...rest } = lock;
  const others = Object.entries(before ?? {}).filter(([other]) => other !== path);
  const isIn = Object.keys(inserted.hooks).length + inserted.imports.length > 0;
  const here: [string, EditedFile] = [path, { ...(!isDirty && { sha256: sha256(file) }), ...inserted }];
  const edited = [...others, ...(isIn ? [here] : [])].sort(byName);
  return edited.length === 0 ? rest : { ...rest, edited: Object.fromEntries(edited) };
}

/** The parts always in one order, so that the same lock is the same text. */
function textOf({ lockVersion, runtime, tasks, files, edited, host, folders }: Lock): string {
  return `${JSON.stringify({ lockVersion, runtime, tasks, files, edited, host, folders }, null, 2)}\n`;
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** Whether a file's bytes are such that divvy left it so. */
export const isAsLeft = (lock: Lock | undefined, path: string, sum: string): boolean =>
  [lock?.files[path], lock?.edited?.[path]?.sha256, lock?.host?.[path]?.sha256].includes(sum);

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

/** A lock may have come with somebody else's repository: nothing in it is what it should be before that is known. */
function isLockedTask(value: unknown): value is LockedTask {
  if (!isObject(value)) return false;
  const { template, templateVersion, source, resolved, answers, hooks, files, dependencies } =
    value as Partial<LockedTask>;
  const isText = (each: unknown) => typeof each === 'string';
  return (
    [template, templateVersion].every(isText) &&
    [source, resolved].every((each) => each === undefined || isText(each)) &&
    (source === undefined) === (resolved === undefined) &&
    isObject(answers) &&
    isTexts(hooks) &&
    [files, dependencies].every((each) => each === undefined || isTexts(each))
  );
}

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((text) => typeof text === 'string');

/** The lock of a project; undefined where there is none, or none of this version that can be read. */
export function readLock(folder: string): Lock | undefined {
  const file = join(folder, LOCK);
  if (!stat(file)?.isFile()) return undefined;
  const text = readWhole(file).toString('utf8');
  try {
    const lock = parseSafely(text) as Partial<Lock> | null;
    const isLock =
      lock?.lockVersion === 1 &&
      isObject(lock.tasks) &&
      Object.values(lock.tasks ?? {}).every(isLockedTask) &&
      isObject(lock.files) &&
      Object.values(lock.files ?? {}).every((sum) => typeof sum === 'string') &&
      [lock.edited, lock.host].every((part) => part === undefined || isObject(part)) &&
      (lock.folders === undefined || isTexts(lock.folders));
    return isLock ? (lock as Lock) : undefined;
  } catch {
    return undefined;
  }
}

/** The lock that a command edits; undefined where there is none. Throws a Refusal where there is one that cannot be read. */
export function lockToEdit(folder: string): Lock | undefined {
  const lock = readLock(folder);
  if (lock === undefined && stat(join(folder, LOCK)) !== undefined) throw badLock(LOCK);
  return lock;
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
