/**
 * Passes the output of workers on by whole lines, so that lines of two processes never mix. Runs in the master. Internal.
 */

import type { Readable, Writable } from 'node:stream';

const NEWLINE = 0x0a;
/** A line that is longer is broken here, rather than kept in memory for ever. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** One of the master's own streams, stdout or stderr, as workers share it. */
export class Output {
  /** Whoever read it has gone; what is written to it from now on is dropped. */
  gone = false;
  readonly #stream: Writable;
  readonly #paused = new Set<Readable>();
  readonly #watch: Watch;
  readonly #forget: () => void;

  /**
   * stream - the master's stream.
   * onGone - is told once when its reader has gone.
   */
  constructor(stream: Writable, onGone: (error: NodeJS.ErrnoException) => void) {
    this.#stream = stream;
    const failed = (error: NodeJS.ErrnoException): void => {
      if (this.gone) return;
      this.gone = true;
      this.#resume();
      onGone(error);
    };
    const drained = (): void => this.#resume();
    stream.on('error', failed);
    stream.on('drain', drained);
    this.#watch = watches.get(stream) ?? watchOver(stream);
    this.#watch.outputs += 1;
    this.#forget = () => {
      this.#watch.outputs -= 1;
      if (this.#watch.outputs === 0) this.#watch.end();
      stream.off('drain', drained);
      stream.off('error', failed);
    };
  }

  /** Passes on what comes from `source`, by whole lines. Resolves when it has ended. */
  take(source: Readable): Promise<void> {
    let rest: Buffer[] = [];
    let restBytes = 0;
    source.on('data', (chunk: Buffer) => {
      const end = chunk.lastIndexOf(NEWLINE) + 1;
      if (end > 0) {
        this.#write(Buffer.concat([...rest, chunk.subarray(0, end)]), source);
        rest = [];
        restBytes = 0;
      }
      if (end < chunk.length) {
        rest.push(chunk.subarray(end));
        restBytes += chunk.length - end;
      }
      if (restBytes > LINE_BYTES_MAX) {
        this.#write(Buffer.concat([...rest, Buffer.of(NEWLINE)]), source);
        rest = [];
        restBytes = 0;
      }
    });
    return new Promise((resolve) => {
      source.on('error', () => {}); // it closes after it
      source.on('close', () => {
        if (restBytes > 0) this.#write(Buffer.concat([...rest, Buffer.of(NEWLINE)]), source);
        this.#paused.delete(source);
        resolve();
      });
    });
  }

  /** Writes a line of the master's own. */
  say(line: string): void {
    if (!this.gone) this.#stream.write(`${line}\n`);
  }

  /** Lets go of the stream. */
  release(): void {
    this.#resume();
    this.#forget();
  }

  #write(lines: Buffer, source: Readable): void {
    if (this.gone) return;
    // What dispatch or a hook has written of a line stays a line of its own.
    if (this.#watch.lineOpen) this.#stream.write('\n');
    if (this.#stream.write(lines)) return;
    this.#paused.add(source);
    source.pause();
  }

  #resume(): void {
    for (const source of this.#paused) source.resume();
    this.#paused.clear();
  }
}

/** Has `act` called before anybody in this process writes to the stream. Returns what ends that. */
export function beforeWrites(stream: Writable, act: () => void): () => void {
  const watch = watches.get(stream) ?? watchOver(stream);
  watch.outputs += 1;
  watch.before.add(act);
  return () => {
    if (!watch.before.delete(act)) return;
    watch.outputs -= 1;
    if (watch.outputs === 0) watch.end();
  };
}

/** Whether this process is in the middle of a line on the stream. */
export function isLineOpen(stream: Writable): boolean {
  return watches.get(stream)?.lineOpen ?? false;
}

/** What is known of the master's own writing to a stream. */
interface Watch {
  /** The master itself is in the middle of a line. */
  lineOpen: boolean;
  /** How many pass lines on to it: several runs in one process, which end in any order. */
  outputs: number;
  /** Whom to tell before something is written. */
  readonly before: Set<() => void>;
  end(): void;
}

const watches = new Map<Writable, Watch>();

function watchOver(stream: Writable): Watch {
  const write = stream.write;
  const watched = ((...written: Parameters<typeof write>): boolean => {
    for (const act of watch.before) act();
    const last = (written[0] as string | Uint8Array).at(-1);
    if (last !== undefined) watch.lineOpen = last !== '\n' && last !== NEWLINE;
    return Reflect.apply(write, stream, written) as boolean;
  }) as typeof write;
  const watch: Watch = {
    lineOpen: false,
    outputs: 0,
    before: new Set(),
    end() {
      if (stream.write === watched) stream.write = write;
      watches.delete(stream);
    },
  };
  stream.write = watched;
  watches.set(stream, watch);
  return watch;
}
