/**
 * Asks the task's `throttle` before items are handed out, at most once a second, and holds them back for as long as it
 * says. Until it answers, nothing is handed out either: it may be waiting for the very database that is overloaded. Runs
 * in the master. Internal.
 */

import { type DivvyError, hookThrew, throttleIsNone } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import { isDelay } from '../item-error.ts';
import type { AnyTask } from '../task/task.ts';
import type { Delivery } from './delivery.ts';
import type { Payload } from './ended.ts';

/** How long after an answer to ask again, in milliseconds. */
const ASK_EVERY_MS = 1000;

/** What the throttle needs from the run. */
export interface ThrottleOptions {
  readonly task: AnyTask;
  /** Nothing is handed out in this run, so nobody need be asked. */
  readonly dryRun: boolean;
  readonly delivery: Delivery<Payload>;
  readonly observe: (event: RunEvent) => void;
  readonly fail: (fault: DivvyError) => void;
  readonly wake: () => void;
}

/** The throttle of one run. */
export class Throttle {
  readonly #run: ThrottleOptions;
  #answeredAt = -Infinity;
  /** `throttle` has not answered yet. */
  isAsking = false;

  constructor(run: ThrottleOptions) {
    this.#run = run;
  }

  /** Asks, if an item waits that could be handed out now, and it is time to ask again. */
  askIfDue(now: number): void {
    const { task, dryRun, delivery } = this.#run;
    if (!task.throttle || dryRun || this.isAsking || now - this.#answeredAt < ASK_EVERY_MS) return;
    if (delivery.stopping !== 'no' || !delivery.handsOut(now)) return;
    this.isAsking = true;
    delivery.gate.close('throttle', Infinity);
    void this.#ask();
  }

  async #ask(): Promise<void> {
    const { task, delivery, observe, fail, wake } = this.#run;
    try {
      const ms: unknown = await task.throttle?.();
      if (!isDelay(ms)) throw throttleIsNone(ms);
      delivery.gate.close('throttle', performance.now() + ms);
      if (ms > 0 && delivery.stopping === 'no') observe({ type: 'held back', by: 'throttle', ms });
    } catch (error) {
      if (delivery.stopping === 'no') fail(hookThrew('throttle', error)); // during a stop nobody needs its answer
    }
    this.#answeredAt = performance.now(); // not when it was asked: a slow answer would ask for the next one
    this.isAsking = false;
    wake();
  }
}
