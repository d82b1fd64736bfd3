/**
 * Which worker is booted, and when. Pure; runs in the master.
 *
 * A worker is booted for items that no worker, ready or on its way, has room for. One that died is replaced at once where it had
 * finished an item, and with a growing delay where it had not. Where one has died before any was ever ready, no more are booted.
 */

import type { Counts } from '../parallelizable.ts';
import type { Backlog } from './backlog.ts';
import { backoff } from './backoff.ts';
import type { Slot } from './slot.ts';

const CRASH_BACKOFF_MS = 100;

/** The boots of one run. */
export class Boots<Payload> {
  /** How many workers there may be; slots beyond it are on their way out, or empty. */
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

  /** The first to be booted have died, and nobody was ever ready. */
  get haveFailed(): boolean {
    return this.#counts.crashed > 0 && !this.everReady;
  }

  /** Returns the workers that are to be booted now. */
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

  /** When the next worker is due; Infinity for never, or for now. */
  wakeAt(now: number): number {
    let at = Infinity;
    for (const slot of this.#slots) {
      if (slot.bootNotBefore > now && this.isPutOff(slot)) at = Math.min(at, slot.bootNotBefore);
    }
    return at;
  }

  /** Its process has died, and nobody had asked it to. */
  died(slot: Slot<Payload>, now: number): void {
    slot.deathsInARow = slot.finished > 0 ? 0 : slot.deathsInARow + 1;
    const delay = slot.deathsInARow > 0 ? backoff(CRASH_BACKOFF_MS, slot.deathsInARow, this.#random) : 0;
    slot.bootNotBefore = now + delay;
  }

  /** Whether an item waits for it to be booted again, which is put off. */
  isPutOff({ state, number, deathsInARow }: Slot<Payload>): boolean {
    return this.#lacking() > 0 && state === 'reaped' && number <= this.size && deathsInARow > 0 && !this.haveFailed;
  }

  /** How many items have no room in a worker that is there or on its way: those that wait in one are among them. */
  #lacking(): number {
    let lacking = this.#backlog.pending.length;
    let booting = 0;
    for (const { state, leases, reserved, concurrency } of this.#slots) {
      if (state === 'booting') booting += 1;
      else if (state !== 'ready') continue;
      const room = concurrency - leases.length; // below 0 where items wait in it
      lacking -= reserved ? Math.min(0, room) : room;
    }
    return Math.max(lacking, this.#backlog.suspects.length > 0 ? 1 - booting : 0);
  }
}
