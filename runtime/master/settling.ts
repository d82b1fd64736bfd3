/**
 * Handles the outcome of an item before it counts. First the worker's output must be out (barrier.ts). Then the hooks
 * afterProcess and afterFailure run, one after another, in the order in which the items ended. Then, with --results, the
 * result is written, and then the journal line. Runs in the master. Internal.
 */

import { type DivvyError, hookThrew } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import type { Ledger } from '../journal/ledger.ts';
import type { ItemError } from '../parallelizable.ts';
import type { AnyTask } from '../task/task.ts';
import { decodeValue, useAgain } from '../wire/codec.ts';
import { resultValue } from '../wire/result.ts';
import { Barrier, type Outlet } from './barrier.ts';
import type { Cursor } from './cursor.ts';
import type { Delivery } from './delivery.ts';
import { type Ended, outcomeOf, outcomesOf, type Payload } from './ended.ts';
import type { EngineRole } from './engine-role.ts';
import type { Metrics } from './metrics.ts';
import type { Results } from './results.ts';
import type { Run } from './run.ts';

/** What settling needs from the master. */
export interface SettlingOptions {
  readonly task: AnyTask;
  readonly delivery: Delivery<Payload>;
  readonly journal: Ledger | undefined;
  /** Undefined if the task has none. */
  readonly cursor: Cursor | undefined;
  /** Undefined without --results. */
  readonly results: Results | undefined;
  /** Undefined without --metrics-file. */
  readonly metrics: Metrics | undefined;
  /** Undefined on a single machine. */
  readonly role: EngineRole | undefined;
  /** Whether `observe` hears of each item that is done. */
  readonly itemEvents: boolean;
  readonly observe: (event: RunEvent) => void;
  /** A hook threw, or the journal can't be written: stop the run. */
  readonly fail: (fault: DivvyError) => void;
  readonly wake: () => void;
  /** Nobody reads stdout any more. */
  readonly isReaderGone: () => boolean;
}

/** How often to record the mark at most, in milliseconds. */
const MARK_EVERY_MS = 100;
const NO_RESULT: Buffer = Buffer.alloc(0);

/** The outcomes of one run. */
export class Settling {
  /** How many items have ended this way, whether or not they count yet. */
  readonly ended = { done: 0, failed: 0 };
  /** Resolves when the hooks of all outcomes so far have run. */
  hooksEnded: Promise<void> = Promise.resolve();
  readonly #options: SettlingOptions;
  readonly #barrier = new Barrier<Ended>();
  /** Outcomes that wait for their hooks. */
  readonly #inHooks = new Set<Ended>();
  #unwritten: Ended[] = [];
  /** When the last mark was recorded. */
  #markedAt = -Infinity;
  #markTimer: NodeJS.Timeout | undefined;
  /** The journal says that its marks are void. */
  #isVoid = false;

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  /** An item has failed for good. `outlet` is undefined if no worker had it. */
  failed(run: Run<Payload>, error: ItemError, outlet?: Outlet): void {
    this.settle([{ run, result: NO_RESULT, error }], outlet);
  }

  /** Items have ended for good, all of them in one worker, if in any. */
  settle(all: readonly Ended[], outlet: Outlet | undefined): void {
    for (const { run, error } of all) this.ended[error ? 'failed' : 'done'] += run.count;
    if (outlet && !(outlet.isClear && this.#barrier.isEmpty)) this.#barrier.hold(outlet, all);
    else this.#goOn(all, false);
  }

  /**
   * Called at the end of each turn of the event loop; outcomes that waited for output go on. Returns whether the next
   * turn may have more.
   */
  turn(): boolean {
    return !this.#barrier.isEmpty && this.#barrier.turn(this.#goOn);
  }

  readonly #goOn = (all: readonly Ended[], isLost: boolean): void => {
    for (const ended of all) {
      if (!isLost) this.#settle(ended);
      else if (ended.error) this.#lose(ended);
      else this.#options.delivery.settled(ended.run, 'unfinished');
    }
  };

  #settle(ended: Ended): void {
    const { task, results } = this.#options;
    const { run, result, error } = ended;
    const hook = error ? 'afterFailure' : 'afterProcess';
    const [payload] = run.payloads;
    if (!task[hook] || !payload) this.#record(ended);
    else
      this.#after(ended, hook, () => {
        const value = decodeValue(payload.body);
        const outcome = outcomeOf(run, 0);
        return error
          ? task.afterFailure?.(value, error, outcome)
          : task.afterProcess?.(value, resultValue(result, { asJson: results !== undefined, asValue: true }), outcome);
      });
  }

  /** Writes the ended items to the journal; from then on they count. */
  write(): void {
    const { cursor, results, wake } = this.#options;
    results?.write(this.#recordNow, this.#notWritten, wake);
    if (cursor?.isUnordered || (cursor?.unrecorded && (cursor.isPressing || this.#markInMs === 0))) this.mark();
    this.#writeRecorded();
    this.#giveUpOrder();
    this.#remindOfMark();
  }

  #writeRecorded(): void {
    const { journal, results, fail } = this.#options;
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
    if (written) results?.counted();
  }

  readonly #notWritten = (all: readonly Ended[], error: DivvyError): void => {
    for (const ended of all) this.#lose(ended);
    this.#options.fail(error);
  };

  /** Once a stop has ended everything else, nothing can let out what is held back: an item before it is unfinished. */
  #giveUpOrder(): void {
    const { delivery, results } = this.#options;
    if (results?.order?.isStuck(delivery)) for (const ended of results.order.giveUp()) this.#lose(ended);
  }

  /** An item ended in an earlier run. */
  skipped(number: number): void {
    this.#options.results?.left(number);
  }

  /** Sees to it that the mark is recorded: at once if `dispatch` waits for it, else when it is time. */
  #remindOfMark(): void {
    const { cursor, wake } = this.#options;
    if (!cursor?.unrecorded) return;
    if (cursor.isPressing) wake();
    else this.#markTimer ??= setTimeout(this.#markLater, this.#markInMs).unref();
  }

  get #markInMs(): number {
    return Math.max(0, this.#markedAt + MARK_EVERY_MS - performance.now());
  }

  readonly #markLater = (): void => {
    this.#markTimer = undefined;
    this.#options.wake();
  };

  /** Records how far the run has come, if it has come further. Only outcomes that are written already count for that. */
  mark(): void {
    const { cursor, journal } = this.#options;
    clearTimeout(this.#markTimer);
    this.#markTimer = undefined;
    const mark = cursor?.unrecorded;
    if (cursor?.isUnordered && !this.#isVoid) {
      this.#isVoid = true;
      journal?.add({ type: 'unordered' });
    }
    if (!journal || !mark) return;
    this.#markedAt = performance.now();
    journal.add({ type: 'mark', ...mark });
    cursor?.recorded();
  }

  /**
   * Abandons outcomes that are still in a hook, or whose results are not synced: it is too late for them to count. What is
   * recorded counts.
   */
  abandon(): void {
    for (const ended of [...this.#inHooks, ...(this.#options.results?.abandon() ?? [])]) this.#observeUnfinished(ended);
    this.#inHooks.clear();
    this.#writeRecorded();
  }

  /** The outcome can't be recorded, so it does not count. */
  #lose(ended: Ended): void {
    this.#options.delivery.settled(ended.run, 'unfinished');
    this.#observeUnfinished(ended);
  }

  #observeUnfinished({ run, error }: Ended): void {
    for (const outcome of outcomesOf(run)) this.#options.observe({ type: 'item unfinished', outcome, error });
  }

  #count({ run, error }: Ended): void {
    const { task, delivery, cursor, metrics, role, itemEvents, observe } = this.#options;
    delivery.settled(run, error ? 'failed' : 'done');
    // Not what failed: an item that was killed with its worker has no duration.
    if (metrics && !error) metrics.done(run.count, run.durationMs);
    cursor?.ended(run.number, run.count);
    role?.counted?.(run.number, run.count);
    if (error) observe({ type: 'item failed', outcome: outcomeOf(run, 0), error });
    else if (itemEvents) for (const outcome of outcomesOf(run)) observe({ type: 'item done', outcome });
    // Reuse the buffer: the worker has read it, and no hook or observer has seen it.
    else if (!task.afterProcess) for (const { body } of run.payloads) useAgain(body);
  }

  #record(ended: Ended): void {
    const { results } = this.#options;
    const { run, error } = ended;
    if (results && !error) {
      results.add(ended);
      return;
    }
    for (let index = 0; index < run.count; index++) results?.left(run.number + index);
    this.#recordNow(ended);
  }

  /** resultsEnd - with --results: where the item's line ends in that file, which has been synced. */
  readonly #recordNow = (ended: Ended, resultsEnd?: number): void => {
    const { journal } = this.#options;
    const { run, error } = ended;
    if (!journal) {
      this.#count(ended);
      return;
    }
    if (error) journal.failed(run, error);
    else journal.done(run, resultsEnd, ended.result);
    this.#unwritten.push(ended);
  };

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
