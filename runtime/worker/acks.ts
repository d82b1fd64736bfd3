/**
 * Tells the master which items have ended. Usually at once, so that no finished work is repeated. For very short items,
 * if the master allows it, batches many acks and sends them a little later. Runs in a worker. Internal.
 *
 * Sends an ack only after everything that the items wrote is in the pipe, so that the master has read it when it counts
 * the item.
 */

import { ACKS_GATHERED, type CarriedOutcome, type ToMaster } from '../wire/messages.ts';
import type { WorkerOutput } from './output.ts';

/** How long a batch of acks may wait, in milliseconds. */
const BATCH_MS = 0.2;
/** Below this many milliseconds, an item's ack may be batched; those of consecutive items are one range. */
const BATCHED_BELOW_MS = 0.02;

const NO_RESULT = Buffer.alloc(0);

/** The acks of consecutive short items whose results nobody wants. */
interface Range {
  readonly number: number;
  count: number;
  totalMs: number;
}

/** What acks need from the worker. */
export interface AcksOptions {
  readonly output: WorkerOutput;
  /** Returns whether the message has left this process. */
  readonly send: (message: ToMaster) => boolean;
}

/** The acks of one worker. */
export class Acks {
  /** Acks are still queued; start nothing until they are flushed. The master relies on the acks it has. */
  isBlocked = false;
  /** Acks wait until everything written is in the pipe. */
  waitsForOutput = false;
  readonly #options: AcksOptions;
  readonly #written: () => void;
  /** The outcomes before the range that is being gathered. */
  #outcomes: CarriedOutcome[] = [];
  #range: Range | undefined;
  /** How many items these are. */
  #count = 0;
  #batchedSince = 0;

  /** written - called when the output that acks waited for is in the pipe and the acks are sent. */
  constructor(options: AcksOptions, written: () => void) {
    this.#options = options;
    this.#written = written;
  }

  /** An item is done, and nobody wants its result. */
  done(number: number, durationMs: number): void {
    const range = this.#range;
    if (durationMs < BATCHED_BELOW_MS && range && number === range.number + range.count) {
      range.count += 1;
      range.totalMs += durationMs;
      this.#count += 1;
    } else if (durationMs < BATCHED_BELOW_MS) {
      this.#endRange();
      this.#range = { number, count: 1, totalMs: durationMs };
      this.#count += 1;
    } else this.add({ number, count: 1, durationMs, how: 'done', body: NO_RESULT });
  }

  add(outcome: CarriedOutcome): void {
    this.#endRange();
    this.#outcomes.push(outcome);
    this.#count += 1;
  }

  /**
   * An item has ended at `now`, by performance.now(), after `durationMs`. `mayBatch`: the master allows to batch.
   * Returns whether the acks were flushed.
   */
  ended(mayBatch: boolean, durationMs: number, now: number): boolean {
    const isFull = this.#count >= ACKS_GATHERED || (this.#count > 1 && now - this.#batchedSince > BATCH_MS);
    if (!mayBatch || durationMs >= BATCHED_BELOW_MS || isFull) {
      this.flush();
      return true;
    }
    if (this.#count === 1) {
      this.#batchedSince = now;
      setImmediate(() => this.flush()); // in case the next item blocks the worker
    }
    return false;
  }

  /** Sends all queued acks. */
  flush(): void {
    const { output, send } = this.#options;
    if (this.#count === 0 || this.waitsForOutput) return;
    if (!output.isWritten(this.#outputMoved)) {
      this.waitsForOutput = true;
      this.isBlocked = true;
      return;
    }
    const numbers = output.openLines();
    if (numbers) send({ kind: 'open lines', numbers });
    this.#endRange();
    this.isBlocked = !send({ kind: 'outcomes', outcomes: this.#outcomes });
    this.#outcomes = [];
    this.#count = 0;
  }

  #endRange(): void {
    const range = this.#range;
    if (!range) return;
    const { number, count, totalMs } = range;
    this.#outcomes.push({ number, count, durationMs: totalMs / count, how: 'done', body: NO_RESULT });
    this.#range = undefined;
  }

  readonly #outputMoved = (): void => {
    this.waitsForOutput = false;
    this.flush();
    if (!this.waitsForOutput) this.#written();
  };
}
