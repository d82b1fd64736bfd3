/**
 * How a worker ends: who asks it to go, who kills it, and when. Four other files kill a single process: one
 * that breaks the protocol (worker-process.ts) or hangs in its exit (exit-hang.ts), the group of one that has died
 * (pool.ts), and a spare that nobody takes (spare.ts). Runs in the master.
 * Internal.
 *
 *   the rules no longer need it  drain: it finishes its items and exits
 *   it is older than it may be   drain, too (--recycle-older)
 *   it leaves, and has no items  killed after --kill-after, unless its output waits for a slow reader
 *   an item is past --timeout    killed after --kill-after more (timeouts.ts says which)
 *   an item is cancelled         killed after --kill-after, too
 *   a forceful stop              busy: its items are aborted, and it is killed after --kill-after; idle: killed now
 */

import type { Settings } from '../options.ts';
import type { Delivery } from './delivery.ts';
import type { Payload } from './ended.ts';
import type { Timeouts } from './timeouts.ts';
import type { Worker } from './worker.ts';

/** The kills of one run. */
export class Kills {
  readonly #settings: Settings;
  readonly #delivery: Delivery<Payload>;
  readonly #workers: readonly Worker[];
  readonly #timeouts: Timeouts;
  readonly #timers = new Map<Worker, NodeJS.Timeout>();
  /** When each worker's process became ready, by performance.now(). */
  readonly #readyAt = new Map<Worker, number>();
  /** Workers that leave because of their age. */
  readonly #leaving = new Set<Worker>();

  constructor(settings: Settings, delivery: Delivery<Payload>, workers: readonly Worker[], timeouts: Timeouts) {
    this.#settings = settings;
    this.#delivery = delivery;
    this.#workers = workers;
    this.#timeouts = timeouts;
  }

  /** The worker's process takes items from now on. */
  ready(worker: Worker, now: number): void {
    this.#readyAt.set(worker, now);
  }

  /**
   * Workers that are older than they may be get no more items: the rules drain them, a quarter at a time, since they were
   * booted together. Returns whether there are any.
   */
  replaceOld(now: number): boolean {
    const old = [...this.#readyAt].filter(([, at]) => now - at >= this.#settings.recycleOlderMs);
    const most = Math.ceil(this.#delivery.size / 4) - this.#leaving.size;
    const next = old.slice(0, Math.max(0, most));
    for (const [worker] of next) {
      this.#readyAt.delete(worker);
      this.#leaving.add(worker);
      this.#delivery.leaving(worker.number);
    }
    return next.length > 0;
  }

  /** Tells the worker to finish its items and exit. */
  drain(worker: Worker): void {
    worker.process?.send({ kind: 'drain' });
  }

  /** The worker has nothing left to finish and should exit soon. */
  expectExit(worker: Worker): void {
    this.#killUnlessHeld(worker, this.#settings.killAfterMs);
  }

  /** Forceful stop: busy workers get the kill delay to obey their signal; the others are killed now. */
  killWorkers(by: string): void {
    for (const worker of this.#workers) {
      const isBusy = (this.#delivery.slots[worker.number - 1]?.held ?? 0) > 0;
      if (!isBusy) {
        worker.kill('SIGKILL');
        continue;
      }
      worker.process?.send({ kind: 'abort', reason: by });
      this.#setTimer(worker, this.#settings.killAfterMs, () => worker.kill('SIGKILL'));
    }
  }

  /** Kills the workers whose items are past their timeout, or were cancelled, and past the kill delay. */
  killOverdue(now: number): void {
    for (const worker of this.#timeouts.overdue(now)) if (worker.kill('SIGKILL')) this.#timeouts.killed(worker);
  }

  /** The worker has no process any more, or never got one. */
  gone(worker: Worker): void {
    clearTimeout(this.#timers.get(worker));
    this.#timers.delete(worker);
    this.#readyAt.delete(worker);
    this.#leaving.delete(worker);
  }

  /** If the output is read slowly, that is not the worker's fault; a kill would lose what it still has to write. */
  #killUnlessHeld(worker: Worker, afterMs: number): void {
    this.#setTimer(worker, afterMs, () => {
      this.#timers.delete(worker);
      const left = (worker.process?.heldUntil() ?? -Infinity) + this.#settings.killAfterMs - performance.now();
      if (left > 0) this.#killUnlessHeld(worker, left);
      else worker.kill('SIGKILL');
    });
  }

  #setTimer(worker: Worker, afterMs: number, act: () => void): void {
    if (!this.#timers.has(worker)) this.#timers.set(worker, setTimeout(act, afterMs));
  }
}
