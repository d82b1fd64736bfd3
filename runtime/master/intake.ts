/**
 * Decides what happens to an item that `dispatch` has yielded: its key, and whether it is skipped. Runs in the
 * master. Internal.
 */

import { hookThrew, keyIsNone } from '../errors.ts';
import type { Ended, KeySet } from '../journal/key-set.ts';
import type { At } from '../journal/ledger.ts';
import { nameAt } from '../journal/marks.ts';
import { contentKey } from '../key.ts';
import type { AnyTask } from '../task/task.ts';
import { plural } from '../text/words.ts';
import type { Cursor } from './cursor.ts';

/** Options of the intake. */
export interface IntakeOptions {
  readonly task: AnyTask;
  /** What earlier runs have ended; undefined without a journal. */
  readonly keys: KeySet | undefined;
  /** `retry-failed` takes only items that failed in an earlier run; the others take only items that have not ended. */
  readonly mode: 'new' | 'resume' | 'retry-failed';
  /** How many items the run takes. */
  readonly limit: number;
  /** Undefined if the task has none. */
  readonly cursor?: Cursor | undefined;
}

/** An item that the run takes. */
export interface Taken {
  /** Its key; empty if nobody has needed the default key yet. */
  readonly key: string;
  /** The item's position among the items with the same key of the task's own, from 1. */
  readonly occurrence: number;
  /** Where it is, if the task has a cursor. */
  readonly at?: At;
}

const UNNAMED: Taken = { key: '', occurrence: 1 };

/** The items of one run, in the order of their dispatch. */
export class Intake {
  /** Items that failed in an earlier run and that this run does not retry, whether or not it reached them. */
  failedBefore: number;
  /** How many of the skipped items were done, and how many had failed, in an earlier run. */
  skippedDone = 0;
  skippedFailed = 0;
  /** Items that have not ended in any run, and that this run skips because it only retries failed ones. */
  leftBehind = 0;
  /** The same, if the task has a cursor: then what is done is not known of each, only that it had not failed. */
  skippedOthers = 0;
  #taken = 0;
  readonly #options: IntakeOptions;
  /** With a cursor: where the last item was, and how often each key has occurred there. */
  #at: At | undefined;
  readonly #seenThere = new Map<string, number>();

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.failedBefore = (options.keys?.failed ?? 0) + (options.keys?.left ?? 0);
  }

  /** The limit is reached, or all that had failed is met: no more items are wanted. */
  get full(): boolean {
    const { limit, mode, cursor, keys } = this.#options;
    const isMet = cursor !== undefined && mode === 'retry-failed' && this.#taken >= (keys?.failed ?? 0);
    return isMet || this.#taken >= limit;
  }

  /**
   * Returns the item's keys, or undefined if the item is skipped. `number` is the item's number, for error messages.
   * Throws TaskError if the task's `key` or `cursor` throws or does not return what it must.
   */
  take(item: unknown, number: number): Taken | undefined {
    const { cursor } = this.#options;
    const at = cursor?.yielded(this.#placeOf(item), number);
    const taken = at ? this.#takeAt(at, item, number) : this.#takeAnywhere(item, number);
    if (!taken) cursor?.ended(number, 1);
    return taken;
  }

  /** With a cursor, an item is known by its place and its key. */
  #takeAt(at: At, item: unknown, number: number): Taken | undefined {
    const { task, keys, mode } = this.#options;
    const isOwn = task.key !== undefined;
    const key = isOwn ? this.#ownKey(item, number) : contentKey(item);
    if (mode === 'new' && !isOwn) return this.#isTaken(undefined) ? { key, occurrence: 1, at } : undefined;
    if (at !== this.#at) this.#seenThere.clear();
    this.#at = at;
    const nth = (this.#seenThere.get(key) ?? 0) + 1;
    this.#seenThere.set(key, nth);
    const ended = mode === 'new' ? undefined : keys?.endOf(nameAt(at.place, key), nth);
    return this.#isTaken(ended) ? { key, occurrence: isOwn ? nth : 1, at } : undefined;
  }

  #takeAnywhere(item: unknown, number: number): Taken | undefined {
    const { task, keys, mode } = this.#options;
    const isOwn = task.key !== undefined;
    if (!isOwn && !keys) {
      this.#taken += 1;
      return UNNAMED;
    }
    const key = isOwn ? this.#ownKey(item, number) : contentKey(item);
    // A new run has to know what it has had only to tell apart items that share a key of the task's own.
    if (!keys || (mode === 'new' && !isOwn)) {
      this.#taken += 1;
      return { key, occurrence: 1 };
    }
    const { occurrence, ended } = keys.count(key, !isOwn);
    // Equal items without a key of their own are interchangeable: it is only counted how many have ended.
    return this.#isTaken(ended) ? { key, occurrence: isOwn ? occurrence : 1 } : undefined;
  }

  /** Counts the item as taken, or as skipped. */
  #isTaken(ended: Ended | undefined): boolean {
    const isTaken = this.#options.mode === 'retry-failed' ? ended === 'failed' : ended === undefined;
    if (isTaken) {
      this.#taken += 1;
      if (ended === 'failed') this.failedBefore -= 1;
    } else if (ended === 'failed' || ended === 'left') this.skippedFailed += 1;
    else if (ended === 'done') this.skippedDone += 1;
    else if (this.#options.cursor) this.skippedOthers += 1;
    else this.leftBehind += 1;
    return isTaken;
  }

  /** Returns what the user should know of items that this run has not taken. */
  notesOfLeft(isOrdered: boolean): string[] {
    const { failedBefore, leftBehind } = this;
    const notes: string[] = [];
    if (failedBefore > 0) {
      const retry = `retry ${failedBefore === 1 ? 'it' : 'them'} with --retry-failed`;
      notes.push(`${plural(failedBefore, 'item')} had already failed; ${isOrdered ? '--failures lists them' : retry}`);
    }
    if (leftBehind > 0)
      notes.push(
        `${plural(leftBehind, 'item')} ${leftBehind === 1 ? 'is' : 'are'} not processed yet; --resume does the rest`,
      );
    return notes;
  }

  #placeOf(item: unknown): unknown {
    try {
      return this.#options.task.cursor?.(item);
    } catch (error) {
      throw hookThrew('cursor', error);
    }
  }

  #ownKey(item: unknown, number: number): string {
    let key: unknown;
    try {
      key = this.#options.task.key?.(item);
    } catch (error) {
      throw hookThrew('key', error);
    }
    if (typeof key !== 'string' || key === '' || Buffer.byteLength(key) > 512) throw keyIsNone(number, key);
    return key;
  }
}
