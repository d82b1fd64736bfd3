/** The tasks of a project. */

import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stat } from '../disk/disk.ts';
import { noTask, taskNotNamed } from '../terminal/errors.ts';
import { nearest } from '../terminal/nearest.ts';
import type { Project } from './manifest.ts';

/** The names of the task files, in alphabetical order. */
export function taskNames({ folder, manifest }: Project): string[] {
  const tasks = join(folder, manifest.tasks);
  if (!stat(tasks)?.isDirectory()) return [];
  const names = readdirSync(tasks)
    .filter((name) => /\.m?ts$/.test(name) && !/\.(d|test)\.m?ts$/.test(name))
    .map((name) => name.replace(/\.m?ts$/, ''));
  return [...new Set(names)].sort();
}

/** The task's file, absolute. In a package whose files are CommonJS a task is an `.mts`. */
export function taskFile({ folder, manifest }: Project, name: string): string {
  const file = join(folder, manifest.tasks, name);
  return stat(`${file}.mts`) !== undefined && stat(`${file}.ts`) === undefined ? `${file}.mts` : `${file}.ts`;
}

/**
 * The task that a command line means: the word, or the project's only one.
 *
 * Throws a Refusal with exit code 2 if there is no word and not exactly one task.
 */
export function meantTask(word: string | undefined, project: Project): string {
  if (word !== undefined) return word;
  const [only, ...others] = taskNames(project);
  if (only === undefined || others.length > 0) throw taskNotNamed(taskNames(project));
  return only;
}

/**
 * The absolute path of a task's file, given the task's name or its file.
 *
 * Throws a Refusal with exit code 2 if there is no such task.
 */
export function findTask(word: string, cwd: string, project: Project): string {
  const names = taskNames(project);
  if (names.includes(word)) return taskFile(project, word);
  if (/\.[cm]?[jt]sx?$/.test(word) && isThere(resolve(cwd, word))) return resolve(cwd, word);
  throw noTask(word, names, nearest(word, names));
}

function isThere(path: string): boolean {
  try {
    const state = stat(path);
    return state?.isFile() === true || state?.isSymbolicLink() === true;
  } catch {
    return false; // The word is too long for a path, or has a NUL in it.
  }
}
