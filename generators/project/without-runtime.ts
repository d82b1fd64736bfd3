/**
 * Finds the files that import a runtime that divvy removes: they no longer run, so their owner must hear about them.
 */

import { readdirSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import type { Change } from '../change-set/survey.ts';
import { readBefore, stat } from '../disk/disk.ts';
import type { Terminal } from '../terminal/terminal.ts';

/**
 * Names the files that would no longer run. Looks in the folders from which files are removed, or would have been.
 *
 * kept - the paths of files that stay, though they belong to what is removed.
 * back - the command that brings the runtime back.
 */
export function sayWithoutRuntime(
  terminal: Terminal,
  { root, changes }: { readonly root: string; readonly changes: readonly Change[] },
  kept: readonly string[],
  back: string,
): string[] {
  const gone = new Set(changes.flatMap(({ path, after }) => (after === undefined ? [path] : [])));
  const runtimes = [...gone].filter((path) => basename(path) === 'SHA256SUMS').map((path) => posix.dirname(path));
  if (runtimes.length === 0) return [];
  const folders = new Set([...gone, ...kept].map((path) => posix.dirname(path)));
  const isRuntime = (folder: string) => runtimes.some((runtime) => `${folder}/`.startsWith(`${runtime}/`));
  const sources = [...folders].flatMap((folder) => sourcesBelow(root, folder, isRuntime));
  const left = [...new Set(sources)]
    .filter((path) => !gone.has(path) && readBefore(root, path)?.bytes.includes('#divvy'))
    .sort();
  if (left.length > 0) {
    const paths = left.map((path) => `\n  ${path}`).join('');
    terminal.note(
      `Without the runtime, which they import as #divvy, these files no longer run:${paths}\nTo bring it back: ${back}`,
    );
  }
  return left;
}

/** Does not descend from the package's own folder: it may hold anything. */
function sourcesBelow(root: string, folder: string, isRuntime: (folder: string) => boolean): string[] {
  if (isRuntime(folder) || basename(folder) === 'node_modules' || !stat(join(root, folder))?.isDirectory()) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return folder === '.' ? [] : sourcesBelow(root, path, isRuntime);
    return /\.[cm]?[jt]sx?$/.test(entry.name) ? path : [];
  });
}
