/**
 * Reads the journal of a run for a report: once, or again and again while it grows. Runs in commands that show a run.
 * Internal.
 */

import { DivvyError } from '../errors.ts';
import { journalDamaged } from '../journal/errors.ts';
import { readLines } from '../journal/reading.ts';
import { type JournalRecord, parse } from '../journal/records.ts';
import { Collector } from './collect.ts';

/** A journal that may still grow. */
export class Followed {
  readonly collector: Collector = new Collector();
  /** Why it can't be read any further; undefined if it can. */
  cut: string | undefined;
  readonly #file: string;
  #bytes = 0;
  #lines = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Reads what is new. A line that is no record ends the report: what is behind it is not read, and `cut` says so.
   * Returns whether there was anything new.
   *
   * Throws UsageError if the journal has a later format, and errors of fs.
   */
  read(): boolean {
    if (this.cut !== undefined) return false;
    const read = readLines(
      this.#file,
      (bytes, from, end) => {
        this.#lines += 1;
        try {
          const record = parse(bytes.toString('utf8', from, end), this.#file, this.#lines);
          if (record) this.#see(record);
          return true;
        } catch (error) {
          // Exit code 2: it has another format, which this release can't read at all.
          if (!(error instanceof DivvyError) || error.exitCode === 2 || this.#lines === 1) throw error;
          this.cut = error.message;
          return false;
        }
      },
      this.#bytes,
    );
    this.#bytes += read;
    return read > 0;
  }

  /** What a report needs is not checked in each record: of a journal that was edited, it may be missing. */
  #see(record: JournalRecord): void {
    if ('ms' in record && !(record.ms >= 0 && record.ms < Infinity)) throw this.#damaged();
    try {
      this.collector.see(record);
    } catch {
      throw this.#damaged();
    }
  }

  #damaged(): DivvyError {
    return journalDamaged(this.#file, this.#lines, 'is no record');
  }
}
