/** Settings of the delivery rules, and the commands that they give to the master. */

import type { Run } from './run.ts';

/** Settings of the delivery rules. */
export interface DeliveryRules {
  /** Maximum number of worker processes, from 1. */
  readonly workers: number;
  /** Maximum number of items in progress in each worker, from 1. */
  readonly concurrency: number;
  /** How many crashes of its own make an item fail, from 1. */
  readonly maxCrashes: number;
  /** How often an item is retried after `process` threw, from 0. */
  readonly retries: number;
  /** Delay before the first retry, in milliseconds; it doubles each time, with jitter. */
  readonly backoffMs: number;
  /** The longest delay before a retry, in milliseconds; `backoffMs` if that is longer. */
  readonly backoffCapMs: number;
  /** How many items may be handed out in a second, above 0; Infinity for no limit. */
  readonly rate: number;
  /** The numbers of the items begin behind this one: 0, or that of the mark at which `dispatch` begins. */
  readonly numbersFrom: number;
  /** Returns a number from 0 up to, but not including, 1, for the jitter. */
  readonly random: () => number;
  /** How many items may wait in a worker with this pace, in milliseconds per item: pace.ts. */
  readonly prefetch: (pace: number) => number;
  /** How many bytes may wait in a worker; undefined: PREFETCH_BYTES in slot.ts. */
  readonly prefetchBytes?: number | undefined;
  /** The one worker is a queue, from which others take the items. */
  readonly isQueue?: boolean | undefined;
  /** Whether a worker with this pace may batch its acks. */
  readonly batchesAcks: (pace: number) => boolean;
  /** How many items that have ended a worker has not acked yet, at most, if it batches its acks. */
  readonly acksGathered: number;
}

/** A command to the master. */
export type Command<Payload> =
  | { readonly do: 'boot'; readonly worker: number }
  | {
      readonly do: 'hand';
      readonly worker: number;
      readonly runs: readonly Run<Payload>[];
      readonly batchAcks: boolean;
    }
  /** Tell the worker to finish its items and exit. */
  | { readonly do: 'drain'; readonly worker: number }
  /** The worker has nothing left to finish: kill it if its exit takes too long. */
  | { readonly do: 'expect exit'; readonly worker: number };

/** What the exit of a worker's process did to its items. */
export interface ExitReport<Payload> {
  /** The worker died without being asked to exit. */
  readonly crashed: boolean;
  /** Items that were in progress, or may have been, one by one, in the order in which they were handed out. */
  readonly started: readonly Run<Payload>[];
  /** Those for which this was one crash too many: settle them as failed. */
  readonly failed: readonly Run<Payload>[];
  /** No worker of the run ever became ready, and none is booting any more. */
  readonly bootFailure: boolean;
  /** Delay of the next boot, in milliseconds; 0 if no item waits for it. */
  readonly bootInMs: number;
}
