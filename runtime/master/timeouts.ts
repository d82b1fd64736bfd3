/**
 * Handles items that take too long, or that a person cancels. Runs in the master. Internal.
 *
 * When an item reaches its timeout by the worker's own clock, the worker asks the master whether its time is up. Only
 * the master knows how long it held the worker's output back, or was stopped itself; neither counts. If the time is up,
 * the item's signal is aborted. If the item does not end within the kill delay, its worker is killed. A stuck worker
 * can't ask, and is killed at the same moment by the master's own clock.
 *
 * A cancelled item's signal is aborted, too. If the item does not end within the kill delay, its worker is killed.
 */

import { Cancelled, toItemError } from '../errors.ts';
import { isStopped } from '../journal/processes.ts';
import type { Settings } from '../options.ts';
import type { ItemError } from '../parallelizable.ts';
import type { Delivery } from './delivery.ts';
import type { Payload } from './ended.ts';
import type { Worker } from './worker.ts';

/** How often to check for items past their timeout, in milliseconds. */
export const LOOK_EVERY_MS = 100;
/** A check this late, in milliseconds, means that the master was held up. */
const LAG_MS = 500;

/** The timeouts of one run. */
export class Timeouts {
  readonly #settings: Settings;
  readonly #delivery: Delivery<Payload>;
  readonly #workers: readonly Worker[];
  /** By worker: the items that it was told are out of time, and until when a cancelled one may end by itself. */
  readonly #up = new Map<Worker, Map<number, number>>();
  /** Infinity: not yet. */
  #lookedAt = Infinity;
  /** Workers that were stopped (SIGSTOP) at the last check. */
  readonly #stopped = new Set<Worker>();
  /** Workers that were killed for an item. */
  readonly #killed = new Set<Worker>();

  constructor(settings: Settings, delivery: Delivery<Payload>, workers: readonly Worker[]) {
    this.#settings = settings;
    this.#delivery = delivery;
    this.#workers = workers;
  }

  /** The error of an item whose worker has ended; `isCancelled` if the item was cancelled, else it was out of time. */
  errorOf(isCancelled: boolean): ItemError {
    if (isCancelled) return toItemError(new Cancelled());
    const message = `took longer than ${this.#settings.timeoutMs} ms (--timeout), and did not obey its signal`;
    return { name: 'TimeoutError', message };
  }

  /** Why a worker was killed here, in words; `failed` are the items that failed with it. */
  whyKilled(failed: readonly { readonly cancelled: boolean }[]): string {
    return failed.some(({ cancelled }) => cancelled) ? 'its item was cancelled' : 'it ran past its timeout';
  }

  /** From now on items are looked at, every LOOK_EVERY_MS. */
  watch(): void {
    this.#lookedAt = performance.now();
  }

  /** A worker asks whether an item's time is up. */
  ask(worker: Worker, number: number): void {
    const now = performance.now();
    this.#leaveOutLag(now);
    this.#leaveOutHeld(worker, now);
    const item = this.#delivery.slot(worker.number).inProgress.find((each) => each.number === number);
    if (!item) return; // it has ended
    const ms = Math.max(0, this.#settings.timeoutMs - (now - item.startedAt));
    worker.process?.send({ kind: 'time left', number, ms });
    if (ms > 0) return;
    this.#isUp(worker, number, Infinity);
  }

  /** A person cancels an item in progress. */
  cancel(worker: Worker, number: number): void {
    this.#isUp(worker, number, performance.now() + this.#settings.killAfterMs);
    worker.process?.send({ kind: 'cancel', number });
  }

  #isUp(worker: Worker, number: number, killAt: number): void {
    const items = this.#up.get(worker) ?? new Map<number, number>();
    this.#up.set(worker, items.set(number, Math.min(killAt, items.get(number) ?? Infinity)));
  }

  /** Items have ended in a worker: `count` of them, with the numbers `first` and up. */
  ended(worker: Worker, first: number, count: number): void {
    if (this.#up.size === 0) return;
    const up = this.#up.get(worker) ?? new Map<number, number>();
    for (const number of up.keys()) if (number >= first && number < first + count) up.delete(number);
  }

  /** Returns the workers whose items are past their timeout, or were cancelled, and past the kill delay. */
  overdue(now: number): Worker[] {
    const { timeoutMs, killAfterMs } = this.#settings;
    this.#leaveOutLag(now);
    for (const worker of this.#workers) this.#leaveOutHeld(worker, now);
    for (const worker of this.#stopped) this.#leaveOutStopped(worker, now);
    return this.#workers.filter((worker) => {
      const isUp = [...(this.#up.get(worker)?.values() ?? [])].some((killAt) => killAt <= now);
      const isOverdue = isUp || this.#delivery.slot(worker.number).overdue(now, timeoutMs + killAfterMs).length > 0;
      return isOverdue && !this.#leaveOutStopped(worker, now);
    });
  }

  /** A worker was killed for an item that is past its timeout or was cancelled. */
  killed(worker: Worker): void {
    this.#killed.add(worker);
  }

  /**
   * Returns whether somebody has stopped the worker (SIGSTOP). If so, its items get their full time once it goes on.
   */
  #leaveOutStopped(worker: Worker, now: number): boolean {
    if (worker.pid === undefined || !isStopped(worker.pid)) {
      this.#stopped.delete(worker);
      return false;
    }
    this.#stopped.add(worker);
    this.#standsStill(worker, Infinity, now);
    return true;
  }

  /**
   * A worker's process has exited. If it was killed here, returns the items to blame: those whose time was up. A stuck
   * worker reports nothing: blame its item if it has exactly one and that is overdue.
   */
  exited(worker: Worker, now: number): ReadonlySet<number> | undefined {
    const up = this.#up.get(worker);
    this.#up.delete(worker);
    if (!this.#killed.delete(worker)) return undefined;
    const { inProgress, maybeStarted } = this.#delivery.slot(worker.number);
    const only = maybeStarted === 1 ? inProgress[0] : undefined;
    const isOver = only !== undefined && now - only.startedAt > this.#settings.timeoutMs;
    return isOver ? new Set([only.number]) : new Set(up?.keys());
  }

  /**
   * This process was stopped or too busy to read, so workers may have waited for it. Time in which the checks were late
   * does not count.
   */
  #leaveOutLag(now: number): void {
    const lagMs = now - this.#lookedAt - LOOK_EVERY_MS;
    this.#lookedAt = now;
    if (lagMs < LAG_MS) return;
    for (const worker of this.#workers) this.#standsStill(worker, lagMs, now);
  }

  /** The last `ms` milliseconds do not count for its items, nor for what is left to those that were cancelled. */
  #standsStill(worker: Worker, ms: number, now: number): void {
    this.#delivery.slot(worker.number).standsStill(ms, now);
    const up = this.#up.get(worker);
    for (const [number, killAt] of up ?? [])
      if (killAt < Infinity) up?.set(number, Math.min(killAt + ms, now + this.#settings.killAfterMs));
  }

  #leaveOutHeld(worker: Worker, now: number): void {
    const heldMs = worker.process?.output.takeHeldMs(now) ?? 0;
    if (heldMs > 0) this.#standsStill(worker, heldMs, now);
  }
}
