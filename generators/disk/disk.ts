/** Files and folders on the disk: written so that they outlast a power cut, and looked at without following a link. */

import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Why a file cannot be moved into place where its folder, or the file itself, is a mount. */
export const MOUNTED = {
  folder:
    'its folder is a mount of its own, and a file is moved into place in one step, which no system does from one disk to ' +
    'another. Run the command where the project is in one piece, such as outside of the container',
  file:
    'it is in use: a mount of its own, as a single file that is mounted into a container, or open in another program. ' +
    'Run the command where it is a plain file, such as outside of the container',
};

/** What the system means by these, which it says of mounts: `EXDEV: cross-device link not permitted` helps nobody. */
const OF_MOUNTS: Readonly<Record<string, string>> = { EXDEV: MOUNTED.folder, EBUSY: MOUNTED.file };

/** Why the system did not do something with a file, in words. */
export function inWords(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const meant = OF_MOUNTS[code];
  return meant === undefined ? message : `${meant} (${code})`;
}

/** A file as it is now. */
export interface Before {
  readonly bytes: Buffer;
  /** Its permission bits. */
  readonly mode: number;
  readonly owner: Owner;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** What is at a path, itself and not what it links to; undefined where nothing is, or a file is in the place of a folder. */
export function stat(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** What a file holds. Node.js names the file where it cannot be opened, and not where it cannot be read: here it is named. */
export function readWhole(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const refused = error as NodeJS.ErrnoException;
    if (refused.path === undefined) refused.message += ` '${path}'`;
    throw refused;
  }
}

/** What a plain file holds; undefined where there is none. Links are not followed. */
export function readBefore(root: string, path: string): Before | undefined {
  const state = stat(join(root, path));
  if (!state?.isFile()) return undefined;
  const { mode, uid, gid } = state;
  return { bytes: readWhole(join(root, path)), mode: mode & 0o777, owner: { uid, gid } };
}

/** Whether everything on the way from the root to a path is a folder, and none a link to one. */
export function isBehindFolders(root: string, path: string): boolean {
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    if (stat(join(root, folder))?.isDirectory() !== true) return false;
  }
  return true;
}

/**
 * Writes a file, and has it on the disk before this returns. Its name is there for good once syncFolder says so.
 *
 * owner - of the file whose place it takes: it belongs to the same as before, as far as this process may say so.
 */
export function writeDurably(path: string, bytes: Buffer | string, mode?: number, owner?: Owner): void {
  writeFileSync(path, bytes, { flush: true });
  if (owner !== undefined) giveTo(path, owner);
  if (mode !== undefined) chmodSync(path, mode);
}

/** Writes a file, which the system puts on the disk in its own time. */
export function writeInTime(path: string, bytes: Buffer, mode?: number): void {
  writeFileSync(path, bytes);
  if (mode !== undefined) chmodSync(path, mode);
}

function giveTo(path: string, { uid, gid }: Owner): void {
  const now = lstatSync(path);
  // One after the other: who is not root may give a file to a group, and not to a person.
  for (const [user, group] of [
    [now.uid, gid],
    [uid, gid],
  ] as const) {
    try {
      if (now.uid !== user || now.gid !== group) chownSync(path, user, group);
    } catch {
      return;
    }
  }
}

/**
 * Makes a folder, and those above it that are missing. Node.js's recursive mkdir never ends where the system finds no
 * such place below a folder that is there, as in /proc.
 */
export function makeFolders(folder: string, mode?: number): void {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeFolders(dirname(folder), mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Another command may have made it meanwhile.
    if (!existsSync(folder)) throw error;
  }
}

/** Has the names that are in a folder on the disk. */
export function syncFolder(path: string): void {
  // Windows opens no folders, and there is nothing like it there.
  if (process.platform === 'win32' || !existsSync(path)) return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** The folders that hold the files of some paths, each once. */
export const foldersOf = (root: string, paths: readonly string[]): string[] => [
  ...new Set(paths.map((path) => join(root, dirname(path)))),
];

/** Returns whether it was there, empty, and is gone. */
export function removeIfEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
