/**
 * Passes on what workers write, by whole lines, so that lines of two processes never mix, and knows how much of it is out. Runs in
 * the master. Internal.
 */

import type { Readable, Writable } from 'node:stream';
import { type SharedStream, share } from '../text/shared-stream.ts';
import type { Mark, Outlet } from './barrier.ts';

const NEWLINE = 0x0a;
/** A line that is longer is broken here, rather than kept in memory for ever. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** What an Output tells. */
export interface OutputEvents {
  /** Its reader has gone, or it cannot be written: what comes from now on is dropped. Told once. */
  gone(error: NodeJS.ErrnoException): void;
  /** More is out, or is read again. */
  moved(): void;
}

/** One of the master's own streams, stdout or stderr, as workers share it. */
export class Output {
  readonly #shared: SharedStream;
  readonly #events: OutputEvents;
  readonly #isNeeded: boolean;
  readonly #passages = new Set<Passage>();
  readonly #leave: () => void;
  #isDropping = false;
  #isWatched = false;
  /** Its reader has gone, or it cannot be written. Node.js's own stdout forgets that it has failed. */
  hasFailed: boolean = false;

  /**
   * stream   - the master's stream.
   * isNeeded - an item does not count without what it wrote here. Where it is not, what is dropped counts as out.
   */
  constructor(stream: Writable, isNeeded: boolean, events: OutputEvents) {
    this.#isNeeded = isNeeded;
    this.#events = events;
    this.#shared = share(stream);
    const failed = (error: NodeJS.ErrnoException): void => this.#failed(error);
    const drained = (): void => this.#resume();
    stream.on('error', failed);
    stream.on('drain', drained);
    this.#leave = () => {
      stream.off('drain', drained);
      stream.off('error', failed);
      this.#shared.leave();
    };
  }

  /** Something waits to be read: nothing should be added to it. `moved` is told when that is over. */
  get isFull(): boolean {
    if (this.#isDropping || !this.#shared.isWaiting) return false;
    if (!this.#isWatched) {
      this.#isWatched = true;
      this.#shared.write(Buffer.alloc(0), () => {
        this.#isWatched = false;
        this.#events.moved();
      });
    }
    return true;
  }

  /** Passes on what comes from a worker, to its end. */
  take(source: Readable): Passage {
    const passage = new Passage(source, {
      lines: (bytes, upTo, isWhole) => this.#write(passage, bytes, upTo, isWhole),
      ended: () => {
        if (this.#shared.lineOf === passage) this.#write(passage, Buffer.of(NEWLINE), passage.read, true);
        this.#forgetIfOut(passage);
      },
    });
    this.#passages.add(passage);
    if (this.#isDropping) this.#drop(passage);
    return passage;
  }

  /** Drops what is not out yet, and what still comes: nobody waits for a reader any more. */
  discard(): void {
    if (this.#isDropping) return;
    this.#isDropping = true;
    for (const passage of this.#passages) this.#drop(passage);
    this.#resume();
  }

  /** Lets go of the stream. */
  release(): void {
    this.#resume();
    this.#leave();
  }

  /** Outcomes may wait for what an ended process wrote: it may have to be told that this is lost. */
  #forgetIfOut(passage: Passage): void {
    if (passage.isOver && (passage.out >= passage.read || this.#isDropping)) this.#passages.delete(passage);
  }

  #drop(passage: Passage): void {
    if (this.#isNeeded) passage.lostFrom = Math.min(passage.lostFrom, passage.out);
    else passage.out = Infinity;
  }

  #failed(error: NodeJS.ErrnoException): void {
    this.hasFailed = true;
    if (this.#isDropping) return;
    this.discard();
    this.#events.gone(error);
  }

  #write(passage: Passage, bytes: Buffer, upTo: number, isWhole: boolean): void {
    if (this.#isDropping) return;
    const shared = this.#shared;
    // What somebody else has written of a line stays a line of its own.
    const ended = shared.lineOf !== undefined && shared.lineOf !== passage;
    const all = ended ? Buffer.concat([Buffer.of(NEWLINE), bytes]) : bytes;
    shared.lineOf = isWhole ? undefined : passage;
    const goesOn = shared.write(all, (error) => {
      if (error) this.#failed(error);
      else {
        passage.out = Math.max(passage.out, upTo);
        this.#forgetIfOut(passage);
        this.#events.moved();
      }
    });
    if (!goesOn) passage.pause();
  }

  #resume(): void {
    for (const passage of this.#passages) passage.resume();
    this.#events.moved();
  }
}

/** Both of the master's streams, as the workers of a run share them. */
export class Outputs {
  readonly stdout: Output;
  readonly stderr: Output;

  /** gone - is told when nobody reads stdout any more; an item counts without what it wrote on stderr. */
  constructor({ gone, moved }: OutputEvents) {
    this.stdout = new Output(process.stdout, true, { gone, moved });
    this.stderr = new Output(process.stderr, false, { gone: () => {}, moved });
  }

  /** What has been written waits to be read. */
  get isFull(): boolean {
    return this.stdout.isFull || this.stderr.isFull;
  }

  /** Drops what is not out yet, and what still comes. */
  discard(): void {
    this.stdout.discard();
    this.stderr.discard();
  }

  release(): void {
    this.stdout.release();
    this.stderr.release();
  }
}

/** Where what a Passage reads goes. */
interface PassageEnds {
  /** Bytes to be written, after which all that was read up to a place is; whole lines, or the beginning of one. */
  lines(bytes: Buffer, upTo: number, isWhole: boolean): void;
  ended(): void;
}

/** One stream of a worker's process, on its way to one of the master's. */
export class Passage {
  /** How many bytes have been read, and how many of these are out. */
  read = 0;
  out = 0;
  /** Up to here the beginning of a line is passed on, too: an item has ended in the middle of it. */
  #openTo = 0;
  /** What is behind so many bytes is lost. */
  lostFrom: number = Infinity;
  /** Nothing more is read before somebody has read what there is. */
  isHeld: boolean = false;
  #heldSince = 0;
  #heldMs = 0;
  /** When it was held last, by performance.now(); -Infinity for never. */
  heldUntil: number = -Infinity;
  /** Resolves when it has been read to its end. */
  readonly ended: Promise<void>;
  /** It has been read to its end. */
  isOver: boolean = false;
  /** It was held since caughtUp was asked last. */
  #wasHeld = false;
  #rest: Buffer[] = [];
  #restBytes = 0;
  readonly #source: Readable;
  readonly #ends: PassageEnds;

  constructor(source: Readable, ends: PassageEnds) {
    this.#source = source;
    this.#ends = ends;
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    source.on('error', () => {}); // it closes after it
    this.ended = new Promise((resolve) => {
      source.on('close', () => {
        this.isOver = true;
        if (this.#restBytes > 0) this.#pass(Buffer.of(NEWLINE), true);
        this.#ends.ended();
        resolve();
      });
    });
  }

  /**
   * Returns whether all has been read that the worker had written before the turn of the event loop that ends now. Asked once in a
   * turn.
   *
   * In each turn libuv reads a socket until it is empty, or up to two megabytes, which are more than it can hold.
   */
  caughtUp(): boolean {
    const did = this.isOver || !(this.isHeld || this.#wasHeld);
    this.#wasHeld = this.isHeld;
    return did;
  }

  /** All that has been read, but for the beginning of a line that is not ended yet, and is kept. */
  get passed(): number {
    return this.read - this.#restBytes;
  }

  /** An item has ended when so many bytes had been written, and left its line open. */
  openTo(bytes: number): void {
    this.#openTo = bytes;
  }

  /** Passes on what an item has left of a line. Called when all has been read that it wrote. */
  passOpen(): void {
    if (this.#openTo === 0 || this.#restBytes === 0) return;
    // Where something else has written too the place is not known, and all goes that there is.
    const known = this.#openTo > this.passed ? this.#openTo - this.passed : this.#restBytes;
    const bytes = Math.min(known, this.#restBytes);
    const rest = Buffer.concat(this.#rest);
    const upTo = this.passed + bytes;
    this.#openTo = 0;
    this.#rest = bytes < rest.length ? [rest.subarray(bytes)] : [];
    this.#restBytes = rest.length - bytes;
    this.#ends.lines(rest.subarray(0, bytes), upTo, false);
  }

  pause(): void {
    if (this.isHeld || this.isOver) return;
    this.isHeld = true;
    this.#wasHeld = true;
    this.#heldSince = performance.now();
    this.#source.pause();
  }

  resume(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.heldUntil = performance.now();
    this.#heldMs += this.heldUntil - this.#heldSince;
    this.#source.resume();
  }

  /** Returns for how long it was held since this was asked last, in milliseconds. */
  takeHeldMs(now: number): number {
    const heldMs = this.#heldMs + (this.isHeld ? now - this.#heldSince : 0);
    this.#heldMs = 0;
    this.#heldSince = now;
    return heldMs;
  }

  #take(chunk: Buffer): void {
    this.read += chunk.length;
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) this.#pass(chunk.subarray(0, end), true, this.read - (chunk.length - end));
    if (end === chunk.length) return;
    this.#rest.push(chunk.subarray(end));
    this.#restBytes += chunk.length - end;
    if (this.#restBytes > LINE_BYTES_MAX) this.#pass(Buffer.of(NEWLINE), true);
  }

  /** Passes on what is kept of a line, and what follows. */
  #pass(bytes: Buffer, isWhole: boolean, upTo = this.read): void {
    this.#ends.lines(Buffer.concat([...this.#rest, bytes]), upTo, isWhole);
    this.#rest = [];
    this.#restBytes = 0;
  }
}

/** What one worker's process writes, on both of its streams. */
export class ProcessOutput implements Outlet {
  readonly #passages: readonly Passage[];

  constructor(passages: readonly Passage[]) {
    this.#passages = passages;
  }

  /** Resolves when all of it has been passed on. */
  get ended(): Promise<unknown> {
    return Promise.all(this.#passages.map(({ ended }) => ended));
  }

  get isHeld(): boolean {
    return this.#passages.some(({ isHeld }) => isHeld);
  }

  /** When it was held last, by performance.now(): it may be now. -Infinity for never. */
  get heldUntil(): number {
    return this.isHeld ? performance.now() : Math.max(-Infinity, ...this.#passages.map(({ heldUntil }) => heldUntil));
  }

  /** An item has ended, and left lines open: how much had been written of stdout and of stderr. */
  openTo(bytes: readonly number[]): void {
    for (const [index, passage] of this.#passages.entries()) if (bytes[index]) passage.openTo(bytes[index]);
  }

  takeHeldMs(now: number): number {
    return Math.max(0, ...this.#passages.map((passage) => passage.takeHeldMs(now)));
  }

  caughtUp(): boolean {
    let did = true;
    for (const passage of this.#passages) did = passage.caughtUp() && did; // each is to be asked
    return did;
  }

  mark(): Mark {
    for (const passage of this.#passages) passage.passOpen();
    return this.#passages.map(({ passed }) => passed);
  }

  isOut(mark: Mark): 'yes' | 'not yet' | 'lost' {
    let isOut: 'yes' | 'not yet' = 'yes';
    for (let index = 0; index < this.#passages.length; index++) {
      const passage = this.#passages[index];
      const place = mark[index] ?? 0;
      if (!passage || place <= passage.out) continue;
      if (place > passage.lostFrom) return 'lost';
      isOut = 'not yet';
    }
    return isOut;
  }
}
