/**
 * Which runs of a task are the same run: those with the same arguments, apart from secret ones and those for tuning. Runs
 * in the master, and in commands that show the state of runs. Internal.
 *
 * `names` is what the task declares as its arguments; undefined before it is loaded: then what it declared in that run.
 */

import { isDeepStrictEqual } from 'node:util';
import type { ArgumentName } from '../task/declared.ts';
import { comparedInEnv, comparedOf, comparedWords } from '../task/words.ts';
import type { RunRecord } from './records.ts';

/** Returns whether these arguments, and the environment, give the same run as the recorded one. */
export function isSameRun(first: RunRecord, args: readonly string[], names?: readonly ArgumentName[]): boolean {
  const known = names ?? first.arguments ?? [];
  return isDeepStrictEqual(comparedWords(first.args, known), comparedWords(args, known, process.env));
}

/** Returns whether these are no arguments by which runs differ. */
export function areNone(first: RunRecord, args: readonly string[], names?: readonly ArgumentName[]): boolean {
  return comparedOf(args, names ?? first.arguments ?? []).length === 0;
}

/** Returns what the environment says otherwise than the recorded run, as arguments. */
export function otherInEnv(
  first: RunRecord,
  args: readonly string[],
  names?: readonly ArgumentName[],
): readonly string[] {
  const known = names ?? first.arguments ?? [];
  const recorded = comparedWords(first.args, known);
  return comparedInEnv(args, known, process.env).filter((word) => !recorded.includes(word));
}

/** Returns whether a run has these arguments, and perhaps more. Without declared arguments: exactly these. */
export function hasArguments(first: RunRecord, args: readonly string[]): boolean {
  const known = first.arguments ?? [];
  const recorded = comparedWords(first.args, known);
  const asked = comparedOf(args, known);
  return known.length > 0 ? asked.every((word) => recorded.includes(word)) : isDeepStrictEqual(recorded, asked);
}

/** Returns a text that is the same for runs that are the same run. */
export function sameRunKey({ args, arguments: names = [] }: RunRecord): string {
  return JSON.stringify(comparedWords(args, names));
}
