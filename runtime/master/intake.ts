/**
 * Decides what happens to an item that `dispatch` has yielded: its key, and whether it is skipped. Runs in the
 * master. Internal.
 */

import { hookThrew, keyIsNone } from '../errors.ts';
import type { KeySet } from '../journal/key-set.ts';
import { contentKey } from '../key.ts';
import type { AnyTask } from '../task/task.ts';

/** Options of the intake. */
export interface IntakeOptions {
  readonly task: AnyTask;
  /** What earlier runs have ended; undefined without a journal. */
  readonly keys: KeySet | undefined;
  /** `retry-failed` takes only items that failed in an earlier run; the others take only items that have not ended. */
  readonly mode: 'new' | 'resume' | 'retry-failed';
  /** How many items the run takes. */
  readonly limit: number;
}

/** An item that the run takes. */
export interface Taken {
  /** Its key; empty if nobody has needed the default key yet. */
  readonly key: string;
  /** The item's position among the items with the same key of the task's own, from 1. */
  readonly occurrence: number;
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
  #taken = 0;
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.failedBefore = (options.keys?.failed ?? 0) + (options.keys?.left ?? 0);
  }

  /** The limit is reached: no more items are wanted. */
  get full(): boolean {
    return this.#taken >= this.#options.limit;
  }

  /**
   * Returns the item's keys, or undefined if the item is skipped. `number` is the item's number, for error messages.
   * Throws TaskError if the task's `key` throws or does not return a valid key.
   */
  take(item: unknown, number: number): Taken | undefined {
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
    const isTaken = mode === 'retry-failed' ? ended === 'failed' : ended === undefined;
    if (!isTaken) {
      if (ended === 'failed' || ended === 'left') this.skippedFailed += 1;
      else if (ended === 'done') this.skippedDone += 1;
      else this.leftBehind += 1;
      return undefined;
    }
    this.#taken += 1;
    if (ended === 'failed') this.failedBefore -= 1;
    // Equal items without a key of their own are interchangeable: it is only counted how many have ended.
    return { key, occurrence: isOwn ? occurrence : 1 };
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
