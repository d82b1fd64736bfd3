/**
 * A worker as the delivery rules see it, and the leases of its present process. Pure; runs in the master, and in the simulator of the
 * tests.
 *
 * A worker starts its items in the order in which it was handed them, as many at once as `concurrency`. So of what it has, the master
 * knows which may have been started. Where its acks are batched, each item up to there may also have ended.
 */

import type { Item } from './item.ts';
import { UNKNOWN_PACE } from './pace.ts';

/** Past so many bytes no item is pulled, or handed to a worker, for later. */
export const PREFETCH_BYTES: number = 4 * 1024 * 1024;

/** One worker. */
export class Slot<Payload> {
  readonly number: number;
  readonly concurrency: number;
  state: 'reaped' | 'booting' | 'ready' | 'draining' | 'exiting' = 'reaped';
  /** The items it has, in the order in which it was handed them; it starts them in this order. */
  readonly leases: Item<Payload>[] = [];
  /** Items that the present process has been handed. */
  handed = 0;
  /** Items that the present process has finished. */
  finished = 0;
  /** How many of its processes have died, one after another, without having finished an item. */
  deathsInARow = 0;
  /** When it may be booted again. */
  bootNotBefore = 0;
  /** How long the items of its present process take, in milliseconds. */
  pace: number = UNKNOWN_PACE;
  /** How many items may wait in it, besides those in progress. */
  prefetch = 0;
  /** What its items come to, in bytes. */
  bytes = 0;
  /** It takes no new item: it has a suspect, or is kept free for one. */
  reserved = false;
  /** It takes no new item: its socket is full of what it was sent. */
  backpressure = false;

  constructor(number: number, concurrency: number) {
    this.number = number;
    this.concurrency = concurrency;
  }

  /** How many items it may have. */
  get most(): number {
    return this.concurrency + (this.bytes < PREFETCH_BYTES ? this.prefetch : 0);
  }

  /** How many of its items are in progress, as far as is known; the others wait. */
  get inProgress(): number {
    return Math.min(this.leases.length, this.concurrency);
  }

  /** So many milliseconds up to now do not count for what it has in progress: it was stopped, or waited for a reader. */
  standsStill(ms: number, now: number): void {
    for (const item of this.leases) item.startedAt = Math.min(now, item.startedAt + ms);
  }

  /** Since when, as far as is known, it has an item in progress; undefined where it does not hold it. */
  startedAt(number: number): number | undefined {
    return this.leases.find((item) => item.number === number)?.startedAt;
  }

  /** The items that have been in progress for longer than so many milliseconds, as far as is known. */
  overdue(now: number, ms: number): Item<Payload>[] {
    return this.leases.slice(0, this.concurrency).filter((item) => now - item.startedAt > ms);
  }

  /** Whether items wait in it, and it has said nothing for so many milliseconds. */
  isSilent(now: number, ms: number): boolean {
    return this.leases.length > this.concurrency && this.overdue(now, ms).length === this.concurrency;
  }

  /** The numbers of the items that it has been handed behind the first so many. Of that count it knows the last 31 bits. */
  handedBehind(count: number): number[] {
    const first = this.handed - ((this.handed - count) & 0x7fff_ffff);
    return this.leases.flatMap((item) => (item.position > first ? [item.number] : []));
  }

  /** What it may have started of the items that it has. */
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

  /** It is handed an item. */
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

  /** Ends the lease of an item, and returns that; undefined where this worker does not hold it. */
  take(number: number, now: number): Item<Payload> | undefined {
    const { leases } = this;
    let index = 0;
    while (index < leases.length && leases[index]?.number !== number) index += 1;
    const item = leases[index];
    if (!item) return undefined;
    if (index === 0) leases.shift();
    else leases.splice(index, 1);
    this.bytes -= item.size;
    // What was behind it is started at this moment, and not before.
    const next = index < this.concurrency ? leases[this.concurrency - 1] : undefined;
    if (next) next.startedAt = now;
    return item;
  }

  /** A process of it is on its way. */
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
