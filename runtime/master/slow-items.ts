/**
 * Reports items that are in progress for longer than --warn-after, each attempt once, with the stack of its worker. Runs
 * in the master. Internal.
 */

import type { RunEvent } from '../events.ts';
import type { Delivery } from './delivery.ts';
import type { Payload } from './ended.ts';
import type { Worker } from './worker.ts';

/** The slow items of one run. */
export class SlowItems {
  readonly #afterMs: number;
  readonly #delivery: Delivery<Payload>;
  readonly #workers: readonly Worker[];
  readonly #observe: (event: RunEvent) => void;
  /** Items in progress that have been reported. */
  #reported = new Set<number>();

  constructor(
    afterMs: number,
    delivery: Delivery<Payload>,
    workers: readonly Worker[],
    observe: (event: RunEvent) => void,
  ) {
    this.#afterMs = afterMs;
    this.#delivery = delivery;
    this.#workers = workers;
    this.#observe = observe;
  }

  /** Reports the items that are slow at `now`, by performance.now(). */
  look(now: number): void {
    const before = this.#reported;
    this.#reported = new Set();
    for (const worker of this.#workers) {
      const inProgress = this.#delivery.slot(worker.number).inProgress;
      for (const { number } of inProgress) if (before.has(number)) this.#reported.add(number);
      const slow = inProgress.filter((each) => !before.has(each.number) && now - each.startedAt > this.#afterMs);
      for (const { number } of slow) this.#reported.add(number);
      if (slow.length > 0) void this.#report(worker, slow, now);
    }
  }

  async #report(worker: Worker, slow: readonly { number: number; startedAt: number }[], now: number): Promise<void> {
    const { leases } = this.#delivery.slot(worker.number);
    const named = slow.map(({ number, startedAt }) => {
      const run = leases.find((each) => number >= each.number && number < each.number + each.count);
      return { number, key: run?.payloads[number - run.number]?.key || undefined, ms: now - startedAt };
    });
    const stack = await worker.stack(); // one for all: it is the worker's
    for (const each of named) this.#observe({ type: 'item slow', worker: worker.number, ...each, stack });
  }
}
