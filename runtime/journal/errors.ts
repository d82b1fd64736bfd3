/** The errors of journals and their locks: what is wrong, with the value, and what to do next. Internal. */

import { DivvyError, messageOf, UsageError } from '../errors.ts';
import { shellWords } from '../text/shell.ts';
import { dateOf, inspected } from '../text/words.ts';

export const journalExists = (file: string): UsageError =>
  new UsageError(
    `there is a journal at ${file} already; add --resume to continue its run, or give another file with --journal`,
  );

export const journalUnreadable = (place: string, error: unknown): DivvyError =>
  error instanceof DivvyError
    ? error
    : new DivvyError(
        `the status of the run cannot be read: ${place}: ${messageOf(error)}; correct that, or ask as the user who started the run`,
        74,
        { cause: error },
      );

export const noSuchJournal = (path: string): UsageError =>
  new UsageError(
    `there is no journal ${path}; give another file with --journal, or leave --journal out for the task's own folder`,
  );

export const noRunToReport = (taskFile: string, args: string): DivvyError =>
  new DivvyError(
    args === ''
      ? `${taskFile} has no run to report on: start one first, or name a journal with --journal`
      : `${taskFile} has no run with the arguments or the id ${args}: --runs lists those that are kept`,
    1,
  );

export const journalIsNotRead = (path: string): UsageError =>
  new UsageError(`${path} is not a file, so it can't be a journal; give a file with --journal, or leave --journal out`);

export const hasNoRun = (journal: string): DivvyError =>
  new DivvyError(`there is no run in the journal ${journal}: name another one with --journal`, 1);

export const journalIsNoFile = (path: string): DivvyError =>
  new DivvyError(`the journal cannot be written: ${path}: it is not a file; name one with --journal`, 74);

export const otherArguments = (before: readonly string[], now: readonly string[]): UsageError =>
  new UsageError(
    `the run to resume has the task arguments ${argumentList(before)}, and given are ${argumentList(now)}; give the same ones, or begin a new run, without --resume and --retry-failed`,
  );

export const declaredOtherwise = (runId: string): UsageError =>
  new UsageError(
    `run ${runId} can't be resumed with these arguments, since the task declares others now than when it began; give the arguments that it had, or none (if a new one is required, set its environment variable, or give it a default), or begin a new run, without --resume and --retry-failed`,
  );

export const otherTask = (file: string, other: string, taskFile: string): UsageError =>
  new UsageError(
    `${file} is a journal of another task, ${other}, and not of ${taskFile}; give a journal of this task, or leave --resume and --journal out to begin a new run`,
  );

/**
 * Makes the error for a lock that somebody holds. `known`: the holder is alive; otherwise it may be. Used for locks of
 * all kinds.
 */
export type HeldBy = (holder: { pid: number; host: string; at: string }, known: boolean) => DivvyError;

export const runInUse: HeldBy = (holder, known) =>
  inUse(
    'this run is already going on',
    holder,
    known,
    'Wait until it has ended, or start another with --concurrent-run',
  );

export const journalInUse =
  (file: string): HeldBy =>
  (holder, known) =>
    inUse(
      `the journal ${file} is in use`,
      holder,
      known,
      'Wait until that run has ended, or start a new one without --resume',
    );

export const folderInUse =
  (folder: string): HeldBy =>
  (holder, known) =>
    inUse(
      `the folder of the journals, ${folder}, is in use`,
      holder,
      known,
      'Start again when that process has gone on or ended',
    );

export function inUse(
  what: string,
  { pid, host, at }: { pid: number; host: string; at: string },
  known: boolean,
  next: string,
): DivvyError {
  const holder = `process ${pid} on ${host}, since ${dateOf(at)}`;
  const message = known
    ? `${what}: ${holder}. ${next}`
    : `${what}, its lock says: ${holder}. Nothing was started. divvy can't check that process from here: it is on another host, in another container, or from before a reboot. Check it there; if it has ended, add --take-over`;
  return new DivvyError(message, 75);
}

export const noRunLock = (folder: string, error: unknown): string =>
  `this run has no lock, so it can be started a second time: the lock cannot be made in ${folder}: ${messageOf(error)}`;

export const needsEngine = (runId: string | undefined, engine: readonly string[]): UsageError =>
  new UsageError(
    `run ${runId} used several machines, and hosts may still work on its items: to resume it, add ${shellWords(engine)}`,
  );

export const earlierRunChanged = (): DivvyError =>
  new DivvyError(
    'another run of this task has started or ended in this moment; nothing was done: run the same command again',
    75,
  );

export const journalFailed = (file: string, error: unknown): DivvyError =>
  error instanceof DivvyError
    ? error
    : new DivvyError(
        `the journal cannot be written: ${file}: ${messageOf(error)}; correct that, then run the same command with --resume (a new run, elsewhere with --journal or without one with --no-journal, does every item again)`,
        74,
        { cause: error },
      );

export const journalDamaged = (file: string, line: number, how: string): DivvyError =>
  new DivvyError(
    `the journal is damaged: line ${line} of ${file} ${how}; keep a copy of the file, and remove that line (what it has recorded is done again), or begin a new run`,
    74,
  );

export const journalOfFormat = (file: string, format: unknown, known: number, release: unknown): UsageError =>
  new UsageError(
    `${file} is a journal of format ${inspected(format)}, and this release can read only ${known}; use the release that wrote it${typeof release === 'string' ? ` (${inspected(release)})` : ''}, or begin a new run`,
  );

export const otherCursor = (file: string, had: boolean): UsageError =>
  new UsageError(
    `the task had ${had ? 'a' : 'no'} cursor when the run of ${file} began, and it has ${had ? 'none' : 'one'} now; ${had ? 'put it back' : 'take it out'}, or begin a new run, without --resume and --retry-failed`,
  );

function argumentList(args: readonly string[]): string {
  return args.length === 0 ? 'none' : args.map((arg) => JSON.stringify(arg)).join(' ');
}
