/**
 * What is done with the outcome of an item before it counts: first the hooks afterProcess and afterFailure, one after another
 * in the order in which the items ended, then its line in the journal. Runs in the master. Internal.
 */

import { type Body, decodeValue, useAgain } from './codec.ts';
import type { Delivery, Item } from './delivery.ts';
import { type DivvyError, hookThrew } from './errors.ts';
import type { Taken } from './intake.ts';
import type { Journal } from './journal/journal.ts';
import { contentKey } from './key.ts';
import type { ItemError, Outcome } from './parallelizable.ts';
import type { RunEvent } from './report.ts';
import type { AnyTask } from './task.ts';

/** What the master keeps of an item while it is in flight. */
export interface Load extends Taken {
  /** The item, encoded. */
  readonly body: Body;
  /** How long the last attempt took in its worker, in milliseconds. */
  durationMs: number;
}

/** What settling needs of the master. */
export interface SettlingOptions {
  readonly task: AnyTask;
  readonly delivery: Delivery<Load>;
  readonly journal: Journal | undefined;
  /** Whether `observe` is told of each item that is done. */
  readonly itemEvents: boolean;
  readonly observe: (event: RunEvent) => void;
  /** A hook threw, or the journal cannot be written: the run is to be stopped. */
  readonly fail: (fault: DivvyError) => void;
  readonly wake: () => void;
}

/** An outcome that is on its way to count. */
interface Ended {
  readonly item: Item<Load>;
  readonly outcome: Outcome;
  /** Undefined where the item was processed. */
  readonly error: ItemError | undefined;
}

/** The outcomes of one run. */
export class Settling {
  /** Resolves when the hooks of every outcome up to now have run. */
  hooksEnded: Promise<void> = Promise.resolve();
  readonly #options: SettlingOptions;
  /** Outcomes that wait for their hooks, and for their lines to be written. */
  readonly #inHooks = new Set<Ended>();
  #unwritten: Ended[] = [];

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  /** An item was processed; `result` is what its worker sent, where the task wants it. */
  done(item: Item<Load>, result?: Buffer): void {
    const { task, journal, itemEvents, delivery } = this.#options;
    if (!task.afterProcess && !journal && !itemEvents) {
      delivery.settled(item, 'done');
      useAgain(item.load.body);
      return;
    }
    const outcome = outcomeOf(item);
    const ended = { item, outcome, error: undefined };
    if (!task.afterProcess) this.#record(ended);
    else
      this.#after(ended, 'afterProcess', () =>
        task.afterProcess?.(decodeValue(item.load.body), result && decodeValue(result), outcome),
      );
  }

  /** An item is given up. */
  failed(item: Item<Load>, error: ItemError): void {
    const { task } = this.#options;
    const outcome = outcomeOf(item);
    const ended = { item, outcome, error };
    if (!task.afterFailure) this.#record(ended);
    else this.#after(ended, 'afterFailure', () => task.afterFailure?.(decodeValue(item.load.body), error, outcome));
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
    if (!itemEvents && !error && !task.afterProcess) useAgain(item.load.body);
  }

  #record(ended: Ended): void {
    const { journal } = this.#options;
    const { item, outcome, error } = ended;
    if (!journal) {
      this.#count(ended);
      return;
    }
    const { journalKey, occurrence } = item.load;
    if (error) journal.failed(journalKey, occurrence, outcome, error);
    else journal.done(journalKey, occurrence, outcome);
    this.#unwritten.push(ended);
  }

  #after(ended: Ended, hook: string, call: () => unknown): void {
    const { fail, wake } = this.#options;
    this.#inHooks.add(ended);
    this.hooksEnded = this.hooksEnded.then(async () => {
      const isLeft = (): boolean => !this.#inHooks.has(ended);
      try {
        await call();
        if (!isLeft()) this.#record(ended);
      } catch (error) {
        if (!isLeft()) {
          fail(hookThrew(hook, error));
          this.#lose(ended);
        }
      }
      this.#inHooks.delete(ended);
      wake();
    });
  }
}

/** What the hooks and events of the master are told of an item. */
export function outcomeOf({ number, starts, crashes, worker, load }: Item<Load>): Outcome {
  const { key, durationMs } = load;
  if (key !== '') return { number, key, attempts: starts, crashes, worker, durationMs };
  return {
    number,
    // Without a journal the default key is only made where somebody asks for it.
    get key() {
      return contentKey(decodeValue(load.body));
    },
    attempts: starts,
    crashes,
    worker,
    durationMs,
  };
}
