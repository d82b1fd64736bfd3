/**
 * What is said at the end of a run beyond its counts: which errors failed which items, and how to go on. Runs in the master.
 * Internal.
 */

import { isComplete } from '../journal/standing.ts';
import type { RunResult } from '../parallelizable.ts';
import type { Failures } from '../text/failures.ts';
import { fromHere } from '../text/here.ts';
import { commandWith } from '../text/shell.ts';
import type { Line } from '../text/terminal.ts';
import { plural } from '../text/words.ts';

/** Errors that are told one by one; what comes beyond is counted together. */
const GROUPS_MAX = 20;

/** Returns a line for each error that failed items, the most frequent first. */
export function failureLines(failures: Failures): Line[] {
  const { groups, others } = failures.groups(GROUPS_MAX);
  const lines = groups.map(({ error, count, first }) => {
    const more = count > first.length ? ', …' : '';
    return { text: `  ${plural(count, 'item')}: ${error} (${first.join(', ')}${more})` };
  });
  return others > 0 ? [...lines, { text: `  ${plural(others, 'item')}: other errors` }] : lines;
}

/**
 * Returns where the run is recorded, and the commands that go on with it; nothing where there is nothing to go on with.
 *
 * argv    - the command line that was given, which the commands are made of.
 * limited - it ended because --limit was reached.
 */
export function waysToGoOn(
  { counts, journal, stoppedBy, exitCode }: RunResult,
  argv: readonly string[],
  limited: boolean,
): Line[] {
  if (journal === undefined) return [];
  // Nothing of this run is recorded; one that it should have gone on with is.
  const isNothing = counts.dispatched + counts.skipped === 0;
  if (isNothing && !isOption('--resume', argv) && !isOption('--retry-failed', argv)) return [];
  // Beyond 1 it ended before it had dispatched everything: dispatch threw, say.
  const isEarly = counts.unfinished > 0 || stoppedBy !== undefined || exitCode > 1 || limited;
  // One that was stopped may have come to its end all the same: a resume would begin anew.
  const early = isEarly && !isComplete(journal);
  const retry = isOption('--retry-failed', argv);
  const lines: string[] = [];
  if (early || counts.failed > 0) lines.push(`journal: ${fromHere(journal)}`);
  if (early && !retry) lines.push(`to go on: ${commandWith('--resume', argv)}`);
  if (counts.failed > 0 || (early && retry))
    lines.push(`to try what failed again: ${commandWith('--retry-failed', argv)}`);
  return lines.map((text) => ({ text, whole: true }));
}

/** Whether the option stands on the command line, and not among the task's own arguments behind `--`. */
function isOption(option: string, argv: readonly string[]): boolean {
  const at = argv.indexOf(option);
  return at >= 0 && !argv.slice(0, at).includes('--');
}
