/**
 * The journal of a run: who ran, and how each item ended. Append-only. Runs in the master. Internal.
 *
 * An outcome counts once its line has been passed to the system (`write`). It then survives a crash of the master. A
 * power cut loses at most the lines of the last 100 ms, because the file is synced in groups.
 */

import path from 'node:path';
import type { DivvyError } from '../errors.ts';
import type { ItemError, RunResult } from '../parallelizable.ts';
import { withoutSecret } from '../text/secrets.ts';
import { cutTo } from '../text/words.ts';
import { AppendFile, makeFolder } from './append-file.ts';
import { journalFailed, journalInUse } from './errors.ts';
import { lockOf } from './folder.ts';
import type { EndedRun, Ledger } from './ledger.ts';
import { Lock } from './lock.ts';
import type { JournalRecord } from './records.ts';

const SYNC_WITHIN_MS = 100;
/** How far the clock must have moved for a tick, in milliseconds. */
const TICK_MS = 100;
/** How long the error with which a run failed may be, in characters. */
const ERROR_MAX = 2000;

/** An open journal. Its methods throw DivvyError with exit code 74 if it can't be written. */
export class Journal implements Ledger {
  readonly file: string;
  readonly #lock: Lock;
  readonly #open: AppendFile;
  #broken: DivvyError | undefined;
  #lines: string[] = [];
  #syncTimer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> | undefined;
  /** Something was written that the current sync may have missed. */
  #unsynced = false;
  readonly #failed: (error: DivvyError) => void;

  /** The number in the last `run` line, and when that was added. */
  #number = 0;
  #beganAt = 0;
  #tickedAt = 0;
  /** A `run` line is added, and not written yet. */
  #isBeginning = false;

  /**
   * file     - path of the journal; it is created if it does not exist, otherwise continued.
   * failed   - called if written lines could not be synced.
   * takeOver - take the journal even if the holder of its lock can't be checked from here.
   *
   * Throws DivvyError: 75 if another run has it, 74 if it can't be opened.
   */
  constructor(file: string, failed: (error: DivvyError) => void, takeOver = false) {
    this.file = file;
    this.#failed = failed;
    try {
      makeFolder(path.dirname(file));
      this.#lock = new Lock(lockOf(file), { takeOver, refuse: journalInUse(file) });
    } catch (error) {
      throw journalFailed(file, error);
    }
    try {
      this.#open = new AppendFile(file);
    } catch (error) {
      this.#lock.release();
      throw journalFailed(file, error);
    }
  }

  /** Cuts off the torn tail of a record, after the first `bytes` bytes. */
  cutAt(bytes: number): void {
    this.#try(() => this.#open.cutAt(bytes));
  }

  add(record: JournalRecord): void {
    if (record.type === 'run') {
      this.#number = record.number;
      this.#isBeginning = true;
      this.#beganAt = performance.now();
      this.#tickedAt = this.#beganAt;
    }
    this.#lines.push(JSON.stringify(record));
  }

  /**
   * Adds the record of items that are done. `usualKeys` in records.ts reads the fields in this order.
   *
   * results - with --results: where the line of the one item ends in that file, in bytes.
   */
  done({ number, starts, worker, crashes, durationMs, payloads }: EndedRun, results?: number): void {
    const occurrence = payloads[0]?.occurrence ?? 1;
    if (payloads.length > 1 && payloads.some((payload) => payload.occurrence > 1)) {
      const one = { starts, worker, crashes, durationMs };
      for (const [index, payload] of payloads.entries())
        this.done({ ...one, number: number + index, payloads: [payload] });
      return;
    }
    const keys = payloads.map(({ key }) => key);
    const which = occurrence > 1 ? { occurrence } : {};
    const where = payloads[0]?.at ? { places: payloads.map(({ at }) => at?.place ?? '') } : {};
    const ended = { attempts: starts, worker, ms: rounded(durationMs), ...(results !== undefined && { results }) };
    this.add({ type: 'done', number, keys, ...which, ...where, ...ended });
  }

  /** Adds the record of an item whose attempt failed, and that is tried again. */
  retried({ number, starts, worker, durationMs, payloads }: EndedRun, { name, message }: ItemError): void {
    const { key = '' } = payloads[0] ?? {};
    const error = `${name}: ${message}`;
    this.add({ type: 'retry', key, number, attempts: starts, worker, ms: rounded(durationMs), error });
  }

  /** Adds the record of an item that has failed for good. */
  failed({ number, starts, worker, durationMs, payloads }: EndedRun, error: ItemError): void {
    const { key = '', occurrence = 1, at } = payloads[0] ?? {};
    this.add({
      type: 'failed',
      key,
      ...(occurrence > 1 && { occurrence }),
      ...(at && { place: at.place, ...(at.after && { after: at.after }) }),
      number,
      attempts: starts,
      worker,
      ms: rounded(durationMs),
      error,
    });
  }

  /** The first results are about to be written to a file. Records that so that it survives a power cut. */
  resultsBegin(identity: string): void {
    this.add({ type: 'results', identity });
    this.write();
    this.#try(() => {
      this.#open.syncNow();
      this.#open.syncName();
    });
  }

  /** Passes the added lines to the system. Written lines count. */
  write(): void {
    if (this.#broken) throw this.#broken;
    if (this.#lines.length === 0) return;
    const now = performance.now();
    // Never before a `run` line, however long ago that was added: a journal begins with one, and times count from it.
    if (now - this.#tickedAt >= TICK_MS && !this.#isBeginning) {
      this.#tickedAt = now;
      this.#lines.unshift(`{"type":"tick","ms":${Math.round(now - this.#beganAt)}}`);
    }
    this.#isBeginning = false;
    const bytes = Buffer.from(`${this.#lines.splice(0).join('\n')}\n`);
    this.#try(() => this.#open.append(bytes));
    this.#unsynced = true;
    this.#syncTimer ??= setTimeout(() => this.#sync(), SYNC_WITHIN_MS);
  }

  /**
   * Writes how the run ended, and closes the journal.
   *
   * complete - nothing is left to resume.
   * fault    - with which the run failed, if it did.
   */
  async end({ counts, exitCode, stoppedBy }: RunResult, complete: boolean, fault?: Error): Promise<void> {
    try {
      // If the lines can't be synced, the run is not complete.
      await this.#syncing;
      this.#try(() => this.#open.syncNow());
      const at = new Date().toISOString();
      const number = this.#number;
      this.#tickedAt = Number.NEGATIVE_INFINITY; // the end has its time, however soon it comes
      const error = fault && cutTo(withoutSecret(fault.message), ERROR_MAX);
      const why = { ...(stoppedBy !== undefined && { stoppedBy }), ...(error !== undefined && { error }) };
      this.add({ type: 'end', number, at, complete, counts, exitCode, ...why });
      this.write();
    } finally {
      await this.close();
    }
  }

  /** Closes the journal as it is: the run counts as unfinished. */
  async close(): Promise<void> {
    await this.#syncing;
    clearTimeout(this.#syncTimer);
    this.#open.close();
    this.#lock.release();
  }

  #sync(): void {
    this.#unsynced = false;
    this.#syncing = new Promise((resolve) => {
      this.#open.sync((error) => {
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

  /** After the first error, nothing is written any more: lines after half a line could not be read. */
  #break(error: unknown): DivvyError {
    this.#broken ??= journalFailed(this.file, error);
    return this.#broken;
  }
}

/** Returns milliseconds with three significant digits. */
function rounded(ms: number): number {
  return Number(ms.toPrecision(3));
}
