/**
 * The state of a task's last run, or of all, from the journals: whether it goes on, and what it has done. Runs in its own
 * process, beside that of the run. Internal.
 */

import fs from 'node:fs';
import path from 'node:path';
import { journalIsNotRead, journalUnreadable, noSuchJournal, otherTask } from '../journal/errors.ts';
import { isInUse, journalFolder, otherTaskOf, standingsOf } from '../journal/folder.ts';
import { readJournal } from '../journal/reading.ts';
import { type RecordedOptions, wordsOf } from '../journal/recorded.ts';
import type { RunRecord } from '../journal/records.ts';
import { hasArguments } from '../journal/same-run.ts';
import { type Standing, standingOf } from '../journal/standing.ts';
import { Tally } from '../journal/tally.ts';
import { needTaskFile } from '../task/task.ts';
import { here } from '../text/here.ts';
import { fileWord, runner, shellWords, visible } from '../text/shell.ts';
import { cutTo, grouped, plural, seconds } from '../text/words.ts';

/** How much of an error the list of runs shows. */
const ERROR_MAX = 100;

/** The state of a run. */
export interface Status {
  readonly runId: string;
  readonly journal: string;
  /** The task's own arguments: a resume needs the same. */
  readonly args: readonly string[];
  /** The folder in which it was started; absent if that is gone. */
  readonly cwd?: string;
  /** The options that a resume uses, by their names in options.ts and as words of the runner's command line. */
  readonly options: RecordedOptions;
  readonly optionWords: readonly string[];
  readonly state: 'running' | 'complete' | 'unfinished';
  /** The master's process id. */
  readonly pid: number;
  /** Path of the control socket of a run that goes on. */
  readonly control: string | undefined;
  readonly host: string;
  readonly user: string;
  /** The commit of the task's repository, if it has one. */
  readonly commit: string | undefined;
  readonly began: string;
  readonly ended: string | undefined;
  readonly stoppedBy: string | undefined;
  /** The message of the error with which the run failed. */
  readonly why: string | undefined;
  /** What the last part of the run was for. */
  readonly mode: RunRecord['mode'];
  /** Nothing is left to resume: at most some failed items can be tried again. */
  readonly wasComplete: boolean;
  readonly done: number;
  readonly failed: number;
}

/** A run whose journal can't be read. */
export interface Unreadable {
  readonly journal: string;
  readonly error: string;
}

/**
 * Returns the state of the task's last run with these arguments, or with any if there are none; undefined if there was
 * no run. A run that goes on, or that has any outcome, comes before one that never did anything.
 *
 * Throws DivvyError if the journals can't be read, and UsageError if there is neither a run nor a task file.
 */
export function statusOf(taskFile: string, args: readonly string[], journal?: string): Status | undefined {
  const file = path.resolve(taskFile);
  const last = lastStanding(taskFile, args, journal);
  try {
    return last && statusIn(last, file);
  } catch (error) {
    throw journalUnreadable(journal ?? journalFolder(file), error);
  }
}

/** Returns where the task's last run is, or the run with the id that the arguments name. Throws as `statusOf` does. */
export function lastStanding(taskFile: string, args: readonly string[], journal?: string): Standing | undefined {
  const file = path.resolve(taskFile);
  try {
    const all = standingsAt(file, journal);
    // A run is named by its id, or by its arguments.
    const named = all.find(({ first }) => args.length === 1 && first?.runId === args[0]);
    if (named) return named;
    const standings = ofArguments(all, args);
    const last = standings.find((each) => each.hasOutcomes || isRunning(each)) ?? standings[0];
    if (last) return last;
  } catch (error) {
    throw journalUnreadable(journal ?? journalFolder(file), error);
  }
  needTaskFile(file);
  return undefined;
}

/**
 * Returns the state of each run whose journal is kept, the newest first: of those with these arguments, or of all if
 * there are none. Throws as `statusOf` does.
 */
export function runsOf(taskFile: string, args: readonly string[], journal?: string): (Status | Unreadable)[] {
  const file = path.resolve(taskFile);
  try {
    const runs = ofArguments(standingsAt(file, journal), args).flatMap((standing) => {
      try {
        return statusIn(standing, file) ?? [];
      } catch (error) {
        return { journal: standing.file, error: (error as Error).message };
      }
    });
    if (runs.length > 0) return runs;
  } catch (error) {
    throw journalUnreadable(journal ?? journalFolder(file), error);
  }
  needTaskFile(file);
  return [];
}

/** Those of the task's own folder, or that of one journal elsewhere. */
function standingsAt(taskFile: string, journal: string | undefined): Standing[] {
  if (journal === undefined) return standingsOf(taskFile);
  if (fs.statSync(journal, { throwIfNoEntry: false })?.isFile() === false) throw journalIsNotRead(journal);
  const standing = standingOf(journal);
  if (!standing) throw noSuchJournal(journal);
  const other = otherTaskOf(journal, taskFile);
  if (other !== undefined) throw otherTask(journal, other, taskFile);
  return [standing];
}

/** Returns the ids of the task's other runs that are going on, where one journal was not named. */
export function runningBeside({ journal, runId }: Status, taskFile: string): string[] {
  if (path.dirname(path.resolve(journal)) !== journalFolder(path.resolve(taskFile))) return [];
  const others = standingsOf(path.resolve(taskFile)).filter((each) => each.first?.runId !== runId && isRunning(each));
  return others.flatMap(({ first }) => (first ? [first.runId] : []));
}

/** A run whose first line can't be read may have these arguments, too. */
function ofArguments(standings: readonly Standing[], args: readonly string[]): readonly Standing[] {
  if (args.length === 0) return standings;
  return standings.filter(({ first }) => !first || hasArguments(first, args));
}

function isFolder(folder: string): boolean {
  return fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isRunning({ file, complete }: Standing): boolean {
  return !complete && isInUse(file);
}

function statusIn(standing: Standing, taskFile: string): Status | undefined {
  const tally = new Tally();
  readJournal(standing.file, (record) => tally.see(record));
  return statusFrom(tally, standing.file, taskFile);
}

/**
 * Returns the state of the run whose journal was read into the tally; undefined if it has no `run` line.
 *
 * taskFile - its absolute path.
 */
export function statusFrom(
  { first, last, end, done, failed, wasComplete }: Tally,
  journal: string,
  taskFile: string,
): Status | undefined {
  if (!first || !last) return undefined;
  const folder = isFolder(last.cwd) ? last.cwd : undefined;
  // One elsewhere is found only if it is named.
  const isOwn = path.dirname(path.resolve(journal)) === journalFolder(taskFile);
  const journalWords = isOwn ? [] : ['--journal', fileWord(path.resolve(journal), folder)];
  return {
    runId: first.runId,
    journal,
    args: last.args,
    ...(folder !== undefined && { cwd: folder }),
    options: last.options,
    optionWords: [...journalWords, ...wordsOf(last.options, folder), ...(last.engine ?? [])],
    state: end?.complete ? 'complete' : !end && isInUse(journal) ? 'running' : 'unfinished',
    pid: last.pid,
    control: last.control,
    host: last.host,
    user: last.user,
    commit: last.commit,
    began: first.at,
    ended: end?.at,
    stoppedBy: end?.stoppedBy,
    why: end?.error,
    mode: last.mode,
    wasComplete: wasComplete || end?.complete === true,
    done,
    failed,
  };
}

/** Returns the state in words, with the commands that continue the run. `taskFile` is as it was given. */
export function describeStatus(status: Status, taskFile: string): string {
  const { runId, state, pid, host, began, ended, stoppedBy, why, done, failed } = status;
  const how = state === 'running' ? `runs, master ${pid} on ${host}` : state;
  const when = `began ${began}${ended === undefined ? '' : `, ended ${ended}`}`;
  const counts = `${plural(done, 'item')} done${failed > 0 ? `, ${grouped(failed)} failed` : ''}`;
  const line = `${runId}: ${how}${stoppedBy === undefined ? '' : ` (stopped by ${stoppedBy})`}: ${counts}; ${when}`;
  const fault = why === undefined ? [] : [visible(`it failed: ${why}`)];
  return [visible(line), ...fault, ...commandsToGoOn(status, taskFile)].join('\n');
}

/** Returns the commands that continue a run, a line each, with what each is for. */
export function commandsToGoOn(status: Status, taskFile: string): string[] {
  const { state, wasComplete, done, failed, args, options, optionWords, cwd } = status;
  const lines: string[] = [];
  const command = (option: string): string => {
    const words = shellWords([
      ...['node', runner(cwd), option, ...optionWords, fileWord(path.resolve(taskFile), cwd)],
      ...(args.length > 0 ? ['--', ...args] : []),
    ]);
    // The meaning of the task's arguments may depend on the folder.
    return cwd === undefined || cwd === here ? words : `(cd ${shellWords([fileWord(cwd)])} && ${words})`;
  };
  // A run that has done nothing is simply started again.
  if (state === 'unfinished' && !wasComplete && done + failed > 0) lines.push(`to go on: ${command('--resume')}`);
  if (state !== 'running' && failed > 0 && options['ordered'] !== true)
    lines.push(`to try what failed again: ${command('--retry-failed')}`);
  return lines.map(visible);
}

/** Returns what to say if no run was found by these arguments, which are not shown: one of them may be a secret. */
export function noRunWith(args: readonly string[]): string {
  return args.length === 0
    ? 'no run yet'
    : 'no run with these arguments; --runs without any lists those that there are';
}

/** Returns the runs in words, the newest first. */
export function describeRuns(runs: readonly (Status | Unreadable)[]): string {
  const line = (run: Status | Unreadable): string => ('error' in run ? run.error : lineOf(run));
  return runs.map((run) => visible(line(run))).join('\n');
}

function lineOf(status: Status): string {
  const { runId, state, stoppedBy, why, done, failed, began, ended, user, host, commit, args } = status;
  const by = stoppedBy === undefined ? '' : ` (stopped by ${stoppedBy})`;
  const how = why === undefined ? `${state}${by}` : `${state} (${cutTo(why, ERROR_MAX)})`;
  const tookMs = Date.parse(ended ?? '') - Date.parse(began);
  // If the clock was put back in between, nobody can tell.
  const took = ended === undefined ? '' : tookMs >= 0 ? `, ended ${seconds(tookMs)} later` : `, ended ${ended}`;
  const failures = failed > 0 ? `, ${grouped(failed)} failed` : '';
  const words = args.length > 0 ? `, with ${shellWords(args)}` : '';
  const at = commit === undefined ? '' : `, commit ${commit.slice(0, 10)}`;
  return `${runId}: ${how}: ${grouped(done)} done${failures}; began ${began}${took}, by ${user} on ${host}${at}${words}`;
}
