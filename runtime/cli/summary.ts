/**
 * The end of the report, after the counts: which errors failed which items, and how to continue. Runs in the master.
 * Internal.
 */

import { isComplete } from '../journal/standing.ts';
import type { RunResult } from '../parallelizable.ts';
import type { Failures } from '../text/failures.ts';
import { fromHere } from '../text/here.ts';
import { commandWith, wordOf } from '../text/shell.ts';
import type { Line } from '../text/terminal.ts';
import { plural } from '../text/words.ts';

/** How many errors to list; the rest are counted together. */
const GROUPS_MAX = 20;

/** Returns a line for each error with which items failed, the most frequent first. */
export function failureLines(failures: Failures): Line[] {
  const { groups, others } = failures.groups(GROUPS_MAX);
  const lines = groups.map(({ error, count, first }) => {
    const more = count > first.length ? ', …' : '';
    return { text: `  ${plural(count, 'item')}: ${error} (${first.join(', ')}${more})` };
  });
  return others > 0 ? [...lines, { text: `  ${plural(others, 'item')}: other errors` }] : lines;
}

/**
 * Returns where the run is recorded, and the commands that continue it; empty if there is nothing to continue.
 *
 * argv    - the command line that was given; the commands are made from it.
 * limited - the run ended because --limit was reached.
 */
export function waysToGoOn(
  { counts, journal, stoppedBy, exitCode }: RunResult,
  argv: readonly string[],
  limited: boolean,
): Line[] {
  if (journal === undefined) return [];
  // Nothing of this run is recorded, but the run that it should have resumed is.
  const isNothing = counts.dispatched + counts.skipped === 0;
  const retry = wordOf('--retry-failed', argv);
  if (isNothing && !wordOf('--resume', argv) && !retry) return [];
  // With an exit code above 1 it ended before everything was dispatched: for example, dispatch threw.
  const isEarly = counts.unfinished > 0 || stoppedBy !== undefined || exitCode > 1 || limited;
  // A stopped run may be complete all the same: then a resume would start a new one.
  const early = isEarly && !isComplete(journal);
  const lines: string[] = [];
  if (early || counts.failed > 0) lines.push(`journal: ${fromHere(journal)}`);
  if (early && !retry) lines.push(`to go on: ${commandWith('--resume', argv)}`);
  // A retry that was stopped goes on with the same text; what failed now may have failed with another error.
  if (early && retry) lines.push(`to try what failed again: ${commandWith(retry, argv)}`);
  // Results in the order of dispatch can't be added to later.
  else if (counts.failed > 0 && !wordOf('--ordered', argv))
    lines.push(`to try what failed again: ${commandWith('--retry-failed', argv)}`);
  return lines.map((text) => ({ text, whole: true }));
}
