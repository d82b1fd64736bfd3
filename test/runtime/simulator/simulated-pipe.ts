/**
 * What a process writes, on its way through the master to whoever reads it, as runtime/master/output.ts has it: in bytes alone. It is
 * the I/O of the barrier under test, and knows the truth besides: how much was written, and how much of it is out.
 */

import type { Mark, Outlet } from '../../../runtime/master/barrier.ts';
import type { Random } from './random.ts';

/** A process that has written so much more than was read waits in its write. */
const PIPE_HOLDS = 6;
/** The master reads no more while so much waits for the reader. */
const MASTER_HOLDS = 3;

/** What a pipe needs of the run that it is in. */
export interface PipeWorld {
  readonly random: Random;
  readonly now: () => number;
  /** How long the reader takes for the next of it, in milliseconds; undefined: it takes nothing any more. */
  readonly readerTakes: () => number | undefined;
  /** Has `act` done by the master when so many milliseconds have passed. */
  readonly later: (ms: number, act: () => void) => void;
  /** More is out, or is read again. */
  readonly moved: () => void;
}

export class SimulatedPipe implements Outlet {
  /** By the process; and by a completed write of the master's. */
  written = 0;
  out = 0;
  isHeld = false;
  /** What is behind so much is lost. */
  #lostFrom = Infinity;
  #read = 0;
  /** How much had been written when the master's last turn ended: the next one reads all of that. */
  #writtenBefore = 0;
  #wasHeld = false;
  #heldSince = 0;
  #heldMs = 0;
  /** What the reader is asked to take next arrives behind what it was asked before. */
  #takenAt = 0;
  /** The process waits in its write. */
  #unblock: (() => void) | undefined;
  readonly #world: PipeWorld;

  constructor(world: PipeWorld) {
    this.#world = world;
  }

  // ---- the process ----

  /** Returns whether it waits; `goOn` is called when it need not any more. */
  write(bytes: number, goOn: () => void): boolean {
    this.written += bytes;
    this.#readSoon();
    if (this.written - this.#read < PIPE_HOLDS || this.#isDropping) return false;
    this.#unblock = goOn;
    return true;
  }

  // ---- the master ----

  /** What is read before a turn: all that had been written before the one before ended, and perhaps some of what came since. */
  poll(): void {
    if (!this.isHeld && this.#read < this.written) {
      const least = this.#wasHeld ? this.#read : Math.max(this.#read, this.#writtenBefore);
      this.#take(this.#world.random.whole(least, this.written) - this.#read);
    }
    this.#writtenBefore = this.written;
  }

  /** What comes is read by and by, whatever else the master does. */
  #readSoon(): void {
    this.#world.later(0, () => {
      if (this.isHeld || this.#read >= this.written) return;
      this.#take(this.#world.random.whole(1, this.written - this.#read));
      this.#readSoon();
    });
  }

  #take(bytes: number): void {
    if (bytes === 0) return;
    this.#read += bytes;
    const upTo = this.#read;
    const goOn = this.#unblock;
    this.#unblock = undefined;
    goOn?.();
    if (this.#isDropping) return;
    const takes = this.#world.readerTakes();
    if (takes !== undefined) {
      this.#takenAt = Math.max(this.#takenAt, this.#world.now() + takes);
      this.#world.later(this.#takenAt - this.#world.now(), () => this.#taken(upTo));
    }
    if (upTo - this.out > MASTER_HOLDS && !this.isHeld) {
      this.isHeld = true;
      this.#wasHeld = true;
      this.#heldSince = this.#world.now();
    }
  }

  #taken(upTo: number): void {
    if (this.#isDropping) return;
    this.out = Math.max(this.out, upTo);
    this.#resume();
    this.#world.moved();
  }

  #resume(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.#heldMs += this.#world.now() - this.#heldSince;
    this.#readSoon();
  }

  get #isDropping(): boolean {
    return this.#lostFrom < Infinity;
  }

  /** Its reader is gone, or not waited for any more. */
  drop(): void {
    this.#lostFrom = Math.min(this.#lostFrom, this.out);
    this.#resume();
    this.#world.moved();
  }

  takeHeldMs(): number {
    const heldMs = this.#heldMs + (this.isHeld ? this.#world.now() - this.#heldSince : 0);
    this.#heldMs = 0;
    this.#heldSince = this.#world.now();
    return heldMs;
  }

  caughtUp(): boolean {
    const did = !(this.isHeld || this.#wasHeld);
    this.#wasHeld = this.isHeld;
    return did;
  }

  mark(): Mark {
    return [this.#read];
  }

  isOut([mark = 0]: Mark): 'yes' | 'not yet' | 'lost' {
    if (mark <= this.out) return 'yes';
    return mark > this.#lostFrom ? 'lost' : 'not yet';
  }
}
