/** Counts the outcomes of a run while its journal is read. Runs in commands that show the state of a run. Internal. */

import { type EndRecord, itemName, type JournalRecord, type RunRecord } from './records.ts';

/** An item whose result was written. */
interface Written {
  /** Where its line ends in the file of results, in bytes. */
  readonly end: number;
  readonly ms: number;
  /** Its name, if a retry has done it. */
  readonly retried: string | undefined;
}

/** What the lines so far say of the run. */
export class Tally {
  first: RunRecord | undefined;
  /** The last `run` line. */
  last: RunRecord | undefined;
  /** How the run ended; undefined if it goes on or was killed. */
  end: EndRecord | undefined;
  /** All items had ended before the last `run` line, which only retries some. */
  wasComplete = false;
  done = 0;
  failed = 0;
  /** With --results: where the lines of the items end in that file, in bytes, ascending. */
  readonly #results: Written[] = [];
  readonly #lost: (written: Written) => void;

  /** lost - called for each item that was done, if its result was lost. If a retry had done it, it counts as failed again. */
  constructor(lost: (written: Written) => void = () => {}) {
    this.#lost = lost;
  }

  see(record: JournalRecord): void {
    switch (record.type) {
      case 'run':
        this.first ??= record;
        if (record.mode !== 'retry-failed') this.wasComplete = false;
        else if (!this.isRetry) this.wasComplete = this.end?.complete === true;
        this.last = record;
        this.end = undefined;
        this.#cutAt(record.results);
        return;
      case 'end':
        this.end = record;
        return;
      case 'failed':
        if (!this.isRetry) this.failed += 1;
        return;
      case 'done':
        this.done += record.keys.length;
        if (this.isRetry) this.failed -= record.keys.length; // each of these items had failed before
        if (record.results !== undefined) {
          const name = itemName(record.keys[0] ?? '', record.occurrence, record.places?.[0]);
          this.#results.push({ end: record.results, ms: record.ms, retried: this.isRetry ? name : undefined });
        }
    }
  }

  /** Whether the run that goes on only retries failed items: an outcome replaces a failure. */
  get isRetry(): boolean {
    return this.last?.mode === 'retry-failed';
  }

  /** Items whose lines are missing in the file of results are not done any more. */
  #cutAt(bytes = Infinity): void {
    for (let last = this.#results.at(-1); last && last.end > bytes; last = this.#results.at(-1)) {
      this.#results.pop();
      this.done -= 1;
      if (last.retried !== undefined) this.failed += 1;
      this.#lost(last);
    }
  }
}
