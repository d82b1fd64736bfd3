/** Files and folders on the disk: writes that survive a power cut, and reads that follow no links. */

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

/** Why a file cannot be moved into place: its folder, or the file itself, is a mount. */
export const MOUNTED = {
  folder:
    'its folder is a mount of its own, and a file is moved into place in one step, which no system does from one disk to ' +
    'another. Run the command where the project is in one piece, such as outside of the container',
  file:
    'it is in use: a mount of its own, as a single file that is mounted into a container, or open in another program. ' +
    'Run the command where it is a plain file, such as outside of the container',
};

/** What these error codes mean for mounts; the system's own `EXDEV: cross-device link not permitted` helps nobody. */
const OF_MOUNTS: Readonly<Record<string, string>> = { EXDEV: MOUNTED.folder, EBUSY: MOUNTED.file };

/** Explains in words why the system refused to do something with a file. */
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

/**
 * The entry at a path itself, not what it links to; undefined if there is none, or if a file is in the place of a
 * folder.
 */
export function stat(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/**
 * The contents of a file. If reading fails after opening, Node.js does not name the file in the error: this adds it.
 */
export function readWhole(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const refused = error as NodeJS.ErrnoException;
    if (refused.path === undefined) refused.message += ` '${path}'`;
    throw refused;
  }
}

/** The present state of a plain file; undefined if there is none. Follows no link at its end. */
export function readBefore(root: string, path: string): Before | undefined {
  const state = stat(join(root, path));
  if (!state?.isFile()) return undefined;
  const { mode, uid, gid } = state;
  return { bytes: readWhole(join(root, path)), mode: mode & 0o777, owner: { uid, gid } };
}

/** Whether everything on the way from the root to a path is a real folder, and not a link to one. */
export function isBehindFolders(root: string, path: string): boolean {
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    if (stat(join(root, folder))?.isDirectory() !== true) return false;
  }
  return true;
}

/**
 * Writes a file, and returns once its contents are on the disk. Its name is safe only after syncFolder.
 *
 * owner - the owner of the file that it replaces: gives the new file to the same owner, if this process may do that.
 */
export function writeDurably(path: string, bytes: Buffer | string, mode?: number, owner?: Owner): void {
  writeFileSync(path, bytes, { flush: true });
  if (owner !== undefined) giveTo(path, owner);
  if (mode !== undefined) chmodSync(path, mode);
}

/** Writes a file without waiting until it is on the disk. */
export function writeInTime(path: string, bytes: Buffer, mode?: number): void {
  writeFileSync(path, bytes);
  if (mode !== undefined) chmodSync(path, mode);
}

function giveTo(path: string, { uid, gid }: Owner): void {
  const now = lstatSync(path);
  // First the group, then the user: a user other than root may change the group but not the owner.
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
 * Makes a folder, and the missing ones above it. Node.js's recursive mkdir never returns if the system makes no folders
 * inside an existing one, as in /proc.
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

/** Makes sure that the names in a folder are on the disk. */
export function syncFolder(path: string): void {
  // Windows cannot open folders, and has nothing similar.
  if (process.platform === 'win32' || !existsSync(path)) return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** The folders of the given paths, each once. */
export const foldersOf = (root: string, paths: readonly string[]): string[] => [
  ...new Set(paths.map((path) => join(root, dirname(path)))),
];

/** Returns whether an empty folder was there and is gone now. */
export function removeIfEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
