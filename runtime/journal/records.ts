/**
 * The lines of a journal. Format 1. A journal is NDJSON: each line is an object with a `type`. It
 * holds keys, outcomes and errors, but never an item. Runs in the master, and in commands that show the state of a run.
 * Internal.
 *
 *   run      the first line, and one for each resume: who runs what, with which arguments
 *   worker   a worker was forked: its process id and start time
 *   exit     a worker's process exited: how, and whether in good order
 *   host     a run over several machines: which host is meant where a worker's number stands
 *   retry    an attempt at an item failed, and it is tried again
 *   tick     the time when the lines after it were written
 *   sample   how many items wait, and the memory of each process
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

import type { Counts, ItemError, Place } from '../parallelizable.ts';
import type { ArgumentName } from '../task/declared.ts';
import { journalDamaged, journalOfFormat } from './errors.ts';

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
  /** The release that wrote it. */
  readonly release?: string;
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
  /** The task has its own `key`; without it, keys are hashes, and people are shown the numbers of items. */
  readonly ownKeys?: true;
  /** The task has a cursor. `after` is the mark at which `dispatch` began; absent for its beginning. */
  readonly cursor?: true;
  readonly after?: Mark;
  /** With --results: how many bytes of that file were there, all of them of this run; after that it goes on. */
  readonly results?: number;
  /** The words of the command line by which the run goes over several machines, such as `--engine bullmq` (engine/). */
  readonly engine?: readonly string[];
  /** Path of the socket through which the run can be paused or asked (control/). */
  readonly control?: string;
}

/** A worker was forked, in the place of the last `run` line. */
export interface WorkerRecord extends ProcessName {
  readonly type: 'worker';
  readonly worker: number;
}

/** A host has joined, and has a number from now on, in the place of a worker's. */
export interface HostRecord {
  readonly type: 'host';
  readonly worker: number;
  readonly name: string;
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

/** The run at one moment; every few seconds. */
export interface SampleRecord {
  readonly type: 'sample';
  /** How many workers' processes there are. */
  readonly workers: number;
  /** How many items wait for a worker, or in one, and how many the workers hold. */
  readonly pending: number;
  readonly leased: number;
  /** Megabytes by worker; 0 is the master. Of more than a hundred workers, some of them. */
  readonly memory: readonly (readonly [worker: number, megabytes: number])[];
  /** The run is paused. */
  readonly paused?: true;
  /** How many items there will be; in the first sample after a `run` line, if known. */
  readonly total?: number;
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

/** Returns what identifies an item in a journal: its key, which one of that key it is, and its place if it has one. */
export function itemName(key: string, occurrence = 1, place?: Place): string {
  return `${occurrence} ${JSON.stringify(place)} ${key}`;
}

/** Returns whose the keys are behind a `run` line: the task's own, or hashes. */
export const keysOf = ({ ownKeys }: RunRecord): 'own' | 'hashed' => (ownKeys === true ? 'own' : 'hashed');

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
  /** The message of the error with which the run failed. */
  readonly error?: string;
}

export type JournalRecord =
  | RunRecord
  | WorkerRecord
  | HostRecord
  | ExitRecord
  | RetryRecord
  | TickRecord
  | SampleRecord
  | MarkRecord
  | UnorderedRecord
  | ResultsRecord
  | TaskChangedRecord
  | DoneRecord
  | FailedRecord
  | EndRecord;

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
  const { type, format, release } = Object(record) as Fields;
  if (line === 1 && type !== 'run') throw journalDamaged(file, line, 'does not begin a run');
  if (type === 'run' && format !== FORMAT) throw journalOfFormat(file, format, FORMAT, release);
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
  host: ({ worker, name }) => isCount(worker) && isText(name),
  exit: ({ pid, inOrder }) => isCount(pid) && typeof inOrder === 'boolean',
  retry: () => true,
  tick: () => true,
  sample: () => true,
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
  end: ({ number, complete, error = '' }) =>
    isCount(number) && typeof complete === 'boolean' && typeof error === 'string',
};
