/** Waits for the queue at the end of a run, which must come to its end without it. Runs in the dispatcher and in a host. */

import { setTimeout as sleep } from 'node:timers/promises';

/** How long the end of a run waits for the queue, in milliseconds. */
const IN_TIME_MS = 3000;

/** Resolves when the promise has settled, or after a few seconds. What it rejects with is ignored: nobody could use it. */
export async function inTime(promise: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const patience = sleep(IN_TIME_MS, undefined, { signal: over.signal }).catch(() => undefined);
  await Promise.race([promise.catch(() => undefined), patience]);
  over.abort();
}
