/** Measures how many items end in a second. Internal. */

import type { Counts } from '../parallelizable.ts';

/** The rate is measured over this time, in milliseconds. */
const RATE_OVER_MS = 15_000;

/** The rate of one run, over the last seconds. */
export class Rate {
  #samples: { readonly at: number; readonly ended: number }[];

  /** now - when the run began, by performance.now(). */
  constructor(now: number) {
    this.#samples = [{ at: now, ended: 0 }];
  }

  /** Returns items per second, by the counts of this run. Time before its first item, such as while it skips others, doesn't count. */
  perSecond({ dispatched, done, failed }: Pick<Counts, 'dispatched' | 'done' | 'failed'>, now: number): number {
    const ended = done + failed;
    if (dispatched === 0) this.#samples = [];
    this.#samples.push({ at: now, ended });
    const from = this.#samples.findLastIndex(({ at }) => at <= now - RATE_OVER_MS);
    if (from > 0) this.#samples = this.#samples.slice(from);
    const [first = { at: now, ended }] = this.#samples;
    return now > first.at ? ((ended - first.ended) / (now - first.at)) * 1000 : 0;
  }
}
