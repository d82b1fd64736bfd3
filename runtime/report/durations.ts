/** How long the items of a run took: percentiles, and counts for a chart. Runs in commands that show a run. Internal. */

import type { Durations as Data } from './data.ts';

const BINS_PER_DECADE = 10;
/** Shorter ones count as this: a microsecond. */
const SHORTEST_MS = 0.001;
/** Longer ones, which only an edited journal has, as this: three hundred years. */
const LONGEST_MS = 1e13;

/** The durations of one run. */
export class Durations {
  /** By duration: the journal has three significant digits, so there are some thousand at most. */
  readonly #done = new Map<number, number>();
  readonly #failed = new Map<number, number>();

  add(ms: number, count: number, how: 'done' | 'failed'): void {
    const counts = how === 'done' ? this.#done : this.#failed;
    const upTo = Math.min(ms, LONGEST_MS);
    counts.set(upTo, (counts.get(upTo) ?? 0) + count);
  }

  /** One counts no more: another outcome has taken its place, or its result was lost. */
  remove(ms: number, how: 'done' | 'failed'): void {
    const counts = how === 'done' ? this.#done : this.#failed;
    const upTo = Math.min(ms, LONGEST_MS);
    const left = (counts.get(upTo) ?? 0) - 1;
    if (left > 0) counts.set(upTo, left);
    else counts.delete(upTo);
  }

  data(): Data {
    const all = [...this.#done, ...this.#failed].sort(([one], [other]) => one - other);
    const bins = all.map(([ms]) => binOf(ms));
    const from = bins[0] ?? 0;
    const length = (bins.at(-1) ?? from) - from + 1;
    const count = all.reduce((sum, [, each]) => sum + each, 0);
    return {
      binsPerDecade: BINS_PER_DECADE,
      from,
      done: binned(this.#done, from, count > 0 ? length : 0),
      failed: binned(this.#failed, from, count > 0 ? length : 0),
      p50: percentile(all, count * 0.5),
      p90: percentile(all, count * 0.9),
      p99: percentile(all, count * 0.99),
      max: all.at(-1)?.[0] ?? 0,
    };
  }
}

function binOf(ms: number): number {
  // A duration at the edge of a bin, such as 10 ms, must not fall below it by a rounding error.
  return Math.floor(Math.log10(Math.max(SHORTEST_MS, ms)) * BINS_PER_DECADE + 1e-9);
}

function binned(counts: ReadonlyMap<number, number>, from: number, length: number): number[] {
  const bins = Array.from({ length }, () => 0);
  for (const [ms, count] of counts) bins[binOf(ms) - from] = (bins[binOf(ms) - from] ?? 0) + count;
  return bins;
}

/** Returns the duration of the item that is the `rank`th from the shortest. */
function percentile(sorted: readonly (readonly [ms: number, count: number])[], rank: number): number {
  let before = 0;
  for (const [ms, count] of sorted) {
    before += count;
    if (before >= rank) return ms;
  }
  return 0;
}
