/** The files of the repository that one command edits: each is opened once, and known by what the lock has of it. */

import { type EditedHost, insertionsIn, type Lock } from '../lock.ts';
import { type Dialect, type HostFile, openHostFile } from './host-file.ts';

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

  /** The same, for the lock. dirty - the paths of those with changes in them that git did not have. */
  forLock(dirty: readonly string[]): EditedHost[] {
    return this.edited().map(({ path, before, bytes, insertions }) => ({
      path,
      from: before.bytes,
      to: bytes,
      insertions,
      isDirty: dirty.includes(path),
    }));
  }
}
