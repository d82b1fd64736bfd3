/** Waits for the queue at the end of a run, which must come to its end without it. Runs in the dispatcher and in a host. */

import { setTimeout as sleep } from 'node:timers/promises';

/** How long the end of a run usually waits for the queue, in milliseconds. */
const IN_TIME_MS = 3000;

/** Resolves when the promise has settled, or after so many milliseconds. What it rejects with is ignored: nobody could use it. */
export async function inTime(promise: Promise<unknown>, ms: number = IN_TIME_MS): Promise<void> {
  const over = new AbortController();
  const patience = sleep(ms, undefined, { signal: over.signal }).catch(() => undefined);
  await Promise.race([promise.catch(() => undefined), patience]);
  over.abort();
}
