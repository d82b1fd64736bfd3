/** The file of --metrics-file, which is replaced as a whole. Runs in the master. Internal. */

import fs from 'node:fs';
import path from 'node:path';
import { metricsAreNoFile, metricsAreOthers, metricsAreOutput, UsageError } from '../errors.ts';
import { targetOf } from '../journal/folder.ts';

/** How each file of metrics begins. */
const BEGINNING = Buffer.from('# HELP divvy_');

/**
 * A file that is replaced with each write. A reader finds the whole old one or the whole new one.
 *
 * It is written at once, as the journal is: a few kilobytes take less than a millisecond. So no write can meet another one,
 * and none is under way when the process ends.
 */
export class MetricsFile {
  readonly #file: string;
  readonly #failed: (error: unknown) => void;
  #hasFailed = false;

  /**
   * file   - absolute path.
   * failed - called once, if it can't be written.
   *
   * Throws UsageError if there is something else at the path.
   */
  constructor(file: string, failed: (error: unknown) => void) {
    this.#file = file;
    this.#failed = failed;
    try {
      needOwn(file);
    } catch (error) {
      if (error instanceof UsageError) throw error; // anything else may be better by the time of a write
    }
  }

  /** Never throws: the run does not depend on it. Each write is tried, whatever became of the one before. */
  write(text: string): void {
    try {
      needOwn(this.#file);
      replace(targetOf(this.#file), text);
    } catch (error) {
      if (!this.#hasFailed) this.#failed(error);
      this.#hasFailed = true;
    }
  }
}

/** Throws UsageError if something is there that nobody can want to be replaced. Throws errors of fs. */
function needOwn(file: string): void {
  const there = fs.statSync(file, { throwIfNoEntry: false });
  if (!there) return;
  if (!there.isFile()) throw metricsAreNoFile(file);
  for (const [descriptor, name] of [
    [1, 'stdout'],
    [2, 'stderr'],
  ] as const) {
    const { dev, ino } = fs.fstatSync(descriptor);
    if (dev === there.dev && ino === there.ino) throw metricsAreOutput(file, name);
  }
  if (there.size > 0 && !beginningOf(file).equals(BEGINNING)) throw metricsAreOthers(file);
}

function beginningOf(file: string): Buffer {
  const bytes = Buffer.alloc(BEGINNING.length);
  const descriptor = fs.openSync(file, 'r');
  try {
    fs.readSync(descriptor, bytes, 0, bytes.length, 0);
  } finally {
    fs.closeSync(descriptor);
  }
  return bytes;
}

/** Puts a new file in the place of the old one, with the mode that the umask gives: another user reads it. */
function replace(file: string, text: string): void {
  // The collector reads every name that ends in .prom.
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  removeIfThere(temporary); // of a process with the same id, which was killed
  try {
    fs.writeFileSync(temporary, text, { flag: 'wx' });
    fs.renameSync(temporary, file);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
}

function removeIfThere(file: string): void {
  try {
    fs.unlinkSync(file);
  } catch {
    // It is not there, or the write says why it can't be removed.
  }
}
