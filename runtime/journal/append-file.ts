/**
 * A file that only this process adds to: a journal, or the results of a run. Runs in the master. Internal.
 */

import fs from 'node:fs';
import path from 'node:path';

/** Somebody has removed the file. */
export class RemovedError extends Error {
  constructor() {
    super('it has been removed');
  }
}

/** An open file. Its methods throw errors of fs, and an Error if somebody else has changed or removed the file. */
export class AppendFile {
  readonly file: string;
  readonly #descriptor: number;
  /** Its size in bytes, if nobody else writes to it. */
  #size: number;
  #isChanged = false;
  /** A write of this process was cut short. */
  #isTorn = false;

  /** Opens the file, or creates it, readable only by this user. */
  constructor(file: string) {
    this.file = file;
    this.#descriptor = fs.openSync(file, 'a', 0o600);
    this.#size = fs.fstatSync(this.#descriptor).size;
  }

  get size(): number {
    return this.#size;
  }

  /** Cuts off what comes after the first `bytes` bytes, unless somebody else may have written it. */
  cutAt(bytes: number): void {
    this.#isChanged ||= !this.#isTorn && fs.fstatSync(this.#descriptor).size !== this.#size;
    if (this.#isChanged) return;
    fs.ftruncateSync(this.#descriptor, bytes);
    this.#size = bytes;
  }

  /** What tells the file from another one that has the same path later. */
  get identity(): string {
    const { ino, birthtimeMs } = fs.fstatSync(this.#descriptor);
    return `${ino} ${birthtimeMs}`;
  }

  /** Passes all the bytes to the system. If it throws, some of them may be in the file. */
  append(bytes: Buffer): void {
    // Otherwise the system would go on writing to a file that nobody can find or read any more.
    const { nlink, size } = fs.fstatSync(this.#descriptor);
    this.#isChanged ||= nlink === 0 || size !== this.#size;
    if (this.#isChanged) throw nlink === 0 ? new RemovedError() : new Error('something else has changed it');
    this.#isTorn = true;
    for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.#descriptor, bytes, at);
    this.#isTorn = false;
    this.#size += bytes.length;
  }

  /** Waits until what was written survives a power cut. */
  syncNow(): void {
    fs.fdatasyncSync(this.#descriptor);
  }

  /** Calls `synced` when what has been written survives a power cut, or with the error if that failed. */
  sync(synced: (error: Error | null) => void): void {
    fs.fdatasync(this.#descriptor, synced);
  }

  /** Whether it is empty, whoever may have written to it. */
  get isEmpty(): boolean {
    return fs.fstatSync(this.#descriptor).size === 0;
  }

  /** Sees to it that the file's name survives a power cut, too, and those of folders that were made for it. */
  syncName(made: readonly string[] = []): void {
    for (const name of [this.file, ...made]) {
      const folder = fs.openSync(path.dirname(name), 'r');
      try {
        fs.fsyncSync(folder);
      } finally {
        fs.closeSync(folder);
      }
    }
  }

  /** Does nothing if it is closed already. */
  close(): void {
    try {
      fs.closeSync(this.#descriptor);
    } catch {
      // Everything written has been passed to the system.
    }
  }
}

/**
 * Makes a folder and those above it, if they are not there. Returns those that it made, the innermost first.
 *
 * Not with Node.js's recursive mkdir: it never returns if the system reports a missing path below a folder that exists,
 * as in /proc.
 */
export function makeFolder(folder: string): string[] {
  if (fs.existsSync(folder)) return [];
  const made = path.dirname(folder) === folder ? [] : makeFolder(path.dirname(folder));
  try {
    fs.mkdirSync(folder, { mode: 0o700 });
    return [folder, ...made];
  } catch (error) {
    // Another run may have made it meanwhile.
    if (!fs.existsSync(folder)) throw error;
    return made;
  }
}
