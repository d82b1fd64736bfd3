/** Pulls items from a task's generator, one at a time and only when they are wanted. Runs in the master. Internal. */

import { dispatchGaveNoItems, noIteratorResult } from '../errors.ts';

const ITEMS_A_TURN = 1000;

/** What a Pull asks for and reports. */
export interface PullEvents {
  /** How many more items are wanted now. */
  wanted(): number;
  /** Returns whether the item is small; if not, the next pull asks again how many are wanted. */
  item(value: unknown): boolean;
  /** There are no more items. If something was thrown, `error` is an array with it. */
  ended(error?: [unknown]): void;
}

/** A generator that is being pulled. */
export class Pull {
  /** Since when the pull waits for the generator, by performance.now(); undefined if it does not wait. */
  askedAt: number | undefined;
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  readonly #events: PullEvents;
  #over = false;
  /** How many of the items that were wanted are still to be pulled. */
  #left = 0;
  /** Items since the last turn of the event loop. If items come without waiting, signals must still get their turn. */
  #sinceTurn = 0;

  /** Throws TaskError if `source` is neither an iterable nor an async one. */
  constructor(source: unknown, events: PullEvents) {
    const iterable = Object(source) as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
    const iterator = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.();
    if (!iterator || typeof source === 'string') {
      // If the promise rejects later, nobody cares.
      if (source instanceof Promise) source.catch(() => {});
      throw dispatchGaveNoItems(source);
    }
    this.#iterator = iterator;
    this.#events = events;
  }

  /** Asks for as many items as are wanted, one after another. */
  pull(): void {
    this.#left = 0;
    while (!this.#over && this.askedAt === undefined) {
      if (this.#left <= 0) this.#left = this.#events.wanted();
      if (this.#left <= 0) return;
      if (this.#sinceTurn >= ITEMS_A_TURN) {
        this.#giveTurn();
        return;
      }
      let step: IteratorResult<unknown> | PromiseLike<IteratorResult<unknown>>;
      try {
        step = this.#iterator.next();
      } catch (error) {
        this.#end([error]);
        return;
      }
      if (Object(step) === step && 'then' in step) {
        this.askedAt = performance.now();
        step.then(this.#answered, this.#threw);
      } else this.#take(step as IteratorResult<unknown>);
    }
  }

  /**
   * No more items are wanted. Resolves when the generator has cleaned up. If the generator is waiting for something, it
   * only cleans up after that, which may be never.
   */
  async stop(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#iterator.return?.();
  }

  #giveTurn(): void {
    if (this.#sinceTurn === Infinity) return;
    this.#sinceTurn = Infinity;
    setImmediate(() => {
      this.#sinceTurn = 0;
      this.pull();
    });
  }

  readonly #answered = (step: IteratorResult<unknown>): void => {
    this.askedAt = undefined;
    if (this.#over) return;
    this.#take(step);
    this.pull();
  };

  readonly #threw = (error: unknown): void => {
    this.askedAt = undefined;
    if (!this.#over) this.#end([error]);
  };

  #take(step: IteratorResult<unknown>): void {
    this.#sinceTurn += 1;
    if (Object(step) !== step) this.#end([noIteratorResult(step)]);
    else if (step.done) this.#end();
    else this.#left = this.#events.item(step.value) ? this.#left - 1 : 0;
  }

  #end(error?: [unknown]): void {
    this.#over = true;
    this.#events.ended(error);
  }
}
