/**
 * Finds the earlier run to resume, or whose failed items to retry. It only reads, because it first runs before the task is
 * loaded: a task may read its arguments while it loads. Until then what a run recorded says what its arguments mean.
 * Runs in the master. Internal.
 */

import fs from 'node:fs';
import path from 'node:path';
import type { ArgumentName } from '../task/declared.ts';
import { recordedWords, shownWords, withRecorded } from '../task/words.ts';
import { journalFailed, journalIsNoFile, otherArguments, otherTask } from './errors.ts';
import { journalFolder, lastRuns, otherTaskOf, standingsOf } from './folder.ts';
import type { RunRecord } from './records.ts';
import { areNone, isSameRun, otherInEnv } from './same-run.ts';
import { firstRunOf, lastRunOf, type Standing } from './standing.ts';

/** What a run asks of its journal. */
export interface Wanted {
  readonly taskFile: string;
  readonly args: readonly string[];
  /** What the task declares as its arguments; undefined before it is loaded. */
  readonly names?: readonly ArgumentName[] | undefined;
  /** Path of the journal; true for one in the task's own folder. */
  readonly file: string | true;
  readonly mode: RunRecord['mode'];
  /** With `retry-failed`: only failures whose error has this text in it. */
  readonly errorText: string | undefined;
}

/** The earlier run that was found. */
export interface Found {
  /** The journal; undefined if there is none. */
  readonly file: string | undefined;
  /** Its first line, and its last line of type `run`. */
  readonly first: RunRecord | undefined;
  readonly last: RunRecord | undefined;
  /** The arguments of that run, where others are given those; if there is no such run, those that were given. */
  readonly args: readonly string[];
  /** Those of them that come from that run. */
  readonly takenOver: readonly string[];
  /** If no run was found: a later run that has recorded nothing, and whose options the new one takes. */
  readonly begun: RunRecord | undefined;
  /** For the message if no run was found: the last run, which is complete, and one with other arguments. */
  readonly complete: RunRecord | undefined;
  readonly other: RunRecord | undefined;
}

/**
 * Finds the earlier run.
 *
 * Throws DivvyError: 2 if a named journal belongs to another task or has other arguments, 74 if it can't be read.
 */
export function findEarlier(wanted: Wanted): Found {
  const { taskFile, args, file, mode } = wanted;
  const notes = { begun: undefined, complete: undefined, other: undefined };
  const nothing = { file: undefined, first: undefined, last: undefined, args, takenOver: [], ...notes };
  if (mode === 'new') return nothing;
  try {
    if (file !== true) return named(wanted, file) ?? nothing;
    const { earlier, begun, complete, other } = choose(standingsOf(taskFile), wanted, mode);
    if (earlier) return { ...nothing, ...runIn(earlier.file, wanted) };
    const first = begun && lastRunOf(begun.file);
    return { ...nothing, begun: first, complete: complete?.first, other: other?.first };
  } catch (error) {
    throw journalFailed(file === true ? journalFolder(taskFile) : file, error);
  }
}

function named(wanted: Wanted, file: string): Found | undefined {
  const there = fs.statSync(file, { throwIfNoEntry: false });
  if (!there) return undefined;
  // Reading a pipe would wait for ever.
  if (!there.isFile()) throw journalIsNoFile(file);
  const other = otherTaskOf(file, wanted.taskFile);
  if (other !== undefined) throw otherTask(file, other, wanted.taskFile);
  const found = runIn(file, wanted);
  const { first } = found;
  if (first) refuseOther(first, wanted);
  return { ...found, begun: undefined, complete: undefined, other: undefined };
}

/** Throws UsageError if the arguments, or the environment, are not those of the run. */
function refuseOther(first: RunRecord, { args, names = first.arguments ?? [] }: Wanted): void {
  const isNone = areNone(first, args, names);
  const others = isNone ? otherInEnv(first, args, names) : shownWords(args, names);
  if (isNone ? others.length > 0 : !isSameRun(first, args, names))
    throw otherArguments(recordedWords(first.args, names), others);
}

function runIn(file: string, wanted: Wanted): Pick<Found, 'file' | 'first' | 'last' | 'args' | 'takenOver'> {
  const first = firstRunOf(file);
  const last = lastRunOf(file);
  return { file: path.resolve(file), first, last, ...argumentsFor(last ?? first, wanted) };
}

/** Arguments that are none, or none by which runs differ, go with those of the run that was found. */
function argumentsFor(
  last: RunRecord | undefined,
  { args, names = last?.arguments ?? [] }: Wanted,
): Pick<Found, 'args' | 'takenOver'> {
  if (!last || !areNone(last, args, names)) return { args, takenOver: [] };
  const { all, before } = withRecorded(last.args, args, names, process.env);
  return { args: all, takenOver: before };
}

/** The run of a task that was chosen. */
interface Choice {
  readonly earlier: Standing | undefined;
  /** If no run was chosen: one that began later than any with these arguments, and has no outcomes. */
  readonly begun: Standing | undefined;
  /**
   * If no run was chosen: the last run, which is complete; and the last one with other arguments that can be resumed or
   * retried.
   */
  readonly complete: Standing | undefined;
  readonly other: Standing | undefined;
}

/**
 * Chooses among the runs of a task. Only runs with outcomes count, and with the same arguments only the newest: if that
 * is complete, an older unfinished one has nothing left to do.
 *
 * standings - the newest first.
 */
function choose(standings: readonly Standing[], wanted: Wanted, mode: 'resume' | 'retry-failed'): Choice {
  const { args, names } = wanted;
  // A run with a damaged first line may be this one: choose it, so that it is refused and not ignored.
  const isSame = ({ first }: Standing): boolean => !first || isSameRun(first, args, names);
  const own = standings.find((each) => each.hasOutcomes && isSame(each));
  const others = lastRuns(standings).filter((each) => !isSame(each));
  const isWanted = ({ complete }: Standing): boolean => mode === 'retry-failed' || !complete;
  const none = { begun: undefined, complete: undefined, other: undefined };
  if (own && isWanted(own)) return { ...none, earlier: own };
  const other = others.find(isWanted);
  // No arguments given by which runs differ: use those of the last run that the environment doesn't contradict.
  const newer = others.filter((each) => isWanted(each) && each.number > (own?.number ?? 0));
  const nameless = newer.filter(({ first }) => first && areNone(first, args, names));
  const agreeing = nameless.find(({ first }) => first && otherInEnv(first, args, names).length === 0);
  if (agreeing) return { ...none, earlier: agreeing };
  if (nameless[0]?.first) refuseOther(nameless[0].first, wanted);
  const begun = mode === 'resume' ? standings.find((each) => each.first && isSame(each)) : undefined;
  return { earlier: undefined, begun: begun?.hasOutcomes ? undefined : begun, complete: own, other };
}
