/** Settings of the delivery rules, and what these tell the master. */

import type { Item } from './item.ts';

/** Settings of the delivery rules. */
export interface DeliveryRules {
  /** Worker processes at most, from 1. */
  readonly workers: number;
  /** Items in progress at once in each worker, from 1. */
  readonly concurrency: number;
  /** How many crashes of its own fail an item, from 1. */
  readonly maxCrashes: number;
  /** How often an item is tried again after `process` threw, from 0. */
  readonly retries: number;
  /** How long to wait before the first of these, in milliseconds; it doubles each time, with jitter. */
  readonly backoffMs: number;
  /** A number from 0 to 1, below 1, for the jitter. */
  readonly random: () => number;
  /** How many items may wait in a worker of such a pace, in milliseconds an item: pace.ts. */
  readonly prefetch: (pace: number) => number;
  /** Whether a worker of such a pace may gather its acks. */
  readonly batchesAcks: (pace: number) => boolean;
}

/** What the master is to do. */
export type Command<Payload> =
  | { readonly do: 'boot'; readonly worker: number }
  | {
      readonly do: 'hand';
      readonly worker: number;
      readonly items: readonly Item<Payload>[];
      readonly batchAcks: boolean;
    }
  /** Tell the worker to finish what it has and exit. */
  | { readonly do: 'drain'; readonly worker: number }
  /** The worker has nothing left to finish: it may be killed when it takes long to exit. */
  | { readonly do: 'expect exit'; readonly worker: number };

/** What the exit of a worker's process did to the items that it had. */
export interface ExitReport<Payload> {
  /** Nobody had asked it to exit. */
  readonly crashed: boolean;
  /** What it was at, or may have been, first handed out first. */
  readonly inProgress: readonly Item<Payload>[];
  /** Of these, the items that this was one crash too many for: to be settled as failed. */
  readonly failed: readonly Item<Payload>[];
  /** No worker of the run ever became ready, and none is on its way any more. */
  readonly bootFailure: boolean;
  /** How long the next boot is put off, in milliseconds; 0 where no item waits for one. */
  readonly bootInMs: number;
}
