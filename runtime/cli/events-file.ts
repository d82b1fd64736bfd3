/** The file of --events: a line of JSON for each event. Runs in the master. Internal. */

import fs from 'node:fs';
import { eventsNotOpened } from '../errors.ts';

/** Lines are gathered up to so many characters, and for so long. */
const GATHERED_MAX = 64 * 1024;
const GATHER_MS = 100;

/** Appends lines to a file, and gives up where they cannot be written. */
export class EventsFile {
  readonly #descriptor: number;
  readonly #failed: (error: Error) => void;
  /** What is no regular file, such as a pipe, may keep its writer waiting: the master must not wait with it. */
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
   * Opens the file, or makes it, for this user alone.
   *
   * failed - is told once where it cannot be written any more; nothing is from then on.
   *
   * Rejects with UsageError where it cannot be opened.
   */
  static async open(file: string, failed: (error: Error) => void): Promise<EventsFile> {
    let descriptor: number | undefined;
    try {
      // Not in one call: a pipe without a reader waits in it, and this process must hear signals meanwhile.
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

  /** Resolves when all is written. */
  async end(): Promise<void> {
    this.#flush();
    process.off('exit', this.#flushAtExit);
    const pipe = this.#pipe;
    if (pipe && !this.#isOver) await new Promise<void>((resolve) => pipe.on('close', resolve).end()); // once() would reject where the pipe breaks
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
