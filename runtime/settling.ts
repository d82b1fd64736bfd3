/**
 * What is done with the outcome of an item before it counts: the hooks afterProcess and afterFailure, one after another in
 * the order in which the items ended. Runs in the master. Internal.
 */

import { decodeValue } from './codec.ts';
import type { Delivery, Item } from './delivery.ts';
import { hookThrew, type TaskError } from './errors.ts';
import type { ItemError, Outcome } from './parallelizable.ts';
import type { RunEvent } from './report.ts';
import type { AnyTask } from './task.ts';

/** What the master keeps of an item while it is in flight. */
export interface Load {
  /** The item, encoded. */
  readonly body: Buffer;
  /** How long the last attempt took in its worker, in milliseconds. */
  durationMs: number;
}

/** What settling needs of the master. */
export interface SettlingOptions {
  readonly task: AnyTask;
  readonly delivery: Delivery<Load>;
  readonly verbose: boolean;
  readonly observe: (event: RunEvent) => void;
  /** A hook threw: the run is to be stopped. */
  readonly fail: (fault: TaskError) => void;
  readonly wake: () => void;
}

/** The outcomes of one run. */
export class Settling {
  /** Resolves when every outcome up to now has been settled. */
  settled: Promise<void> = Promise.resolve();
  readonly #options: SettlingOptions;

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  /** An item was processed; `result` is what its worker sent. */
  done(item: Item<Load>, result: Buffer): void {
    const { task, verbose, observe } = this.#options;
    const outcome = outcomeOf(item);
    if (verbose) observe({ type: 'item done', outcome });
    if (!task.afterProcess) this.#options.delivery.settled(item, 'done');
    else
      this.#after(item, 'done', 'afterProcess', () =>
        task.afterProcess?.(decodeValue(item.load.body), decodeValue(result), outcome),
      );
  }

  /** An item is given up. */
  failed(item: Item<Load>, error: ItemError): void {
    const { task, observe } = this.#options;
    const outcome = outcomeOf(item);
    observe({ type: 'item failed', outcome, error });
    if (!task.afterFailure) this.#options.delivery.settled(item, 'failed');
    else
      this.#after(item, 'failed', 'afterFailure', () =>
        task.afterFailure?.(decodeValue(item.load.body), error, outcome),
      );
  }

  #after(item: Item<Load>, how: 'done' | 'failed', hook: string, call: () => unknown): void {
    const { delivery, fail, wake } = this.#options;
    this.settled = this.settled.then(async () => {
      try {
        await call();
        delivery.settled(item, how);
      } catch (error) {
        delivery.settled(item, 'unfinished');
        fail(hookThrew(hook, error));
      }
      wake();
    });
  }
}

/** What the hooks and events of the master are told of an item. */
export function outcomeOf({ number, starts, crashes, worker, load }: Item<Load>): Outcome {
  return { number, attempts: starts, crashes, worker, durationMs: load.durationMs };
}
