/** divvy.lock.json, for the tool: what made the project, from what answers, and what each file was when it was written. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stat } from './change-set/disk.ts';
import { sha256, type Wanted } from './change-set/survey.ts';
import type { Inserted } from './codemods/inserted.ts';
import { badLock } from './errors.ts';
import { version } from './package.ts';
import type { TemplateManifest } from './templates.ts';

export const LOCK = 'divvy.lock.json';

interface LockedTask {
  readonly template: string;
  readonly templateVersion: string;
  readonly answers: { readonly [name: string]: unknown };
  readonly hooks: readonly string[];
}

/** What hooks are in a file by `divvy hook` and `--hooks`, so that they can be taken out again exactly. */
interface EditedFile extends Inserted {
  /** Of the file as the last such command left it; absent where it had changes in it that git did not have. */
  readonly sha256?: string;
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
}

interface LockedProject {
  readonly task: string;
  readonly template: TemplateManifest;
  readonly hooks: readonly string[];
  /** The task file, and what the hooks have put into it. */
  readonly edited?: Edited | undefined;
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
 * written - every file that is there now as divvy wrote it.
 */
export function lockText(
  { task, template, hooks, edited }: LockedProject,
  written: readonly Wanted[],
  before: Lock | undefined,
): string {
  const locked: LockedTask = { template: template.name, templateVersion: template.version, answers: {}, hooks };
  const sums = new Map([
    ...Object.entries(before?.files ?? {}),
    ...written.flatMap(({ path, after }) => (after ? [[path, sha256(after)] as const] : [])),
  ]);
  const lock: Lock = {
    lockVersion: 1,
    runtime: version,
    tasks: { ...before?.tasks, [task]: locked },
    files: Object.fromEntries([...sums].sort(byName)),
    ...(before?.edited && { edited: before.edited }),
  };
  const file = written.find(({ path }) => path === edited?.path)?.after;
  return textOf(edited && file ? withEdited(lock, edited, file) : lock);
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

const textOf = (lock: Lock): string => `${JSON.stringify(lock, null, 2)}\n`;
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** Whether a file's bytes are such that divvy left it so. */
export const isAsLeft = (lock: Lock | undefined, path: string, sum: string): boolean =>
  lock?.files[path] === sum || lock?.edited?.[path]?.sha256 === sum;

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

/** The lock of a project; undefined where there is none, or none of this version that can be read. */
export function readLock(folder: string): Lock | undefined {
  const file = join(folder, LOCK);
  if (!stat(file)?.isFile()) return undefined;
  try {
    const lock = JSON.parse(readFileSync(file, 'utf8')) as Partial<Lock> | null;
    const isLock =
      lock?.lockVersion === 1 &&
      isObject(lock.tasks) &&
      isObject(lock.files) &&
      (lock.edited === undefined || isObject(lock.edited));
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
