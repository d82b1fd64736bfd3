/** The clock of the pools, and what every contestant reports. Runs in the main process of a contestant. */

import { existsSync, readFileSync } from 'node:fs';
import { itemsOf, type Load, type Report } from '../load.ts';

/** Long enough that each worker gets one of as many naps, also while the others boot. */
const WARM_UP_MS = 200;

/**
 * Gives a pool its items, so many at once, and reports how long it took once each worker had worked.
 *
 * call - has the pool do this work with this item, and resolves once it is done.
 */
export async function measure(
  load: Load,
  call: (work: Load['work'], item: unknown) => PromiseLike<unknown>,
): Promise<void> {
  await Promise.all(Array.from({ length: load.workers }, () => call('nap', WARM_UP_MS)));
  const began = performance.now();
  const items = itemsOf(load);
  let done = 0;
  const lane = async (): Promise<void> => {
    for (const item of items) {
      await call(load.work, item);
      done++;
    }
  };
  await Promise.all(Array.from({ length: load.workers * load.inFlight }, lane));
  report(done, performance.now() - began);
}

/** Writes the report. */
export function report(items: number, ms: number): void {
  const line: Report = { items, seconds: ms / 1000, peakBytes: peakBytes() };
  console.log(JSON.stringify(line));
}

/** On Linux `resourceUsage` counts the program that started this one too. */
function peakBytes(): number {
  const status = '/proc/self/status';
  const kilobytes = existsSync(status)
    ? Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1])
    : process.resourceUsage().maxRSS;
  return kilobytes * 1024;
}
