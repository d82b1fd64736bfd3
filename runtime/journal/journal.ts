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
    this.#lock = `${file}.lock`;
    this.#failed = failed;
    try {
      fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
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
  }

  /** What is behind so many bytes is the torn tail of a record, and goes. */
  cutAt(bytes: number): void {
    this.#try(() => fs.ftruncateSync(this.#descriptor, bytes));
  }

  add(record: JournalRecord): void {
    this.#lines.push(JSON.stringify(record));
  }

  done(key: string, occurrence: number, { number, attempts, worker, durationMs }: Outcome): void {
    this.add({
      type: 'done',
      key,
      ...(occurrence > 1 && { occurrence }),
      number,
      attempts,
      worker,
      ms: Math.round(durationMs),
    });
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
      // The system writes on to a file that nobody can find any more.
      if (fs.fstatSync(this.#descriptor).nlink === 0) throw new Error('it has been removed');
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.#descriptor, bytes, at);
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
      if (!this.#broken) this.#try(() => fs.fdatasyncSync(this.#descriptor));
    } finally {
      fs.closeSync(this.#descriptor);
      fs.rmSync(this.#lock, { force: true });
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
  const holder = holderOf(`${file}.lock`);
  return holder !== undefined && lives(holder);
}

/**
 * A lock is a file that names the process which holds it; one whose process is gone is nobody's. It appears whole, by link(),
 * and a dead one is removed only by whoever holds the lock for that: of two that find it dead, the second looks again.
 */
function takeLock(lock: string, file: string): void {
  while (!claim(lock)) {
    const holder = holderOf(lock);
    if (holder && lives(holder)) throw journalInUse(file, holder.pid);
    const breaking = `${lock}.breaking`;
    if (!claim(breaking)) {
      const breaker = holderOf(breaking);
      if (breaker && !lives(breaker)) fs.rmSync(breaking, { force: true });
      continue; // it is held for the time of the few lines below
    }
    const still = holderOf(lock);
    if (!still || !lives(still)) fs.rmSync(lock, { force: true });
    fs.rmSync(breaking);
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

function holderOf(lock: string): ProcessName | undefined {
  try {
    return JSON.parse(fs.readFileSync(lock, 'utf8')) as ProcessName;
  } catch {
    return undefined; // it has gone meanwhile
  }
}
