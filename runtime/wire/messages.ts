/**
 * All messages between the master and a worker, in the order of the conversation.
 *
 *   worker                                   master
 *   hello (the token)                 ──>    who is that? (a peer without the token is cut off)
 *   ready, or boot failed             ──>    it may get items
 *                                     <──    items, as long as it has room
 *   open lines                        ──>    comes before an ack: how much of stdout and stderr was written by then
 *   outcomes (acks)                   ──>    each ends the leases of its items
 *   overdue (an item; it goes on)     ──>    is its time up? Delays of the worker or its reader do not count
 *                                     <──    time left: if none, its signal is aborted; else it asks again later
 *                                     <──    cancel: a person has cancelled an item; its signal is aborted
 *   leaving (sent TERM, or recycled)  ──>    no more items, then:
 *                                     <──    drain: finish the items in progress, and exit
 *   nack (items it has not started)   ──>    they go to another worker; at a drain, or when an item takes long
 *                                     <──    forget: drop the items that were taken back (worker/claims.ts)
 *   hook failed (beforeExit)          ──>    it is reported
 *   uncaught (and exits)              ──>    the reason, in case its items fail because of it
 *                                     <──    abort: a forceful stop
 *
 * frames.ts defines the bytes. Runs in both processes.
 */

import type { Thrown } from '../item-error.ts';
import type { ItemError, Place } from '../parallelizable.ts';
import { type Body, decodeValue } from './codec.ts';

/** How many acks a worker may hold back, if the master allows it to batch them. */
export const ACKS_GATHERED = 256;

/** Messages from the master. */
export type ToWorker =
  | {
      readonly kind: 'items' /** Acks may be batched. */;
      readonly batchAcks: boolean;
      readonly runs: readonly CarriedRun[];
    }
  | { readonly kind: 'drain' | 'forget' }
  /** Answer about an overdue item: `ms` is 0 if its time is up. */
  | { readonly kind: 'time left'; readonly number: number; readonly ms: number }
  | { readonly kind: 'cancel'; readonly number: number }
  | { readonly kind: 'abort'; readonly reason: string };

/** Messages from the master, as a worker receives them. */
export type FromMaster =
  | { readonly kind: 'items'; readonly items: readonly ReceivedItem[] }
  | Exclude<ToWorker, { readonly kind: 'items' }>;

/** Messages from a worker. */
export type ToMaster =
  | { readonly kind: 'hello'; readonly token: Buffer }
  | { readonly kind: 'ready' }
  | { readonly kind: 'boot failed'; readonly error: ItemError }
  | { readonly kind: 'outcomes'; readonly outcomes: readonly CarriedOutcome[] }
  /** Bytes written to stdout and stderr: an item has ended in the middle of a line. */
  | { readonly kind: 'open lines'; readonly numbers: readonly number[] }
  | { readonly kind: 'overdue'; readonly number: number }
  | { readonly kind: 'leaving' }
  | { readonly kind: 'nack'; readonly numbers: readonly number[] }
  | { readonly kind: 'hook failed'; readonly hook: string; readonly error: ItemError }
  /** An uncaught error, which ends the process. */
  | { readonly kind: 'uncaught'; readonly error: ItemError };

/** Consecutive items on their way to a worker. */
export interface CarriedRun {
  /** The number of the first one. */
  readonly number: number;
  /** Which start of each item this is, from 1. */
  readonly attempt: number;
  /** Whether the keys go with them: if not, the worker makes the default key itself, on demand. */
  readonly hasKeys: boolean;
  /** For each item its key, and the item, encoded by codec.ts; the rest does not go to a worker. */
  readonly payloads: readonly {
    readonly key: string;
    readonly body: Body;
    readonly occurrence?: number;
    readonly at?: { readonly place: Place };
  }[];
}

/** An item that has arrived at a worker. */
export class ReceivedItem {
  readonly number: number;
  readonly attempt: number;
  readonly key: string;
  readonly batchAcks: boolean;
  /** Its bytes, or the text of its whole frame, in which it is at #index. */
  readonly #source: Body;
  readonly #index: number;
  /** The decoded value, if it has not been used yet. */
  #read: unknown;

  constructor(
    number: number,
    attempt: number,
    key: string,
    batchAcks: boolean,
    source: Body,
    index = 0,
    read?: unknown,
  ) {
    this.number = number;
    this.attempt = attempt;
    this.key = key;
    this.batchAcks = batchAcks;
    this.#source = source;
    this.#index = index;
    this.#read = read;
  }

  /** Returns the item: a new value each time. */
  value(): unknown {
    if (typeof this.#source !== 'string') return decodeValue(this.#source);
    const read = this.#read;
    this.#read = undefined; // undefined marks it as used; no plain item is undefined
    return read === undefined ? (JSON.parse(this.#source) as unknown[])[this.#index] : read;
  }
}

/** An outcome on its way to the master: of an item, or of consecutive short ones that are done. */
export interface CarriedOutcome {
  /** The number of the first item, and how many there are. */
  readonly number: number;
  readonly count: number;
  /** How long each took, in milliseconds: the average. */
  readonly durationMs: number;
  /** `done`: the body is the encoded result, empty if nobody wants it. All others: an ItemError as JSON. */
  readonly how: 'done' | Thrown;
  readonly body: Buffer;
  /** Set if the items ended elsewhere: on which host, and what became of them there (engine/). */
  readonly by?: { readonly worker: number; readonly attempts: number; readonly crashes: number };
}

/** Returns the error in an outcome's body. */
export function errorIn(body: Buffer): ItemError {
  return JSON.parse(body.toString()) as ItemError;
}
