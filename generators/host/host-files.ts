/**
 * The repository's files that one command edits. Each is opened once, together with the insertions that the lock lists
 * for it.
 */

import { posix } from 'node:path';
import type { Before } from '../disk/disk.ts';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { sumOf } from '../disk/line-ends.ts';
import type { EditedHost } from '../project/lock.ts';
import { insertionsIn, type Lock } from '../project/lock.ts';
import { bareSum, type Dialect, type HostFile, openHostFile } from './host-file.ts';

export function dialectOf(path: string): Dialect {
  if (posix.basename(path) === PACKAGE_JSON) return 'json';
  return /\.jsonc?$/.test(path) ? 'jsonc' : 'lines';
}

/**
 * Whether divvy wrote every byte of the file: a command wrote it whole, and since then only divvy has edited it. Only
 * such a file may be removed, or replaced without asking.
 *
 * If a command has only edited a file, the rest of the file belongs to its author.
 */
export function isAsWritten(lock: Lock | undefined, path: string, before: Before): boolean {
  const sum = lock?.files[path];
  if (sum === undefined) return false;
  const insertions = insertionsIn(lock, path);
  return sum === (insertions.length === 0 ? sumOf(before.bytes) : bareSum(path, before, dialectOf(path), insertions));
}

export class HostFiles {
  readonly #root: string;
  readonly #lock: Lock | undefined;
  readonly #open = new Map<string, HostFile>();

  constructor(root: string, lock: Lock | undefined) {
    this.#root = root;
    this.#lock = lock;
  }

  /**
   * Opens a file for editing; undefined if there is none. Throws a Refusal with exit code 3 if divvy cannot edit it.
   */
  open(path: string, dialect: Dialect): HostFile | undefined {
    const file = this.#open.get(path) ?? openHostFile(this.#root, path, dialect, insertionsIn(this.#lock, path));
    if (file) this.#open.set(path, file);
    return file;
  }

  /** The files that have changed since they were opened. */
  edited(): HostFile[] {
    return [...this.#open.values()].filter(({ before, bytes }) => !before.bytes.equals(bytes));
  }

  /** The edited files, for the lock. */
  forLock(): EditedHost[] {
    return this.edited().map((file) => {
      const { path, before, bytes, insertions } = file;
      const isOurs = isAsWritten(this.#lock, path, before);
      const sum = isOurs ? bareSum(path, { ...before, bytes }, dialectOf(path), insertions) : undefined;
      return { path, insertions, ...(sum !== undefined && { sum }) };
    });
  }
}
