/** The file of --events: one line of JSON for each event. Runs in the master. Internal. */

import fs from 'node:fs';
import { eventsNotOpened } from '../errors.ts';

/** How many characters of lines to gather, and for how long in milliseconds. */
const GATHERED_MAX = 64 * 1024;
const GATHER_MS = 100;

/** Appends lines to a file, and gives up if it can't be written. */
export class EventsFile {
  readonly #descriptor: number;
  readonly #failed: (error: Error) => void;
  /** Set if it is not a regular file: a pipe, for example, may block its writer, and the master must not block. */
  readonly #pipe: fs.WriteStream | undefined;
  readonly #flushAtExit = (): void => this.#flush();
  #lines = '';
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  private constructor(descriptor: number, failed: (error: Error) => void) {
    this.#descriptor = descriptor;
    this.#failed = failed;
    if (!fs.fstatSync(descriptor).isFile()) {
      this.#pipe = fs.createWriteStream('', { fd: descriptor });
      this.#pipe.on('error', (error) => this.#giveUp(error));
    }
    process.on('exit', this.#flushAtExit);
  }

  /**
   * Opens the file, or creates it, readable only by this user.
   *
   * failed - called once, if the file can't be written any more; after that nothing is written.
   *
   * Rejects with UsageError if it can't be opened.
   */
  static async open(file: string, failed: (error: Error) => void): Promise<EventsFile> {
    let descriptor: number | undefined;
    try {
      // Not openSync: it would block on a pipe without a reader, and this process must hear signals meanwhile.
      descriptor = await new Promise<number>((resolve, reject) =>
        fs.open(file, 'a', 0o600, (error, opened) => (error ? reject(error) : resolve(opened))),
      );
      return new EventsFile(descriptor, failed);
    } catch (error) {
      throw eventsNotOpened(file, error);
    }
  }

  add(event: object): void {
    if (this.#isOver) return;
    this.#lines += `${JSON.stringify(event)}\n`;
    if (this.#lines.length > GATHERED_MAX) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS).unref();
  }

  /** Resolves when everything is written. */
  async end(): Promise<void> {
    this.#flush();
    process.off('exit', this.#flushAtExit);
    const pipe = this.#pipe;
    // once() would reject if the pipe breaks
    if (pipe && !this.#isOver) await new Promise<void>((resolve) => pipe.on('close', resolve).end());
    this.#isOver = true;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isOver || this.#lines === '') return;
    const bytes = Buffer.from(this.#lines);
    this.#lines = '';
    try {
      if (this.#pipe) this.#pipe.write(bytes);
      else for (let from = 0; from < bytes.length; ) from += fs.writeSync(this.#descriptor, bytes, from);
    } catch (error) {
      this.#giveUp(error as Error);
    }
  }

  #giveUp(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#failed(error);
  }
}
