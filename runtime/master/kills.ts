/**
 * The end of a worker: who asks it to go, and who kills it, and when. All of it is in this file, but for two faults of one process
 * alone: one that breaks the protocol (worker-process.ts), and one that hangs in its exit (exit-hang.ts). Runs in the master.
 * Internal.
 *
 *   the rules are done with it   drain: it finishes what it has, and exits
 *   it has nothing left          killed after --kill-after, unless what it writes waits for a slow reader
 *   an item is past --timeout    killed after --kill-after more (timeouts.ts says which)
 *   a forceful stop              busy: its items are aborted, and it is killed after --kill-after; else killed at once
 */

import type { Settings } from '../options.ts';
import type { Delivery } from './delivery.ts';
import type { Payload } from './settling.ts';
import type { Timeouts } from './timeouts.ts';
import type { Worker } from './worker.ts';

/** The kills of one run. */
export class Kills {
  readonly #settings: Settings;
  readonly #delivery: Delivery<Payload>;
  readonly #workers: readonly Worker[];
  readonly #timeouts: Timeouts;
  readonly #timers = new Map<Worker, NodeJS.Timeout>();

  constructor(settings: Settings, delivery: Delivery<Payload>, workers: readonly Worker[], timeouts: Timeouts) {
    this.#settings = settings;
    this.#delivery = delivery;
    this.#workers = workers;
    this.#timeouts = timeouts;
  }

  /** It is to finish what it has, and exit. */
  drain(worker: Worker): void {
    worker.process?.send({ kind: 'drain' });
  }

  /** It has nothing left to finish, and is about to exit. */
  expectExit(worker: Worker): void {
    this.#killUnlessHeld(worker, this.#settings.killAfterMs);
  }

  /** At a forceful stop: whoever is at an item has the kill delay to obey its signal; the others go now. */
  killWorkers(by: string): void {
    for (const worker of this.#workers) {
      const isBusy = (this.#delivery.slots[worker.number - 1]?.leases.length ?? 0) > 0;
      if (!isBusy) {
        worker.kill('SIGKILL');
        continue;
      }
      worker.process?.send({ kind: 'abort', reason: by });
      this.#setTimer(worker, this.#settings.killAfterMs, () => worker.kill('SIGKILL'));
    }
  }

  /** Kills the workers of items that are past their timeout and the kill delay. */
  killOverdue(now: number): void {
    for (const worker of this.#timeouts.overdue(now)) if (worker.kill('SIGKILL')) this.#timeouts.killed(worker);
  }

  /** It has no process any more, or none after all. */
  gone(worker: Worker): void {
    clearTimeout(this.#timers.get(worker));
    this.#timers.delete(worker);
  }

  /** A worker whose output is read slowly is not to blame, and what it has still to write would be lost. */
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
