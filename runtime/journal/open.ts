/**
 * Starts a new journal or continues one: decides which workers a resume waits for, and what it skips. Runs in the
 * master. Internal.
 */

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { DivvyError } from '../errors.ts';
import { hashOfTask } from '../task/task.ts';
import { here } from '../text/here.ts';
import { shellWords, type TakenOver, visible } from '../text/shell.ts';
import { dateOf, grouped, plural } from '../text/words.ts';
import { version } from '../version.ts';
import { commitOf } from './commit.ts';
import type { EarlierRequest } from './earlier.ts';
import { journalExists, journalFailed, journalIsNoFile, otherCursor } from './errors.ts';
import { journalFolder, makeJournalFolder, pruneJournals, standingsOf } from './folder.ts';
import { Journal } from './journal.ts';
import { KeySet } from './key-set.ts';
import { beforeFailed } from './marks.ts';
import { numbered } from './number.ts';
import { orphansWithoutOutcomes } from './orphans.ts';
import { machineHere, startOf, waitUntilGone } from './processes.ts';
import { recordedOf } from './recorded.ts';
import { FORMAT, type Mark, type ProcessName, type RunRecord } from './records.ts';
import { isSameRun } from './same-run.ts';
import type { Standing } from './standing.ts';

/** What a run asks of its journal, and the earlier run that was found. */
export interface JournalRequest extends EarlierRequest {
  /** Used if the run is new. */
  readonly runId: string;
  /** Path of the control socket. */
  readonly control: string;
  readonly engine?: readonly string[] | undefined;
  /** The task has its own `key`. */
  readonly hasOwnKeys: boolean;
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
  request.results?.begin();
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
function idleOrphans({ taskFile, args, names }: JournalRequest): ProcessName[] {
  const isSame = ({ first }: Standing): boolean => first !== undefined && isSameRun(first, args, names);
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
  const { found, mode, dryRun, takeOver, hasCursor } = request;
  const hadCursor = found.last?.cursor === true;
  if (hadCursor !== hasCursor) throw otherCursor(file, hadCursor);
  const journal = dryRun ? undefined : new Journal(file, request.failed, takeOver);
  try {
    const { readEarlier } = await import('./earlier.ts'); // a new run does without
    const { keys, first, whole, orphans, mark, results, wasComplete } = readEarlier(request, file);
    const begin = mode === 'retry-failed' && hasCursor ? beforeFailed(file, keys) : mark;
    const runId = first?.runId ?? request.runId;
    const again = results?.missing ? [linesMissing(results.missing, mode)] : [];
    const changed = hasChanged(first, request.taskFile) ? [CHANGED] : [];
    const notes = [...resuming(request, keys, begin), ...again, ...changed];
    // The journal stays as it is: with one more part, this would be the last run.
    const isNothing = mode === 'retry-failed' && keys.failed === 0;
    if (isNothing) await journal?.close();
    else if (journal) {
      await waitUntilGone([...orphans, ...idleOrphans(request)], ORPHANS_MS);
      journal.cutAt(whole);
      if (results) request.results?.cutAt(results.bytes);
      await numbered(folder, { takeOver, needed: request.file === true }, (number) => {
        // A named journal may be outside this folder, so its own number counts, too.
        const own = (request.found.last?.number ?? 0) + 1;
        journal.add(header(request, Math.max(number, own), runId, request.mode, begin, results?.bytes));
        journal.write();
      });
    }
    // A retry with a cursor does not list everything, and one with nothing to do lists nothing.
    const isPartly = isNothing || (mode === 'retry-failed' && hasCursor);
    return {
      journal: isNothing ? undefined : journal,
      keys,
      runId,
      mode,
      begin,
      wasComplete: isPartly ? wasComplete && !results?.missing : undefined,
      notes,
    };
  } catch (error) {
    await journal?.close();
    throw error;
  }
}

const linesMissing = (count: number, mode: RunRecord['mode']): string =>
  `the file of results ends before the lines of ${plural(count, 'item')} that are done: ${mode === 'resume' ? 'they are processed again' : '--resume processes them again'}`;

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
      : failed === 0 && errorText !== undefined
        ? `No failed item of ${run} has an error that contains “${errorText}”${left > 0 ? `; ${others}` : ''}`
        : `Retrying ${plural(failed, 'failed item')} of ${run}${which}`;
  return [
    first,
    ...(args.length > 0 ? [`Using its arguments: ${shellWords(args)}${given}`] : []),
    ...(optionWords.length > 0 ? [`Using its options: ${shellWords(optionWords)}`] : []),
  ].map(visible);
}

/** Returns the lines that say why there is nothing to resume. */
function nothingToResume({ found, args, takenOver }: JournalRequest): string[] {
  const { begun, complete, other } = found;
  const { optionWords } = takenOver;
  const lines: string[] = [];
  if (begun) lines.push(`Run ${begun.runId} of ${dateOf(begun.at)} has recorded nothing: starting again`);
  else if (complete)
    lines.push(`The last run (${complete.runId} of ${dateOf(complete.at)}) is complete: starting a new one`);
  else lines.push(`There is no unfinished run ${withArguments(args)}: starting a new one`);
  if (begun && optionWords.length > 0) lines.push(`Using its options: ${shellWords(optionWords)}`);
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
  results: number | undefined = request.results && 0,
): RunRecord {
  const { taskFile, args, names = [], options } = request;
  const commit = commitOf(path.dirname(taskFile));
  return {
    type: 'run',
    format: FORMAT,
    release: version(),
    number,
    runId,
    at: new Date().toISOString(),
    taskFile,
    taskHash: hashOfTask(taskFile),
    args,
    ...(names.length > 0 && { arguments: names }),
    cwd: here ?? '',
    options: recordedOf(options),
    mode,
    user: userName(),
    ...(commit !== undefined && { commit }),
    ...(request.engine && { engine: request.engine }),
    control: request.control,
    ...(request.hasOwnKeys && { ownKeys: true as const }),
    ...(results !== undefined && { results }),
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
