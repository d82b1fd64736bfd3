/**
 * The master's own stdout and stderr. They are shared by the workers' output, the task's console.log in dispatch and
 * hooks, and the runner. Runs in the master. Internal.
 *
 * Only this file patches the `write` of the master's streams. So each writer begins a new line, and the progress line
 * is erased before any output and drawn again below it (cli/footer.ts).
 *
 * A terminal that is behind takes the first part of a write, and the rest waits in the stream. If stdout and stderr are
 * one terminal, all of it therefore goes through one of them: so what one writes never gets into the middle of what
 * the other still has to write.
 */

import fs from 'node:fs';
import type { Writable } from 'node:stream';
import { isSamePlace } from './same-place.ts';

const NEWLINE = 0x0a;

/** Something that stands on the same terminal as the output, such as the progress line. */
export interface Companion {
  /** Returns what to write right ahead of output: whatever makes room for it. */
  before(): string;
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
}

/** The stream by which output really leaves this process. */
interface Carrier {
  readonly stream: Writable;
  /** Its `write` before it was patched. */
  readonly write: Writable['write'];
  /** How many of the waiting bytes are no output (writeAside). */
  asideBytes: number;
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
  /** Its own, or that of the other stream on the same terminal. */
  readonly #carrier: Carrier;
  readonly #write: Writable['write'];
  readonly #patched: Writable['write'];
  /** The descriptor, if the stream is a file: Node.js would not notice if a full disk cut a write short. */
  readonly #file: number | undefined;
  readonly #drained: () => boolean;

  constructor(stream: Writable) {
    this.#stream = stream;
    const other = sharedAt(stream);
    this.place = other?.place ?? { lineOf: undefined };
    this.#write = stream.write;
    this.#carrier = other && isTerminal(stream) ? other.#carrier : { stream, write: this.#write, asideBytes: 0 };
    this.#drained = () => stream.emit('drain');
    if (this.#carrier.stream !== stream) this.#carrier.stream.on('drain', this.#drained);
    this.#file = fileOf(stream);
    this.#patched = ((...written: Parameters<Writable['write']>): boolean => {
      const [chunk] = written as unknown[];
      const last = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk.at(-1) : undefined;
      if (last === undefined) return this.#send(...written); // empty, or refused by Node.js
      const ending = this.lineOf !== undefined && this.lineOf !== this ? '\n' : '';
      const first = this.#before() + ending;
      if (first !== '') this.#send(first);
      this.lineOf = last === '\n' || last === NEWLINE ? undefined : this;
      const goesOn = this.#send(...written);
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
      const goesOn = this.#send(all, written);
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
    const { stream, asideBytes } = this.#carrier;
    return stream.writableLength > asideBytes && !stream.destroyed;
  }

  /** As the function of this name. */
  writeAside(text: string | Uint8Array): void {
    const carrier = this.#carrier;
    const before = carrier.stream.writableLength;
    let waiting = 0;
    this.#send(text, () => {
      carrier.asideBytes -= waiting;
    });
    // If it is out already, this function is called later all the same.
    waiting = carrier.stream.writableLength - before;
    carrier.asideBytes += waiting;
  }

  leave(): void {
    this.users -= 1;
    if (this.users > 0) return;
    if (this.#stream.write === this.#patched) this.#stream.write = this.#write;
    this.#carrier.stream.off('drain', this.#drained);
    setBlocking(this.#stream, true);
    streams.delete(this.#stream);
  }

  #send(...written: unknown[]): boolean {
    return Reflect.apply(this.#carrier.write, this.#carrier.stream, written as Parameters<Writable['write']>);
  }

  #before(): string {
    let first = '';
    for (const companion of this.companions) first += companion.before();
    return first;
  }

  #after(...parts: readonly (string | Uint8Array)[]): void {
    for (const companion of this.companions) companion.after(this.#stream, ...parts);
  }
}

/** Returns another stream that leads to the same place. */
function sharedAt(stream: Writable): SharedStream | undefined {
  for (const [other, shared] of streams) if (isSamePlace(stream, other)) return shared;
  return undefined;
}

const isTerminal = (stream: Writable & { isTTY?: boolean }): boolean => stream.isTTY === true;

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
