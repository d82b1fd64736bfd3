/**
 * What is done about items that take longer than they may. Runs in the master. Internal.
 *
 * A worker whose item has taken so long by its own clock asks whether its time is up: only the master knows for how long it
 * held the worker's output back, or was stopped itself, and neither counts. If it is up, the item's signal is aborted, and where
 * that does not end it within the kill delay, its worker is killed. A worker that is stuck asks nothing, and is killed likewise.
 */

import { isStopped } from '../journal/processes.ts';
import type { Settings } from '../options.ts';
import type { ItemError } from '../parallelizable.ts';
import type { Delivery } from './delivery.ts';
import type { Payload } from './settling.ts';
import type { Worker } from './worker.ts';

/** How often it is looked for items that are past their timeout, in milliseconds. */
export const LOOK_EVERY_MS = 100;
/** A look that is so late was held up. */
const LAG_MS = 500;

/** The timeouts of one run. */
export class Timeouts {
  readonly #settings: Settings;
  readonly #delivery: Delivery<Payload>;
  readonly #workers: readonly Worker[];
  /** By worker: the items whose time is up, as it was told. */
  readonly #up = new Map<Worker, Set<number>>();
  #lookedAt: number = performance.now();
  /** Workers that somebody had stopped when it was looked. */
  readonly #stopped = new Set<Worker>();
  /** Workers that were killed for an item. */
  readonly #killed = new Set<Worker>();

  constructor(settings: Settings, delivery: Delivery<Payload>, workers: readonly Worker[]) {
    this.#settings = settings;
    this.#delivery = delivery;
    this.#workers = workers;
  }

  /** What an item fails with whose worker was killed for it. */
  get error(): ItemError {
    const message = `took longer than ${this.#settings.timeoutMs} ms (--timeout), and did not obey its signal`;
    return { name: 'TimeoutError', message };
  }

  /** A worker asks whether the time of an item is up. */
  ask(worker: Worker, number: number): void {
    const now = performance.now();
    this.#leaveOutLag(now);
    this.#leaveOutHeld(worker, now);
    const startedAt = this.#delivery.slot(worker.number).startedAt(number);
    if (startedAt === undefined) return; // it has ended
    const ms = Math.max(0, this.#settings.timeoutMs - (now - startedAt));
    worker.process?.send({ kind: 'time left', number, ms });
    if (ms > 0) return;
    const items = this.#up.get(worker) ?? new Set();
    this.#up.set(worker, items.add(number));
  }

  /** An item has ended in a worker. */
  ended(worker: Worker, number: number): void {
    if (this.#up.size > 0) this.#up.get(worker)?.delete(number);
  }

  /** Returns the workers of items that are past their timeout and the kill delay. */
  overdue(now: number): Worker[] {
    const { timeoutMs, killAfterMs } = this.#settings;
    this.#leaveOutLag(now);
    for (const worker of this.#workers) this.#leaveOutHeld(worker, now);
    for (const worker of this.#stopped) this.#leaveOutStopped(worker, now);
    return this.#workers.filter((worker) => {
      const isOverdue = this.#delivery.slot(worker.number).overdue(now, timeoutMs + killAfterMs).length > 0;
      return isOverdue && !this.#leaveOutStopped(worker, now);
    });
  }

  /** A worker was killed for an item that is past its timeout. */
  killed(worker: Worker): void {
    this.#killed.add(worker);
  }

  /** Somebody may have stopped it: then it is to have all of its time once it goes on. Returns whether. */
  #leaveOutStopped(worker: Worker, now: number): boolean {
    if (worker.pid === undefined || !isStopped(worker.pid)) {
      this.#stopped.delete(worker);
      return false;
    }
    this.#stopped.add(worker);
    this.#delivery.slot(worker.number).standsStill(Infinity, now);
    return true;
  }

  /**
   * A worker's process has exited. Returns, where it was killed here, the items to blame: those whose time was up; of one that was
   * stuck, and could not ask, its only one, unless that was begun since, or none.
   */
  exited(worker: Worker, now: number): ReadonlySet<number> | undefined {
    const up = this.#up.get(worker);
    this.#up.delete(worker);
    if (!this.#killed.delete(worker)) return undefined;
    const begun = this.#delivery.slot(worker.number).maybeStarted();
    const isOver = (startedAt: number): boolean => now - startedAt > this.#settings.timeoutMs;
    const blamed = begun.filter(
      ({ number, startedAt }) => up?.has(number) || (begun.length === 1 && isOver(startedAt)),
    );
    return new Set(blamed.map(({ number }) => number));
  }

  /**
   * This process was stopped, or too busy to read: workers may have waited for it. No time counts for which it was not looked as often
   * as it should be.
   */
  #leaveOutLag(now: number): void {
    const lagMs = now - this.#lookedAt - LOOK_EVERY_MS;
    this.#lookedAt = now;
    if (lagMs < LAG_MS) return;
    for (const { number } of this.#workers) this.#delivery.slot(number).standsStill(lagMs, now);
  }

  #leaveOutHeld(worker: Worker, now: number): void {
    const heldMs = worker.process?.output.takeHeldMs(now) ?? 0;
    if (heldMs > 0) this.#delivery.slot(worker.number).standsStill(heldMs, now);
  }
}
