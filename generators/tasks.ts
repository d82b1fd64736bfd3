/** The tasks of a project. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { stat } from './change-set/survey.ts';
import type { Project } from './manifest.ts';

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
