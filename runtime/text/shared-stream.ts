/**
 * The master's own stdout and stderr, which workers' output, the task's console.log in dispatch and hooks, and the runner share.
 * Runs in the master. Internal.
 *
 * This is the only place that patches a stream's `write`: so whoever writes begins a line of its own, and a line of progress
 * is out of the way.
 */

import fs from 'node:fs';
import type { Writable } from 'node:stream';

const NEWLINE = 0x0a;

/** Calls `act` before anybody in this process writes to the stream. Returns what ends that. */
export function beforeWrites(stream: Writable, act: () => void): () => void {
  const shared = share(stream);
  shared.before.add(act);
  return () => {
    if (shared.before.delete(act)) shared.leave();
  };
}

/** Whether somebody is in the middle of a line there; or only whether this process itself is. */
export function isLineOpen(stream: Writable, isOwn = false): boolean {
  const shared = streams.get(stream);
  return isOwn ? shared !== undefined && shared.lineOf === shared : shared?.lineOf !== undefined;
}

/** Writes what is no line of anybody's, such as a line of progress that goes again. */
export function writeAside(stream: Writable, text: string): void {
  const shared = streams.get(stream);
  if (shared) shared.writeAside(text);
  else stream.write(text);
}

/** Resolves when what was written to the stream has left this process, or cannot any more. */
export function flushed(stream: Writable): Promise<void> {
  const shared = streams.get(stream);
  return new Promise((resolve) => {
    if (shared) shared.write(Buffer.alloc(0), () => resolve());
    else stream.write('', () => resolve());
  });
}

const streams = new Map<Writable, SharedStream>();

/** Returns the stream as all share it. Whoever asks has to leave() it. */
export function share(stream: Writable): SharedStream {
  const shared = streams.get(stream) ?? new SharedStream(stream);
  shared.users += 1;
  return shared;
}

/** A stream of the master's as all of this process shares it: several runs too, which end in any order. */
export class SharedStream {
  users = 0;
  readonly before: Set<() => void> = new Set();
  /** Who is in the middle of a line: a worker's passage, or the master itself (this). */
  lineOf: object | undefined;
  readonly #stream: Writable;
  readonly #write: Writable['write'];
  readonly #patched: Writable['write'];
  /** A file of the file system: Node.js would not notice that a write was cut short by a full disk. */
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

  /** Writes bytes of a worker's. `written` is told when they have left this process. Returns whether more may follow. */
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

  /** Something has not left this process yet. */
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

/** Node.js has a terminal hold up the whole process while Ctrl+S does. */
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
