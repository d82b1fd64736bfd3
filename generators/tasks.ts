/** The tasks of a project. */

import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stat } from './change-set/disk.ts';
import { noTask } from './errors.ts';
import type { Project } from './manifest.ts';
import { nearest } from './nearest.ts';

/** The names of the task files, in the order of the alphabet. */
export function taskNames({ folder, manifest }: Project): string[] {
  const tasks = join(folder, manifest.tasks);
  if (!stat(tasks)?.isDirectory()) return [];
  return readdirSync(tasks)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts') && !name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
    .sort();
}

/** Absolute. */
export const taskFile = ({ folder, manifest }: Project, name: string): string =>
  join(folder, manifest.tasks, `${name}.ts`);

/**
 * The file of a task that was named, or given as a file; absolute.
 *
 * Throws a Refusal with exit code 2 where there is no such task.
 */
export function findTask(word: string, cwd: string, project: Project): string {
  const names = taskNames(project);
  if (names.includes(word)) return taskFile(project, word);
  if (/\.[cm]?tsx?$/.test(word) && isThere(resolve(cwd, word))) return resolve(cwd, word);
  throw noTask(word, names, nearest(word, names));
}

function isThere(path: string): boolean {
  try {
    const state = stat(path);
    return state?.isFile() === true || state?.isSymbolicLink() === true;
  } catch {
    return false; // Too long to be a path, or with a NUL in it.
  }
}
