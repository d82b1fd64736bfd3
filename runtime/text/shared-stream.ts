/**
 * The master's own stdout and stderr. They are shared by the workers' output, the task's console.log in dispatch and
 * hooks, and the runner. Runs in the master. Internal.
 *
 * Only this file patches the `write` of the master's streams. So each writer begins a new line, and the progress line
 * is erased before any output and drawn again below it (cli/footer.ts).
 *
 * A terminal that is behind takes the first part of a write, and the rest waits in the stream. If stdout and stderr are
 * one terminal, the other stream waits as long: so what one writes never gets into the middle of a line of the other.
 */

import fs from 'node:fs';
import type { Writable } from 'node:stream';
import { isSamePlace } from './same-place.ts';

const NEWLINE = 0x0a;

/** Something that stands on the same terminal as the output, such as the progress line. */
export interface Companion {
  /** Returns what to write right ahead of output to the stream: whatever makes room for it. */
  before(stream: Writable): string;
  /** Output to the stream, in one or more parts, is written or waits in it. */
  after(stream: Writable, ...parts: readonly (string | Uint8Array)[]): void;
}

/** Has a companion called for all output to the stream, whoever writes it. Returns a function that ends this. */
export function accompany(stream: Writable, companion: Companion): () => void {
  const shared = share(stream);
  shared.companions.add(companion);
  return () => {
    if (shared.companions.delete(companion)) shared.leave();
  };
}

/**
 * Returns whether a line is open where the stream leads; with `isOwn`, whether this process itself opened it on this
 * stream.
 */
export function isLineOpen(stream: Writable, isOwn = false): boolean {
  const shared = streams.get(stream);
  return isOwn ? shared !== undefined && shared.lineOf === shared : shared?.lineOf !== undefined;
}

/** Writes text that belongs to nobody's line, such as a progress line, which is erased again. */
export function writeAside(stream: Writable, text: string | Uint8Array): void {
  const shared = streams.get(stream);
  if (shared) shared.writeAside(text);
  else stream.write(text);
}

/** Resolves when everything written to the stream has left this process, or can't leave it any more. */
export function flushed(stream: Writable): Promise<void> {
  const shared = streams.get(stream);
  return new Promise((resolve) => {
    if (shared) shared.write(Buffer.alloc(0), () => resolve());
    else stream.write('', () => resolve());
  });
}

const streams = new Map<Writable, SharedStream>();

/** Where a stream leads: a terminal, a file or a pipe. Stdout and stderr may lead to the same one. */
interface Place {
  /**
   * Whose line is open: a worker's passage, or the stream that the master itself wrote it to. Whoever writes ends
   * another's line first, on its own stream: so two lines never join.
   */
  lineOf: object | undefined;
  readonly turns: Turns;
}

/** A turn: it calls `over` once it is over. */
type Turn = (over: () => void) => void;

/** Lets writes to one place happen one after the other, whichever stream they are of. */
class Turns {
  readonly #waiting: Turn[] = [];
  #isTaken = false;

  take(turn: Turn): void {
    if (this.#isTaken) this.#waiting.push(turn);
    else this.#begin(turn);
  }

  #begin(turn: Turn): void {
    this.#isTaken = true;
    turn(() => {
      this.#isTaken = false;
      const next = this.#waiting.shift();
      if (next) this.#begin(next);
    });
  }
}

/** Returns the shared stream. Each caller must leave() it. */
export function share(stream: Writable): SharedStream {
  const shared = streams.get(stream) ?? new SharedStream(stream);
  shared.users += 1;
  return shared;
}

/** One of the master's streams, shared by this whole process, even by several runs, which may end in any order. */
export class SharedStream {
  users = 0;
  readonly companions: Set<Companion> = new Set();
  readonly place: Place;
  readonly #stream: Writable;
  readonly #write: Writable['write'];
  readonly #patched: Writable['write'];
  readonly #leaveTurns: (() => void) | undefined;
  /** The descriptor, if the stream is a file: Node.js would not notice if a full disk cut a write short. */
  readonly #file: number | undefined;
  /** How many of the waiting bytes are no output (writeAside). */
  #asideBytes = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
    this.place = placeOf(stream);
    this.#write = stream.write;
    this.#file = fileOf(stream);
    if (isTerminal(stream)) this.#leaveTurns = takeTurns(stream, this.place.turns);
    this.#patched = ((...written: Parameters<Writable['write']>): boolean => {
      const [chunk] = written as unknown[];
      const last = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk.at(-1) : undefined;
      if (last === undefined) return Reflect.apply(this.#write, stream, written); // empty, or refused by Node.js
      const ending = this.lineOf !== undefined && this.lineOf !== this ? '\n' : '';
      const first = this.#before() + ending;
      if (first !== '') Reflect.apply(this.#write, stream, [first]);
      this.lineOf = last === '\n' || last === NEWLINE ? undefined : this;
      const goesOn = Reflect.apply(this.#write, stream, written);
      this.#after(ending, chunk as string | Uint8Array);
      return goesOn;
    }) as Writable['write'];
    stream.write = this.#patched;
    setBlocking(stream, false);
    streams.set(stream, this);
  }

  get lineOf(): object | undefined {
    return this.place.lineOf;
  }

  set lineOf(writer: object | undefined) {
    this.place.lineOf = writer;
  }

  /** Writes a worker's bytes. Calls `written` when they have left this process. Returns whether more may follow. */
  write(bytes: Buffer, written: (error?: Error | null) => void): boolean {
    if (this.#file === undefined || this.#stream.writableLength > 0) {
      const first = bytes.length > 0 ? this.#before() : '';
      // In one write, so that a terminal never shows the state in between.
      const all = first === '' ? bytes : Buffer.concat([Buffer.from(first), bytes]);
      const goesOn = Reflect.apply(this.#write, this.#stream, [all, written]);
      // What follows it is a write of its own: the output counts as soon as it is out itself.
      if (bytes.length > 0) this.#after(bytes);
      return goesOn;
    }
    try {
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.#file, bytes, at);
      written();
    } catch (error) {
      written(error as Error);
    }
    return true;
  }

  /** Some output has not left this process yet. A waiting progress line is no output: no item has to wait for it. */
  get isWaiting(): boolean {
    return this.#stream.writableLength > this.#asideBytes && !this.#stream.destroyed;
  }

  /** As the function of this name. */
  writeAside(text: string | Uint8Array): void {
    const stream = this.#stream;
    const before = stream.writableLength;
    let waiting = 0;
    const out = (): void => {
      this.#asideBytes -= waiting;
    };
    Reflect.apply(this.#write, stream, [text, out]);
    // If it is out already, `out` is called later all the same.
    waiting = stream.writableLength - before;
    this.#asideBytes += waiting;
  }

  leave(): void {
    this.users -= 1;
    if (this.users > 0) return;
    if (this.#stream.write === this.#patched) this.#stream.write = this.#write;
    this.#leaveTurns?.();
    setBlocking(this.#stream, true);
    streams.delete(this.#stream);
  }

  #before(): string {
    let first = '';
    for (const companion of this.companions) first += companion.before(this.#stream);
    return first;
  }

  #after(...parts: readonly (string | Uint8Array)[]): void {
    for (const companion of this.companions) companion.after(this.#stream, ...parts);
  }
}

/** Returns the place of another stream that leads there, too, or a new one. */
function placeOf(stream: Writable): Place {
  for (const [other, shared] of streams) if (isSamePlace(stream, other)) return shared.place;
  return { lineOf: undefined, turns: new Turns() };
}

const isTerminal = (stream: Writable & { isTTY?: boolean }): boolean => stream.isTTY === true;

type Done = (error?: Error | null) => void;

/** Has the stream hand its bytes to the system only when it is its turn. Returns a function that ends this. */
function takeTurns(stream: Writable, turns: Turns): () => void {
  const { _write, _writev } = stream;
  const inTurn = (write: (done: Done) => void, done: Done): void =>
    turns.take((over) =>
      write((error) => {
        over();
        done(error);
      }),
    );
  stream._write = (chunk, encoding, done) =>
    inTurn((then) => Reflect.apply(_write, stream, [chunk, encoding, then]), done);
  if (_writev)
    stream._writev = (chunks, done) => inTurn((then) => Reflect.apply(_writev, stream, [chunks, then]), done);
  return () => {
    stream._write = _write;
    if (_writev) stream._writev = _writev;
  };
}

/** By default, Node.js blocks the whole process on a terminal while Ctrl+S holds the output. */
function setBlocking(stream: Writable, isBlocking: boolean): void {
  const { isTTY, _handle } = stream as Writable & {
    isTTY?: boolean;
    _handle?: { setBlocking?: (is: boolean) => void } | null;
  };
  if (isTTY) _handle?.setBlocking?.(isBlocking);
}

function fileOf(stream: Writable): number | undefined {
  const { fd } = stream as Writable & { fd?: unknown };
  try {
    return typeof fd === 'number' && fs.fstatSync(fd).isFile() ? fd : undefined;
  } catch {
    return undefined; // it was closed from the start
  }
}
