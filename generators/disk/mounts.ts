/** What can be known of a place without writing there: whether the system makes folders in it, and what is a mount of its own. */

import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { MOUNTED, readWhole, stat } from './disk.ts';
import { foldersAbove } from './paths.ts';

/** What Linux calls the file systems of its own in which nobody makes a folder: proc, sysfs, devpts, debugfs, tracefs, securityfs. */
const OF_THE_SYSTEM = new Set([0x9fa0, 0x62656572, 0x1cd1, 0x64626720, 0x74726163, 0x73636673]);

/** Whether the system itself says what is in a folder, as in /proc. */
export function isOfSystem(folder: string): boolean {
  try {
    return process.platform === 'linux' && OF_THE_SYSTEM.has(statfsSync(folder).type);
  } catch {
    return false; // It is not known: the write will show it.
  }
}

/**
 * Why a file cannot be moved to its place in one step, where that is known; undefined where it may.
 *
 * root - the project's folder, on whose disk the file is made.
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

/** Where something is mounted, as far as the system says it. */
export function mountPoints(): ReadonlySet<string> {
  try {
    const lines = process.platform === 'linux' ? readWhole('/proc/self/mountinfo').toString('utf8').split('\n') : [];
    // A space and the like are written as `\040`.
    const plain = (text = '') =>
      text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    return new Set(lines.map((line) => plain(line.split(' ')[4])));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(code)) throw error;
    return new Set(); // This system does not say it, or not here.
  }
}
