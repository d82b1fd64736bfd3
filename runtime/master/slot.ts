/**
 * A worker as the delivery rules see it, and the leases of its current process. Pure; runs in the master, and in the
 * simulator of the tests.
 *
 * A worker starts its items in the order in which it got them, at most `concurrency` at once. So the master knows which
 * of them may have started. With batched acks, any of these may also have ended.
 */

import type { Item } from './item.ts';
import { UNKNOWN_PACE } from './pace.ts';

/** Above this many bytes, no item is pulled, or handed to a worker, ahead of time. */
export const PREFETCH_BYTES: number = 4 * 1024 * 1024;

/** One worker. */
export class Slot<Payload> {
  readonly number: number;
  readonly concurrency: number;
  state: 'reaped' | 'booting' | 'ready' | 'draining' | 'exiting' = 'reaped';
  /** Its items, in the order in which it got them; it starts them in this order. */
  readonly leases: Item<Payload>[] = [];
  /** Items handed to the current process. */
  handed = 0;
  /** Items that the current process has finished. */
  finished = 0;
  /** How many of its processes have died in a row without finishing an item. */
  deathsInARow = 0;
  /** Earliest time of the next boot. */
  bootNotBefore = 0;
  /** How long an item takes in its current process, in milliseconds. */
  pace: number = UNKNOWN_PACE;
  /** How many items may wait in it, besides those in progress. */
  prefetch = 0;
  /** Size of its items, in bytes. */
  bytes = 0;
  /** It takes no new item: it has a suspect, or is kept free for one. */
  reserved = false;
  /** It takes no new item: its socket is full. */
  backpressure = false;

  constructor(number: number, concurrency: number) {
    this.number = number;
    this.concurrency = concurrency;
  }

  /** How many items it may hold. */
  get most(): number {
    return this.concurrency + (this.bytes < PREFETCH_BYTES ? this.prefetch : 0);
  }

  /** How many of its items are in progress, as far as the master knows; the others wait. */
  get inProgress(): number {
    return Math.min(this.leases.length, this.concurrency);
  }

  /** The last `ms` milliseconds do not count for its items in progress: it was stopped, or waited for a reader. */
  standsStill(ms: number, now: number): void {
    for (const item of this.leases) item.startedAt = Math.min(now, item.startedAt + ms);
  }

  /** When the item started, as far as the master knows; undefined if this worker does not hold it. */
  startedAt(number: number): number | undefined {
    return this.leases.find((item) => item.number === number)?.startedAt;
  }

  /** Items in progress for longer than `ms` milliseconds, as far as the master knows. */
  overdue(now: number, ms: number): Item<Payload>[] {
    return this.leases.slice(0, this.concurrency).filter((item) => now - item.startedAt > ms);
  }

  /** Whether items wait in it and it has been silent for `ms` milliseconds. */
  isSilent(now: number, ms: number): boolean {
    return this.leases.length > this.concurrency && this.overdue(now, ms).length === this.concurrency;
  }

  /** The numbers of its items after the first `count` that it was handed. Only the low 31 bits of `count` are known. */
  handedBehind(count: number): number[] {
    const first = this.handed - ((this.handed - count) & 0x7fff_ffff);
    return this.leases.flatMap((item) => (item.position > first ? [item.number] : []));
  }

  /** Items that it may have started. */
  maybeStarted(): Item<Payload>[] {
    const started: Item<Payload>[] = [];
    let room = this.concurrency;
    for (const item of this.leases) {
      if (room === 0) break;
      if (!item.batchAcks) room -= 1; // otherwise its ack may be on its way
      started.push(item);
    }
    return started;
  }

  /** Hands it an item. */
  lease(item: Item<Payload>, batchAcks: boolean, now: number): void {
    item.state = 'leased';
    item.starts += 1;
    item.worker = this.number;
    this.handed += 1;
    item.position = this.handed;
    item.batchAcks = batchAcks;
    item.startedAt = now;
    this.leases.push(item);
    this.bytes += item.size;
  }

  /** Ends the lease of an item and returns the item; undefined if this worker does not hold it. */
  take(number: number, now: number): Item<Payload> | undefined {
    const { leases } = this;
    let index = 0;
    while (index < leases.length && leases[index]?.number !== number) index += 1;
    const item = leases[index];
    if (!item) return undefined;
    if (index === 0) leases.shift();
    else leases.splice(index, 1);
    this.bytes -= item.size;
    // The item behind it starts now, not earlier.
    const next = index < this.concurrency ? leases[this.concurrency - 1] : undefined;
    if (next) next.startedAt = now;
    return item;
  }

  /** Its next process is booting. */
  booting(): void {
    this.state = 'booting';
    this.handed = 0;
    this.finished = 0;
  }

  /** Its process has exited. */
  reaped(): void {
    this.state = 'reaped';
    this.bytes = 0;
    this.reserved = false;
    this.backpressure = false;
  }
}
