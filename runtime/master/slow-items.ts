/**
 * Reports items that take longer than --warn-after, each attempt once, with the stack of its worker. Runs in the master.
 * Internal.
 */

import type { RunEvent } from '../events.ts';
import type { Delivery } from './delivery.ts';
import type { Payload } from './settling.ts';
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
      for (const { number, startedAt } of this.#delivery.slot(worker.number).overdue(now, this.#afterMs)) {
        this.#reported.add(number);
        if (!before.has(number)) void this.#report(worker, number, now - startedAt);
      }
    }
  }

  async #report(worker: Worker, number: number, ms: number): Promise<void> {
    const run = this.#delivery.slot(worker.number).leases.find((each) => number < each.number + each.count);
    const key = run?.payloads[number - run.number]?.key;
    const held = worker.process?.output.isHeld;
    const stack = held ? '    waits for its output to be read' : ((await worker.process?.stack()) ?? '');
    this.#observe({ type: 'item slow', number, key: key || undefined, worker: worker.number, ms, stack: stack.split('\n') });
  }
}
