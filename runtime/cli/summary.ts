/**
 * What is said at the end of a run beyond its counts: which errors failed which items, and how to go on. Runs in the master.
 * Internal.
 */

import { describeError } from '../errors.ts';
import { fromHere } from '../here.ts';
import { isComplete } from '../journal/standing.ts';
import type { RunResult } from '../parallelizable.ts';
import { plural, type RunEvent } from '../report.ts';
import { commandWith } from '../shell.ts';

/** Errors that are told apart; what comes beyond is counted together. */
const GROUPS_MAX = 20;
const FIRST_ITEMS = 5;

/** Collects failures as they happen, in bounded memory. */
export class Summary {
  readonly #groups = new Map<string, { count: number; items: number[] }>();

  note(event: RunEvent): void {
    if (event.type !== 'item failed') return;
    // The same error about another item or another duration is the same error.
    const error = describeError(event.error).split('\n', 1)[0]?.replace(/\d+/g, '…') ?? '';
    const key = this.#groups.has(error) || this.#groups.size < GROUPS_MAX ? error : 'other errors';
    const group = this.#groups.get(key) ?? { count: 0, items: [] };
    group.count += 1;
    if (group.items.length < FIRST_ITEMS) group.items.push(event.outcome.number);
    this.#groups.set(key, group);
  }

  /**
   * Returns the lines.
   *
   * argv    - the command line that was given, which the ways to go on are made of.
   * limited - it ended because --limit was reached.
   */
  lines({ counts, journal, stoppedBy, exitCode }: RunResult, argv: readonly string[], limited = false): string[] {
    const lines: string[] = [];
    for (const [error, { count, items }] of [...this.#groups].sort(([, a], [, b]) => b.count - a.count)) {
      lines.push(`  ${plural(count, 'item')}: ${error} (${items.join(', ')}${count > items.length ? ', …' : ''})`);
    }
    if (journal === undefined) return lines;
    // Beyond 1 it ended before it had dispatched everything: dispatch threw, say.
    const isEarly = counts.unfinished > 0 || stoppedBy !== undefined || exitCode > 1 || limited;
    // One that was stopped may have come to its end all the same: a resume would begin anew.
    const early = isEarly && !isComplete(journal);
    const retry = isOption('--retry-failed', argv);
    if (early || counts.failed > 0) lines.push(`journal: ${fromHere(journal)}`);
    if (early && !retry) lines.push(`to go on: ${commandWith('--resume', argv)}`);
    if (counts.failed > 0 || (early && retry))
      lines.push(`to try what failed again: ${commandWith('--retry-failed', argv)}`);
    return lines;
  }
}

/** Whether the option stands on the command line, and not among the task's own arguments behind `--`. */
function isOption(option: string, argv: readonly string[]): boolean {
  const at = argv.indexOf(option);
  return at >= 0 && !argv.slice(0, at).includes('--');
}
