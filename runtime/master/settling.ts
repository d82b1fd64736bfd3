/**
 * Handles the outcome of an item before it counts. First the worker's output must be out (barrier.ts). Then the hooks
 * afterProcess and afterFailure run, one after another, in the order in which the items ended. Then the journal line is
 * written. Runs in the master. Internal.
 */

import { type DivvyError, hookThrew } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import type { Journal } from '../journal/journal.ts';
import { contentKey } from '../key.ts';
import type { ItemError, Outcome } from '../parallelizable.ts';
import type { AnyTask } from '../task/task.ts';
import { type Body, decodeValue, useAgain } from '../wire/codec.ts';
import { Barrier, type Outlet } from './barrier.ts';
import type { Delivery } from './delivery.ts';
import type { Taken } from './intake.ts';
import type { Item } from './item.ts';

/** What the master keeps of an item in flight. */
export interface Payload extends Taken {
  /** The item, encoded. */
  readonly body: Body;
  /** How long the last attempt took in its worker, in milliseconds. */
  durationMs: number;
}

/** What settling needs from the master. */
export interface SettlingOptions {
  readonly task: AnyTask;
  readonly delivery: Delivery<Payload>;
  readonly journal: Journal | undefined;
  /** Whether `observe` hears of each item that is done. */
  readonly itemEvents: boolean;
  readonly observe: (event: RunEvent) => void;
  /** A hook threw, or the journal can't be written: stop the run. */
  readonly fail: (fault: DivvyError) => void;
  readonly wake: () => void;
  /** Nobody reads stdout any more. */
  readonly isReaderGone: () => boolean;
}

/** An outcome that does not count yet. */
interface Ended {
  readonly item: Item<Payload>;
  readonly outcome: Outcome;
  /** Undefined if the item is done. */
  readonly error: ItemError | undefined;
}

/** An outcome that waits for output and has more data than "the item is done". */
class Held {
  readonly item: Item<Payload>;
  /** The worker's result, if the task wants it. */
  readonly result: Buffer | undefined;
  readonly error: ItemError | undefined;

  constructor(item: Item<Payload>, result: Buffer | undefined, error: ItemError | undefined) {
    this.item = item;
    this.result = result;
    this.error = error;
  }
}

/** The outcomes of one run. */
export class Settling {
  /** How many items have ended this way, whether or not they count yet. */
  readonly ended = { done: 0, failed: 0 };
  /** Resolves when the hooks of all outcomes so far have run. */
  hooksEnded: Promise<void> = Promise.resolve();
  readonly #options: SettlingOptions;
  readonly #barrier = new Barrier<Held | Item<Payload>>();
  /** Outcomes that wait for their hooks. */
  readonly #inHooks = new Set<Ended>();
  #unwritten: Ended[] = [];

  /** A done item needs no journal line, no event and no hook. */
  readonly #isPlain: boolean;

  constructor(options: SettlingOptions) {
    this.#options = options;
    this.#isPlain = !options.task.afterProcess && !options.journal && !options.itemEvents;
  }

  /** Items are done; nobody wants their results. */
  done(items: readonly Item<Payload>[], outlet: Outlet): void {
    this.ended.done += items.length;
    this.#hold(items, outlet);
  }

  /** An item is done; `result` is what its worker sent. */
  doneWith(result: Buffer, item: Item<Payload>, outlet: Outlet): void {
    this.ended.done += 1;
    this.#hold([new Held(item, result, undefined)], outlet);
  }

  /** An item has failed for good. `outlet` is undefined if no worker had it. */
  failed(item: Item<Payload>, error: ItemError, outlet?: Outlet): void {
    this.ended.failed += 1;
    this.#hold([new Held(item, undefined, error)], outlet);
  }

  #hold(held: readonly (Held | Item<Payload>)[], outlet: Outlet | undefined): void {
    if (outlet && !(outlet.isClear && this.#barrier.isEmpty)) this.#barrier.hold(outlet, held);
    else this.#goOn(held, false);
  }

  /**
   * Called at the end of each turn of the event loop; outcomes that waited for output go on. Returns whether the next
   * turn may have more.
   */
  turn(): boolean {
    return !this.#barrier.isEmpty && this.#barrier.turn(this.#goOn);
  }

  readonly #goOn = (all: readonly (Held | Item<Payload>)[], isLost: boolean): void => {
    const { delivery } = this.#options;
    for (const held of all) {
      const isHeld = held instanceof Held;
      const item = isHeld ? held.item : held;
      if (isLost && isHeld && held.error) this.#lose({ item, outcome: outcomeOf(item), error: held.error });
      else if (isLost) delivery.settled(item, 'unfinished');
      else if (isHeld) this.#settle(item, held.result, held.error);
      else if (!this.#isPlain) this.#settle(item, undefined, undefined);
      else {
        delivery.settled(item, 'done');
        useAgain(item.payload.body);
      }
    }
  };

  #settle(item: Item<Payload>, result: Buffer | undefined, error: ItemError | undefined): void {
    const { task } = this.#options;
    const outcome = outcomeOf(item);
    const ended = { item, outcome, error };
    const hook = error ? 'afterFailure' : 'afterProcess';
    if (!task[hook]) this.#record(ended);
    else
      this.#after(ended, hook, () => {
        const value = decodeValue(item.payload.body);
        return error
          ? task.afterFailure?.(value, error, outcome)
          : task.afterProcess?.(value, result && decodeValue(result), outcome);
      });
  }

  /** Writes the ended items to the journal; from then on they count. */
  write(): void {
    const { journal, fail } = this.#options;
    let written = true;
    try {
      journal?.write();
    } catch (error) {
      written = false;
      fail(error as DivvyError);
    }
    for (const ended of this.#unwritten.splice(0)) {
      if (written) this.#count(ended);
      else this.#lose(ended);
    }
  }

  /** Abandons outcomes that are still in a hook: it is too late for them to count. */
  abandon(): void {
    for (const { outcome, error } of this.#inHooks) this.#options.observe({ type: 'item unfinished', outcome, error });
    this.#inHooks.clear();
  }

  /** The outcome can't be recorded, so it does not count. */
  #lose({ item, outcome, error }: Ended): void {
    this.#options.delivery.settled(item, 'unfinished');
    this.#options.observe({ type: 'item unfinished', outcome, error });
  }

  #count({ item, outcome, error }: Ended): void {
    const { task, delivery, itemEvents, observe } = this.#options;
    delivery.settled(item, error ? 'failed' : 'done');
    if (error) observe({ type: 'item failed', outcome, error });
    else if (itemEvents) observe({ type: 'item done', outcome });
    // Reuse the buffer: the worker has read it, and no hook or observer has seen it.
    if (!itemEvents && !error && !task.afterProcess) useAgain(item.payload.body);
  }

  #record(ended: Ended): void {
    const { journal } = this.#options;
    const { item, outcome, error } = ended;
    if (!journal) {
      this.#count(ended);
      return;
    }
    const { journalKey, occurrence } = item.payload;
    if (error) journal.failed(journalKey, occurrence, outcome, error);
    else journal.done(journalKey, occurrence, outcome);
    this.#unwritten.push(ended);
  }

  #after(ended: Ended, hook: string, call: () => unknown): void {
    const { fail, wake, isReaderGone } = this.#options;
    this.#inHooks.add(ended);
    this.hooksEnded = this.hooksEnded.then(async () => {
      const isLeft = (): boolean => !this.#inHooks.has(ended);
      try {
        await call();
        if (!isLeft()) this.#record(ended);
      } catch (error) {
        // A hook that awaits its own print is the first to learn that the reader is gone. That is not its fault;
        // whoever watches stdout reports it.
        const { code } = Object(error) as { code?: unknown };
        const isWrite = code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED';
        if (isWrite) await new Promise((resolve) => setImmediate(resolve));
        if (!isLeft()) {
          if (!(isWrite && isReaderGone())) fail(hookThrew(hook, error));
          this.#lose(ended);
        }
      }
      this.#inHooks.delete(ended);
      wake();
    });
  }
}

/** Returns what the master's hooks and events get about an item. */
export function outcomeOf({ number, starts, crashes, worker, payload }: Item<Payload>): Outcome {
  const { key, durationMs } = payload;
  if (key !== '') return { number, key, attempts: starts, crashes, worker, durationMs };
  return {
    number,
    // Without a journal, make the default key only on demand.
    get key() {
      return contentKey(decodeValue(payload.body));
    },
    attempts: starts,
    crashes,
    worker,
    durationMs,
  };
}
