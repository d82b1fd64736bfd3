/** The counts of a run, all zero at its start. Runs in the master. Internal. */

import type { Counts } from '../parallelizable.ts';

/** The counts, as the delivery rules update them. */
export type OwnCounts = { -readonly [K in keyof Counts]: number };

/** Returns the counts of a run that has not begun. */
export function noCounts(): OwnCounts {
  return { dispatched: 0, done: 0, failed: 0, unfinished: 0, skipped: 0, retried: 0, spawned: 0, crashed: 0 };
}
