/**
 * Which runs of a task are the same run: those with the same arguments, apart from secret ones and those for tuning. Runs
 * in the master, and in commands that show the state of runs. Internal.
 */

import { isDeepStrictEqual } from 'node:util';
import type { ArgumentName } from '../task/declared.ts';
import { comparedWords } from '../task/words.ts';
import type { RunRecord } from './records.ts';

/**
 * Returns whether these arguments, and the environment, give the same run as the recorded one.
 *
 * names - what the task declares; undefined before it is loaded: then what it declared in that run.
 */
export function isSameRun(first: RunRecord, args: readonly string[], names?: readonly ArgumentName[]): boolean {
  const known = names ?? first.arguments ?? [];
  return isDeepStrictEqual(comparedWords(first.args, known), comparedWords(args, known, process.env));
}

/** Returns whether these are no arguments by which runs differ. The rest is as for isSameRun. */
export function areNone(first: RunRecord, args: readonly string[], names?: readonly ArgumentName[]): boolean {
  return comparedWords(args, names ?? first.arguments ?? []).length === 0;
}

/** Returns a text that is the same for runs that are the same run. */
export function sameRunKey({ args, arguments: names = [] }: RunRecord): string {
  return JSON.stringify(comparedWords(args, names));
}
