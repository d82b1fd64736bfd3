/** Makes the new divvy.lock.json after a command. */

import type { Wanted } from '../change-set/survey.ts';
import type { Inserted } from '../codemods/inserted.ts';
import { sumOf } from '../disk/line-ends.ts';
import { version } from '../package.ts';
import { type EditedHost, type Lock, type LockedTask, type Made, textOf } from '../project/lock.ts';
import type { Template } from '../sources/templates.ts';
import { packageJsonOf } from './places.ts';

interface TaskToLock {
  readonly task: string;
  readonly template: Template;
  /** The answers to its prompts, without secrets. */
  readonly answers: { readonly [name: string]: string };
  readonly hooks: readonly string[];
  /** The paths of the files that belong to this task. */
  readonly files: readonly string[];
  /** The task file, which is one of them. */
  readonly taskFile: string;
  /** The task file and its hooks, if hooks were inserted. */
  readonly edited?: Edited | undefined;
  /** For a new project. */
  readonly made?: Made;
}

/** The hooks that were inserted into a file. */
export interface Edited {
  readonly path: string;
  readonly inserted: Inserted;
}

/**
 * The lock after a command that makes a task.
 *
 * before - the present lock; its entries about other tasks, and about files that were not written now, stay.
 * written - every file that is now as divvy wrote it, without the edited files of the host.
 * host - the edited files of the host.
 * folders - the folders that had to be made.
 */
export function lockText(
  { task, template: { manifest, origin }, answers, hooks, files, taskFile, edited, made }: TaskToLock,
  written: readonly Wanted[],
  before: Lock | undefined,
  host: readonly EditedHost[] = [],
  folders: readonly string[] = [],
): string {
  const { scripts, devDependencies } = packageJsonOf(manifest);
  const dependencies = Object.keys({ ...manifest.dependencies, ...devDependencies });
  const isOfTemplate = written.some(({ path }) => path === taskFile);
  const there = before !== undefined && Object.hasOwn(before.tasks, task) ? before.tasks[task] : undefined;
  const from = {
    template: manifest.name,
    templateVersion: manifest.version,
    ...(origin && { source: origin.source, resolved: origin.resolved }),
    answers,
    hooks,
  };
  const needed = { files, dependencies, scripts };
  const locked = isOfTemplate ? lockedTask(from, needed) : lockedTask(there ?? NOTHING_KNOWN, needed, there);
  const sums = { ...before?.files };
  // After a file is written anew, its earlier insertions mean nothing.
  const anew: string[] = [];
  for (const { path, after } of written) {
    if (after === undefined || sums[path] === sumOf(after)) continue;
    sums[path] = sumOf(after);
    anew.push(path);
  }
  const madeFrom = made ?? before?.made;
  const madeFolders = [...new Set([...(before?.folders ?? []), ...folders])].sort();
  const lock: Lock = {
    lockVersion: 1,
    runtime: before?.runtime ?? version,
    ...(before?.unverified && { unverified: true }),
    ...(madeFrom !== undefined && { made: madeFrom }),
    tasks: { ...before?.tasks, [task]: locked },
    files: sums,
    edited: without(before?.edited, anew),
    host: without(before?.host, anew),
    folders: madeFolders,
  };
  const isWritten = written.some(({ path }) => path === edited?.path);
  const all = withHost(lock, host);
  return textOf(edited && isWritten ? withEdited(all, edited) : all);
}

/** For a task whose file existed before and was kept. */
const NOTHING_KNOWN = { answers: {}, hooks: [] };

type Needed = Pick<LockedTask, 'files' | 'dependencies' | 'scripts'>;

/** If the task's file was kept, what divvy inserted for the task earlier must still be removed with it. */
function lockedTask(
  { files: _, dependencies: __, scripts: ___, ...madeFrom }: LockedTask,
  now: Needed,
  earlier: Needed = {},
): LockedTask {
  const both = (name: 'files' | 'dependencies') => [...new Set([...(earlier[name] ?? []), ...(now[name] ?? [])])];
  const dependencies = both('dependencies');
  const scripts = { ...earlier.scripts, ...now.scripts };
  return {
    ...madeFrom,
    files: both('files').sort(),
    ...(dependencies.length > 0 && { dependencies }),
    ...(Object.keys(scripts).length > 0 && { scripts }),
  };
}

/**
 * The lock after a task is removed.
 *
 * gone - the paths of files that are removed, or that belong to the person now.
 */
export function lockWithout(lock: Lock, task: string, gone: readonly string[], host: readonly EditedHost[]): string {
  const left: Lock = {
    ...lock,
    tasks: without(lock.tasks, [task]),
    files: without(lock.files, gone),
    edited: without(lock.edited, gone),
  };
  return textOf(withHost(left, host));
}

/** The lock with what a command has edited in files of the host. */
export const withHost = (lock: Lock, host: readonly EditedHost[]): Lock => host.reduce(withEditedHost, lock);

const without = <Value>(by: { readonly [name: string]: Value } | undefined, names: readonly string[]) =>
  Object.fromEntries(Object.entries(by ?? {}).filter(([name]) => !names.includes(name)));

function withEditedHost(lock: Lock, { path, insertions, sum }: EditedHost): Lock {
  const host = { ...without(lock.host, [path]), ...(insertions.length > 0 && { [path]: { insertions } }) };
  return { ...lock, host, ...(sum !== undefined && { files: { ...lock.files, [path]: sum } }) };
}

/** The lock after an edit of a file: updates the file's sum only if the file was as divvy wrote it. */
export function lockAfterEdit(lock: Lock, edited: Edited, from: Buffer, to: Buffer): string {
  const wasOurs = lock.files[edited.path] === sumOf(from);
  const files = wasOurs ? { ...lock.files, [edited.path]: sumOf(to) } : lock.files;
  return textOf(withEdited({ ...lock, files }, edited));
}

export function withEdited(lock: Lock, { path, inserted }: Edited): Lock {
  const isIn = Object.keys(inserted.hooks).length + inserted.imports.length > 0;
  return { ...lock, edited: { ...without(lock.edited, [path]), ...(isIn && { [path]: inserted }) } };
}
