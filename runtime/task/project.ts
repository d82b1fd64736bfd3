/**
 * The project that a task belongs to, and what its divvy.json says of how its tasks are loaded. Runs in the master. Internal.
 */

import fs from 'node:fs';
import path from 'node:path';
import { manifestUnreadable, notModules } from '../errors.ts';

const MANIFEST = 'divvy.json';

/** The folder of the divvy.json that the task belongs to; else the package's; else the task file's own. */
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
 * The modules that divvy.json has loaded before each task of the project, as it names them, and the folder that their paths are
 * from. Throws UsageError where it cannot be read, or names them wrongly.
 */
export function projectImports(taskFile: string): { readonly folder: string; readonly modules: readonly string[] } {
  const folder = projectOf(taskFile);
  const file = path.join(folder, MANIFEST);
  let manifest: { readonly import?: unknown } | null;
  try {
    // An editor may have put a byte order mark before it.
    manifest = JSON.parse(fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, '')) as typeof manifest;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { folder, modules: [] };
    throw manifestUnreadable(file, error);
  }
  const modules = moduleList(manifest?.import ?? []);
  if (modules === undefined) throw notModules(`"import" in ${file}`, manifest?.import);
  return { folder, modules };
}

/** One module or several, as a list; undefined for anything else. */
export function moduleList(value: unknown): readonly string[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.every((name) => typeof name === 'string' && name !== '') ? (list as string[]) : undefined;
}
