/**
 * How far a worker is supplied beyond what it has in progress. Pure; runs in the master.
 *
 * A worker that has to ask for each item waits a round trip for each. Where items are short that would be most of the time,
 * so more of them are on their way to it, as many as it does in two milliseconds; where they take longer, none is, so
 * that no item waits behind a slow one while another worker is free.
 */

/** How much work may wait in a worker, in milliseconds. */
const PREFETCH_MS = 2;
/** And how many items. */
const PREFETCH_MAX = 256;
/** Below so many milliseconds an item costs less than the message that says that it has ended. */
const BATCHED_BELOW_MS = 0.01;
/** How much the latest item counts for in the pace. */
const WEIGHT = 1 / 8;

/** The pace of a worker of which nothing is known, in milliseconds an item. */
export const UNKNOWN_PACE: number = Infinity;

/** Returns the pace of a worker, in milliseconds an item, when another has taken it `ms`. */
export function paceAfter(pace: number, ms: number): number {
  return pace === UNKNOWN_PACE ? ms : pace + (ms - pace) * WEIGHT;
}

/** Returns how many items may wait in a worker that does `concurrency` at once. */
export function prefetchAt(pace: number, concurrency: number): number {
  return Math.min(PREFETCH_MAX, Math.floor((PREFETCH_MS * concurrency) / pace));
}

/**
 * Returns whether a worker may gather what it says of ended items, for a fraction of a millisecond. Should it die, each of
 * them may have been begun, as far as the master knows.
 */
export function batchesAcks(pace: number): boolean {
  return pace < BATCHED_BELOW_MS;
}
