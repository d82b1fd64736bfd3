/** The samples of a run, thinned out while they are read. Runs in commands that show a run. Internal. */

import type { SampleRecord } from '../journal/records.ts';
import type { Samples as Data } from './data.ts';

const SAMPLES_MAX = 240;

interface Sample {
  readonly at: number;
  readonly pending: number;
  readonly leased: number;
  readonly workers: number;
  readonly master: number;
  readonly median: number;
  readonly largest: number;
}

/** The samples of one report: of many, each stands for several, with the most memory of these. */
export class SampleSeries {
  #samples: Sample[] = [];
  /** How many samples one stands for. */
  #each = 1;
  #count = 0;

  add(at: number, { pending, leased, workers, memory }: SampleRecord): void {
    const sizes = memory.filter(([worker]) => worker > 0).map(([, megabytes]) => whole(megabytes));
    sizes.sort((one, other) => one - other);
    const sample = {
      ...{ at: whole(at), pending: whole(pending), leased: whole(leased), workers: whole(workers) },
      master: whole(memory.find(([worker]) => worker === 0)?.[1] ?? 0),
      median: sizes[Math.floor(sizes.length / 2)] ?? 0,
      largest: sizes.at(-1) ?? 0,
    };
    const last = this.#samples.at(-1);
    if (this.#count % this.#each === 0 || !last) this.#samples.push(sample);
    else this.#samples[this.#samples.length - 1] = together(last, sample);
    this.#count += 1;
    if (this.#samples.length <= SAMPLES_MAX) return;
    this.#samples = this.#samples.flatMap((each, index) => {
      if (index % 2 === 1) return [];
      const next = this.#samples[index + 1];
      return [next ? together(each, next) : each];
    });
    this.#each *= 2;
    this.#count = this.#samples.length * this.#each - (this.#each / 2 - 1);
  }

  data(): Data {
    const row = (of: keyof Sample): number[] => this.#samples.map((sample) => sample[of]);
    return {
      at: row('at'),
      pending: row('pending'),
      leased: row('leased'),
      workers: row('workers'),
      master: row('master'),
      median: row('median'),
      largest: row('largest'),
    };
  }
}

/** A number that was edited into nonsense must not make the report longer. */
const whole = (value: number): number => (value > 0 ? Math.round(Math.min(value, 1e12)) : 0);

const together = (one: Sample, other: Sample): Sample => ({
  ...one,
  master: Math.max(one.master, other.master),
  median: Math.max(one.median, other.median),
  largest: Math.max(one.largest, other.largest),
});
