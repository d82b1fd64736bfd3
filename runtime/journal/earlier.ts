/**
 * Reads the journal of the run that is resumed: what has ended in it, and where to go on. Runs in the master. Internal.
 */

import type { Place } from '../parallelizable.ts';
import { mentions } from '../text/failures.ts';
import type { Found, Wanted } from './find.ts';
import { type KeptResults, keptResults } from './kept-results.ts';
import { KeySet } from './key-set.ts';
import { AHEAD_MAX, marksIn, nameAt } from './marks.ts';
import { Orphans } from './orphans.ts';
import { countKeys, readJournal } from './reading.ts';
import type { RecordedOptions } from './recorded.ts';
import type { FailedRecord, JournalRecord, Mark, ProcessName, RunRecord } from './records.ts';
import { orderCameLate, resultsAreGone, resultsCameLate } from './results-errors.ts';
import type { ResultsFile } from './results-file.ts';

/** What decides how the journal is read. */
export interface EarlierRequest extends Wanted {
  readonly found: Found;
  /** The task has a cursor. */
  readonly hasCursor: boolean;
  /** The options of this run. */
  readonly options: RecordedOptions;
  /** The open file of results, if the run has one. */
  readonly results?: ResultsFile | undefined;
}

/** What a journal says. */
export interface Earlier {
  /** What has ended. */
  readonly keys: KeySet;
  readonly first: RunRecord | undefined;
  /** How many bytes of the journal are whole lines. */
  readonly whole: number;
  /** Workers that may still be there. */
  readonly orphans: readonly ProcessName[];
  /** The last mark, if the task has a cursor. */
  readonly mark: Mark | undefined;
  /** Undefined without --results. */
  readonly results: KeptResults | undefined;
  /** Whether the last run that did not only retry was complete. */
  readonly wasComplete: boolean;
}

/**
 * Reads the journal. Throws UsageError if the file of results is not that of its run, DivvyError if a line is damaged, and
 * errors of fs.
 */
export function readEarlier(request: EarlierRequest, file: string): Earlier {
  const { errorText, hasCursor } = request;
  const isWanted = ({ error }: FailedRecord): boolean => errorText === undefined || mentions(error, errorText);
  const results = request.results && resultsOf(request, request.results, file);
  // With a cursor only the outcomes behind the last mark are kept.
  const marks = hasCursor ? marksIn(file, results?.bounds) : undefined;
  const keys = new KeySet(marks ? 0 : countKeys(file));
  let past = 0;
  let bound = Infinity;
  let runs = 0;
  let wasComplete = false;
  // Numbers can be compared with the last mark of all; texts only with that of their own run, by their numbers.
  const isBehind = (place: Place | undefined): boolean =>
    typeof place === 'number' && typeof marks?.last?.place === 'number' && place <= marks.last.place;
  const orphans = new Orphans();
  let first: RunRecord | undefined;
  const see = (record: JournalRecord): void => {
    if (record.type === 'run') {
      first ??= record;
      keys.readsRetries = record.mode === 'retry-failed';
      past = marks?.numbers[runs] ?? 0;
      bound = results?.bounds[runs] ?? Infinity;
      runs += 1;
      if (record.mode !== 'retry-failed') wasComplete = false;
    }
    if (record.type === 'end' && !keys.readsRetries) wasComplete = record.complete;
    orphans.see(record);
    if (record.type === 'failed')
      keys.ended(nameOf(record.key, record.place), record.occurrence, isWanted(record) ? 'failed' : 'left');
    if (record.type !== 'done' || (record.results ?? 0) > bound) return;
    for (const [index, key] of record.keys.entries()) {
      const place = record.places?.[index];
      const isKept = !marks || keys.readsRetries || (record.number + index > past && !isBehind(place));
      if (isKept) keys.ended(nameOf(key, place), record.occurrence, 'done');
    }
  };
  const isPast = (number: number): boolean => number + AHEAD_MAX < past;
  const isDone = (bytes: Buffer, from: number): void => keys.endedHashed(bytes, from, 'done');
  const whole = readJournal(file, see, marks ? undefined : isDone, marks && isPast);
  keys.isRead();
  return { keys, first, whole, orphans: orphans.workers, mark: marks?.last, results, wasComplete };
}

/** Returns what is kept of the file of results. Throws UsageError if that is not the file of this run. */
function resultsOf({ found, options }: EarlierRequest, results: ResultsFile, journal: string): KeptResults {
  const kept = keptResults(journal, results.size);
  const before = found.last?.options['results'];
  if (kept.without > 0) throw resultsCameLate(kept.without);
  // In the file that the run has written, the end may be missing. Another one must have everything.
  const isOther = before !== results.file || (kept.identity !== results.identity && !kept.last);
  if (kept.missing > 0 && isOther) throw resultsAreGone(results.file, kept.missing, String(before));
  results.check(kept);
  if (kept.last && (options['ordered'] === true) !== (found.last?.options['ordered'] === true))
    throw orderCameLate(results.file);
  return kept;
}

function nameOf(key: string, place: Place | undefined): string {
  return place === undefined ? key : nameAt(place, key);
}
