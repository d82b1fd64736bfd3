/** Finds the project of a task, and reads from its divvy.json how to load its tasks. Runs in the master. Internal. */

import fs from 'node:fs';
import path from 'node:path';
import { manifestUnreadable, notModules } from '../errors.ts';

const MANIFEST = 'divvy.json';

/**
 * Returns the folder of the divvy.json that the task belongs to; if there is none, that of the package.json; if there
 * is none, that of the task file.
 */
export function projectOf(taskFile: string): string {
  for (const mark of [MANIFEST, 'package.json']) {
    for (let folder = path.dirname(taskFile); ; folder = path.dirname(folder)) {
      if (fs.existsSync(path.join(folder, mark))) return folder;
      if (folder === path.dirname(folder)) break;
    }
  }
  return path.dirname(taskFile);
}

/**
 * Returns the modules that divvy.json loads before each task of the project, as written there, and the folder from
 * which their paths are taken. Throws UsageError if the file can't be read or names them wrongly.
 */
export function projectImports(taskFile: string): { readonly folder: string; readonly modules: readonly string[] } {
  const folder = projectOf(taskFile);
  const file = path.join(folder, MANIFEST);
  let manifest: { readonly import?: unknown } | null;
  try {
    // An editor may have written a byte order mark first.
    manifest = JSON.parse(fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, '')) as typeof manifest;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { folder, modules: [] };
    throw manifestUnreadable(file, error);
  }
  const modules = moduleList(manifest?.import ?? []);
  if (modules === undefined) throw notModules(`"import" in ${file}`, manifest?.import);
  return { folder, modules };
}

/** Returns one module or several as a list; undefined for anything else. */
export function moduleList(value: unknown): readonly string[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.every((name) => typeof name === 'string' && name !== '') ? (list as string[]) : undefined;
}
