/**
 * Writes the results of items to the file of --results before the items count: all that have gathered in one write, then
 * one sync, while more gather. Runs in the master. Internal.
 */

import type { DivvyError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import { type ResultsFile, resultLine } from '../journal/results-file.ts';
import { type ResultForms, resultJson } from '../wire/result.ts';
import { type Ended, outcomeOf } from './ended.ts';
import { Order } from './order.ts';

/** What the results need from the run. */
export interface ResultsOptions {
  readonly file: ResultsFile;
  readonly journal: Journal | undefined;
  readonly forms: ResultForms;
  /** The number of the last item before the first of this run. */
  readonly numbersFrom: number;
  /** With --ordered. */
  readonly isOrdered: boolean;
}

/** With so many bytes held back, or waiting for the next write, nothing more is dispatched. */
const GATHERED_BYTES = 64 * 1024 * 1024;

/** Results on their way to the file. */
export class Results {
  /** Undefined without --ordered. */
  readonly order: Order<Ended> | undefined;
  readonly #options: ResultsOptions;
  /** They wait for the next write. */
  #waiting: Ended[] = [];
  /** They are written, and wait for the sync. */
  #writing: readonly Ended[] = [];
  #hasBegun = false;
  /** Of all that is held back or waits for the next write. */
  #bytes = 0;
  /** Where the last line ends that has been synced. */
  #synced = 0;

  constructor(options: ResultsOptions) {
    this.#options = options;
    this.order = options.isOrdered ? new Order(options.numbersFrom) : undefined;
  }

  /** How many more items may be dispatched now. `last` is the number of the last one that was. */
  roomAfter(last: number): number {
    return this.#bytes > GATHERED_BYTES ? 0 : (this.order?.roomAfter(last) ?? Infinity);
  }

  /** An item is done, and its result is to be written. */
  add(ended: Ended): void {
    const { order } = this;
    this.#bytes += bytesOf(ended);
    if (order) this.#waiting.push(...order.done(ended.run.number, ended));
    else this.#waiting.push(ended);
  }

  /** An item has failed, or is skipped: nothing is written for it. */
  left(number: number): void {
    if (this.order) this.#waiting.push(...this.order.left(number));
  }

  /**
   * Writes what has gathered, unless the last write has not been synced yet.
   *
   * synced - called once what was written survives a power cut, with the place at which the line of each item ends.
   * failed - called instead if it can't be written or synced, perhaps at once.
   */
  write(
    synced: (ended: Ended, end: number) => void,
    failed: (all: readonly Ended[], error: DivvyError) => void,
    wake: () => void,
  ): void {
    if (this.#waiting.length === 0 || this.#writing.length > 0) return;
    const { file, journal, forms } = this.#options;
    const all = this.#waiting.splice(0);
    for (const ended of all) this.#bytes -= bytesOf(ended);
    let ends: readonly number[];
    try {
      if (!this.#hasBegun) {
        journal?.resultsBegin(file.identity);
        file.syncName();
        this.#hasBegun = true;
      }
      ends = file.append(all, (ended) => this.#lineOf(ended, forms));
    } catch (error) {
      failed(all, error as DivvyError);
      return;
    }
    this.#writing = all;
    file.sync((error) => {
      if (this.#writing !== all) return; // it is too late for them
      this.#writing = [];
      if (!error) this.#synced = ends.at(-1) ?? 0;
      if (error) failed(all, error);
      else for (const [index, ended] of all.entries()) synced(ended, ends[index] ?? 0);
      wake();
    });
  }

  /** Everything that was synced is recorded as done, too. */
  counted(): void {
    if (this.#synced > 0) this.#options.file.counted(this.#synced);
  }

  /** Returns everything that does not count yet: it is too late for that. */
  abandon(): readonly Ended[] {
    const writing = this.#writing;
    this.#writing = [];
    return [...writing, ...this.#waiting.splice(0), ...(this.order?.giveUp() ?? [])];
  }

  #lineOf({ run, result }: Ended, forms: ResultForms): string | Buffer {
    return resultLine(outcomeOf(run, 0).key, run.number, resultJson(result, forms));
  }
}

function bytesOf({ run, result }: Ended): number {
  return result.length + run.size;
}
