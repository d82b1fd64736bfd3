/**
 * Tells the master which items have ended. Usually at once, so that no finished work is repeated. For very short items,
 * if the master allows it, batches many acks and sends them a little later. Runs in a worker. Internal.
 *
 * Sends an ack only after everything that the items wrote is in the pipe, so that the master has read it when it counts
 * the item.
 */

import type { CarriedOutcome, ToMaster } from '../wire/messages.ts';
import type { WorkerOutput } from './output.ts';

/** Maximum size of a batch of acks, and how long it may wait, in milliseconds. */
const BATCH_MAX = 64;
const BATCH_MS = 0.2;

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
  /** Number and milliseconds of each item that has nothing more to report. */
  #done: number[] = [];
  #outcomes: CarriedOutcome[] = [];
  #batchedSince = 0;

  /** written - called when the output that acks waited for is in the pipe and the acks are sent. */
  constructor(options: AcksOptions, written: () => void) {
    this.#options = options;
    this.#written = written;
  }

  /** An item is done, and nobody wants its result. */
  done(number: number, durationMs: number): void {
    this.#done.push(number, durationMs);
  }

  add(outcome: CarriedOutcome): void {
    this.#outcomes.push(outcome);
  }

  /** An item has ended at `now`, by performance.now(). `isBatched`: its ack may wait for others. */
  ended(isBatched: boolean, now: number): void {
    const count = this.#done.length / 2 + this.#outcomes.length;
    if (!isBatched || count >= BATCH_MAX) this.flush();
    else if (count === 1) {
      this.#batchedSince = now;
      setImmediate(() => this.flush()); // in case the next item blocks the worker
    } else if (now - this.#batchedSince > BATCH_MS) this.flush();
  }

  /** Sends all queued acks. */
  flush(): void {
    const { output, send } = this.#options;
    if (this.#done.length + this.#outcomes.length === 0 || this.waitsForOutput) return;
    if (!output.isWritten(this.#outputMoved)) {
      this.waitsForOutput = true;
      this.isBlocked = true;
      return;
    }
    const numbers = output.openLines();
    if (numbers) send({ kind: 'open lines', numbers });
    if (this.#done.length > 0) {
      this.isBlocked = !send({ kind: 'done', pairs: this.#done });
      this.#done = [];
    }
    if (this.#outcomes.length > 0) {
      this.isBlocked = !send({ kind: 'outcomes', outcomes: this.#outcomes });
      this.#outcomes = [];
    }
  }

  readonly #outputMoved = (): void => {
    this.waitsForOutput = false;
    this.flush();
    if (!this.waitsForOutput) this.#written();
  };
}
