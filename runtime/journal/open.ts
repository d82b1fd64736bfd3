/**
 * Begins a journal, or goes on with one: what a resume refuses, whom it waits for, and what it skips. Runs in the master.
 * Internal.
 */

import { hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  type DivvyError,
  journalExists,
  journalFailed,
  journalIsNoFile,
  otherArguments,
  otherTask,
} from '../errors.ts';
import { Journal } from './journal.ts';
import { KeySet } from './key-set.ts';
import { journalFolder, journalsOf, lastUnfinished, makeJournalFolder, otherTaskOf, pruneJournals } from './place.ts';
import { startOf, waitUntilGone } from './processes.ts';
import { countLines, FORMAT, type JournalRecord, type ProcessName, readJournal } from './records.ts';

/** What a run wants of its journal. */
export interface JournalRequest {
  readonly taskFile: string;
  readonly args: readonly string[];
  /** For a run that is new. */
  readonly runId: string;
  /** Its path; true for one in the task's own folder. */
  readonly file: string | true;
  readonly mode: 'new' | 'resume' | 'retry-failed';
  /** Nothing is written: the keys are all that is wanted. */
  readonly dryRun: boolean;
  readonly failed: (error: DivvyError) => void;
}

/** A run that is journaled. */
export interface OpenedJournal {
  /** Undefined in a dry run, and where there is nothing to retry. */
  readonly journal: Journal | undefined;
  readonly keys: KeySet;
  readonly runId: string;
  readonly mode: JournalRequest['mode'];
  /** What people are told of it. */
  readonly notes: readonly string[];
}

/** How long the workers of a dead master have to go by themselves, by their lifeline. */
const ORPHANS_MS = 2000;

/**
 * Opens the journal of a run. Resolves when no worker of an earlier master is left.
 *
 * Rejects with DivvyError: 2 where a resume is refused, 74 where the journal cannot be written, 75 where it is in use.
 */
export async function openJournal(request: JournalRequest): Promise<OpenedJournal> {
  const folder = journalFolder(request.taskFile);
  try {
    return await open(request, folder);
  } catch (error) {
    throw journalFailed(request.file === true ? folder : request.file, error);
  }
}

async function open(request: JournalRequest, folder: string): Promise<OpenedJournal> {
  const { file, mode } = request;
  // A pipe would be waited for, for ever.
  if (file !== true && fs.statSync(file, { throwIfNoEntry: false })?.isFile() === false) throw journalIsNoFile(file);
  const earlier =
    mode === 'new'
      ? undefined
      : file === true
        ? toGoOnWith(request.taskFile, mode)
        : fs.existsSync(file)
          ? file
          : undefined;
  if (earlier !== undefined) return goOn(request, earlier);
  if (mode === 'retry-failed') {
    return {
      journal: undefined,
      keys: new KeySet(),
      runId: request.runId,
      mode,
      notes: ['there is no earlier run whose failed items could be retried'],
    };
  }
  const notes = mode === 'resume' ? ['there is no unfinished run to go on with: a new one begins'] : [];
  const opened = { keys: new KeySet(), mode: 'new' as const, notes };
  if (request.dryRun) return { ...opened, journal: undefined, runId: request.runId };
  if (file !== true && fs.existsSync(file)) throw journalExists(file);
  if (file === true) {
    makeJournalFolder(folder);
    pruneJournals(request.taskFile);
  }
  const runId = file === true ? claimRunId(folder, request.runId) : request.runId;
  const place = file === true ? path.join(folder, `${runId}.ndjson`) : file;
  let journal: Journal | undefined;
  try {
    journal = new Journal(place, request.failed);
    journal.add(header(request, runId, 'new'));
    journal.write();
  } catch (error) {
    await journal?.close();
    // It would hide the run before it from a resume; but what another run has is that one's.
    if (file === true && (error as DivvyError).exitCode !== 75) fs.rmSync(place, { force: true });
    throw error;
  }
  return { ...opened, journal, runId };
}

/** Makes the file of a run's journal. Of runs with the same id, of the same millisecond, the later one's gets longer. */
function claimRunId(folder: string, runId: string): string {
  try {
    fs.closeSync(fs.openSync(path.join(folder, `${runId}.ndjson`), 'wx', 0o600));
    return runId;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return claimRunId(folder, `${runId}a`);
  }
}

async function goOn(request: JournalRequest, file: string): Promise<OpenedJournal> {
  const other = otherTaskOf(file, request.taskFile);
  if (other !== undefined) throw otherTask(file, other, request.taskFile);
  const journal = request.dryRun ? undefined : new Journal(file, request.failed);
  try {
    const keys = new KeySet(countLines(file));
    const workers: ProcessName[] = [];
    let first: (JournalRecord & { type: 'run' }) | undefined;
    const whole = readJournal(
      file,
      (record) => {
        if (record.type === 'run') first ??= record;
        if (record.type === 'worker') workers.push(record);
        if (record.type === 'done' || record.type === 'failed')
          keys.end(record.key, record.occurrence ?? 1, record.type);
      },
      (bytes, from) => keys.endHashed(bytes, from, 'done'),
    );
    if (first && !isDeepStrictEqual(first.args, request.args)) throw otherArguments(first.args, request.args);
    const runId = first?.runId ?? request.runId;
    const changed = first && first.taskHash !== hashOf(request.taskFile);
    const notes = changed ? ['the task file has changed since the run began; what is done stays done'] : [];
    if (journal) {
      await waitUntilGone(workers, ORPHANS_MS);
      journal.cutAt(whole);
      journal.add(header(request, runId, request.mode));
      journal.write();
    }
    return { journal, keys, runId, mode: request.mode, notes };
  } catch (error) {
    await journal?.close();
    throw error;
  }
}

/** A resume goes on with the last run that is not complete; failed items are those of the last run. */
function toGoOnWith(taskFile: string, mode: 'resume' | 'retry-failed'): string | undefined {
  const journals = journalsOf(taskFile);
  return mode === 'retry-failed' ? journals[0] : lastUnfinished(journals);
}

function header({ taskFile, args }: JournalRequest, runId: string, mode: JournalRequest['mode']): JournalRecord {
  const started = startOf(process.pid) ?? '';
  return {
    type: 'run',
    format: FORMAT,
    runId,
    at: new Date().toISOString(),
    taskFile,
    taskHash: hashOf(taskFile),
    args,
    mode,
    pid: process.pid,
    started,
  };
}

function hashOf(taskFile: string): string {
  return hash('sha256', fs.readFileSync(taskFile), 'hex');
}
