/** Results in a small case: in the order of `dispatch`, each synced before the journal has the item as done. */

import type { Order } from '../../../runtime/master/order.ts';
import type { Run } from '../../../runtime/master/run.ts';
import type { Code } from './simulation.ts';
import { ensure, same } from './violation.ts';

/** So many items may be dispatched from the first one without an outcome on. */
const HELD = 2;

export interface SmallResults {
  order: Order<Run<unknown>>;
  /** Their turn has come, and they are not synced. */
  waiting: Run<unknown>[];
  /** The lines in the file, by the items' numbers. */
  lines: number[];
}

/** A run begins. The journal says by item what is done: that is what is kept of the file. */
export function beginResults(
  { Order }: Code,
  before: SmallResults | undefined,
  journal: readonly (string | undefined)[],
): SmallResults {
  const done = journal.flatMap((how, index) => (how === 'done' ? [index + 1] : []));
  const lines = before?.lines.slice(0, done.length) ?? [];
  same('the items whose lines are kept', `${lines}`, `${done}`);
  return { order: new Order<Run<unknown>>(0, HELD), waiting: [], lines };
}

/** What was waiting is written and synced; `recorded` is told. */
export function syncResults(results: SmallResults, recorded: (run: Run<unknown>) => void): void {
  for (const run of results.waiting.splice(0)) {
    const last = results.lines.at(-1) ?? 0;
    ensure(run.number > last, `item ${run.number} comes behind item ${last} in the results`);
    results.lines.push(run.number);
    recorded(run);
  }
}

/** How the rest of a search tells them apart. */
export function nameOfResults({ order, waiting, lines }: SmallResults): string {
  const { _passed, _early, _held } = order as unknown as {
    readonly _passed: number;
    readonly _early: ReadonlyMap<number, unknown>;
    readonly _held: number;
  };
  const early = [..._early].map(([number, run]) => `${number}${run === undefined ? '' : '!'}`).toSorted();
  return [_passed, early, _held, waiting.map(({ number }) => number), lines].join('|');
}
