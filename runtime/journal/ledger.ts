/** Where the outcomes of a run are recorded: its journal, or, on a host of several (engine/), the queue. Internal. */

import type { ItemError, Place } from '../parallelizable.ts';
import type { JournalRecord, Mark } from './records.ts';

/** Consecutive items that have ended, as a ledger needs them. */
export interface EndedRun {
  readonly number: number;
  readonly starts: number;
  readonly worker: number;
  readonly crashes: number;
  readonly durationMs: number;
  readonly payloads: readonly { readonly key: string; readonly occurrence: number; readonly at?: At | undefined }[];
}

/** Where an item is in the order of `dispatch`, if the task has a cursor. */
export interface At {
  readonly place: Place;
  /** The place before it; undefined for the first one of all. */
  readonly after: Mark | undefined;
}

export interface Ledger {
  /** Adds a record of what the run does. */
  add(record: JournalRecord): void;
  /**
   * Adds items that are done.
   *
   * results - with --results: where the line of the one item ends in that file, in bytes.
   * result  - what the one item returned, encoded; empty if nobody wants it.
   */
  done(run: EndedRun, results: number | undefined, result: Buffer): void;
  /** Adds an item whose attempt failed, and that is tried again. */
  retried(run: EndedRun, error: ItemError): void;
  /** Adds an item that has failed for good. */
  failed(run: EndedRun, error: ItemError): void;
  /** From now on what was added counts. Throws DivvyError if it can't. */
  write(): void;
}
