/**
 * The journal of a run: who ran, and how each item ended. Append-only. Runs in the master. Internal.
 *
 * An outcome counts once its line has been handed to the system (`write`), which a crash of the master survives; a power cut
 * loses at most what was written in the last 100 ms, since the file is synced in groups.
 */

import fs from 'node:fs';
import path from 'node:path';
import { type DivvyError, journalFailed, journalInUse } from '../errors.ts';
import type { ItemError, Outcome, RunResult } from '../parallelizable.ts';
import { lives, startOf } from './processes.ts';
import type { JournalRecord, ProcessName } from './records.ts';

const SYNC_WITHIN_MS = 100;

/** An open journal. What throws here throws DivvyError with exit code 74: it cannot be written. */
export class Journal {
  readonly file: string;
  readonly #lock: string;
  readonly #descriptor: number;
  /** How long it is, if nobody else writes to it. */
  #size: number;
  #broken: DivvyError | undefined;
  #lines: string[] = [];
  #syncTimer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> | undefined;
  /** Something was written that the sync under way may have missed. */
  #unsynced = false;
  readonly #failed: (error: DivvyError) => void;

  /**
   * file   - its path; it is made where it is not there, and gone on with where it is.
   * failed - is told when what was written could not be synced.
   *
   * Throws DivvyError: 75 where another run has it, 74 where it cannot be opened.
   */
  constructor(file: string, failed: (error: DivvyError) => void) {
    this.file = file;
    this.#failed = failed;
    try {
      fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
      this.#lock = lockOf(file);
      takeLock(this.#lock, file);
    } catch (error) {
      throw journalFailed(file, error);
    }
    try {
      this.#descriptor = fs.openSync(file, 'a', 0o600);
    } catch (error) {
      fs.rmSync(this.#lock, { force: true });
      throw journalFailed(file, error);
    }
    this.#size = fs.fstatSync(this.#descriptor).size;
  }

  /** What is behind so many bytes is the torn tail of a record, and goes. */
  cutAt(bytes: number): void {
    this.#try(() => fs.ftruncateSync(this.#descriptor, bytes));
    this.#size = bytes;
  }

  add(record: JournalRecord): void {
    this.#lines.push(JSON.stringify(record));
  }

  /** The record `done`, as add() would write it, in a fraction of the time. */
  done(key: string, occurrence: number, { number, attempts, worker, durationMs }: Outcome): void {
    const which = occurrence > 1 ? `,"occurrence":${occurrence}` : '';
    const where = `"number":${number},"attempts":${attempts},"worker":${worker},"ms":${Math.round(durationMs)}`;
    this.#lines.push(`{"type":"done","key":${JSON.stringify(key)}${which},${where}}`);
  }

  failed(key: string, occurrence: number, { number, attempts, worker, durationMs }: Outcome, error: ItemError): void {
    this.add({
      type: 'failed',
      key,
      ...(occurrence > 1 && { occurrence }),
      number,
      attempts,
      worker,
      ms: Math.round(durationMs),
      error,
    });
  }

  /** Hands what was added to the system. What has been written counts. */
  write(): void {
    if (this.#broken) throw this.#broken;
    if (this.#lines.length === 0) return;
    const bytes = Buffer.from(`${this.#lines.splice(0).join('\n')}\n`);
    this.#try(() => {
      // The system writes on to a file that nobody can find or read any more.
      const { nlink, size } = fs.fstatSync(this.#descriptor);
      if (nlink === 0) throw new Error('it has been removed');
      if (size !== this.#size) throw new Error('something else has changed it');
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.#descriptor, bytes, at);
      this.#size += bytes.length;
    });
    this.#unsynced = true;
    this.#syncTimer ??= setTimeout(() => this.#sync(), SYNC_WITHIN_MS);
  }

  /**
   * Writes how the run ended, and closes the journal.
   *
   * complete - there is nothing left for a resume.
   */
  async end({ counts, exitCode, stoppedBy }: RunResult, complete: boolean): Promise<void> {
    try {
      // What cannot be synced is not complete.
      await this.#syncing;
      this.#try(() => fs.fdatasyncSync(this.#descriptor));
      const at = new Date().toISOString();
      this.add({ type: 'end', at, complete, counts, exitCode, ...(stoppedBy !== undefined && { stoppedBy }) });
      this.write();
    } finally {
      await this.close();
    }
  }

  /** Closes it as it is: the run counts as unfinished. */
  async close(): Promise<void> {
    await this.#syncing;
    clearTimeout(this.#syncTimer);
    try {
      fs.closeSync(this.#descriptor);
      fs.rmSync(this.#lock, { force: true });
    } catch {
      // A lock that stays is nobody's.
    }
  }

  #sync(): void {
    this.#unsynced = false;
    this.#syncing = new Promise((resolve) => {
      fs.fdatasync(this.#descriptor, (error) => {
        this.#syncTimer = this.#unsynced && !error ? setTimeout(() => this.#sync(), SYNC_WITHIN_MS) : undefined;
        if (error) this.#failed(this.#break(error));
        resolve();
      });
    });
  }

  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      throw this.#break(error);
    }
  }

  /** What failed once is not written to again: behind half a line nothing could be read any more. */
  #break(error: unknown): DivvyError {
    this.#broken ??= journalFailed(this.file, error);
    return this.#broken;
  }
}

/** Whether a run that lives has the journal. */
export function isInUse(file: string): boolean {
  const lock = lookAt(lockOf(file));
  return lock?.holder !== undefined && lives(lock.holder);
}

/** Symbolic links give a journal several names, perhaps before it is there; it has one lock, beside what they lead to. */
function lockOf(file: string): string {
  for (let at = file; ; ) {
    let to: string;
    try {
      to = fs.readlinkSync(at);
    } catch {
      return `${at}.lock`; // it is no link
    }
    at = path.resolve(fs.realpathSync(path.dirname(at)), to);
  }
}

/**
 * Takes the lock, a file that names the process which holds it; it appears whole, by link(). The lock of a process that is
 * gone is nobody's, and is removed. Only one of those that find it so may do that: a second would remove what the
 * first has taken.
 *
 *   - The right to remove a dead lock is a file too, called after that very lock. Whoever makes it has the right; where that
 *     process is gone, whoever makes the next one.
 *   - Whoever has the right removes the lock if it is still that one, and then the rights to it.
 *
 * So nobody waits: a lock, or a right, whose process lives, even suspended, is refused at once.
 */
function takeLock(lock: string, file: string): void {
  while (!claim(lock)) {
    const dead = lookAtDead(lock, file);
    if (!dead) continue; // it has been released meanwhile
    const rights = [`${lock}.${dead.id}.1`];
    while (!claim(rights.at(-1) ?? '')) {
      if (lookAtDead(rights.at(-1) ?? '', file)) rights.push(`${lock}.${dead.id}.${rights.length + 1}`);
    }
    try {
      if (lookAtDead(lock, file)?.id === dead.id) fs.rmSync(lock, { force: true });
    } finally {
      for (const right of rights) fs.rmSync(right, { force: true });
    }
  }
}

/** Returns whether the lock has become this process's. */
function claim(lock: string): boolean {
  const self: ProcessName = { pid: process.pid, started: startOf(process.pid) ?? '' };
  const whole = `${lock}.${process.pid}`;
  try {
    fs.writeFileSync(whole, JSON.stringify(self), { mode: 0o600 });
    fs.linkSync(whole, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    fs.rmSync(whole, { force: true });
  }
}

interface Lock {
  /** Tells this lock from any other that is, or was, at the same path. */
  readonly id: string;
  /** Undefined where that cannot be read: what a power cut may leave of a lock. */
  readonly holder: ProcessName | undefined;
}

/** Returns the lock; undefined where there is none. */
function lookAt(lock: string): Lock | undefined {
  let descriptor: number;
  try {
    descriptor = fs.openSync(lock, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
  try {
    const { ino, mtimeNs } = fs.fstatSync(descriptor, { bigint: true });
    return { id: `${ino}-${mtimeNs}`, holder: nameIn(fs.readFileSync(descriptor, 'utf8')) };
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Likewise. Throws DivvyError with exit code 75 where its holder lives. */
function lookAtDead(lock: string, file: string): Lock | undefined {
  const found = lookAt(lock);
  if (found?.holder && lives(found.holder)) throw journalInUse(file, found.holder.pid);
  return found;
}

function nameIn(text: string): ProcessName | undefined {
  try {
    return JSON.parse(text) as ProcessName;
  } catch {
    return undefined;
  }
}
