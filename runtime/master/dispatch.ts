/**
 * Takes the items of a run from the task's `dispatch` to the delivery rules: pulls them, makes their keys, skips those
 * that ended in an earlier run, and encodes the rest. Runs in the master. Internal.
 */

import { afterNotRead, type DivvyError, dispatchThrew, TaskError, toItemError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import type { Settings } from '../options.ts';
import type { AnyTask } from '../task/task.ts';
import { type Body, encodeValue } from '../wire/codec.ts';
import type { Cursor } from './cursor.ts';
import type { Delivery } from './delivery.ts';
import type { Payload } from './ended.ts';
import { ForeignItems } from './engine-role.ts';
import type { Intake, Taken } from './intake.ts';
import { Pull } from './pull.ts';
import type { Results } from './results.ts';
import type { Settling } from './settling.ts';

/** What dispatch needs from the run. */
export interface DispatchOptions {
  readonly task: AnyTask;
  readonly settings: Settings;
  readonly intake: Intake;
  /** Undefined if the task has none. */
  readonly cursor: Cursor | undefined;
  /** Undefined without --results. */
  readonly results: Results | undefined;
  readonly delivery: Delivery<Payload>;
  readonly settling: Settling;
  readonly observe: (event: RunEvent) => void;
  readonly fail: (fault: DivvyError) => void;
  readonly wake: () => void;
}

/** The items of one run. */
export class Dispatch {
  /** `dispatch` ended by itself: nothing is left to dispatch. */
  isComplete = false;
  /** Resolves when a stopped `dispatch` has cleaned up; undefined if it was not stopped. */
  stopped: Promise<void> | undefined;
  readonly #run: DispatchOptions;
  #pull: Pull | undefined;
  #threw: DivvyError | undefined;
  /** `dispatch` has looked where to begin. */
  #hasLooked = false;

  constructor(run: DispatchOptions) {
    this.#run = run;
  }

  /** Calls `dispatch`. If it throws, the run fails. */
  begin(): void {
    const { settings, delivery, fail, wake } = this.#run;
    try {
      this.#pull = new Pull(settings.items ?? this.#items(), {
        wanted: () => this.#wanted(),
        item: (value) => this.#yielded(value),
        ended: (error) => {
          delivery.closed();
          this.isComplete = error === undefined;
          if (error) this.#threw = dispatchThrew(error[0], delivery.counts.dispatched);
          wake();
        },
      });
    } catch (error) {
      fail(error instanceof TaskError ? error : dispatchThrew(error, 0));
    }
  }

  #wanted(): number {
    const { delivery, cursor, results } = this.#run;
    const room = results?.roomAfter(delivery.lastNumber) ?? Infinity;
    return Math.min(room, cursor?.room ?? Infinity, delivery.wanted(performance.now()));
  }

  #items(): ReturnType<AnyTask['dispatch']> {
    const { task, cursor } = this.#run;
    const after = cursor?.begin?.place;
    const looked = (): void => {
      this.#hasLooked = true;
    };
    return task.dispatch({
      get after() {
        looked();
        return after;
      },
    });
  }

  /** Pulls as many items as are wanted. */
  pull(): void {
    this.#pull?.pull();
  }

  /** If `dispatch` threw, fails the run once every item that it had yielded has been started. */
  failIfDue(): void {
    if (this.#threw && this.#run.delivery.unstarted === 0) this.#run.fail(this.#threw);
  }

  /** Since when the run waits for `dispatch`, by performance.now(); undefined if it does not wait. */
  get waitedSince(): number | undefined {
    return this.#pull?.askedAt;
  }

  /** No more items are wanted. Errors in the cleanup are ignored: nobody can use them any more. */
  stop(): void {
    this.stopped ??= this.#pull?.stop().catch(() => {});
  }

  #yielded(value: unknown): boolean {
    const { settings, intake, delivery, settling, cursor, observe, fail, wake } = this.#run;
    wake();
    if (value instanceof ForeignItems) return this.#admitForeign(value);
    const number = delivery.lastNumber + 1;
    let taken: Taken | undefined;
    try {
      if (cursor?.begin && !this.#hasLooked) throw afterNotRead(cursor.begin.place);
      taken = intake.take(value, number);
    } catch (error) {
      fail(error as TaskError);
      return false;
    }
    let isSmall = true;
    if (taken && settings.dryRun) cursor?.ended(number, 1); // nothing else will end it
    if (!taken || settings.dryRun) {
      delivery.skipped();
      settling.skipped(number);
    } else isSmall = this.#admit(value, number, taken);
    if (taken && settings.dryRun) observe({ type: 'item', number, value });
    if (intake.full) {
      delivery.closed();
      this.stop();
    }
    return isSmall;
  }

  #admitForeign({ items }: ForeignItems): boolean {
    for (const { number, key = '', body } of items)
      this.#run.delivery.dispatched({ key, occurrence: 1, body }, body.length, number);
    return false; // ask again how many more are wanted
  }

  #admit(value: unknown, number: number, taken: Taken): boolean {
    const { settings, delivery, settling } = this.#run;
    let body: Body;
    try {
      body = encodeValue(value, `item ${number}`, settings.maxItemBytes);
    } catch (error) {
      // The item can't be encoded, so the failure hook gets undefined instead.
      const nothing = encodeValue(undefined, `item ${number}`, Infinity);
      settling.failed(delivery.dispatchedUnfit({ ...taken, body: nothing }), toItemError(error));
      return true;
    }
    const { key, occurrence, at } = taken;
    delivery.dispatched(at ? { key, occurrence, at, body } : { key, occurrence, body }, body.length);
    return typeof body === 'string';
  }
}
