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
import { targetOf } from './folder.ts';
import type { KeptResults } from './kept-results.ts';
import { Lock } from './lock.ts';
import {
  notOfThisRun,
  resultsAreNoFile,
  resultsAreOutput,
  resultsExist,
  resultsFailed,
  resultsGoOn,
  resultsInUse,
  resultsNotOpened,
} from './results-errors.ts';

/** Returns the line of an item. `json` is its result. */
export function resultLine(key: string, number: number, json: Buffer): string | Buffer {
  const start = lineStart(key, number);
  // A longer one is not made a string: it may not fit into one.
  return json.length < CHUNK_BYTES ? `${start}${json}}\n` : Buffer.concat([Buffer.from(start), json, LINE_END]);
}

function lineStart(key: string, number: number): string {
  return `{"key":${JSON.stringify(key)},"number":${number},"result":`;
}

/** About how much is written at once. */
const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 10;
const LINE_START = Buffer.from('{"key":"');
const LINE_END = Buffer.from('}\n');

/** The open file. Its methods throw DivvyError with exit code 74 if it can't be read or written. */
export class ResultsFile {
  readonly file: string;
  /** It was not there before. */
  readonly isNew: boolean;
  readonly #lock: Lock;
  readonly #open: AppendFile;
  /** Folders that were made for it, the innermost first. */
  readonly #made: readonly string[];
  /** The lines up to here are of items that are done. */
  #counted = 0;
  #broken: DivvyError | undefined;
  #syncing: Promise<void> | undefined;

  /**
   * Opens the file, or creates it.
   *
   * takeOver - take it even if the holder of its lock can't be checked from here.
   *
   * Throws DivvyError: 2 if it is no file, or that of this process's output; 75 if another run has it; 74 if it can't be
   * opened.
   */
  constructor(file: string, takeOver: boolean) {
    this.file = file;
    let lock: Lock | undefined;
    let made: readonly string[] = [];
    try {
      needOwnFile(file);
      const target = targetOf(file);
      made = makeFolder(path.dirname(target));
      lock = new Lock(`${target}.lock`, { takeOver, refuse: resultsInUse(file) });
      this.isNew = !fs.existsSync(target);
      this.#open = new AppendFile(target);
    } catch (error) {
      lock?.release();
      removeEmpty(made);
      throw resultsNotOpened(file, error);
    }
    this.#lock = lock;
    this.#made = made;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Which file it is: the journal records that. */
  get identity(): string {
    return this.#open.identity;
  }

  /** A new run begins. Throws UsageError if there is anything in the file. */
  begin(): void {
    if (this.size > 0) throw resultsExist(this.file);
  }

  /** Throws UsageError if the file is not that of the run that is resumed. Changes nothing. */
  check({ bytes, last, missing, identity }: KeptResults): void {
    if (last) {
      const start = Buffer.from(lineStart(last.key, last.number));
      const isLast = this.#read(last.from, start.length).equals(start) && this.#read(bytes - 1, 1)[0] === NEWLINE;
      if (!isLast) throw notOfThisRun(this.file);
    }
    // Behind that there may be lines of this run, which are cut off, or zeros, after a power cut. In a copy, or in a file
    // that took the place of this one, they may be somebody else's.
    const tail = this.#read(bytes, LINE_START.length);
    const isLine = tail.equals(LINE_START.subarray(0, tail.length)) || tail.every((byte) => byte === 0);
    if (!isLine) throw notOfThisRun(this.file);
    if (tail.length > 0 && identity !== this.identity && missing === 0) throw resultsGoOn(this.file, this.size - bytes);
  }

  /** A run is resumed: keeps the first `bytes` bytes. */
  cutAt(bytes: number): void {
    this.#try(() => this.#open.cutAt(bytes));
    this.#counted = bytes;
  }

  /** Makes a line of each and passes it to the system, some at a time. Returns where each of them ends in the file. */
  append<One>(all: readonly One[], lineOf: (one: One) => string | Buffer): number[] {
    const ends: number[] = [];
    let end = this.size;
    let texts: string[] = [];
    let gathered = 0;
    const flush = (): void => {
      const bytes = Buffer.from(texts.join(''));
      texts = [];
      gathered = 0;
      this.#try(() => this.#open.append(bytes));
    };
    for (const one of all) {
      const line = lineOf(one);
      const length = Buffer.byteLength(line);
      end += length;
      ends.push(end);
      gathered += length;
      if (typeof line === 'string') texts.push(line);
      if (typeof line !== 'string' || gathered >= CHUNK_BYTES) flush();
      if (typeof line !== 'string') this.#try(() => this.#open.append(line));
    }
    flush();
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
    this.#try(() => this.#open.syncName(this.#made));
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

  /** There is no run after all: leaves everything as it was. */
  abandon(): void {
    if (this.isNew && this.#open.isEmpty) fs.rmSync(this.#open.file, { force: true });
    this.#open.close();
    this.#lock.release();
    removeEmpty(this.#made);
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

/** Throws UsageError if it is no file, or if this process writes its output there. */
function needOwnFile(file: string): void {
  const there = fs.statSync(file, { throwIfNoEntry: false });
  if (!there) return;
  if (!there.isFile()) throw resultsAreNoFile(file);
  for (const [descriptor, name] of [
    [1, 'stdout'],
    [2, 'stderr'],
  ] as const) {
    const { dev, ino } = fs.fstatSync(descriptor);
    if (dev === there.dev && ino === there.ino) throw resultsAreOutput(file, name);
  }
}

function removeEmpty(folders: readonly string[]): void {
  try {
    for (const folder of folders) fs.rmdirSync(folder);
  } catch {
    // Something else is in it by now.
  }
}
