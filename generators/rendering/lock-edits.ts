/** What commands make of divvy.lock.json: the lock as it is after one. */

import type { Wanted } from '../change-set/survey.ts';
import type { Inserted } from '../codemods/inserted.ts';
import { sumOf } from '../disk/line-ends.ts';
import { version } from '../package.ts';
import { type EditedHost, type Lock, type LockedTask, textOf } from '../project/lock.ts';
import type { Template } from '../sources/templates.ts';
import { packageJsonOf } from './places.ts';

interface TaskToLock {
  readonly task: string;
  readonly template: Template;
  /** The answers to its prompts, without those that are secret. */
  readonly answers: { readonly [name: string]: string };
  readonly hooks: readonly string[];
  /** The paths of its own files. */
  readonly files: readonly string[];
  /** The one of these that is the task. */
  readonly taskFile: string;
  /** The task file, and what the hooks have put into it. */
  readonly edited?: Edited | undefined;
}

/** What hooks have put into a file. */
export interface Edited {
  readonly path: string;
  readonly inserted: Inserted;
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
  { task, template: { manifest, origin }, answers, hooks, files, taskFile, edited }: TaskToLock,
  written: readonly Wanted[],
  before: Lock | undefined,
  host: readonly EditedHost[] = [],
  folders: readonly string[] = [],
): string {
  const { scripts, devDependencies } = packageJsonOf(manifest);
  const dependencies = Object.keys({ ...manifest.dependencies, ...devDependencies });
  const isOfTemplate = written.some(({ path }) => path === taskFile);
  const there = before !== undefined && Object.hasOwn(before.tasks, task) ? before.tasks[task] : undefined;
  const madeFrom = {
    template: manifest.name,
    templateVersion: manifest.version,
    ...(origin && { source: origin.source, resolved: origin.resolved }),
    answers,
    hooks,
  };
  const needed = { files, dependencies, scripts };
  const locked = isOfTemplate ? lockedTask(madeFrom, needed) : lockedTask(there ?? NOTHING_KNOWN, needed, there);
  const sums = { ...before?.files };
  // Of a file that is written anew nothing is as it was put in.
  const anew: string[] = [];
  for (const { path, after } of written) {
    if (after === undefined || sums[path] === sumOf(after)) continue;
    sums[path] = sumOf(after);
    anew.push(path);
  }
  const made = [...new Set([...(before?.folders ?? []), ...folders])].sort();
  const lock: Lock = {
    lockVersion: 1,
    runtime: before?.runtime ?? version,
    tasks: { ...before?.tasks, [task]: locked },
    files: sums,
    edited: without(before?.edited, anew),
    host: without(before?.host, anew),
    folders: made,
  };
  const isWritten = written.some(({ path }) => path === edited?.path);
  const withHost = host.reduce(withEditedHost, lock);
  return textOf(edited && isWritten ? withEdited(withHost, edited) : withHost);
}

/** Of a task whose file was there before, and was kept. */
const NOTHING_KNOWN = { answers: {}, hooks: [] };

type Needed = Pick<LockedTask, 'files' | 'dependencies' | 'scripts'>;

/** What was put in for the task earlier is still to be taken out with it, where its file was kept. */
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
 * The lock as it is after a task is gone.
 *
 * gone - the paths of the files that are no longer there, or are the person's own now.
 */
export function lockWithout(lock: Lock, task: string, gone: readonly string[], host: readonly EditedHost[]): string {
  const left: Lock = {
    ...lock,
    tasks: without(lock.tasks, [task]),
    files: without(lock.files, gone),
    edited: without(lock.edited, gone),
  };
  return textOf(host.reduce(withEditedHost, left));
}

const without = <Value>(by: { readonly [name: string]: Value } | undefined, names: readonly string[]) =>
  Object.fromEntries(Object.entries(by ?? {}).filter(([name]) => !names.includes(name)));

function withEditedHost(lock: Lock, { path, insertions, sum }: EditedHost): Lock {
  const host = { ...without(lock.host, [path]), ...(insertions.length > 0 && { [path]: { insertions } }) };
  return { ...lock, host, ...(sum !== undefined && { files: { ...lock.files, [path]: sum } }) };
}

/** The lock as it is after a file was edited: only where it was as divvy had written it does its sum follow. */
export function lockAfterEdit(lock: Lock, edited: Edited, from: Buffer, to: Buffer): string {
  const wasOurs = lock.files[edited.path] === sumOf(from);
  const files = wasOurs ? { ...lock.files, [edited.path]: sumOf(to) } : lock.files;
  return textOf(withEdited({ ...lock, files }, edited));
}

function withEdited(lock: Lock, { path, inserted }: Edited): Lock {
  const isIn = Object.keys(inserted.hooks).length + inserted.imports.length > 0;
  return { ...lock, edited: { ...without(lock.edited, [path]), ...(isIn && { [path]: inserted }) } };
}
