/** Which task to remove, which files belong to it, and whether it is the last one. */

import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { realRoot } from '../change-set/survey.ts';
import { stat } from '../disk/disk.ts';
import { noTaskNamed } from '../host/errors.ts';
import { type Lock, lockToEdit } from '../project/lock.ts';
import { openProject, type Project } from '../project/manifest.ts';
import { taskFile, taskNames } from '../project/tasks.ts';
import type { Call } from '../terminal/command.ts';
import { noTask } from '../terminal/errors.ts';
import { nearest } from '../terminal/nearest.ts';
import { isInteractive } from '../terminal/terminal.ts';

export interface Subject {
  readonly task: string;
  readonly project: Project;
  /** The project's folder: absolute, without symbolic links. */
  readonly root: string;
  readonly lock: Lock | undefined;
  /** The task file, relative to the root, with `/`. */
  readonly file: string;
  /** The paths of the files that belong to this task alone, including the task file. */
  readonly own: readonly string[];
  /** The other tasks of the project. */
  readonly others: readonly string[];
}

/**
 * Asks on a terminal for a task if none is named. Rejects with a Refusal with exit code 2 if there is nobody to ask.
 */
export async function withTask(call: Call): Promise<Call> {
  if (call.words.length > 0) return call;
  if (!isInteractive(call)) throw noTaskNamed(call.shown);
  const project = await openProject(call.cwd, call.terminal);
  const locked = Object.keys(lockToEdit(realRoot(project.folder))?.tasks ?? {});
  const names = [...new Set([...taskNames(project), ...locked])].sort();
  if (names.length === 0) throw noTask('', names, undefined);
  const choices = names.map((value) => ({ value, hint: relative(project.folder, taskFile(project, value)) }));
  const { withWord } = await import('../change-set/environment.ts');
  return withWord(call, 'A task that goes', { type: 'select', message: 'Which task do you want to remove?', choices });
}

/** Rejects with a Refusal with exit code 2 if there is no such task. */
export async function settleSubject(call: Call): Promise<Subject> {
  const [task] = call.words;
  if (task === undefined) throw noTaskNamed(call.shown);
  const project = await openProject(call.cwd, call.terminal);
  const root = realRoot(project.folder);
  const lock = lockToEdit(root);
  const names = taskNames(project);
  const locked = isLocked(lock, task) ? lock?.tasks[task] : undefined;
  // No task is left but the runtime is: it was kept when the last task was removed, and may be removed now.
  const isOver = names.length === 0 && lock !== undefined && Object.keys(lock.tasks).length === 0;
  if (!names.includes(task) && locked === undefined && !isOver) throw noTask(task, names, nearest(task, names));
  const file = relative(project.folder, taskFile(project, task)).replaceAll('\\', '/');
  const files = new Set([file, ...(locked?.files ?? testsOf(project, task))]);
  // A file that a template provides for all of its tasks stays as long as one of them exists.
  const shared = Object.entries(lock?.tasks ?? {}).flatMap(([name, each]) => (name === task ? [] : (each.files ?? [])));
  const own = [...files].filter((path) => !shared.includes(path));
  const others = names.filter((name) => name !== task && (isLocked(lock, name) || isTask(taskFile(project, name))));
  return { task, project, root, lock, file, own, others };
}

const isLocked = (lock: Lock | undefined, name: string): boolean =>
  lock !== undefined && Object.hasOwn(lock.tasks, name);

/** A file without a default export is code that tasks share; it needs no runtime once they are removed. */
const isTask = (file: string): boolean => /\bdefault\b/.test(readFileSync(file, 'utf8'));

/** For a task that the lock does not know: the places where its test would be. */
const testsOf = ({ folder, manifest: { tests } }: Project, task: string): string[] =>
  [`${tests}/${task}.test.ts`, `${tests}/${task}.test.mts`].filter((path) => stat(join(folder, path)) !== undefined);
