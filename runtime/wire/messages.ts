/**
 * Everything that the master and a worker say to each other, in the order of the conversation.
 *
 *   worker                                   master
 *   hello (the token)                 ──>    who is that? (anybody without the token is cut off)
 *   ready, or boot failed             ──>    it may have items
 *                                     <──    items, as long as it has room
 *   done (acks), or outcomes          ──>    each ends the lease of its item
 *   open lines                        ──>    comes before the ack: so much of stdout and stderr had been written then
 *   overdue (and goes on)             ──>    is its time up? What the worker or its reader were held up does not count
 *                                     <──    time left: none, and its signal is aborted; or so much, and it is asked again
 *   leaving (sent TERM, or recycled)  ──>    no more items, then:
 *                                     <──    drain: finish what you have begun, and exit
 *   returned (items it had not begun) ──>    they go to somebody else; at a drain, or when one takes long
 *                                     <──    forget: what came before this, and is not begun, has been taken back (worker/claims.ts)
 *   hook failed (beforeExit)          ──>    it is reported
 *   uncaught (and exits)              ──>    why, should its items fail for it
 *                                     <──    abort: a forceful stop
 *
 * frames.ts has the bytes. Runs in both processes.
 */

import type { ItemError } from '../parallelizable.ts';
import { type Body, decodeValue } from './codec.ts';

/** What the master says. */
export type ToWorker =
  | Items<CarriedItem>
  | { readonly kind: 'drain' | 'forget' }
  /** Of an item that is overdue: 0 where its time is up. */
  | { readonly kind: 'time left'; readonly number: number; readonly ms: number }
  | { readonly kind: 'abort'; readonly reason: string };

/** The same as a worker hears it. */
export type FromMaster = Items<ReceivedItem> | Exclude<ToWorker, Items<CarriedItem>>;

/** Items on their way to a worker. */
export interface Items<Item> {
  readonly kind: 'items';
  /** What is said of their ends may be gathered. */
  readonly batchAcks: boolean;
  readonly items: readonly Item[];
}

/** What a worker says. */
export type ToMaster =
  | { readonly kind: 'hello'; readonly token: Buffer }
  | { readonly kind: 'ready' }
  | { readonly kind: 'boot failed'; readonly error: ItemError }
  /** Items that were processed, and whose results nobody wants: the number of each, and how long it took in milliseconds. */
  | { readonly kind: 'done'; readonly pairs: readonly number[] }
  | { readonly kind: 'outcomes'; readonly outcomes: readonly CarriedOutcome[] }
  /** Of stdout and stderr, in bytes: an item has ended in the middle of a line. */
  | { readonly kind: 'open lines'; readonly numbers: readonly number[] }
  | { readonly kind: 'overdue'; readonly number: number }
  | { readonly kind: 'leaving' }
  | { readonly kind: 'nack'; readonly numbers: readonly number[] }
  | { readonly kind: 'hook failed'; readonly hook: string; readonly error: ItemError }
  /** What nobody caught ends the process. */
  | { readonly kind: 'uncaught'; readonly error: ItemError };

/** An item on its way to a worker. */
export interface CarriedItem {
  readonly number: number;
  /** Which start of it this is, from 1. */
  readonly attempt: number;
  /** Its key; empty where the worker may make the default one itself, when it is asked for. */
  readonly key: string;
  /** The item itself, as codec.ts encodes it. */
  readonly body: Body;
}

/** An item that has come to a worker. */
export class ReceivedItem {
  readonly number: number;
  readonly attempt: number;
  readonly key: string;
  readonly batchAcks: boolean;
  /** Its bytes; or the text of its frame, in which it has a place. */
  readonly #source: Body;
  readonly #index: number;
  /** What has been read of it already. */
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

  /** The item: a fresh one each time. */
  value(): unknown {
    if (typeof this.#source !== 'string') return decodeValue(this.#source);
    const read = this.#read;
    this.#read = undefined; // which no plain item is
    return read === undefined ? (JSON.parse(this.#source) as unknown[])[this.#index] : read;
  }
}

/** An outcome on its way to the master. */
export interface CarriedOutcome {
  readonly number: number;
  readonly durationMs: number;
  /** `done`: body is the encoded result. `threw`: an ItemError, as JSON. */
  readonly how: 'done' | 'threw' | 'threw for good';
  readonly body: Buffer;
}

/** Returns what an outcome's body says of an error. */
export function errorIn(body: Buffer): ItemError {
  return JSON.parse(body.toString()) as ItemError;
}
