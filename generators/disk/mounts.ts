/**
 * What divvy can learn about a place without writing there: whether the system makes folders in it, and what is
 * mounted.
 */

import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { MOUNTED, readWhole, stat } from './disk.ts';
import { foldersAbove } from './paths.ts';

/** Linux's own file systems, in which nobody can make a folder: proc, sysfs, devpts, debugfs, tracefs, securityfs. */
const OF_THE_SYSTEM = new Set([0x9fa0, 0x62656572, 0x1cd1, 0x64626720, 0x74726163, 0x73636673]);

/** Whether the system itself provides the contents of a folder, as in /proc. */
export function isOfSystem(folder: string): boolean {
  try {
    return process.platform === 'linux' && OF_THE_SYSTEM.has(statfsSync(folder).type);
  } catch {
    return false; // Unknown: the write will tell.
  }
}

/**
 * Why a file cannot be moved to its place in one step, as far as divvy can tell; undefined if nothing speaks against
 * it.
 *
 * root - the project's folder; the file is first made on its disk.
 */
export function whyNotMoved(root: string, path: string, points = mountPoints()): string | undefined {
  const disk = stat(root)?.dev;
  for (const folder of foldersAbove([path])) {
    const state = stat(join(root, folder));
    if (state === undefined) return undefined;
    if (state.dev !== disk || points.has(join(root, folder))) return MOUNTED.folder;
  }
  return points.has(join(root, path)) ? MOUNTED.file : undefined;
}

/** The paths at which something is mounted, as far as the system tells. */
export function mountPoints(): ReadonlySet<string> {
  try {
    const lines = process.platform === 'linux' ? readWhole('/proc/self/mountinfo').toString('utf8').split('\n') : [];
    // Characters such as a space are written as `\040`.
    const plain = (text = '') =>
      text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    return new Set(lines.map((line) => plain(line.split(' ')[4])));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(code)) throw error;
    return new Set(); // This system does not tell, or not here.
  }
}
