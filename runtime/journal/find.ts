/**
 * Which earlier run a resume goes on with, or whose failed items are taken again. It only reads, since it comes before the task is
 * loaded: a task may read its arguments as it is. Runs in the master. Internal.
 */

import fs from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { journalFailed, journalIsNoFile, otherArguments, otherTask } from '../errors.ts';
import { journalFolder, lastRuns, otherTaskOf, standingsOf } from './folder.ts';
import type { RunRecord } from './records.ts';
import { firstRunOf, lastRunOf, type Standing } from './standing.ts';

/** What a run wants of its journal. */
export interface Wanted {
  readonly taskFile: string;
  readonly args: readonly string[];
  /** Its path; true for one in the task's own folder. */
  readonly file: string | true;
  readonly mode: RunRecord['mode'];
}

/** What there is to go on with. */
export interface Found {
  /** The journal; undefined where there is none. */
  readonly file: string | undefined;
  /** Its first line, and its last that begins a run. */
  readonly first: RunRecord | undefined;
  readonly last: RunRecord | undefined;
  /** The arguments of that run; else those that are given. */
  readonly args: readonly string[];
  /** What people are told where there is none: the last run, which is complete, and one of other arguments. */
  readonly complete: RunRecord | undefined;
  readonly other: RunRecord | undefined;
}

/**
 * Looks for the earlier run.
 *
 * Throws DivvyError: 2 where a journal that is named is of another task, or of other arguments, 74 where it cannot be read.
 */
export function findEarlier(wanted: Wanted): Found {
  const { taskFile, args, file, mode } = wanted;
  const nothing = { file: undefined, first: undefined, last: undefined, args, complete: undefined, other: undefined };
  if (mode === 'new') return nothing;
  try {
    if (file !== true) return named(wanted, file) ?? nothing;
    const { earlier, complete, other } = choose(standingsOf(taskFile), args, mode);
    if (earlier) return { ...nothing, ...runIn(earlier.file, earlier.first?.args ?? args) };
    return { ...nothing, complete: complete?.first, other: other?.first };
  } catch (error) {
    throw journalFailed(file === true ? journalFolder(taskFile) : file, error);
  }
}

function named({ taskFile, args }: Wanted, file: string): Found | undefined {
  const found = fs.statSync(file, { throwIfNoEntry: false });
  if (!found) return undefined;
  // A pipe would be waited for, for ever.
  if (!found.isFile()) throw journalIsNoFile(file);
  const other = otherTaskOf(file, taskFile);
  if (other !== undefined) throw otherTask(file, other, taskFile);
  const before = firstRunOf(file)?.args ?? args;
  if (args.length > 0 && !isDeepStrictEqual(before, args)) throw otherArguments(before, args);
  return { ...runIn(file, before), complete: undefined, other: undefined };
}

function runIn(file: string, args: readonly string[]): Pick<Found, 'file' | 'first' | 'last' | 'args'> {
  return { file: path.resolve(file), first: firstRunOf(file), last: lastRunOf(file), args };
}

/** Which of its runs a task goes on with. */
interface Choice {
  readonly earlier: Standing | undefined;
  /** Where there is none: the last run, which is complete; and the last one of other arguments that is not. */
  readonly complete: Standing | undefined;
  readonly other: Standing | undefined;
}

/**
 * Chooses among the runs of a task. Only runs with outcomes count, and of those of the same arguments only the newest: where it is
 * complete, an older one that is not has nothing left to claim.
 *
 * standings - the newest first.
 */
function choose(standings: readonly Standing[], args: readonly string[], mode: 'resume' | 'retry-failed'): Choice {
  // One whose first line is damaged may be this one's: it is refused, and not passed over.
  const isSame = ({ first }: Standing): boolean => !first || isDeepStrictEqual(first.args, args);
  const own = standings.find((each) => each.hasOutcomes && isSame(each));
  const others = lastRuns(standings).filter((each) => !isSame(each));
  const isWanted = ({ complete }: Standing): boolean => mode === 'retry-failed' || !complete;
  if (own && isWanted(own)) return { earlier: own, complete: undefined, other: undefined };
  const other = others.find(isWanted);
  // Without arguments those of the last run are meant.
  if (args.length === 0 && other && other.number > (own?.number ?? 0)) {
    return { earlier: other, complete: undefined, other: undefined };
  }
  return { earlier: undefined, complete: own, other };
}
