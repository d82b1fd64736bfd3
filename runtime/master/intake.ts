/**
 * What becomes of an item when `dispatch` has yielded it: its key, and whether it is taken. Runs in the master. Internal.
 */

import { hookThrew, keyIsNone } from '../errors.ts';
import type { KeySet } from '../journal/key-set.ts';
import { contentKey } from '../key.ts';
import type { AnyTask } from '../task/task.ts';

/** What an intake goes by. */
export interface IntakeOptions {
  readonly task: AnyTask;
  /** What earlier runs have ended; undefined where there is no journal. */
  readonly keys: KeySet | undefined;
  /** `retry-failed` takes only what an earlier run has failed, the others only what none has ended. */
  readonly mode: 'new' | 'resume' | 'retry-failed';
  /** How many items are taken. */
  readonly limit: number;
}

/** An item that is taken. */
export interface Taken {
  /** What `process` and the hooks are told; empty where the worker may make the default one itself. */
  readonly key: string;
  /** What the journal records: the key, and which of the items of that key this is, from 1. */
  readonly journalKey: string;
  readonly occurrence: number;
}

/** Nobody asks for its name, but perhaps the worker. */
const UNNAMED: Taken = { key: '', journalKey: '', occurrence: 1 };

/** The items of one run, in the order of their dispatch. */
export class Intake {
  /** Items that an earlier run has failed, and this one leaves so, whether or not it came to them. */
  failedBefore: number;
  /** Of the items that were skipped: what an earlier run had done, and what it had failed. */
  skippedDone = 0;
  skippedFailed = 0;
  /** Items that no run has ended, nor will this one: it takes what has failed. */
  leftBehind = 0;
  #taken = 0;
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.failedBefore = options.keys?.failed ?? 0;
  }

  /** So many have been taken that no more are wanted. */
  get full(): boolean {
    return this.#taken >= this.#options.limit;
  }

  /**
   * Returns how the item is named, or undefined where it is skipped. `number` is its number, for an error.
   * Throws TaskError where the task's `key` throws, or gives none.
   */
  take(item: unknown, number: number): Taken | undefined {
    const { task, keys, mode } = this.#options;
    const own = task.key === undefined ? undefined : this.#ownKey(item, number);
    if (!keys) {
      this.#taken += 1;
      return own === undefined ? UNNAMED : { key: own, journalKey: own, occurrence: 1 };
    }
    const journalKey = own ?? contentKey(item);
    const { occurrence, ended } = keys.count(journalKey, own === undefined);
    const isTaken = mode === 'retry-failed' ? ended === 'failed' : ended === undefined;
    if (!isTaken) {
      if (ended === 'failed') this.skippedFailed += 1;
      else if (ended === 'done') this.skippedDone += 1;
      else this.leftBehind += 1;
      return undefined;
    }
    this.#taken += 1;
    if (ended === 'failed') this.failedBefore -= 1;
    // The task's own key is the name that it chose; equal items without one are told apart by their occurrence.
    return { key: own ?? (occurrence > 1 ? `${journalKey}.${occurrence}` : journalKey), journalKey, occurrence };
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
