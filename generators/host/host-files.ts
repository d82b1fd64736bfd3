/** The files of the repository that one command edits: each is opened once, and known by what the lock has of it. */

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
 * Whether every byte of a file is divvy's: it was written whole by a command, and nothing has been put into it since but
 * by divvy. Only such a file may be removed, or replaced without a question.
 *
 * That a command has edited a file says nothing of the rest of it: who has edited it before is its owner.
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

  /** A file, to be edited; undefined where there is none. Throws a Refusal where it cannot be. */
  open(path: string, dialect: Dialect): HostFile | undefined {
    const file = this.#open.get(path) ?? openHostFile(this.#root, path, dialect, insertionsIn(this.#lock, path));
    if (file) this.#open.set(path, file);
    return file;
  }

  /** Those that are no longer as they were. */
  edited(): HostFile[] {
    return [...this.#open.values()].filter(({ before, bytes }) => !before.bytes.equals(bytes));
  }

  /** The same, for the lock. */
  forLock(): EditedHost[] {
    return this.edited().map((file) => {
      const { path, before, bytes, insertions } = file;
      const isOurs = isAsWritten(this.#lock, path, before);
      const sum = isOurs ? bareSum(path, { ...before, bytes }, dialectOf(path), insertions) : undefined;
      return { path, insertions, ...(sum !== undefined && { sum }) };
    });
  }
}
