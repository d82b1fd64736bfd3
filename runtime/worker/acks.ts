/**
 * What a worker tells the master of items that have ended: at once, so that nothing that has been done is done again; of very short
 * items, where the master allows it, many together a little later. Runs in a worker. Internal.
 *
 * Nothing is told before all that the items wrote is in the pipe: so the master has read it when it counts the item.
 */

import type { CarriedOutcome, ToMaster } from '../wire/messages.ts';
import type { WorkerOutput } from './output.ts';

/** So many acks are batched, or for so long in milliseconds. */
const BATCH_MAX = 64;
const BATCH_MS = 0.2;

/** What acks need of the worker. */
export interface AcksOptions {
  readonly output: WorkerOutput;
  /** Returns whether it has left this process. */
  readonly send: (message: ToMaster) => boolean;
}

/** The acks of one worker. */
export class Acks {
  /** What has ended could not be told yet. No item is started before: the master goes by what it was told. */
  isBlocked = false;
  /** What has ended is not told before all that was written is in the pipe. */
  waitsForOutput = false;
  readonly #options: AcksOptions;
  readonly #written: () => void;
  /** Numbers and milliseconds, where that is all that there is to tell. */
  #done: number[] = [];
  #outcomes: CarriedOutcome[] = [];
  #batchedSince = 0;

  /** written - is called when what was waited for is in the pipe, and the acks are told. */
  constructor(options: AcksOptions, written: () => void) {
    this.#options = options;
    this.#written = written;
  }

  /** An item was processed, and nobody wants its result. */
  done(number: number, durationMs: number): void {
    this.#done.push(number, durationMs);
  }

  add(outcome: CarriedOutcome): void {
    this.#outcomes.push(outcome);
  }

  /** An item has ended at `now`, by performance.now(); `isBatched`: the others of its batch may be waited for. */
  ended(isBatched: boolean, now: number): void {
    const count = this.#done.length / 2 + this.#outcomes.length;
    if (!isBatched || count >= BATCH_MAX) this.flush();
    else if (count === 1) {
      this.#batchedSince = now;
      setImmediate(() => this.flush()); // should what comes next keep the worker waiting
    } else if (now - this.#batchedSince > BATCH_MS) this.flush();
  }

  /** Tells all that there is to tell. */
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
