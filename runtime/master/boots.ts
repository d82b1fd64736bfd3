/**
 * Decides which worker boots, and when. Pure; runs in the master.
 *
 * A worker boots when items have no room in any worker that is ready or booting. A dead worker is replaced at once if
 * it had finished an item, otherwise after a growing delay. If a worker died before any was ever ready, no more workers
 * boot, unless one that is booting already becomes ready.
 */

import type { Counts } from '../parallelizable.ts';
import type { Backlog } from './backlog.ts';
import { backoff } from './backoff.ts';
import type { Slot } from './slot.ts';

const CRASH_BACKOFF_MS = 100;

/** The boots of one run. */
export class Boots<Payload> {
  /** How many workers may run. Slots beyond this number are empty, or their workers are leaving. */
  size = 0;
  everReady = false;
  readonly #slots: readonly Slot<Payload>[];
  readonly #backlog: Backlog<Payload>;
  readonly #counts: Counts;
  readonly #random: () => number;

  constructor(slots: readonly Slot<Payload>[], backlog: Backlog<Payload>, counts: Counts, random: () => number) {
    this.#slots = slots;
    this.#backlog = backlog;
    this.#counts = counts;
    this.#random = random;
  }

  /** The first workers died, and none was ever ready. */
  get haveFailed(): boolean {
    return this.#counts.crashed > 0 && !this.everReady;
  }

  /** Returns the workers to boot now. */
  due(now: number): Slot<Payload>[] {
    const due: Slot<Payload>[] = [];
    if (this.haveFailed) return due;
    let lacking = this.#lacking();
    for (const slot of this.#slots) {
      if (lacking <= 0) break;
      if (slot.state !== 'reaped' || slot.number > this.size) continue;
      if (now < slot.bootNotBefore) continue;
      due.push(slot);
      lacking -= slot.concurrency;
    }
    return due;
  }

  /** When the next worker is due; Infinity if none waits for a later time. */
  wakeAt(now: number): number {
    let at = Infinity;
    for (const slot of this.#slots) {
      if (slot.bootNotBefore > now && this.isPutOff(slot)) at = Math.min(at, slot.bootNotBefore);
    }
    return at;
  }

  /** The worker's process died without being asked to exit. */
  died(slot: Slot<Payload>, now: number): void {
    slot.deathsInARow = slot.finished > 0 ? 0 : slot.deathsInARow + 1;
    const delay = slot.deathsInARow > 0 ? backoff(CRASH_BACKOFF_MS, slot.deathsInARow, this.#random) : 0;
    slot.bootNotBefore = now + delay;
  }

  /** Returns whether an item waits for this worker, whose next boot is delayed. */
  isPutOff({ state, number, deathsInARow }: Slot<Payload>): boolean {
    return this.#lacking() > 0 && state === 'reaped' && number <= this.size && deathsInARow > 0 && !this.haveFailed;
  }

  /** How many items have no room in a running or booting worker. Includes items that wait inside a worker. */
  #lacking(): number {
    let lacking = this.#backlog.pendingCount;
    let booting = 0;
    for (const { state, held, reserved, concurrency } of this.#slots) {
      if (state === 'booting') booting += 1;
      else if (state !== 'ready') continue;
      const room = concurrency - held; // below 0 if items wait in it
      lacking -= reserved ? Math.min(0, room) : room;
    }
    return Math.max(lacking, this.#backlog.suspects.length > 0 ? 1 - booting : 0);
  }
}
