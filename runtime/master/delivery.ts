/**
 * The delivery rules: which item goes to which worker, and what becomes of both. Runs in the master.
 *
 * Pure: no input or output, no clock, no randomness of its own. The master (run-loop.ts, pool.ts) tells it what happened, by the
 * methods named after events; each returns what the master must see to at once. Then the master asks for `plan`, and carries that
 * out. The simulator in the tests drives the same class through every fault it can think of.
 *
 *   An item:   pending ─> leased ─> settling ─> done | failed
 *                 ^         ├──> retrying (not before a time) ──┐
 *                 └─────────┴───────────────────────────────────┘        at a stop: released, that is, unfinished
 *
 *   A worker:  reaped ─> booting ─> ready (busy while it has leases) ─> draining ─> exiting ─> reaped
 *
 * - A lease belongs to one process of one worker. It ends by an ack, by a failure, by being given back, or by the
 *   confirmed exit of that process; never by time alone. So an item has at most one live lease.
 * - An ack from anybody but the holder of the lease is refused.
 * - Items that were in progress together in a worker that died are suspects: each is tried again alone, and only a
 *   death while alone counts as a crash of the item. So the innocent do not fail with the guilty.
 * - More items than a worker can have in progress are sent ahead to it only while they are short (pace.ts). What it gives back, since
 *   it had not started it, is handed to the next, uncounted.
 *
 * slot.ts has what is known of one worker, backlog.ts the items that wait, boots.ts which worker is booted when.
 */

import { Backlog } from './backlog.ts';
import { backoff } from './backoff.ts';
import { Boots } from './boots.ts';
import { noCounts, type OwnCounts } from './counts.ts';
import { type Item, itemOf } from './item.ts';
import { paceAfter, UNKNOWN_PACE } from './pace.ts';
import type { Command, DeliveryRules, ExitReport } from './rules.ts';
import { PREFETCH_BYTES, Slot } from './slot.ts';

/**
 * Items that wait to be tried again, and items whose outcome is being recorded: past so many no more are pulled. Each outcome is
 * one turn on its way at least (barrier.ts), and so many may come from a worker in one.
 */
const WAITING_MAX = 1000;
const ENDED_IN_TURN_MAX = 256;

/** One run's deliveries. Internal. Times are milliseconds of any clock that only moves forward. */
export class Delivery<Payload> {
  readonly slots: Slot<Payload>[] = [];
  readonly counts: OwnCounts = noCounts();
  /** Items that have been handed out at least once. */
  distributed = 0;
  stopping: 'no' | 'gracefully' | 'forcefully' = 'no';
  /** Even what the master itself writes is not read: nothing is to be added to it. */
  outputIsFull = false;

  readonly #rules: DeliveryRules;
  readonly #backlog = new Backlog<Payload>();
  readonly #boots: Boots<Payload>;
  #settling = 0;
  #settlingMax = 0;
  #closed = false;
  /** What the next plan is to say. */
  #commands: Command<Payload>[] = [];

  constructor(rules: DeliveryRules) {
    this.#rules = rules;
    this.#boots = new Boots(this.slots, this.#backlog, this.counts, rules.random);
    this.resize(rules.workers);
  }

  // ---- questions ----

  /** How many workers there may be. */
  get size(): number {
    return this.#boots.size;
  }

  /** Returns what is known of a worker. Throws RangeError for one that there is not. */
  slot(worker: number): Slot<Payload> {
    const slot = this.slots[worker - 1];
    if (!slot) throw new RangeError(`there is no worker ${worker}`);
    return slot;
  }

  /** How many more items may be pulled from dispatch now, so that each finds a worker that can take it soon. */
  wanted(): number {
    if (this.#closed || this.outputIsFull || this.#backlog.retrying.length >= WAITING_MAX) return 0;
    if (this.#settling >= this.#settlingMax) return 0;
    const mayPrefetch = this.#backlog.pendingBytes < PREFETCH_BYTES;
    let room = -this.#backlog.pending.length - this.#backlog.suspects.length;
    for (const slot of this.slots) {
      const leaves = slot.number > this.size || slot.state === 'draining' || slot.state === 'exiting';
      if (leaves || slot.reserved || slot.backpressure) continue;
      room += Math.max(0, (mayPrefetch ? slot.most : slot.concurrency) - slot.leases.length);
    }
    return Math.max(0, room);
  }

  /** Whether everything has ended: each item has its outcome, and each worker is reaped. */
  get finished(): boolean {
    return this.#closed && this.#idle && this.#settling === 0 && this.slots.every((slot) => slot.state === 'reaped');
  }

  /** How many items wait to be started for the first time, or again: here, or in a worker. */
  get unstarted(): number {
    const waiting = this.#backlog.pending.length + this.#backlog.suspects.length;
    return this.slots.reduce((sum, slot) => sum + slot.leases.length - slot.inProgress, waiting);
  }

  /** How many items are in progress, as far as is known. */
  get inProgress(): number {
    return this.slots.reduce((sum, slot) => sum + slot.inProgress, 0);
  }

  /** How many items have ended, and do not count yet. */
  get settling(): number {
    return this.#settling;
  }

  /** How many items workers have in hand, those that wait there among them. */
  get leased(): number {
    return this.slots.reduce((sum, slot) => sum + slot.leases.length, 0);
  }

  /** When `plan` would have something to do though nothing happened; Infinity for never. */
  wakeAt(now: number): number {
    return Math.min(this.#backlog.dueAt, this.#boots.wakeAt(now));
  }

  /** The workers in which items wait, and which have said nothing for so many milliseconds. */
  silent(now: number, ms: number): number[] {
    return this.slots.filter((slot) => slot.isSilent(now, ms)).map((slot) => slot.number);
  }

  // ---- events of dispatch and of the run ----

  /** `dispatch` yielded an item, of so many bytes. */
  dispatched(payload: Payload, size = 0): Item<Payload> {
    this.counts.dispatched += 1;
    const item = itemOf(this.counts.dispatched + this.counts.skipped, payload, size);
    if (this.stopping !== 'no') this.#release(item);
    else this.#backlog.push(item);
    return item;
  }

  /** `dispatch` yielded an item that cannot be carried: it fails without having been handed out. */
  dispatchedUnfit(payload: Payload): Item<Payload> {
    const item = this.dispatched(payload);
    if (item.state === 'released') this.counts.unfinished -= 1;
    else this.#backlog.pending.pop();
    return this.#settle(item);
  }

  /** `dispatch` yielded an item that an earlier run has ended: it counts only in the numbering. */
  skipped(): void {
    this.counts.skipped += 1;
  }

  /** `dispatch` has come to its end. */
  closed(): void {
    this.#closed = true;
  }

  /** Nothing new is begun any more; forcefully: what is in progress is not waited for, either. */
  stop(how: 'gracefully' | 'forcefully'): void {
    if (this.stopping !== 'forcefully') this.stopping = how;
    this.#closed = true;
    for (const item of this.#backlog.clear()) this.#release(item);
  }

  /** There are to be so many workers from now on, at least 1. */
  resize(size: number): void {
    this.#boots.size = size;
    this.#settlingMax = WAITING_MAX + size * ENDED_IN_TURN_MAX;
    while (this.slots.length < size) this.slots.push(new Slot(this.slots.length + 1, this.#rules.concurrency));
  }

  // ---- events of a worker ----

  /** Its process has been forked. */
  forked(): void {
    this.counts.spawned += 1;
  }

  /** It was not forked after all. */
  notForked(worker: number): void {
    this.slot(worker).state = 'reaped';
  }

  /** It has connected, shown who it is, and run `afterFork`. */
  ready(worker: number): void {
    const slot = this.slot(worker);
    this.#boots.everReady = true;
    if (slot.state === 'booting') slot.state = 'ready';
    else this.#commands.push({ do: 'drain', worker }); // it was told so before, when it may have had no ear yet
  }

  /** Its socket is full, or has room again. */
  backpressure(worker: number, backpressure: boolean): void {
    this.slot(worker).backpressure = backpressure;
  }

  /** It has been told to exit, by somebody else or because it is due to be replaced. */
  leaving(worker: number): void {
    this.#drain(this.slot(worker));
  }

  /**
   * It has processed an item, which took so many milliseconds. Returns the item, to be settled, or undefined where the
   * worker does not hold it: the ack is refused.
   */
  acked(worker: number, number: number, now: number, ms: number): Item<Payload> | undefined {
    const item = this.#endLease(worker, number, now, ms);
    if (!item) return undefined;
    return this.#settle(item);
  }

  /**
   * `process` threw. Returns the item, and whether it has failed for good and is to be settled; undefined where the
   * worker does not hold it.
   */
  threw(
    worker: number,
    number: number,
    permanent: boolean,
    now: number,
    ms: number,
  ): { item: Item<Payload>; failed: boolean } | undefined {
    const item = this.#endLease(worker, number, now, ms);
    if (!item) return undefined;
    return { item, failed: this.#attemptFailed(item, permanent, now) };
  }

  /** It gives items back that it has not started. */
  nacked(worker: number, numbers: readonly number[], now: number): void {
    const slot = this.slot(worker);
    const items = numbers.flatMap((number) => slot.take(number, now) ?? []);
    if (items.length === 0) return;
    // An item takes longer than was thought: until it has ended nothing waits behind it.
    this.#setPace(slot, UNKNOWN_PACE);
    this.#giveBack(items);
    this.#afterLease(slot);
  }

  /**
   * Its process has exited, and all that it had written has been read. `timedOut` are the items that it was killed for:
   * their attempt has failed, and what stood beside them is handed out again uncounted. Where it is empty, the worker was
   * stuck, and each item may have been the one: they are suspects.
   */
  exited(worker: number, now: number, timedOut?: ReadonlySet<number>): ExitReport<Payload> {
    const slot = this.slot(worker);
    const crashed = slot.state === 'booting' || slot.state === 'ready' || slot.leases.length > 0;
    const expected = !crashed || this.stopping === 'forcefully' || timedOut !== undefined;
    const inProgress = slot.maybeStarted();
    const unstarted = slot.leases.splice(0).slice(inProgress.length);
    const failed: Item<Payload>[] = [];

    if (this.stopping === 'forcefully') for (const item of inProgress) this.#release(item);
    else if (timedOut !== undefined && timedOut.size > 0) {
      this.#giveBack(inProgress.filter((item) => !timedOut.has(item.number)));
      failed.push(...inProgress.filter((item) => timedOut.has(item.number) && this.#attemptFailed(item, false, now)));
    } else if (inProgress.length === 1 && timedOut === undefined)
      failed.push(...inProgress.filter((item) => this.#crashedAlone(item)));
    else for (const item of inProgress.toReversed()) this.#suspect(item); // each goes to the front
    this.#giveBack(unstarted);

    if (!expected) {
      this.counts.crashed += 1;
      this.#boots.died(slot, now);
    }
    slot.reaped();
    this.#setPace(slot, UNKNOWN_PACE);
    this.#commands = this.#commands.filter((command) => command.worker !== worker); // they were for this process
    // The last to exit may be one that had been told to.
    const noneBooted = this.#boots.haveFailed && this.stopping === 'no';
    const bootFailure = noneBooted && this.slots.every((other) => other.state === 'reaped');
    const bootInMs = !expected && this.#boots.isPutOff(slot) ? slot.bootNotBefore - now : 0;
    return { crashed: !expected, inProgress, failed, bootFailure, bootInMs };
  }

  /** The outcome of an item has been recorded, and the hooks have run. */
  settled(item: Item<Payload>, outcome: 'done' | 'failed' | 'unfinished'): void {
    this.#settling -= 1;
    if (outcome === 'unfinished') {
      this.#release(item);
    } else {
      item.state = outcome;
      this.counts[outcome] += 1;
    }
  }

  // ---- decisions ----

  /** What is to be done now, and since the last call. */
  plan(now: number): readonly Command<Payload>[] {
    const over = this.stopping !== 'no' || (this.#closed && this.#idle);
    for (const slot of this.slots) if (over || slot.number > this.size) this.#drain(slot);
    this.#backlog.takeDue(now);
    this.#handSuspects(now);
    if (this.#backlog.pending.length > 0) this.#handPending(now);
    if (this.stopping === 'no') this.#bootWorkers(now);
    return this.#commands.splice(0);
  }

  /** A suspect gets a worker that has nothing else; where there is none, one is kept from getting more. */
  #handSuspects(now: number): void {
    // Which worker is kept free is decided anew each time: the suspect that it was for may be elsewhere by now.
    for (const slot of this.slots) if (slot.reserved) slot.reserved = slot.leases.some((item) => item.suspect);
    for (const slot of this.slots) {
      const suspect = this.#backlog.suspects[0];
      if (!suspect) return;
      if (slot.state !== 'ready' || slot.leases.length > 0) continue;
      this.#backlog.suspects.shift();
      slot.reserved = true;
      this.#lease(slot, suspect, false, now);
      this.#commands.push({ do: 'hand', worker: slot.number, items: [suspect], batchAcks: false });
    }
    if (this.#backlog.suspects.length === 0) return;
    const busy = this.slots.filter((slot) => slot.state === 'ready' && !slot.reserved);
    const keep = busy.sort((a, b) => a.leases.length - b.leases.length)[0];
    if (keep) keep.reserved = true;
  }

  /** The worker that has the fewest items is served first. */
  #handPending(now: number): void {
    const open = this.slots.filter((slot) => slot.state === 'ready' && !slot.reserved && !slot.backpressure);
    const handed = new Map<Slot<Payload>, Item<Payload>[]>();
    while (this.#backlog.pending.length > 0) {
      let least: Slot<Payload> | undefined;
      for (const slot of open) {
        const fewer = !least || slot.leases.length < least.leases.length;
        if (fewer && slot.leases.length < slot.most) least = slot;
      }
      if (!least) break;
      const item = this.#backlog.shift();
      if (!item) break;
      this.#lease(least, item, this.#rules.batchesAcks(least.pace), now);
      const items = handed.get(least);
      if (items) items.push(item);
      else handed.set(least, [item]);
    }
    for (const [{ number, pace }, items] of handed)
      this.#commands.push({ do: 'hand', worker: number, items, batchAcks: this.#rules.batchesAcks(pace) });
  }

  #bootWorkers(now: number): void {
    for (const slot of this.#boots.due(now)) {
      slot.booting();
      this.#commands.push({ do: 'boot', worker: slot.number });
    }
  }

  #drain(slot: Slot<Payload>): void {
    if (slot.state !== 'booting' && slot.state !== 'ready') return;
    slot.state = 'draining';
    this.#commands.push({ do: 'drain', worker: slot.number });
    this.#afterLease(slot);
  }

  // ---- the moves of an item ----

  get #idle(): boolean {
    return this.#backlog.isEmpty && this.leased === 0;
  }

  #setPace(slot: Slot<Payload>, pace: number): void {
    slot.pace = pace;
    slot.prefetch = this.#rules.prefetch(pace);
  }

  #lease(slot: Slot<Payload>, item: Item<Payload>, batchAcks: boolean, now: number): void {
    if (item.worker === 0) this.distributed += 1;
    slot.lease(item, batchAcks, now);
    if (item.starts > 1) this.counts.retried += 1;
  }

  #endLease(worker: number, number: number, now: number, ms: number): Item<Payload> | undefined {
    const slot = this.slot(worker);
    const item = slot.take(number, now);
    if (!item) return undefined;
    this.#setPace(slot, paceAfter(slot.pace, ms));
    slot.finished += 1;
    slot.deathsInARow = 0;
    this.#afterLease(slot);
    return item;
  }

  #afterLease(slot: Slot<Payload>): void {
    if (slot.leases.length > 0) return;
    slot.reserved = false;
    if (slot.state !== 'draining') return;
    slot.state = 'exiting';
    this.#commands.push({ do: 'expect exit', worker: slot.number });
  }

  #settle(item: Item<Payload>): Item<Payload> {
    item.state = 'settling';
    this.#settling += 1;
    return item;
  }

  #release(item: Item<Payload>): void {
    item.state = 'released';
    this.counts.unfinished += 1;
  }

  /** Items that were not started: the next worker gets them first, and nothing is counted. */
  #giveBack(items: readonly Item<Payload>[]): void {
    for (const item of items) {
      if (item.state !== 'leased') continue;
      if (item.starts > 1) this.counts.retried -= 1;
      item.starts -= 1;
    }
    if (this.stopping !== 'no') {
      for (const item of items) this.#release(item);
      return;
    }
    this.#backlog.putFirst(items);
  }

  #suspect(item: Item<Payload>): void {
    item.suspect = true;
    if (this.stopping === 'no') this.#backlog.putFirst([item]);
    else this.#release(item);
  }

  /** Returns whether the item has failed for good; otherwise it will be tried again, or a stop leaves it unfinished. */
  #attemptFailed(item: Item<Payload>, permanent: boolean, now: number): boolean {
    item.throws += 1;
    if (this.stopping === 'forcefully') {
      this.#release(item); // it was told to abort, so this says nothing about the item
      return false;
    }
    if (permanent || item.throws > this.#rules.retries) {
      this.#settle(item);
      return true;
    }
    if (this.stopping === 'no') {
      const wait = backoff(this.#rules.backoffMs, item.throws, this.#rules.random);
      this.#backlog.retryLater(item, now + wait);
    } else this.#release(item);
    return false;
  }

  /** Returns whether it was one crash too many. */
  #crashedAlone(item: Item<Payload>): boolean {
    item.crashes += 1;
    if (item.crashes < this.#rules.maxCrashes) {
      this.#suspect(item);
      return false;
    }
    this.#settle(item);
    return true;
  }
}
