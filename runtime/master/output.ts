/**
 * Passes on the workers' output line by line, so that lines of two processes never mix, and keeps track of how much of
 * it is out. Runs in the master. Internal.
 */

import type { Readable, Writable } from 'node:stream';
import { type SharedStream, share } from '../text/shared-stream.ts';
import type { Mark, Outlet } from './barrier.ts';

const NEWLINE = 0x0a;
/** A longer line is split here, so that it does not fill the memory. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** Events of an Output. */
export interface OutputEvents {
  /** The reader has gone, or the stream can't be written: all further output is dropped. Called once. */
  gone(error: NodeJS.ErrnoException): void;
  /** More is out, or reading has resumed. */
  moved(): void;
}

/** One of the master's own streams, stdout or stderr, shared by the workers. */
export class Output {
  readonly #shared: SharedStream;
  readonly #events: OutputEvents;
  readonly #isNeeded: boolean;
  readonly #passages = new Set<Passage>();
  readonly #leave: () => void;
  #isDropping = false;
  #isWatched = false;
  /** The reader has gone, or the stream can't be written. Node.js's own stdout does not remember that it has failed. */
  hasFailed: boolean = false;

  /**
   * stream   - the master's stream.
   * isNeeded - whether an item counts only once its output here is out. If false, dropped output counts as out.
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

  /** Output waits for the reader: add no more. `moved` is called when the reader has caught up. */
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

  /** Passes on a worker's stream until it ends. */
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

  /** Drops output that is not out yet and all that follows: nobody waits for the reader any more. */
  discard(): void {
    if (this.#isDropping) return;
    this.#isDropping = true;
    for (const passage of this.#passages) this.#drop(passage);
    this.#resume();
  }

  release(): void {
    this.#resume();
    this.#leave();
  }

  /**
   * Keeps the passage while outcomes may wait for output of an ended process: they may have to learn that it is lost.
   */
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
    // Others have ended the line that this worker left open: if it ends it now, that would be an empty line.
    const isEnded = passage.isOpen && shared.lineOf !== passage && bytes[0] === NEWLINE;
    const own = isEnded ? bytes.subarray(1) : bytes;
    passage.isOpen = !isWhole;
    // If somebody else has written part of a line, end that line first.
    const ends = own.length > 0 && shared.lineOf !== undefined && shared.lineOf !== passage;
    const all = ends ? Buffer.concat([Buffer.of(NEWLINE), own]) : own;
    if (own.length > 0) shared.lineOf = isWhole ? undefined : passage;
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

/** Both of the master's streams, shared by the workers of a run. */
export class Outputs {
  readonly stdout: Output;
  readonly stderr: Output;

  /** gone - called when nobody reads stdout any more. Lost stderr does not matter: an item counts without it. */
  constructor({ gone, moved }: OutputEvents) {
    this.stdout = new Output(process.stdout, true, { gone, moved });
    this.stderr = new Output(process.stderr, false, { gone: () => {}, moved });
  }

  /** Output waits for the reader. */
  get isFull(): boolean {
    return this.stdout.isFull || this.stderr.isFull;
  }

  /** Drops output that is not out yet and all that follows. */
  discard(): void {
    this.stdout.discard();
    this.stderr.discard();
  }

  release(): void {
    this.stdout.release();
    this.stderr.release();
  }
}

/** Where a Passage sends what it reads. */
interface PassageEnds {
  /** Writes bytes: whole lines, or the beginning of one. Once written, everything read up to `upTo` is out. */
  lines(bytes: Buffer, upTo: number, isWhole: boolean): void;
  ended(): void;
}

/** One stream of a worker process, on its way to one of the master's streams. */
export class Passage {
  /** Bytes read, and how many of them are out. */
  read = 0;
  out = 0;
  /** Pass on an unfinished line up to this byte: an item has ended in the middle of it. */
  #openTo = 0;
  /** Everything after this byte is lost. */
  lostFrom: number = Infinity;
  /** Reading is paused until somebody reads the master's output. */
  isHeld: boolean = false;
  #heldSince = 0;
  #heldMs = 0;
  /** When reading was last held, by performance.now(); -Infinity for never. */
  heldUntil: number = -Infinity;
  /** Resolves when the stream has been read to its end. */
  readonly ended: Promise<void>;
  /** What was passed on last was the beginning of a line. */
  isOpen: boolean = false;
  /** The stream has been read to its end. */
  isOver: boolean = false;
  /** Reading was held since the last call of caughtUp. */
  #wasHeld = false;
  #rest: Buffer[] = [];
  #restBytes = 0;
  readonly #source: Readable;
  readonly #ends: PassageEnds;

  constructor(source: Readable, ends: PassageEnds) {
    this.#source = source;
    this.#ends = ends;
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    source.on('error', () => {}); // 'close' follows
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
   * Returns whether everything was read that the worker wrote before the current turn of the event loop. Call it once a
   * turn.
   *
   * In each turn libuv reads a socket until it is empty, or up to two megabytes, which is more than a socket can hold.
   */
  caughtUp(): boolean {
    const did = this.isOver || !(this.isHeld || this.#wasHeld);
    this.#wasHeld = this.isHeld;
    return did;
  }

  /** Bytes read, without the unfinished line that is kept back. */
  get passed(): number {
    return this.read - this.#restBytes;
  }

  /** An item ended after the worker had written `bytes` bytes, and left its line open. */
  openTo(bytes: number): void {
    this.#openTo = bytes;
  }

  /** Passes on the unfinished line of an item. Called when all of the item's output has been read. */
  passOpen(): void {
    if (this.#openTo === 0 || this.#restBytes === 0) return;
    // If something else has written too, the position is unknown: pass on everything.
    const known = this.#openTo > this.passed ? this.#openTo - this.passed : this.#restBytes;
    const bytes = Math.min(known, this.#restBytes);
    const rest = Buffer.concat(this.#rest);
    const upTo = this.passed + bytes;
    // Otherwise a part of that line is still to be read. It belongs to an item that waits a turn longer: keep its position.
    if (known <= this.#restBytes) this.#openTo = 0;
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

  /** Returns how long reading was held since the last call, in milliseconds. */
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

  /** Passes on the line that was kept back, and the bytes that follow it. */
  #pass(bytes: Buffer, isWhole: boolean, upTo = this.read): void {
    this.#ends.lines(Buffer.concat([...this.#rest, bytes]), upTo, isWhole);
    this.#rest = [];
    this.#restBytes = 0;
  }
}

/** The output of one worker process, on both of its streams. */
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

  /** When reading was last held, by performance.now(); now, if it is held. -Infinity for never. */
  get heldUntil(): number {
    return this.isHeld ? performance.now() : Math.max(-Infinity, ...this.#passages.map(({ heldUntil }) => heldUntil));
  }

  /** An item has ended and left lines open; `bytes` says how much had been written to stdout and to stderr. */
  openTo(bytes: readonly number[]): void {
    for (const [index, passage] of this.#passages.entries()) if (bytes[index]) passage.openTo(bytes[index]);
  }

  takeHeldMs(now: number): number {
    return Math.max(0, ...this.#passages.map((passage) => passage.takeHeldMs(now)));
  }

  caughtUp(): boolean {
    let did = true;
    for (const passage of this.#passages) did = passage.caughtUp() && did; // call it on each passage
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
