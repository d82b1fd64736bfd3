/**
 * Pulls items from a task's generator, one at a time and only as they are wanted. Runs in the master. Internal.
 */

import { dispatchGaveNoItems, noIteratorResult } from '../errors.ts';

const ITEMS_A_TURN = 1000;

/** What comes of it. */
export interface PullEvents {
  /** How many more items are wanted now. */
  wanted(): number;
  item(value: unknown): void;
  /** There are no more; `error` is an array of what was thrown, where something was. */
  ended(error?: [unknown]): void;
}

/** A generator that is being pulled. */
export class Pull {
  /** Since when the generator has been waited for, by performance.now(); undefined while it is not. */
  askedAt: number | undefined;
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  readonly #events: PullEvents;
  #over = false;
  /** Items since the event loop last had a turn: where they come without waiting, signals must get theirs. */
  #sinceTurn = 0;

  /** Throws TaskError where `source` is neither an iterable nor an async one. */
  constructor(source: unknown, events: PullEvents) {
    const iterable = Object(source) as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
    const iterator = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.();
    if (!iterator || typeof source === 'string') {
      // What it may yet reject with is of no interest any more.
      if (source instanceof Promise) source.catch(() => {});
      throw dispatchGaveNoItems(source);
    }
    this.#iterator = iterator;
    this.#events = events;
  }

  /** Asks for as many items as are wanted, one after another. */
  pull(): void {
    while (!this.#over && this.askedAt === undefined && this.#events.wanted() > 0) {
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
   * No more items are wanted. Resolves when the generator has cleaned up after itself: a generator that is waiting for
   * something does not before that comes, perhaps never.
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
    else this.#events.item(step.value);
  }

  #end(error?: [unknown]): void {
    this.#over = true;
    this.#events.ended(error);
  }
}
