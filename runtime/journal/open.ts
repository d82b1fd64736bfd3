/**
 * Starts a new journal or continues one: decides which workers a resume waits for, and what it skips. Runs in the
 * master. Internal.
 */

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { DivvyError } from '../errors.ts';
import type { Place } from '../parallelizable.ts';
import { hashOfTask } from '../task/task.ts';
import { mentions } from '../text/failures.ts';
import { here } from '../text/here.ts';
import { shellWords, type TakenOver, visible } from '../text/shell.ts';
import { dateOf, grouped, plural } from '../text/words.ts';
import { commitOf } from './commit.ts';
import { journalExists, journalFailed, journalIsNoFile, otherCursor } from './errors.ts';
import type { Found, Wanted } from './find.ts';
import { journalFolder, makeJournalFolder, pruneJournals, standingsOf } from './folder.ts';
import { Journal } from './journal.ts';
import { KeySet } from './key-set.ts';
import { AHEAD_MAX, beforeFailed, marksIn, nameAt } from './marks.ts';
import { numbered } from './number.ts';
import { Orphans, orphansWithoutOutcomes } from './orphans.ts';
import { machineHere, startOf, waitUntilGone } from './processes.ts';
import { type RecordedOptions, recordedOf } from './recorded.ts';
import {
  countKeys,
  type FailedRecord,
  FORMAT,
  type JournalRecord,
  type Mark,
  type ProcessName,
  type RunRecord,
  readJournal,
} from './records.ts';
import type { Standing } from './standing.ts';

/** What a run asks of its journal, and the earlier run that was found. */
export interface JournalRequest extends Wanted {
  readonly found: Found;
  /** Used if the run is new. */
  readonly runId: string;
  /** Path of the control socket. */
  readonly control: string;
  /** The task has a cursor. */
  readonly hasCursor: boolean;
  /** The options of this run. */
  readonly options: RecordedOptions;
  readonly takenOver: TakenOver;
  /** Write nothing: only the keys are needed. */
  readonly dryRun: boolean;
  /** Also take locks whose holders can't be checked from here. */
  readonly takeOver: boolean;
  readonly failed: (error: DivvyError) => void;
}

/** A run with a journal. */
export interface OpenedJournal {
  /** Undefined in a dry run, and if there is nothing to retry. */
  readonly journal: Journal | undefined;
  readonly keys: KeySet;
  readonly runId: string;
  readonly mode: RunRecord['mode'];
  /** With a cursor: where `dispatch` begins; undefined: at its beginning. */
  readonly begin: Mark | undefined;
  /** Whether the run was complete before: a retry with a cursor, which does not list everything, leaves that as it is. */
  readonly wasComplete: boolean | undefined;
  /** Notes for the user. */
  readonly notes: readonly string[];
}

const NOTHING_YET = { begin: undefined, wasComplete: undefined };

/** How long the workers of a dead master have to end by themselves, through their lifeline, in milliseconds. */
const ORPHANS_MS = 2000;

/**
 * Opens the journal of a run. Resolves when no worker of an earlier master is left.
 *
 * Rejects with DivvyError: 2 if the journal already exists, 74 if it can't be written, 75 if it is in use.
 */
export async function openJournal(request: JournalRequest): Promise<OpenedJournal> {
  const { file, found } = request;
  const folder = journalFolder(request.taskFile);
  try {
    return found.file === undefined ? await begin(request, folder) : await goOn(request, folder, found.file);
  } catch (error) {
    throw journalFailed(file === true ? folder : file, error);
  }
}

async function begin(request: JournalRequest, folder: string): Promise<OpenedJournal> {
  const { file, mode, dryRun, takeOver } = request;
  if (mode === 'retry-failed') {
    const keys = new KeySet();
    return { ...NOTHING_YET, journal: undefined, keys, runId: request.runId, mode, notes: nothingToRetry(request) };
  }
  const notes = mode === 'resume' ? nothingToResume(request) : [];
  const opened = { ...NOTHING_YET, keys: new KeySet(), mode: 'new' as const, notes };
  if (dryRun) return { ...opened, journal: undefined, runId: request.runId };
  const there = file === true ? undefined : fs.statSync(file, { throwIfNoEntry: false });
  if (there && file !== true) throw there.isFile() ? journalExists(file) : journalIsNoFile(file);
  await waitUntilGone(idleOrphans(request), ORPHANS_MS);
  return numbered(folder, { takeOver, needed: file === true }, async (number, standings) => {
    if (file === true) {
      makeJournalFolder(folder);
      pruneJournals(standingsOf(request.taskFile, standings));
    }
    const runId = file === true ? claimRunId(folder, request.runId) : request.runId;
    const place = file === true ? path.join(folder, `${runId}.ndjson`) : file;
    let journal: Journal | undefined;
    try {
      journal = new Journal(place, request.failed, takeOver);
      journal.add(header(request, number, runId, 'new', undefined));
      journal.write();
    } catch (error) {
      await journal?.close();
      // If another run has the journal, leave it alone.
      if (file === true && (error as DivvyError).exitCode !== 75) fs.rmSync(place, { force: true });
      throw error;
    }
    return { ...opened, journal, runId };
  });
}

/** The same run may have been killed before any item ended. Its workers may still hold the first items. */
function idleOrphans({ taskFile, args }: JournalRequest): ProcessName[] {
  const isSame = ({ first }: Standing): boolean => first !== undefined && isDeepStrictEqual(first.args, args);
  return orphansWithoutOutcomes(standingsOf(taskFile).filter(isSame));
}

/**
 * Creates the journal file of a run. If two runs started in the same millisecond have the same id, the later one gets a
 * longer id.
 */
function claimRunId(folder: string, runId: string): string {
  try {
    fs.closeSync(fs.openSync(path.join(folder, `${runId}.ndjson`), 'wx', 0o600));
    return runId;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return claimRunId(folder, `${runId}a`);
  }
}

async function goOn(request: JournalRequest, folder: string, file: string): Promise<OpenedJournal> {
  const { found, mode, dryRun, takeOver, errorText, hasCursor } = request;
  const hadCursor = found.last?.cursor === true;
  if (hadCursor !== hasCursor) throw otherCursor(file, hadCursor);
  const isWanted = ({ error }: FailedRecord): boolean => errorText === undefined || mentions(error, errorText);
  const journal = dryRun ? undefined : new Journal(file, request.failed, takeOver);
  try {
    // With a cursor only the outcomes behind the last mark are kept.
    const marks = hasCursor ? marksIn(file) : undefined;
    const keys = new KeySet(marks ? 0 : countKeys(file));
    let past = 0;
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
        past = marks?.numbers[runs++] ?? 0;
        if (record.mode !== 'retry-failed') wasComplete = false;
      }
      if (record.type === 'end' && !keys.readsRetries) wasComplete = record.complete;
      orphans.see(record);
      if (record.type === 'failed')
        keys.ended(nameOf(record.key, record.place), record.occurrence, isWanted(record) ? 'failed' : 'left');
      if (record.type !== 'done') return;
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
    const begin = request.mode === 'retry-failed' && marks ? beforeFailed(file, keys) : marks?.last;
    const runId = first?.runId ?? request.runId;
    const notes = [...resuming(request, keys, begin), ...(hasChanged(first, request.taskFile) ? [CHANGED] : [])];
    if (journal) {
      await waitUntilGone([...orphans.workers, ...idleOrphans(request)], ORPHANS_MS);
      journal.cutAt(whole);
      await numbered(folder, { takeOver, needed: request.file === true }, (number) => {
        // A named journal may be outside this folder, so its own number counts, too.
        const own = (request.found.last?.number ?? 0) + 1;
        journal.add(header(request, Math.max(number, own), runId, request.mode, begin));
        journal.write();
      });
    }
    const isPartly = mode === 'retry-failed' && hasCursor;
    return { journal, keys, runId, mode, begin, wasComplete: isPartly ? wasComplete : undefined, notes };
  } catch (error) {
    await journal?.close();
    throw error;
  }
}

function nameOf(key: string, place: Place | undefined): string {
  return place === undefined ? key : nameAt(place, key);
}

const CHANGED = 'the task file has changed since the run began; what is done stays done';

function hasChanged(first: RunRecord | undefined, taskFile: string): boolean {
  return first !== undefined && first.taskHash !== hashOfTask(taskFile);
}

/** Returns the lines that say which run is resumed, how much of it is skipped, and which options come from it. */
function resuming(
  { found, mode, takenOver, errorText }: JournalRequest,
  keys: KeySet,
  begin: Mark | undefined,
): string[] {
  if (!found.first) return [];
  const { done, failed, left } = keys;
  const { runId, at } = found.first;
  const { args, optionWords } = takenOver;
  const run = `run ${runId} of ${dateOf(at)}`;
  // Say where they were given: in another folder, a path in them may have meant another file.
  const given = found.last?.cwd === here ? '' : ` (they were given in ${found.last?.cwd})`;
  const parts = [`${grouped(done)} done`, ...(failed > 0 ? [`${grouped(failed)} failed`] : [])];
  const others =
    left === 1 ? '1 other failed item is left alone' : `${grouped(left)} other failed items are left alone`;
  const which = errorText === undefined ? '' : ` whose error contains “${errorText}”${left > 0 ? `; ${others}` : ''}`;
  const skipped = `skipping ${plural(done + failed, 'item')} (${parts.join(', ')})`;
  // With a mark, of what is behind it only some has been kept, and is listed again.
  const from = begin && `after ${JSON.stringify(begin.place)} (item ${grouped(begin.number)}), skipping what has ended`;
  const first =
    mode === 'resume'
      ? `Resuming ${run}${from ? `, ${from}` : `: ${skipped}`}`
      : `Retrying ${plural(failed, 'failed item')} of ${run}${which}`;
  return [
    first,
    ...(args.length > 0 ? [`Using its arguments: ${shellWords(args)}${given}`] : []),
    ...(optionWords.length > 0 ? [`Using its options: ${shellWords(optionWords)}`] : []),
  ].map(visible);
}

/** Returns the lines that say why there is nothing to resume. */
function nothingToResume({ found, args }: JournalRequest): string[] {
  const { complete, other } = found;
  const lines = [
    complete
      ? `The last run (${complete.runId} of ${dateOf(complete.at)}) is complete: starting a new one`
      : `There is no unfinished run ${withArguments(args)}: starting a new one`,
  ];
  if (other) {
    lines.push(
      `Run ${other.runId} of ${dateOf(other.at)} is unfinished, and was started ${withArguments(other.args)}. To resume that one, stop this one (Ctrl+C) and start it so`,
    );
  }
  return lines.map(visible);
}

/** Returns the lines that say why there is nothing to retry. */
function nothingToRetry({ found, args }: JournalRequest): string[] {
  const { other } = found;
  const lines = [`There is no earlier run ${withArguments(args)} whose failed items could be retried`];
  if (other)
    lines.push(`The last run (${other.runId} of ${dateOf(other.at)}) was started ${withArguments(other.args)}`);
  return lines.map(visible);
}

function withArguments(args: readonly string[]): string {
  return args.length > 0 ? `with the arguments ${shellWords(args)}` : 'without arguments';
}

function header(
  request: JournalRequest,
  number: number,
  runId: string,
  mode: RunRecord['mode'],
  begin: Mark | undefined,
): RunRecord {
  const { taskFile, args, options } = request;
  const commit = commitOf(path.dirname(taskFile));
  return {
    type: 'run',
    format: FORMAT,
    number,
    runId,
    at: new Date().toISOString(),
    taskFile,
    taskHash: hashOfTask(taskFile),
    args,
    cwd: here ?? '',
    options: recordedOf(options),
    mode,
    user: userName(),
    ...(commit !== undefined && { commit }),
    control: request.control,
    ...(request.hasCursor && { cursor: true as const, ...(begin && { after: begin }) }),
    pid: process.pid,
    started: startOf(process.pid) ?? '',
    ...machineHere(),
  };
}

function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return String(process.getuid?.() ?? ''); // in a container, the user may have no name
  }
}
