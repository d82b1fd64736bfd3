/**
 * What a journal holds, line by line, and how it is read. Format 1. A journal is NDJSON: each line is an object, whose `type`
 * says what it is. It holds keys, outcomes and errors, but never an item. Runs in the master, and in whoever asks how a run
 * stands. Internal.
 *
 *   run      the first line, and again where a resume goes on: who runs what, with which arguments
 *   worker   a worker was forked: its process id and start time
 *   worker exited   it has left in good order
 *   task changed   the task file was another one when a worker booted
 *   done     an item was processed
 *   failed   an item was given up, and why
 *   end      the run has ended: its counts. Without it, the run was killed, or goes on
 *
 * Lines of another type are skipped: a later release may have more of them.
 */

import fs from 'node:fs';
import { journalDamaged, journalOfFormat } from '../errors.ts';
import type { Counts, ItemError } from '../parallelizable.ts';
import { HASHED_LETTERS } from './key-set.ts';

/** The version of the format that this release reads and writes. */
export const FORMAT = 1;

/** A process, told from a later one of the same id by when it started (as processes.ts says it). */
export interface ProcessName {
  readonly pid: number;
  readonly started: string;
}

/** Where process ids mean something. */
export interface Place {
  readonly host: string;
  /** Which boot of the host this is, and which PID namespace, as a container has one: on Linux. */
  readonly boot?: string;
  readonly namespace?: string;
}

/** The first line, and one for each resume. */
export interface RunRecord extends ProcessName, Place {
  readonly type: 'run';
  readonly format: number;
  /** The runs of a task are in the order of these: the last one of a journal counts. */
  readonly number: number;
  readonly runId: string;
  readonly at: string;
  /** The task file, and the hash of its text: a resume warns where it has changed. */
  readonly taskFile: string;
  readonly taskHash: string;
  readonly args: readonly string[];
  /** The folder in which it was started: from there the arguments were given. */
  readonly cwd: string;
  /** The options that the runner was given and that hold for a resume, too (options.ts), by their names there. */
  readonly options: Readonly<Record<string, unknown>>;
  /** `retry-failed` where only what had failed is dispatched. */
  readonly mode: 'new' | 'resume' | 'retry-failed';
  readonly user: string;
  /** The commit that the task's repository is at. */
  readonly commit?: string;
}

/** A worker was forked, in the place of the last `run` line. */
export interface WorkerRecord extends ProcessName {
  readonly type: 'worker';
  readonly worker: number;
}

/** A worker's process has exited in good order: what its items have started and left is their own. */
export interface WorkerExitedRecord {
  readonly type: 'worker exited';
  readonly worker: number;
  readonly pid: number;
}

/** The task file was found changed when a worker booted. */
export interface TaskChangedRecord {
  readonly type: 'task changed';
  readonly at: string;
  readonly taskHash: string;
}

/** What the two outcomes have in common. */
interface OutcomeRecord {
  readonly key: string;
  readonly occurrence?: number;
  readonly number: number;
  readonly attempts: number;
  readonly worker: number;
  readonly ms: number;
}

export interface DoneRecord extends OutcomeRecord {
  readonly type: 'done';
}

export interface FailedRecord extends OutcomeRecord {
  readonly type: 'failed';
  readonly error: ItemError;
}

export interface EndRecord {
  readonly type: 'end';
  /** That of the last `run` line, which may be far away. */
  readonly number: number;
  readonly at: string;
  readonly complete: boolean;
  readonly counts: Counts;
  readonly exitCode: number;
  readonly stoppedBy?: string;
}

export type JournalRecord =
  | RunRecord
  | WorkerRecord
  | WorkerExitedRecord
  | TaskChangedRecord
  | DoneRecord
  | FailedRecord
  | EndRecord;

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
    const record = parse(bytes.toString('utf8', from, end), file, line);
    if (record) each(record);
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
export function readLines(file: string, each: (bytes: Buffer, from: number, end: number) => boolean): number {
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

/**
 * Returns the record of a line; undefined where it is of a type that is not known here.
 *
 * line - which one it is, from 1; the first must begin a run.
 *
 * Throws DivvyError where it is no record, or is of another format.
 */
export function parse(text: string, file: string, line: number): JournalRecord | undefined {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    throw journalDamaged(file, line, 'is not JSON');
  }
  const { type, format } = Object(record) as { type?: unknown; format?: unknown };
  if (line === 1 && type !== 'run') throw journalDamaged(file, line, 'does not begin a run');
  if (type === 'run' && format !== FORMAT) throw journalOfFormat(file, format, FORMAT);
  const check =
    typeof type === 'string' && Object.hasOwn(CHECKS, type) ? CHECKS[type as JournalRecord['type']] : undefined;
  if (typeof type === 'string' && !check) return undefined;
  if (!check?.(record as Fields)) throw journalDamaged(file, line, 'is no record');
  return record as JournalRecord;
}

type Fields = { readonly [Key in string]?: unknown };

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 1;
const isText = (value: unknown): boolean => typeof value === 'string';
const isOutcome = ({ key, occurrence = 1 }: Fields): boolean => isText(key) && isCount(occurrence);

/** Whether a record has what a resume goes by: a worker's process, for one, is killed by what is said of it. */
const CHECKS: { readonly [Type in JournalRecord['type']]: (fields: Fields) => boolean } = {
  run: ({ number, runId, at, taskFile, args, options, pid, started, host }) =>
    isCount(number) &&
    isCount(pid) &&
    [runId, at, taskFile, started, host].every(isText) &&
    Array.isArray(args) &&
    args.every(isText) &&
    typeof options === 'object' &&
    options !== null,
  worker: ({ pid, started }) => isCount(pid) && isText(started),
  'worker exited': ({ pid }) => isCount(pid),
  'task changed': () => true,
  done: isOutcome,
  failed: isOutcome,
  end: ({ number, complete }) => isCount(number) && typeof complete === 'boolean',
};
