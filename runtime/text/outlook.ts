/** How far a run is, and how much is left: for the progress line and for --status. Runs in the master. Internal. */

import type { Counts } from '../parallelizable.ts';

/** What is known at the start of a run. */
export interface Expected {
  /** How many items there will be, with those of the earlier parts of the run; in a retry, how many are tried again. */
  readonly total: number | undefined;
  /** How many items are before the place at which `dispatch` goes on. */
  readonly before: number;
  /** How many items ended in earlier parts of the run, and will be skipped. */
  readonly earlier: number;
  /** Only failed items are tried again: what is skipped is not part of the work. */
  readonly isRetry: boolean;
  /** At most so many items are processed. */
  readonly limit: number;
}

export const NOTHING_EXPECTED: Expected = { total: undefined, before: 0, earlier: 0, isRetry: false, limit: Infinity };

/**
 * Returns what is known once the journal is open.
 *
 * opened - how the run goes on: with what of an earlier one, and from where.
 * given  - what the task's `total` returned; undefined if that is no number.
 * limit  - of the setting of this name.
 */
export function expectedOf(
  opened: {
    readonly mode: 'new' | 'resume' | 'retry-failed';
    readonly keys: { readonly done: number; readonly failed: number } | undefined;
    readonly begin: { readonly number: number } | undefined;
  },
  given: number | undefined,
  limit: number,
): Expected {
  const { mode, keys, begin } = opened;
  if (mode === 'retry-failed') {
    return { total: Math.min(keys?.failed ?? 0, limit), before: 0, earlier: 0, isRetry: true, limit };
  }
  // With a cursor, some of the keys are of items before the place at which it goes on.
  const earlier = begin || !keys ? 0 : keys.done + keys.failed;
  const total = given !== undefined && mode === 'new' ? Math.min(given, limit) : given;
  return { total, before: begin?.number ?? 0, earlier, isRetry: false, limit };
}

export interface Outlook {
  /** How many items have ended, with those of the earlier parts of the run. */
  readonly met: number;
  /** Undefined if nobody knows, or if there are more than was said. */
  readonly total: number | undefined;
  /** How many items are left to process; undefined without a total. */
  readonly left: number | undefined;
}

export function outlookOf(counts: Counts, expected: Expected): Outlook {
  const { before, earlier, isRetry, limit } = expected;
  const ended = counts.done + counts.failed;
  // At first `dispatch` yields what is skipped; that it was done is known before.
  const met = isRetry ? ended : before + Math.max(earlier, counts.skipped) + ended;
  const total = expected.total === undefined || expected.total < met ? undefined : expected.total;
  return { met, total, left: total === undefined ? undefined : Math.min(total - met, limit - ended) };
}
