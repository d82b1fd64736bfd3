/**
 * A worker as the delivery rules see it, and the leases of its current process. Pure; runs in the master, and in the
 * simulator of the tests.
 *
 * A worker starts its items in the order in which it got them, at most `concurrency` at once. So the master knows which
 * of them may have started. With batched acks, some of these may also have ended.
 */

import { UNKNOWN_PACE } from './pace.ts';
import type { DeliveryRules } from './rules.ts';
import type { Run } from './run.ts';

/** Above this many bytes, no item is pulled, or handed to a worker, ahead of time, unless the rules say otherwise. */
export const PREFETCH_BYTES: number = 4 * 1024 * 1024;

/** An item in progress, and since when, as far as the master knows. */
export interface InProgress {
  readonly number: number;
  readonly startedAt: number;
}

/** What a worker needs of the rules. */
type SlotRules = Pick<DeliveryRules, 'concurrency' | 'acksGathered' | 'prefetch' | 'prefetchBytes'>;

/** One worker. */
export class Slot<Payload> {
  readonly number: number;
  readonly concurrency: number;
  state: 'reaped' | 'booting' | 'ready' | 'draining' | 'exiting' = 'reaped';
  /** Its items, in the order in which it got them; it starts them in this order. */
  readonly leases: Run<Payload>[] = [];
  /** How many items these are. */
  held = 0;
  /** When each of the first `concurrency` of its items may have started. */
  readonly startedAt: number[] = [];
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
  prefetch: number;
  /** Size of its items, in bytes. */
  bytes = 0;
  /** It takes no new item: it has a suspect, or is kept free for one. */
  reserved = false;
  /** It takes no new item: its socket is full. */
  backpressure = false;

  readonly #acksGathered: number;
  readonly #prefetchBytes: number;

  constructor(number: number, { concurrency, acksGathered, prefetch, prefetchBytes }: SlotRules) {
    this.number = number;
    this.concurrency = concurrency;
    this.prefetch = prefetch(UNKNOWN_PACE);
    this.#acksGathered = acksGathered;
    this.#prefetchBytes = prefetchBytes ?? PREFETCH_BYTES;
  }

  /** How many items it may hold. */
  get most(): number {
    return this.concurrency + (this.bytes < this.#prefetchBytes ? this.prefetch : 0);
  }

  /** Its items in progress, as far as the master knows; the others wait. */
  get inProgress(): InProgress[] {
    const numbers = this.firstNumbers(this.startedAt.length);
    return this.startedAt.map((startedAt, index) => ({ number: numbers[index] ?? 0, startedAt }));
  }

  /** The last `ms` milliseconds do not count for its items in progress: it was stopped, or waited for a reader. */
  standsStill(ms: number, now: number): void {
    for (const [index, startedAt] of this.startedAt.entries()) this.startedAt[index] = Math.min(now, startedAt + ms);
  }

  /** Items in progress for longer than `ms` milliseconds, as far as the master knows. */
  overdue(now: number, ms: number): InProgress[] {
    return this.inProgress.filter(({ startedAt }) => now - startedAt > ms);
  }

  /** Whether items wait in it and it has been silent for `ms` milliseconds. */
  isSilent(now: number, ms: number): boolean {
    return this.held > this.concurrency && this.startedAt.every((startedAt) => now - startedAt > ms);
  }

  /** The numbers of its items after the first `count` that it was handed. Only the low 31 bits of `count` are known. */
  handedBehind(count: number): number[] {
    const first = this.handed - ((this.handed - count) & 0x7fff_ffff);
    return this.leases.flatMap(({ number, position, payloads }) =>
      payloads.flatMap((_, index) => (position + index > first ? [number + index] : [])),
    );
  }

  /**
   * How many of its items, from the first one, it may have started. Of those with batched acks, as many may have ended
   * as it may hold acks back; the others are in progress.
   */
  get maybeStarted(): number {
    let started = 0;
    let ended = this.#acksGathered;
    let room = this.concurrency;
    for (const { count, batchAcks } of this.leases) {
      const gone = batchAcks ? Math.min(count, ended) : 0;
      if (room === 0) break;
      const running = Math.min(count - gone, room);
      ended -= gone;
      room -= running;
      started += gone + running;
      if (gone + running < count) break;
    }
    return started;
  }

  /** Returns the numbers of its first `count` items. */
  firstNumbers(count: number): number[] {
    const numbers: number[] = [];
    for (const run of this.leases)
      for (let number = run.number; number < run.number + run.count; number++) {
        if (numbers.length === count) return numbers;
        numbers.push(number);
      }
    return numbers;
  }

  /** Cuts out one of its items, as a run of its own. Undefined if it does not hold that. */
  single(number: number): Run<Payload> | undefined {
    const index = this.leases.findIndex((run) => number >= run.number && number < run.number + run.count);
    const run = this.leases[index];
    if (!run || run.count === 1) return run;
    const before = number > run.number ? [run.cut(number - run.number)] : [];
    const item = run.cut(1);
    this.leases.splice(index, 1, ...before, item, ...(item === run ? [] : [run]));
    return item;
  }

  /** Hands it items. */
  lease(run: Run<Payload>, batchAcks: boolean, now: number): void {
    run.starts += 1;
    run.worker = this.number;
    run.position = this.handed + 1;
    run.batchAcks = batchAcks;
    this.handed += run.count;
    this.leases.push(run);
    this.held += run.count;
    this.bytes += run.size;
    this.#start(now);
  }

  /**
   * Ends the leases of those items with the numbers `first` and up, `count` of them, that this worker holds. Returns
   * them, in the order in which it got them.
   */
  take(first: number, count: number, now: number): Run<Payload>[] {
    const { leases, startedAt } = this;
    const taken: Run<Payload>[] = [];
    let left = count;
    /** How many of its items are before `leases[index]`. */
    let before = 0;
    /** How many leases before `leases[index]` have ended: they go all at once, since there may be tens of thousands behind them. */
    let ended = 0;
    let index = 0;
    const goBefore = (): void => {
      if (ended === 1 && index === 1) leases.shift();
      else if (ended > 0) leases.splice(index - ended, ended);
      index -= ended;
      ended = 0;
    };
    for (; index < leases.length && left > 0; ) {
      const run = leases[index] as Run<Payload>; // the index is below the length
      const skipped = Math.max(0, first - run.number);
      const wanted = Math.min(run.number + run.count, first + count) - run.number - skipped;
      if (wanted <= 0 || skipped > 0) goBefore();
      if (wanted <= 0) {
        before += run.count;
        index += 1;
        continue;
      }
      if (skipped > 0) {
        leases.splice(index, 0, run.cut(skipped));
        before += skipped;
        index += 1;
      }
      const piece = run.cut(wanted);
      if (piece === run) {
        ended += 1;
        index += 1;
      }
      startedAt.splice(before, piece.count);
      this.held -= piece.count;
      this.bytes -= piece.size;
      left -= piece.count;
      taken.push(piece);
    }
    goBefore();
    this.#start(now);
    return taken;
  }

  /** Ends all leases. Returns the items that it may have started, one by one, and the others. */
  takeAll(): { started: Run<Payload>[]; unstarted: Run<Payload>[] } {
    let left = this.maybeStarted;
    const started: Run<Payload>[] = [];
    const unstarted: Run<Payload>[] = [];
    for (const run of this.leases.splice(0)) {
      const { count } = run;
      const front = left > 0 ? run.cut(left) : undefined;
      if (front !== run) unstarted.push(run);
      if (front) started.push(...front.apart());
      left = Math.max(0, left - count);
    }
    this.held = 0;
    this.bytes = 0;
    this.startedAt.length = 0;
    return { started, unstarted };
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
    this.reserved = false;
    this.backpressure = false;
  }

  /** It starts as many of its items now as may be in progress. */
  #start(now: number): void {
    const most = Math.min(this.held, this.concurrency);
    while (this.startedAt.length < most) this.startedAt.push(now);
  }
}
