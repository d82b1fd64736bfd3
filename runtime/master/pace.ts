/**
 * How many items a worker gets beyond those in progress (prefetch). Pure; runs in the master.
 *
 * A worker that gets one item at a time waits a round trip for each. For short items that would be most of the time,
 * so the master sends ahead as many as the worker does in 2 ms. For items of more than 2 ms it sends none ahead, so
 * that no item waits behind a slow one while another worker is free.
 */

/** How much work may wait in a worker, in milliseconds. */
const PREFETCH_MS = 2;
/** How many items may wait in a worker. */
const PREFETCH_MAX = 1024;
/** Below this many milliseconds, an item costs less than its ack. */
const BATCHED_BELOW_MS = 0.01;
/** The weight of the latest item in the pace. */
const WEIGHT = 1 / 8;

/** The pace of a worker that has finished no item yet, in milliseconds per item. */
export const UNKNOWN_PACE: number = Infinity;

/** Returns the new pace of a worker, in milliseconds per item, after `count` items that took `ms` each. */
export function paceAfter(pace: number, ms: number, count = 1): number {
  return pace === UNKNOWN_PACE ? ms : ms + (pace - ms) * (1 - WEIGHT) ** count;
}

/** Returns how many items may wait in a worker that does `concurrency` items at once. */
export function prefetchAt(pace: number, concurrency: number): number {
  return Math.min(PREFETCH_MAX, Math.floor((PREFETCH_MS * concurrency) / pace));
}

/**
 * Returns whether a worker may batch its acks, for a fraction of a millisecond. If it dies meanwhile, the master must
 * assume that each of those items may have started.
 */
export function batchesAcks(pace: number): boolean {
  return pace < BATCHED_BELOW_MS;
}
