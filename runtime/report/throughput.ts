/** How many items ended over time. Runs in commands that show a run. Internal. */

import type { Axis } from './axis.ts';
import type { Columns } from './data.ts';

/** What became of an attempt. */
export type How = 'done' | 'failed' | 'retried';

/** The throughput of one report. */
export class Throughput {
  readonly #axis: Axis;
  readonly #rows: Readonly<Record<How, Float64Array>>;

  constructor(axis: Axis) {
    this.#axis = axis;
    this.#rows = { done: axis.row(), failed: axis.row(), retried: axis.row() };
  }

  ended(how: How, items: number, ms: number): void {
    this.#axis.add(this.#rows[how], ms, items);
  }

  /** running - how many items were in progress in each column. */
  data(running: readonly number[]): Columns {
    const axis = this.#axis;
    const { done, failed, retried } = this.#rows;
    return {
      widthMs: axis.widthMs,
      done: axis.numbers(done),
      failed: axis.numbers(failed),
      retried: axis.numbers(retried),
      running,
    };
  }
}
