/** How long to wait before the next try of an item or of a boot. Pure; runs in the master. */

/** The longest wait before a boot, in milliseconds. Of items it is --backoff-cap. */
const BACKOFF_CAP_MS = 30_000;

/**
 * Returns milliseconds: `firstMs` before the first try, doubled each time up to `capMs` (or up to `firstMs` if that
 * is more). Subtracts up to half of it at random, so that not all tries come at once.
 *
 * time   - which try this is, from 1.
 * random - returns a number from 0 up to, but not including, 1.
 */
export function backoff(firstMs: number, time: number, random: () => number, capMs: number = BACKOFF_CAP_MS): number {
  const doublings = Math.min(time - 1, 30); // past every cap; more doublings could overflow to Infinity
  const full = Math.min(Math.max(capMs, firstMs), firstMs * 2 ** doublings);
  return full * (1 - random() / 2);
}
