/** The errors of journals and their locks: what is wrong, with the value, and what to do next. Internal. */

import { DivvyError, messageOf, UsageError } from '../errors.ts';
import { shellWords } from '../text/shell.ts';
import { dateOf, inspected } from '../text/words.ts';

export const journalExists = (file: string): UsageError =>
  new UsageError(`there is a journal at ${file} already; go on with it by --resume, or name another file`);

export const journalUnreadable = (place: string, error: unknown): DivvyError =>
  error instanceof DivvyError
    ? error
    : new DivvyError(
        `the status of the run cannot be read: ${place}: ${messageOf(error)}; fix that, or ask as the user who ran it`,
        74,
        { cause: error },
      );

export const noSuchJournal = (path: string): UsageError =>
  new UsageError(`there is no journal ${path}; name one with --journal, or leave it out for the task's own folder`);

export const noRunToReport = (taskFile: string, args: string): DivvyError =>
  new DivvyError(
    args === ''
      ? `${taskFile} has no run to report on: start one first, or name a journal with --journal`
      : `${taskFile} has no run with the arguments or the id ${args}: --runs lists those that are kept`,
    1,
  );

export const journalIsNotRead = (path: string): UsageError =>
  new UsageError(`${path} is not a file, so it can't be a journal; name one with --journal, or leave it out`);

export const hasNoRun = (journal: string): DivvyError =>
  new DivvyError(`there is no run in the journal ${journal}: name another one with --journal`, 1);

export const journalIsNoFile = (path: string): DivvyError =>
  new DivvyError(`the journal cannot be written: ${path}: it is not a file; name one with --journal`, 74);

export const otherArguments = (before: readonly string[], now: readonly string[]): UsageError =>
  new UsageError(
    `the run was begun with other task arguments (${argumentList(before)}), and these are ${argumentList(now)}; go on with the same ones, or begin a new run, without --resume and --retry-failed`,
  );

export const declaredOtherwise = (runId: string): UsageError =>
  new UsageError(
    `the task declares other arguments than when run ${runId} began, so it was found too late; resume it with the arguments that it had, or with none (give new ones by the environment or a default), or begin a new run, without --resume and --retry-failed`,
  );

export const otherTask = (file: string, other: string, taskFile: string): UsageError =>
  new UsageError(
    `the journal belongs to another task, ${other}, and not to ${taskFile}: ${file}; name a journal of this one, or leave --resume and --journal out to begin a new run`,
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
    `run ${runId} went over several machines, and hosts may still work on its items: to resume it, add ${shellWords(engine)}`,
  );

export const earlierRunChanged = (): DivvyError =>
  new DivvyError('another run has changed the journals in the meantime; start again', 75);

export const journalFailed = (file: string, error: unknown): DivvyError =>
  error instanceof DivvyError
    ? error
    : new DivvyError(
        `the journal cannot be written: ${file}: ${messageOf(error)}; fix that, then go on with --resume; or begin a new run, in another place (--journal) or without (--no-journal)`,
        74,
        { cause: error },
      );

export const journalDamaged = (file: string, line: number, how: string): DivvyError =>
  new DivvyError(
    `the journal is damaged: line ${line} of ${file} ${how}; repair or remove that line, or begin a new run`,
    74,
  );

export const journalOfFormat = (file: string, format: unknown, known: number, release: unknown): UsageError =>
  new UsageError(
    `the journal has the format ${inspected(format)}, and this release reads ${known}: ${file}; use the release that wrote it${typeof release === 'string' ? ` (${inspected(release)})` : ''}, or begin a new run`,
  );

export const otherCursor = (file: string, had: boolean): UsageError =>
  new UsageError(
    `the run was begun ${had ? 'with' : 'without'} a cursor in the task, and the task has ${had ? 'none' : 'one'} now: ${file}; go on with the task as it was, or begin a new run, without --resume and --retry-failed`,
  );

function argumentList(args: readonly string[]): string {
  return args.length === 0 ? 'none' : args.map((arg) => JSON.stringify(arg)).join(' ');
}
