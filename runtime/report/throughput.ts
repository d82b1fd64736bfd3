/** How many items ended, and were in progress, over time. Runs in commands that show a run. Internal. */

import type { Axis } from './axis.ts';
import type { Columns } from './data.ts';

/** What became of an attempt. */
export type How = 'done' | 'failed' | 'retried';

/** The throughput of one report. */
export class Throughput {
  readonly #axis: Axis;
  readonly #rows: Readonly<Record<How, Float64Array>>;
  readonly #running: Float64Array;

  constructor(axis: Axis) {
    this.#axis = axis;
    this.#rows = { done: axis.row(), failed: axis.row(), retried: axis.row() };
    this.#running = axis.row();
  }

  /** Items have ended: they were in progress one after another, from then to then. */
  ended(how: How, items: number, fromMs: number, toMs: number): void {
    this.#axis.add(this.#rows[how], toMs, items);
    this.#axis.spread(this.#running, fromMs, toMs);
  }

  data(): Columns {
    const axis = this.#axis;
    const { widthMs } = axis;
    const { done, failed, retried } = this.#rows;
    return {
      widthMs,
      done: axis.numbers(done),
      failed: axis.numbers(failed),
      retried: axis.numbers(retried),
      running: axis.numbers(this.#running, (ms) => Number((ms / widthMs).toPrecision(3))),
    };
  }
}
