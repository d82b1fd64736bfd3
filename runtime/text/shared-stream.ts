/**
 * The master's own stdout and stderr. They are shared by the workers' output, the task's console.log in dispatch and
 * hooks, and the runner. Runs in the master. Internal.
 *
 * Only this file patches the `write` of the master's streams. So each writer begins a new line, and the progress line
 * is erased first.
 */

import fs from 'node:fs';
import type { Writable } from 'node:stream';

const NEWLINE = 0x0a;

/** Calls `act` before anybody in this process writes to the stream. Returns a function that ends this. */
export function beforeWrites(stream: Writable, act: () => void): () => void {
  const shared = share(stream);
  shared.before.add(act);
  return () => {
    if (shared.before.delete(act)) shared.leave();
  };
}

/** Returns whether a line is open on the stream; with `isOwn`, whether this process itself opened it. */
export function isLineOpen(stream: Writable, isOwn = false): boolean {
  const shared = streams.get(stream);
  return isOwn ? shared !== undefined && shared.lineOf === shared : shared?.lineOf !== undefined;
}

/** Writes text that belongs to nobody's line, such as a progress line, which is erased again. */
export function writeAside(stream: Writable, text: string): void {
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

/** Returns the shared stream. Each caller must leave() it. */
export function share(stream: Writable): SharedStream {
  const shared = streams.get(stream) ?? new SharedStream(stream);
  shared.users += 1;
  return shared;
}

/** One of the master's streams, shared by this whole process, even by several runs, which may end in any order. */
export class SharedStream {
  users = 0;
  readonly before: Set<() => void> = new Set();
  /** Whose line is open: a worker's passage, or the master itself (this). */
  lineOf: object | undefined;
  readonly #stream: Writable;
  readonly #write: Writable['write'];
  readonly #patched: Writable['write'];
  /** The descriptor, if the stream is a file: Node.js would not notice if a full disk cut a write short. */
  readonly #file: number | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    this.#write = stream.write;
    this.#file = fileOf(stream);
    this.#patched = ((...written: Parameters<Writable['write']>): boolean => {
      const [chunk] = written as unknown[];
      const last = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk.at(-1) : undefined;
      if (last !== undefined) {
        this.#prepare();
        if (this.lineOf !== undefined && this.lineOf !== this) Reflect.apply(this.#write, stream, ['\n']);
        this.lineOf = last === '\n' || last === NEWLINE ? undefined : this;
      }
      return Reflect.apply(this.#write, stream, written);
    }) as Writable['write'];
    stream.write = this.#patched;
    setBlocking(stream, false);
    streams.set(stream, this);
  }

  /** Writes a worker's bytes. Calls `written` when they have left this process. Returns whether more may follow. */
  write(bytes: Buffer, written: (error?: Error | null) => void): boolean {
    this.#prepare();
    if (this.#file === undefined || this.#stream.writableLength > 0)
      return Reflect.apply(this.#write, this.#stream, [bytes, written]);
    try {
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.#file, bytes, at);
      written();
    } catch (error) {
      written(error as Error);
    }
    return true;
  }

  /** Some output has not left this process yet. */
  get isWaiting(): boolean {
    return this.#stream.writableLength > 0 && !this.#stream.destroyed;
  }

  writeAside(text: string): void {
    Reflect.apply(this.#write, this.#stream, [text]);
  }

  leave(): void {
    this.users -= 1;
    if (this.users > 0) return;
    if (this.#stream.write === this.#patched) this.#stream.write = this.#write;
    setBlocking(this.#stream, true);
    streams.delete(this.#stream);
  }

  #prepare(): void {
    for (const act of this.before) act();
  }
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
