/**
 * The file of --results: what `process` returned, a line of JSON for each item that is done. Runs in the master.
 * Internal.
 *
 * An item's line is in the file, and has been synced, before the journal says that the item is done; and the journal says
 * where the line ends. So after a crash the file has at least the lines that the journal knows, and perhaps more behind
 * them: a resume cuts those off, and does their items again.
 */

import fs from 'node:fs';
import path from 'node:path';
import type { DivvyError } from '../errors.ts';
import { AppendFile, makeFolder } from './append-file.ts';
import { lockOf } from './folder.ts';
import type { KeptResults } from './kept-results.ts';
import { Lock } from './lock.ts';
import { notOfThisRun, resultsAreNoFile, resultsExist, resultsFailed, resultsInUse } from './results-errors.ts';

/** Returns the line of an item. `result` is JSON. */
export function resultLine(key: string, number: number, result: string): string {
  return `${lineStart(key, number)}${result}}\n`;
}

function lineStart(key: string, number: number): string {
  return `{"key":${JSON.stringify(key)},"number":${number},"result":`;
}

const NEWLINE = 10;
const LINE_START = Buffer.from('{"key":"');

/** The open file. Its methods throw DivvyError with exit code 74 if it can't be read or written. */
export class ResultsFile {
  readonly file: string;
  /** It was not there before. */
  readonly isNew: boolean;
  readonly #lock: Lock;
  readonly #open: AppendFile;
  /** The lines up to here are of items that are done. */
  #counted = 0;
  #broken: DivvyError | undefined;
  #syncing: Promise<void> | undefined;

  /**
   * Opens the file, or creates it.
   *
   * takeOver - take it even if the holder of its lock can't be checked from here.
   *
   * Throws DivvyError: 2 if it is no file, 75 if another run has it, 74 if it can't be opened.
   */
  constructor(file: string, takeOver: boolean) {
    this.file = file;
    let lock: Lock | undefined;
    try {
      const there = fs.statSync(file, { throwIfNoEntry: false });
      if (there && !there.isFile()) throw resultsAreNoFile(file);
      this.isNew = there === undefined;
      makeFolder(path.dirname(file));
      lock = new Lock(lockOf(file), { takeOver, refuse: resultsInUse(file) });
      this.#open = new AppendFile(file);
    } catch (error) {
      lock?.release();
      throw resultsFailed(file, error);
    }
    this.#lock = lock;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A new run begins. Throws UsageError if there is anything in the file. */
  begin(): void {
    if (this.size > 0) throw resultsExist(this.file);
  }

  /** Throws UsageError if the file is not that of the run that is resumed. Changes nothing. */
  check({ bytes, last, hasBegun }: KeptResults): void {
    if (last) {
      const start = Buffer.from(lineStart(last.key, last.number));
      const isLast = this.#read(last.from, start.length).equals(start) && this.#read(bytes - 1, 1)[0] === NEWLINE;
      if (!isLast) throw notOfThisRun(this.file);
    }
    // Behind that there is a line that is cut off, or the beginning of one; or zeros, after a power cut.
    const tail = this.#read(bytes, LINE_START.length);
    const isLine = tail.equals(LINE_START.subarray(0, tail.length)) || tail.every((byte) => byte === 0);
    if (!isLine || (tail.length > 0 && !hasBegun)) throw notOfThisRun(this.file);
  }

  /** A run is resumed: keeps the first `bytes` bytes. */
  cutAt(bytes: number): void {
    this.#try(() => this.#open.cutAt(bytes));
    this.#counted = bytes;
  }

  /** Passes lines to the system. Returns where each of them ends in the file. */
  append(lines: readonly string[]): number[] {
    const ends: number[] = [];
    let end = this.size;
    for (const line of lines) {
      end += Buffer.byteLength(line);
      ends.push(end);
    }
    this.#try(() => this.#open.append(Buffer.from(lines.join(''))));
    return ends;
  }

  /** Calls `synced` when what has been written survives a power cut, or with an error. */
  sync(synced: (error: DivvyError | undefined) => void): void {
    this.#syncing = new Promise((resolve) => {
      this.#open.sync((error) => {
        synced(error ? this.#break(error) : undefined);
        resolve();
      });
    });
  }

  /** Sees to it that the file's name survives a power cut, too. */
  syncName(): void {
    this.#try(() => this.#open.syncName());
  }

  /** The item whose line ends there is recorded as done. */
  counted(end: number): void {
    this.#counted = end;
  }

  /** Closes the file. Lines of items that are not done are cut off, if that is still possible. */
  async close(): Promise<void> {
    await this.#syncing;
    try {
      if (this.size > this.#counted || this.#broken) this.#open.cutAt(this.#counted);
    } catch {
      // A resume cuts them off.
    }
    this.#open.close();
    this.#lock.release();
  }

  /** The run could not begin: leaves everything as it was. */
  abandon(): void {
    this.#open.close();
    if (this.isNew) fs.rmSync(this.file, { force: true });
    this.#lock.release();
  }

  #read(from: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    try {
      const descriptor = fs.openSync(this.file, 'r');
      try {
        return bytes.subarray(0, fs.readSync(descriptor, bytes, 0, length, from));
      } finally {
        fs.closeSync(descriptor);
      }
    } catch (error) {
      throw resultsFailed(this.file, error);
    }
  }

  #try(act: () => void): void {
    if (this.#broken) throw this.#broken;
    try {
      act();
    } catch (error) {
      throw this.#break(error);
    }
  }

  /** After the first error, nothing is written any more. */
  #break(error: unknown): DivvyError {
    this.#broken ??= resultsFailed(this.file, error);
    return this.#broken;
  }
}
