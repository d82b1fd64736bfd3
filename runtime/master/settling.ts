/**
 * What is done with the outcome of an item before it counts: first what its worker had written is out (barrier.ts), then the hooks
 * afterProcess and afterFailure run, one after another in the order in which the items ended, then its line in the journal is
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

/** What the master keeps of an item while it is in flight. */
export interface Payload extends Taken {
  /** The item, encoded. */
  readonly body: Body;
  /** How long the last attempt took in its worker, in milliseconds. */
  durationMs: number;
}

/** What settling needs of the master. */
export interface SettlingOptions {
  readonly task: AnyTask;
  readonly delivery: Delivery<Payload>;
  readonly journal: Journal | undefined;
  /** Whether `observe` is told of each item that is done. */
  readonly itemEvents: boolean;
  readonly observe: (event: RunEvent) => void;
  /** A hook threw, or the journal cannot be written: the run is to be stopped. */
  readonly fail: (fault: DivvyError) => void;
  readonly wake: () => void;
  /** Nobody reads stdout any more. */
  readonly isReaderGone: () => boolean;
}

/** An outcome that is on its way to count. */
interface Ended {
  readonly item: Item<Payload>;
  readonly outcome: Outcome;
  /** Undefined where the item was processed. */
  readonly error: ItemError | undefined;
}

/** An outcome that waits for output, where there is more to it than that the item is done. */
class Held {
  readonly item: Item<Payload>;
  /** What its worker sent, where the task wants it. */
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
  /** How many items have ended so, whether or not that counts yet. */
  readonly ended = { done: 0, failed: 0 };
  /** Resolves when the hooks of every outcome up to now have run. */
  hooksEnded: Promise<void> = Promise.resolve();
  readonly #options: SettlingOptions;
  readonly #barrier = new Barrier<Held | Item<Payload>>();
  /** Outcomes that wait for their hooks, and for their lines to be written. */
  readonly #inHooks = new Set<Ended>();
  #unwritten: Ended[] = [];

  /** Of an item that is done nothing has to be recorded, nobody is told, and no hook is called. */
  readonly #isPlain: boolean;

  constructor(options: SettlingOptions) {
    this.#options = options;
    this.#isPlain = !options.task.afterProcess && !options.journal && !options.itemEvents;
  }

  /** Items were processed, whose results nobody wants. */
  done(items: readonly Item<Payload>[], outlet: Outlet): void {
    this.ended.done += items.length;
    this.#hold(items, outlet);
  }

  /** An item was processed; `result` is what its worker sent. */
  doneWith(result: Buffer, item: Item<Payload>, outlet: Outlet): void {
    this.ended.done += 1;
    this.#hold([new Held(item, result, undefined)], outlet);
  }

  /** An item is given up. `outlet` is undefined where no worker had it. */
  failed(item: Item<Payload>, error: ItemError, outlet?: Outlet): void {
    this.ended.failed += 1;
    this.#hold([new Held(item, undefined, error)], outlet);
  }

  #hold(held: readonly (Held | Item<Payload>)[], outlet: Outlet | undefined): void {
    if (outlet && !(outlet.isClear && this.#barrier.isEmpty)) this.#barrier.hold(outlet, held);
    else this.#goOn(held, false);
  }

  /** Called at the end of each turn of the event loop: what waited for output goes on. Returns whether the next may have more. */
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

  /** Writes what has ended to the journal; from then on it counts. */
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

  /** What is left in a hook is left behind: it is too late for it to count. */
  abandon(): void {
    for (const { outcome, error } of this.#inHooks) this.#options.observe({ type: 'item unfinished', outcome, error });
    this.#inHooks.clear();
  }

  /** It cannot be recorded, and so does not count. */
  #lose({ item, outcome, error }: Ended): void {
    this.#options.delivery.settled(item, 'unfinished');
    this.#options.observe({ type: 'item unfinished', outcome, error });
  }

  #count({ item, outcome, error }: Ended): void {
    const { task, delivery, itemEvents, observe } = this.#options;
    delivery.settled(item, error ? 'failed' : 'done');
    if (error) observe({ type: 'item failed', outcome, error });
    else if (itemEvents) observe({ type: 'item done', outcome });
    // What a worker has read, and no hook or observer was shown, nobody has any more.
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
        // A hook that waits for what it prints learns first that nobody reads it: not its fault, and said by whoever watches stdout.
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

/** What the hooks and events of the master are told of an item. */
export function outcomeOf({ number, starts, crashes, worker, payload }: Item<Payload>): Outcome {
  const { key, durationMs } = payload;
  if (key !== '') return { number, key, attempts: starts, crashes, worker, durationMs };
  return {
    number,
    // Without a journal the default key is only made where somebody asks for it.
    get key() {
      return contentKey(decodeValue(payload.body));
    },
    attempts: starts,
    crashes,
    worker,
    durationMs,
  };
}
