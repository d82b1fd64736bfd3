/**
 * The marks in a journal: where a run with a cursor goes on, and which of its outcomes still matter. Runs in the master.
 * Internal.
 *
 * A journal may have several runs: the first one, and one for each resume. Each numbers its items on from the mark at which
 * it began. Of each, the outcomes up to its last mark are of items that no resume lists again. Those behind it may be
 * listed again, under other numbers if something was inserted; they are known by their place and key.
 */

import type { Place } from '../parallelizable.ts';
import type { KeySet } from './key-set.ts';
import { readJournal, readLines } from './reading.ts';
import { type FailedRecord, type Mark, parse } from './records.ts';

const RUN = Buffer.from('{"type":"run",');
const MARK = Buffer.from('{"type":"mark",');
const DONE = Buffer.from('{"type":"done",');
const UNORDERED = Buffer.from('{"type":"unordered"');

/** How far `dispatch` may be ahead of the first item without an outcome, in items. */
export const AHEAD_MAX = 100_000;

/** The marks of a journal. */
export interface Marks {
  /** Where the next resume goes on; undefined: at the beginning. */
  readonly last: Mark | undefined;
  /** For each `run` line, the number of the last mark of that run; 0 if there is none. */
  readonly numbers: readonly number[];
}

/**
 * Reads only `run`, `mark` and `unordered` lines, and `done` lines if there is a file of results. Throws DivvyError if one
 * is damaged, and errors of fs.
 *
 * bounds - how far the results of each `run` line still count (kept-results.ts). Marks behind that don't, either.
 */
export function marksIn(file: string, bounds?: readonly number[]): Marks {
  let last: Mark | undefined;
  const numbers: number[] = [];
  let line = 0;
  let isRetry = false;
  let isVoid = false;
  const boundNow = (): number => bounds?.[numbers.length - 1] ?? Infinity;
  readLines(file, (bytes, from, end) => {
    line += 1;
    const begins = (what: Buffer): boolean => bytes.subarray(from, from + what.length).equals(what);
    if (begins(UNORDERED)) {
      last = undefined;
      numbers.fill(0);
    }
    if (!begins(RUN) && !begins(MARK) && !(bounds && begins(DONE))) return true;
    const record = parse(bytes.toString('utf8', from, end), file, line);
    if (record?.type === 'run') {
      isRetry = record.mode === 'retry-failed';
      numbers.push(isRetry ? 0 : (record.after?.number ?? 0));
      // A run that began with more results than count now relied on them, too.
      isVoid = (record.results ?? 0) > boundNow();
    } else if (record?.type === 'done') isVoid ||= (record.results ?? 0) > boundNow();
    else if (record?.type === 'mark' && !isRetry && !isVoid) {
      last = { place: record.place, number: record.number };
      numbers[numbers.length - 1] = record.number;
    }
    return true;
  });
  return { last, numbers };
}

/** Returns the name by which an item with a place is known across runs. */
export function nameAt(place: Place, key: string): string {
  return `${JSON.stringify(place)} ${key}`;
}

/**
 * Returns where to begin so that every item that has failed, as `keys` says, is listed: undefined for the beginning.
 */
export function beforeFailed(file: string, keys: KeySet): Mark | undefined {
  let begin: { after: Mark | undefined; run: number } | undefined;
  /** Where each run began. */
  const began: (Mark | undefined)[] = [];
  let isRetry = false;
  const see = ({ key, occurrence = 1, place, after }: FailedRecord): void => {
    if (isRetry || place === undefined || !hasFailed(keys, nameAt(place, key), occurrence)) return;
    const run = began.length - 1;
    if (!begin) begin = { after, run };
    else if (run === begin.run || typeof place === 'number') begin = { after: earlier(begin.after, after), run };
    else begin = { after: began[begin.run], run: begin.run }; // texts can't be compared, and numbers only within a run
  };
  readJournal(file, (record) => {
    if (record.type === 'run') {
      isRetry = record.mode === 'retry-failed';
      began.push(record.after);
    } else if (record.type === 'failed') see(record);
  });
  return begin?.after;
}

/** Equal items of one place are not told apart in a journal, but counted. */
function hasFailed(keys: KeySet, name: string, occurrence: number): boolean {
  for (let nth = 1; ; nth++) {
    const ended = keys.endOf(name, nth);
    if (ended === 'failed') return true;
    if (ended === undefined && nth >= occurrence) return false;
  }
}

function earlier(one: Mark | undefined, other: Mark | undefined): Mark | undefined {
  if (!one || !other) return undefined;
  const isLater =
    typeof one.place === 'number' && typeof other.place === 'number'
      ? one.place > other.place
      : one.number > other.number;
  return isLater ? other : one;
}
