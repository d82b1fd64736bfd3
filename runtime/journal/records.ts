/**
 * The lines of a journal, and how to read them. Format 1. A journal is NDJSON: each line is an object with a `type`. It
 * holds keys, outcomes and errors, but never an item. Runs in the master, and in commands that show the state of a run.
 * Internal.
 *
 *   run      the first line, and one for each resume: who runs what, with which arguments
 *   worker   a worker was forked: its process id and start time
 *   exit     a worker's process exited: how, and whether in good order
 *   retry    an attempt at an item failed, and it is tried again
 *   tick     the time when the lines after it were written
 *   unordered   with a cursor: an item came too late, so the marks so far are void
 *   mark     with a cursor: the last place behind which no item is left without an outcome
 *   results  with --results: the first line of this run is about to be written to that file
 *   task changed   the task file had changed when a worker booted
 *   done     consecutive items are done: the number of the first one, and the key of each
 *   failed   an item has failed for good, and why
 *   end      the run has ended: its counts. Without this line, the run was killed or goes on
 *
 * Lines of unknown types are skipped: a later release may add some.
 */

import fs from 'node:fs';
import type { Counts, ItemError, Place } from '../parallelizable.ts';
import type { ArgumentName } from '../task/declared.ts';
import { journalDamaged, journalOfFormat } from './errors.ts';
import { HASHED_LETTERS } from './key-set.ts';

/** The version of the format that this release reads and writes. */
export const FORMAT = 1;

/** A process, by its id and start time (see processes.ts), since ids are reused. */
export interface ProcessName {
  readonly pid: number;
  readonly started: string;
}

/** A place in the order of `dispatch`, and the number of the last item at it. */
export interface Mark {
  readonly place: Place;
  readonly number: number;
}

/** Where process ids are valid. */
export interface Machine {
  readonly host: string;
  /** On Linux: the boot of the host, and the PID namespace, as a container has its own. */
  readonly boot?: string;
  readonly namespace?: string;
}

/** The first line, and one for each resume. */
export interface RunRecord extends ProcessName, Machine {
  readonly type: 'run';
  readonly format: number;
  /** Puts the runs of a task in order; the last one in a journal counts. */
  readonly number: number;
  readonly runId: string;
  readonly at: string;
  /** The task file, and the hash of its text: a resume warns if it has changed. */
  readonly taskFile: string;
  readonly taskHash: string;
  /** The task's own arguments, as words.ts records them: none that is secret. */
  readonly args: readonly string[];
  /** What they mean: what the task declared as its arguments, if it does that. */
  readonly arguments?: readonly ArgumentName[];
  /** The folder in which the run was started; paths in the arguments start there. */
  readonly cwd: string;
  /** Options of the runner that also apply to a resume (options.ts), by their names there. */
  readonly options: Readonly<Record<string, unknown>>;
  /** `retry-failed`: only failed items are dispatched. */
  readonly mode: 'new' | 'resume' | 'retry-failed';
  readonly user: string;
  /** The current commit of the task's repository. */
  readonly commit?: string;
  /** The task has a cursor. `after` is the mark at which `dispatch` began; absent for its beginning. */
  readonly cursor?: true;
  readonly after?: Mark;
  /** With --results: how many bytes of that file were there, all of them of this run; after that it goes on. */
  readonly results?: number;
  /** Path of the socket through which the run can be paused or asked (control/). */
  readonly control?: string;
}

/** A worker was forked, in the place of the last `run` line. */
export interface WorkerRecord extends ProcessName {
  readonly type: 'worker';
  readonly worker: number;
}

/** A worker's process exited. */
export interface ExitRecord {
  readonly type: 'exit';
  readonly worker: number;
  readonly pid: number;
  readonly code: number | null;
  readonly signal: string | null;
  /** It left as it was asked to, so processes that its items left running are not killed. */
  readonly inOrder: boolean;
}

/** An attempt failed; the item is tried again. */
export interface RetryRecord {
  readonly type: 'retry';
  readonly key: string;
  readonly number: number;
  readonly attempts: number;
  readonly worker: number;
  readonly ms: number;
  /** The name and the message of the error. */
  readonly error: string;
}

/** When the lines after it were written. */
export interface TickRecord {
  readonly type: 'tick';
  /** Milliseconds since the last `run` line, by a clock that only moves forward. */
  readonly ms: number;
}

/** How far the run has come in the order of `dispatch`, and the number of the last item up to there. */
export interface MarkRecord {
  readonly type: 'mark';
  readonly place: Place;
  readonly number: number;
}

/** `dispatch` has yielded an item too late, so no mark before this line can be relied on. */
export interface UnorderedRecord {
  readonly type: 'unordered';
}

/** Lines of this run may be in the file of results, whether or not their items are done. */
export interface ResultsRecord {
  readonly type: 'results';
  /** Which file that is (append-file.ts). */
  readonly identity: string;
}

/** When a worker booted, the task file had changed. */
export interface TaskChangedRecord {
  readonly type: 'task changed';
  readonly at: string;
  readonly taskHash: string;
}

/** Fields that both outcomes share. */
interface OutcomeRecord {
  /** Which item of a key of the task's own it was, if not the first one. Only if the record has one item. */
  readonly occurrence?: number;
  readonly number: number;
  readonly attempts: number;
  readonly worker: number;
  /** How long each took, in milliseconds, with three significant digits. */
  readonly ms: number;
}

export interface DoneRecord extends OutcomeRecord {
  readonly type: 'done';
  readonly keys: readonly string[];
  /** With a cursor: where each of them is. */
  readonly places?: readonly Place[];
  /** With --results: where the line of the item ends in that file, in bytes. Then the record has one item. */
  readonly results?: number;
}

export interface FailedRecord extends OutcomeRecord {
  readonly type: 'failed';
  readonly key: string;
  /** With a cursor: where it is, and the place before that. */
  readonly place?: Place;
  readonly after?: Mark;
  readonly error: ItemError;
}

export interface EndRecord {
  readonly type: 'end';
  /** The number in the last `run` line, which may be far away. */
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
  | ExitRecord
  | RetryRecord
  | TickRecord
  | MarkRecord
  | UnorderedRecord
  | ResultsRecord
  | TaskChangedRecord
  | DoneRecord
  | FailedRecord
  | EndRecord;

const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 10;
/** How the first line of a journal begins. */
const BEGINNING = '{"type":"run",';

/**
 * Reads a journal from its beginning, and passes each record to `each`.
 *
 * done - called in place of `each` for a `done` line whose keys have the form of default keys, once for each key, with
 *        its 22 characters at `from`. So millions of keys need no string and no record.
 *
 * isPast - called with the number in a `done` line; if it returns true, nobody needs that line.
 *
 * Returns how many bytes of complete records there are; after them comes the torn tail of an interrupted write. Throws
 * DivvyError if an earlier line is not a record or has a later format. Also throws errors of fs.
 */
export function readJournal(
  file: string,
  each: (record: JournalRecord) => void,
  done?: (bytes: Buffer, from: number) => void,
  isPast?: (number: number) => boolean,
): number {
  let line = 0;
  const whole = readLines(file, (bytes, from, end) => {
    line += 1;
    if (isPast && line > 1 && standsAt(bytes, from, DONE) && isPast(numberAt(bytes, from + DONE.length))) return true;
    const keys = line > 1 && done ? usualKeys(bytes, from, end) : NO_KEYS;
    for (let key = 0; key < keys.count; key++) done?.(bytes, keys.from + key * KEY_STEP);
    if (keys.count > 0) return true;
    const record = parse(bytes.toString('utf8', from, end), file, line);
    if (record) each(record);
    return true;
  });
  // A resume cuts off a torn tail. A file that has nothing else may belong to somebody else, so check how it begins.
  if (line === 0 && !beginsAsOne(file)) throw journalDamaged(file, 1, 'does not begin a run');
  return whole;
}

/** The parts of a line written by Journal.done: before the number, before the keys, and after them. */
const DONE = Buffer.from('{"type":"done","number":');
const KEYS = Buffer.from(',"keys":["');
const REST = ['],"attempts":', ',"worker":', ',"ms":'].map((name) => Buffer.from(name));
/** From one key to the next: its characters, and `","` between them. */
const KEY_STEP = HASHED_LETTERS + 3;

/** Where the first key is, and how many there are. */
interface Keys {
  readonly from: number;
  readonly count: number;
}

const NO_KEYS: Keys = { from: 0, count: 0 };

/** Returns the keys of a line as Journal.done writes it, if each has 22 characters that need no escape. */
function usualKeys(bytes: Buffer, from: number, end: number): Keys {
  if (!standsAt(bytes, from, DONE)) return NO_KEYS;
  let at = afterNumber(bytes, from + DONE.length);
  if (!standsAt(bytes, at, KEYS)) return NO_KEYS;
  at += KEYS.length;
  const first = at;
  let count = 0;
  do {
    for (const last = at + HASHED_LETTERS; at < last; at++) if (!isPlain(bytes[at])) return NO_KEYS;
    if (bytes[at] !== QUOTE) return NO_KEYS;
    at += 1;
    count += 1;
    if (bytes[at] !== COMMA) break;
    at += 2;
  } while (bytes[at - 1] === QUOTE);
  for (const name of REST) {
    if (!standsAt(bytes, at, name)) return NO_KEYS;
    at = afterNumber(bytes, at + name.length);
  }
  const isWhole = bytes[at] === 0x7d && at + 1 === end; // the brace, and nothing after it
  return isWhole ? { from: first, count } : NO_KEYS;
}

/** Returns the whole number that begins at this place. */
function numberAt(bytes: Buffer, from: number): number {
  return Number.parseInt(bytes.toString('latin1', from, from + 16), 10);
}

/** Returns where the JSON number ends that is at this place; NaN, where nothing is, if there is none. */
function afterNumber(bytes: Buffer, from: number): number {
  let at = bytes[from] === ZERO ? from + 1 : afterDigits(bytes, from);
  if (bytes[at] === POINT) at = afterDigits(bytes, at + 1);
  if (bytes[at] === EXPONENT) at = afterDigits(bytes, bytes[at + 1] === MINUS ? at + 2 : at + 1);
  return at;
}

function afterDigits(bytes: Buffer, from: number): number {
  let at = from;
  while (isDigit(bytes[at])) at += 1;
  return at > from ? at : Number.NaN;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const POINT = 0x2e;
const EXPONENT = 0x65;
const MINUS = 0x2d;

function isDigit(byte = 0): boolean {
  return byte >= ZERO && byte <= 0x39;
}

/** Returns whether the byte is an ASCII character that stands for itself in a JSON string. */
function isPlain(byte = 0): boolean {
  return byte >= 0x20 && byte < 0x7f && byte !== QUOTE && byte !== BACKSLASH;
}

function standsAt(bytes: Buffer, at: number, what: Buffer): boolean {
  for (let index = 0; index < what.length; index++) if (bytes[at + index] !== what[index]) return false;
  return true;
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

/** Returns about how many keys a journal has: exactly, if all are default keys. Throws errors of fs. */
export function countKeys(file: string): number {
  let count = 0;
  readLines(file, (bytes, from, end) => {
    count += Math.max(1, usualKeys(bytes, from, end).count);
    return true;
  });
  return count;
}

/**
 * Calls `each` for every complete line until it returns false. Returns how many bytes these lines have, including their
 * newlines.
 */
export function readLines(file: string, each: (bytes: Buffer, from: number, end: number) => boolean): number {
  const descriptor = fs.openSync(file, 'r');
  try {
    // Reuse one buffer; otherwise there would be as much garbage as the journal is large.
    let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let kept = 0;
    let whole = 0;
    for (;;) {
      if (kept === chunk.length) chunk = Buffer.concat([chunk], chunk.length * 2); // a longer line
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
 * Returns the record of a line; undefined if its type is not known here.
 *
 * line - the line's number, from 1; the first line must have the type `run`.
 *
 * Throws DivvyError if the line is not a record or has another format.
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
const isDone = ({ number, keys, places, results, occurrence = 1 }: Fields): boolean =>
  Array.isArray(keys) &&
  keys.length > 0 &&
  keys.every(isText) &&
  isCount(occurrence) &&
  (results === undefined || (isCount(results) && isCount(number) && keys.length === 1)) &&
  (places === undefined ||
    (isCount(number) && Array.isArray(places) && places.length === keys.length && places.every(isPlace)));
const isPlace = (value: unknown): boolean => isText(value) || Number.isFinite(value);
const isArgumentName = (value: unknown): boolean => {
  const { name, type, env = '', default: texts = [] } = Object(value) as Fields;
  return [name, type, env].every(isText) && Array.isArray(texts) && texts.every(isText);
};
const isMark = (value: unknown): boolean => {
  const { place, number } = Object(value) as Fields;
  return isPlace(place) && isCount(number);
};

/** Check that a record has what a resume relies on: for example, it kills workers by what their records say. */
const CHECKS: { readonly [Type in JournalRecord['type']]: (fields: Fields) => boolean } = {
  run: ({ number, runId, at, taskFile, args, arguments: names = [], options, pid, started, host, after, results }) =>
    isCount(number) &&
    (results === undefined || results === 0 || isCount(results)) &&
    (after === undefined || isMark(after)) &&
    isCount(pid) &&
    [runId, at, taskFile, started, host].every(isText) &&
    Array.isArray(args) &&
    args.every(isText) &&
    Array.isArray(names) &&
    names.every(isArgumentName) &&
    typeof options === 'object' &&
    options !== null,
  worker: ({ pid, started }) => isCount(pid) && isText(started),
  exit: ({ pid, inOrder }) => isCount(pid) && typeof inOrder === 'boolean',
  retry: () => true,
  tick: () => true,
  mark: isMark,
  unordered: () => true,
  results: ({ identity }) => isText(identity),
  'task changed': () => true,
  done: isDone,
  failed: ({ key, number, occurrence = 1, place, after }) =>
    isText(key) &&
    isCount(occurrence) &&
    (place === undefined || (isCount(number) && isPlace(place))) &&
    (after === undefined || isMark(after)),
  end: ({ number, complete }) => isCount(number) && typeof complete === 'boolean',
};
