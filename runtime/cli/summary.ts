/**
 * What is said at the end of a run beyond its counts: which errors failed which items, and how to go on. Runs in the master.
 * Internal.
 */

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeError } from '../errors.ts';
import type { RunResult } from '../parallelizable.ts';
import { plural, type RunEvent } from '../report.ts';

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

  /** Returns the lines. `argv` is the command line that was given, which the ways to go on are made of. */
  lines({ counts, journal, stoppedBy }: RunResult, argv: readonly string[]): string[] {
    const lines: string[] = [];
    for (const [error, { count, items }] of [...this.#groups].sort(([, a], [, b]) => b.count - a.count)) {
      lines.push(`  ${plural(count, 'item')}: ${error} (${items.join(', ')}${count > items.length ? ', …' : ''})`);
    }
    if (journal === undefined) return lines;
    if (counts.failed > 0 || counts.unfinished > 0 || stoppedBy !== undefined)
      lines.push(`journal: ${path.relative('', journal)}`);
    if (counts.unfinished > 0 || stoppedBy !== undefined) lines.push(`to go on: ${commandWith('--resume', argv)}`);
    if (counts.failed > 0) lines.push(`to try what failed again: ${commandWith('--retry-failed', argv)}`);
    return lines;
  }
}

function commandWith(option: string, argv: readonly string[]): string {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length; // behind it are the task's own arguments
  const own = argv.filter((arg, at) => at > end || (arg !== '--resume' && arg !== '--retry-failed'));
  const runner = path.relative('', fileURLToPath(new URL('../run.mjs', import.meta.url)));
  return ['node', runner, option, ...own].map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
