/**
 * What a journal holds, line by line, and how it is read. Format 1. A journal is NDJSON: each line is an object, whose `type`
 * says what it is. It holds keys, outcomes and errors, but never an item. Runs in the master, and in whoever asks how a run
 * stands. Internal.
 *
 *   run      the first line, and again where a resume goes on: who runs what, with which arguments
 *   worker   a worker was forked: its process id and start time
 *   task changed   the task file was another one when a worker booted
 *   done     an item was processed
 *   failed   an item was given up, and why
 *   end      the run has ended: its counts. Without it, the run was killed, or goes on
 */

import fs from 'node:fs';
import { DivvyError, journalDamaged, journalOfFormat } from '../errors.ts';
import type { Counts, ItemError } from '../parallelizable.ts';
import { HASHED_LETTERS } from './key-set.ts';

/** The version of the format that this release reads and writes. */
export const FORMAT = 1;

/** A process, told from a later one of the same id by when it started (as processes.ts says it). */
export interface ProcessName {
  readonly pid: number;
  readonly started: string;
}

export type JournalRecord =
  | ({
      readonly type: 'run';
      readonly format: number;
      readonly runId: string;
      readonly at: string;
      /** The task file, and the hash of its text: a resume warns where it has changed. */
      readonly taskFile: string;
      readonly taskHash: string;
      readonly args: readonly string[];
      /** `retry-failed` where only what had failed is dispatched. */
      readonly mode: 'new' | 'resume' | 'retry-failed';
    } & ProcessName)
  | ({ readonly type: 'worker'; readonly worker: number } & ProcessName)
  /** The task file was found changed when a worker booted. */
  | { readonly type: 'task changed'; readonly at: string; readonly taskHash: string }
  | {
      readonly type: 'done';
      readonly key: string;
      readonly occurrence?: number;
      readonly number: number;
      readonly attempts: number;
      readonly worker: number;
      readonly ms: number;
    }
  | {
      readonly type: 'failed';
      readonly key: string;
      readonly occurrence?: number;
      readonly number: number;
      readonly attempts: number;
      readonly worker: number;
      readonly ms: number;
      readonly error: ItemError;
    }
  | {
      readonly type: 'end';
      readonly at: string;
      readonly complete: boolean;
      readonly counts: Counts;
      readonly exitCode: number;
      readonly stoppedBy?: string;
    };

const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 10;
/** How the first line of a journal begins. */
const BEGINNING = '{"type":"run",';

/**
 * Reads a journal from its beginning, and hands each record to `each`.
 *
 * done - is asked first where the line is a `done` whose key may be a default one, that key's 22 letters being at `from`;
 *        returns whether it has been seen to. So that of millions of lines neither a string nor a record need be made.
 *
 * Returns how many bytes of whole records there are: what is behind them is the torn tail of a write that was cut short.
 * Throws DivvyError where a line before that is no record, or is of a later format; and what fs throws.
 */
export function readJournal(
  file: string,
  each: (record: JournalRecord) => void,
  done: (bytes: Buffer, from: number) => boolean = () => false,
): number {
  let line = 0;
  const whole = readLines(file, (bytes, from, end) => {
    line += 1;
    if (line > 1 && isUsualDone(bytes, from, end) && done(bytes, from + DONE.length)) return true;
    each(parse(bytes.toString('utf8', from, end), file, line));
    return true;
  });
  // A resume cuts off a torn tail: what is nothing but that may be any file of somebody's.
  if (line === 0 && !beginsAsOne(file)) throw journalDamaged(file, 1, 'does not begin a run');
  return whole;
}

/** A line as Journal.done writes it: what is around a key of 22 letters, and the counts behind it. */
const DONE = Buffer.from('{"type":"done","key":"');
const COUNTS = ['","number":', ',"attempts":', ',"worker":', ',"ms":'].map((name) => Buffer.from(name));

function isUsualDone(bytes: Buffer, from: number, end: number): boolean {
  if (!standsAt(bytes, from, DONE)) return false;
  let at = from + DONE.length + HASHED_LETTERS;
  for (const name of COUNTS) {
    if (!standsAt(bytes, at, name)) return false;
    at += name.length;
    const first = at;
    while (isDigit(bytes[at])) at += 1;
    if (at === first) return false;
  }
  return bytes[at] === 0x7d && at + 1 === end; // the brace, and nothing behind it
}

function standsAt(bytes: Buffer, at: number, what: Buffer): boolean {
  for (let index = 0; index < what.length; index++) if (bytes[at + index] !== what[index]) return false;
  return true;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function beginsAsOne(file: string): boolean {
  const descriptor = fs.openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(BEGINNING.length);
    const got = fs.readSync(descriptor, bytes, 0, bytes.length, 0);
    return BEGINNING.startsWith(bytes.toString('latin1', 0, got));
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Returns the first record of a journal; undefined where there is none that can be read. Throws what fs throws. */
export function firstRecord(file: string): JournalRecord | undefined {
  let first: JournalRecord | undefined;
  try {
    readLines(file, (bytes, from, end) => {
      first = parse(bytes.toString('utf8', from, end), file, 1);
      return false;
    });
  } catch (error) {
    // It is damaged, or of a later format; or a run that began at this moment has made room for its own.
    if (!(error instanceof DivvyError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return first;
}

/** Returns how many lines a journal has: as many keys may be in it. Throws what fs throws. */
export function countLines(file: string): number {
  let count = 0;
  readLines(file, () => {
    count += 1;
    return true;
  });
  return count;
}

/** Calls `each` for every whole line, until it returns false. Returns how many bytes these are, their ends included. */
function readLines(file: string, each: (bytes: Buffer, from: number, end: number) => boolean): number {
  const descriptor = fs.openSync(file, 'r');
  try {
    // One buffer for all of it, or there would be garbage of the journal's own size.
    let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let kept = 0;
    let whole = 0;
    for (;;) {
      if (kept === chunk.length) chunk = Buffer.concat([chunk], chunk.length * 2); // a line that is longer
      const got = fs.readSync(descriptor, chunk, kept, chunk.length - kept, null);
      if (got === 0) break;
      const bytes = chunk.subarray(0, kept + got);
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
        const goOn = each(bytes, from, end);
        from = end + 1;
        if (!goOn) return whole + from;
      }
      whole += from;
      kept = bytes.length - from;
      bytes.copyWithin(0, from);
    }
    return whole;
  } finally {
    fs.closeSync(descriptor);
  }
}

function parse(text: string, file: string, line: number): JournalRecord {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    throw journalDamaged(file, line, 'is not JSON');
  }
  const { type, format } = Object(record) as { type?: unknown; format?: unknown };
  if (line === 1 && type !== 'run') throw journalDamaged(file, line, 'does not begin a run');
  if (type === 'run' && format !== FORMAT) throw journalOfFormat(file, format, FORMAT);
  if (!isRecord(record)) throw journalDamaged(file, line, 'is no record');
  return record;
}

/** Whether it has what a resume goes by: a worker's process, for one, is killed by what is said of it. */
function isRecord(record: unknown): record is JournalRecord {
  const {
    type,
    key,
    occurrence = 1,
    runId,
    taskFile,
    args,
    pid,
    started,
    complete,
  } = Object(record) as {
    [Key in string]?: unknown;
  };
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 1;
  const names = isCount(pid) && typeof started === 'string';
  switch (type) {
    case 'run':
      return names && typeof runId === 'string' && typeof taskFile === 'string' && Array.isArray(args);
    case 'worker':
      return names;
    case 'task changed':
      return true;
    case 'done':
    case 'failed':
      return typeof key === 'string' && isCount(occurrence);
    case 'end':
      return typeof complete === 'boolean';
    default:
      return false;
  }
}
