/**
 * The delivery rules: which item goes to which worker, and what happens to both. Runs in the master.
 *
 * Pure: no input or output, no clock, no randomness of its own. The master (run-loop.ts, pool.ts) reports events by
 * calling the methods named after them; some return items that the master must settle at once. Then the master asks for
 * `plan` and carries it out. The simulator in the tests drives the same class through every fault it can think of.
 *
 *   An item:   pending ─> leased ─> settling ─> done | failed    (at a stop, pending or retrying: released, unfinished)
 *                 ^         ├──> retrying (waits for its time) ─┐
 *                 └─────────┴───────────────────────────────────┘
 *
 *   A worker:  reaped ─> booting ─> ready (busy while it has leases) ─> draining ─> exiting ─> reaped
 *
 * - A lease belongs to one process of one worker. It ends when the item is acked, fails, or is given back, or when that
 *   process is confirmed to have exited; never by time alone. So an item has at most one live lease.
 * - Only the holder of the lease can ack. Any other ack is refused.
 * - Items that were in progress together in a worker that died are suspects: each is tried again alone, and only a
 *   death while alone counts as a crash of the item. So an item does not fail because of another item's crash.
 * - A worker gets more items than it can have in progress only while they are short (pace.ts). Items that it gives back
 *   unstarted go to the next worker, uncounted.
 * - An item in progress that a person cancels keeps its lease. If that ends without an ack, the item has failed.
 *
 * Consecutive items that nothing has happened to move together, as a run (run.ts): that changes nothing in these rules,
 * it only costs less. slot.ts has the state of one worker, backlog.ts the waiting items; boots.ts decides which worker
 * boots when, handing.ts which worker gets which item, gate.ts when items may be handed out at all.
 */

import type { Thrown } from '../item-error.ts';
import { Backlog } from './backlog.ts';
import { backoff } from './backoff.ts';
import { Boots } from './boots.ts';
import { noCounts, type OwnCounts } from './counts.ts';
import { Gate } from './gate.ts';
import { Handing } from './handing.ts';
import { paceAfter, UNKNOWN_PACE } from './pace.ts';
import type { Command, DeliveryRules, ExitReport } from './rules.ts';
import { type Run, rangesOf, runOf } from './run.ts';
import { PREFETCH_BYTES, Slot } from './slot.ts';

/**
 * No more items are pulled while so many wait for a retry, or for their outcome to be recorded. Each outcome takes at
 * least one turn (barrier.ts), and one worker may send so many in a turn.
 */
const WAITING_MAX = 1000;
/** How long RateLimited holds all back at least, in milliseconds: it has no end, and is no attempt. */
const LIMITED_LEAST_MS = 100;
const ENDED_IN_TURN_MAX = 256;

/** The deliveries of one run. Internal. Times are milliseconds of any clock that only moves forward. */
export class Delivery<Payload> {
  readonly slots: Slot<Payload>[] = [];
  readonly counts: OwnCounts = noCounts();
  stopping: 'no' | 'gracefully' | 'forcefully' = 'no';
  /** Nobody reads even the master's own output: don't add to it. */
  outputIsFull = false;

  readonly #rules: DeliveryRules;
  readonly backlog: Backlog<Payload> = new Backlog();
  readonly gate: Gate;
  readonly #boots: Boots<Payload>;
  readonly #handing: Handing<Payload>;
  #settling = 0;
  #settlingMax = 0;
  #closed = false;
  /** Commands for the next plan. */
  #commands: Command<Payload>[] = [];

  constructor(rules: DeliveryRules) {
    this.#rules = rules;
    this.gate = new Gate(rules.rate);
    this.#boots = new Boots(this.slots, this.backlog, this.counts, rules.random);
    this.#handing = new Handing(this.slots, this.backlog, this.gate, this.counts, rules.batchesAcks);
    this.resize(rules.workers);
  }

  // ---- questions ----

  /** Items that were handed out at least once. */
  get distributed(): number {
    return this.#handing.distributed;
  }

  /** The number of the last item that `dispatch` yielded. */
  get lastNumber(): number {
    return this.#rules.numbersFrom + this.counts.dispatched + this.counts.skipped;
  }

  /** How many workers may run. */
  get size(): number {
    return this.#boots.size;
  }

  /** Returns the state of a worker. Throws RangeError if there is no such worker. */
  slot(worker: number): Slot<Payload> {
    const slot = this.slots[worker - 1];
    if (!slot) throw new RangeError(`there is no worker ${worker}`);
    return slot;
  }

  /** How many more items may be pulled from dispatch now, so that each soon finds a worker with room. */
  wanted(now: number): number {
    if (this.#closed || this.outputIsFull || this.backlog.retrying.length >= WAITING_MAX) return 0;
    if (this.#settling >= this.#settlingMax) return 0;
    const mayPrefetch = this.backlog.pendingBytes < (this.#rules.prefetchBytes ?? PREFETCH_BYTES);
    const waiting = this.backlog.pendingCount + this.backlog.suspects.length;
    let room = -waiting;
    for (const slot of this.slots) {
      const leaves = slot.number > this.size || slot.state === 'draining' || slot.state === 'exiting';
      if (leaves || slot.reserved || slot.backpressure) continue;
      room += Math.max(0, (mayPrefetch ? slot.most : slot.concurrency) - slot.held);
    }
    // One more than the gate lets through: otherwise the end of `dispatch` would be noticed only when it opens again.
    return Math.max(0, Math.min(room, Math.max(1, this.gate.room(now)) - waiting));
  }

  /** Whether an item waits that could be handed out now, as soon as a worker has room for it. */
  handsOut(now: number): boolean {
    const { pendingCount, suspects, dueAt } = this.backlog;
    return (pendingCount + suspects.length > 0 || dueAt <= now) && this.gate.room(now) >= 1;
  }

  /** Whether everything has ended: each item has its outcome, and each worker is reaped. */
  get finished(): boolean {
    return this.#closed && this.#idle && this.#settling === 0 && this.slots.every((slot) => slot.state === 'reaped');
  }

  /** How many items wait for their first start or for the next one, in the master or in a worker. */
  get unstarted(): number {
    const waiting = this.backlog.pendingCount + this.backlog.suspects.length;
    return this.leased - this.inProgress + waiting;
  }

  /** How many items are in progress, as far as the master knows: of a queue's, any may be. */
  get inProgress(): number {
    return this.#rules.isQueue ? this.leased : this.slots.reduce((sum, { startedAt }) => sum + startedAt.length, 0);
  }

  /** How many items have ended but do not count yet. */
  get settling(): number {
    return this.#settling;
  }

  /** How many items the workers hold, including those that wait there. */
  get leased(): number {
    return this.slots.reduce((sum, slot) => sum + slot.held, 0);
  }

  /** When `plan` will have something to do even if nothing happens; Infinity for never. */
  wakeAt(now: number): number {
    const waits = this.backlog.pendingCount + this.backlog.suspects.length > 0;
    const gateAt = waits && this.gate.room(now) < 1 ? Math.max(now + 1, this.gate.opensAt(now)) : Infinity;
    return Math.min(this.backlog.dueAt, this.#boots.wakeAt(now), gateAt);
  }

  /** Workers that hold waiting items and have been silent for `ms` milliseconds. */
  silent(now: number, ms: number): number[] {
    return this.slots.filter((slot) => slot.isSilent(now, ms)).map((slot) => slot.number);
  }

  // ---- events of dispatch and of the run ----

  /** `dispatch` yielded an item; `size` is in bytes, `number` is given if another master numbers it. Returns its number. */
  dispatched(payload: Payload, size = 0, number: number = this.lastNumber + 1): number {
    this.counts.dispatched += 1;
    if (this.stopping === 'no') this.backlog.push(number, payload, size);
    else this.counts.unfinished += 1;
    return number;
  }

  /** `dispatch` yielded an item that can't be sent: it fails without being handed out. */
  dispatchedUnfit(payload: Payload): Run<Payload> {
    this.counts.dispatched += 1;
    return this.#settle(runOf(this.lastNumber, payload, 0));
  }

  /** `dispatch` yielded an item that ended in an earlier run: only its number counts. */
  skipped(): void {
    this.counts.skipped += 1;
  }

  /** `dispatch` has ended. */
  closed(): void {
    this.#closed = true;
  }

  /** Starts nothing new. If forceful, also does not wait for items in progress. */
  stop(how: 'gracefully' | 'forcefully'): void {
    if (this.stopping !== 'forcefully') this.stopping = how;
    this.#closed = true;
    for (const run of this.backlog.clear()) this.#release(run);
  }

  /** Sets the number of workers from now on, at least 1. */
  resize(size: number): void {
    this.#boots.size = size;
    this.#settlingMax = WAITING_MAX + size * ENDED_IN_TURN_MAX;
    while (this.slots.length < size) this.slots.push(new Slot(this.slots.length + 1, this.#rules));
  }

  // ---- events of a worker ----

  /** A worker's process was forked. */
  forked(): void {
    this.counts.spawned += 1;
  }

  /** A worker was not forked after all. */
  notForked(worker: number): void {
    this.slot(worker).state = 'reaped';
  }

  /** A worker has connected, shown its token, and run `afterFork`. */
  ready(worker: number): void {
    const slot = this.slot(worker);
    this.#boots.everReady = true;
    if (slot.state === 'booting') slot.state = 'ready';
    else this.#commands.push({ do: 'drain', worker }); // again: it may not have been connected before
  }

  /** A worker's socket is full, or has room again: perhaps for another number of items. */
  backpressure(worker: number, backpressure: boolean): void {
    this.slot(worker).backpressure = backpressure;
    this.#setPace(this.slot(worker), this.slot(worker).pace);
  }

  /** A worker was told to exit by somebody else, or leaves because it is due to be replaced. */
  leaving(worker: number): void {
    this.#drain(this.slot(worker));
  }

  /**
   * A worker has processed `count` items, numbered from `first`, each in `ms` milliseconds. Returns those that it holds,
   * to be settled. For the others, the ack is refused.
   */
  acked(worker: number, first: number, count: number, now: number, ms: number): readonly Run<Payload>[] {
    const runs = this.#endLeases(worker, first, count, now, ms);
    for (const run of runs) this.#settle(run);
    return runs;
  }

  /** A person cancels an item in progress in this worker, as far as the master knows. Returns false if it is not. */
  cancel(worker: number, number: number): boolean {
    const slot = this.slot(worker);
    const item = slot.inProgress.some((each) => each.number === number) ? slot.single(number) : undefined;
    if (item) item.cancelled = true;
    return item !== undefined;
  }

  /**
   * `process` threw. Returns the item, and whether it has failed for good and must be settled. Returns undefined if the
   * worker does not hold the item. `afterMs` is how long the error asks to wait; if `how` is 'rate limited', all wait.
   */
  threw(
    worker: number,
    number: number,
    how: Thrown,
    now: number,
    ms: number,
    afterMs?: number,
  ): { run: Run<Payload>; failed: boolean } | undefined {
    const [run] = this.#endLeases(worker, number, 1, now, ms);
    if (!run) return undefined;
    if (how !== 'rate limited' || run.cancelled) return { run, failed: this.#attemptFailed(run, how, now, afterMs) };
    const wait = Math.max(LIMITED_LEAST_MS, afterMs ?? this.#rules.backoffMs);
    this.gate.close('RateLimited', Math.max(this.gate.closedUntil('RateLimited'), now + wait));
    this.#putBack([run]);
    return { run, failed: false };
  }

  /** A worker gives back items that it has not started. Those that it returns were cancelled: settle them as failed. */
  nacked(worker: number, numbers: readonly number[], now: number): readonly Run<Payload>[] {
    const slot = this.slot(worker);
    const runs = [...rangesOf(numbers)].flatMap(([first, count]) => slot.take(first, count, now));
    if (runs.length === 0) return runs;
    // An item takes longer than expected: until it ends, no item waits behind it.
    this.#setPace(slot, UNKNOWN_PACE);
    const failed = this.#giveBack(runs);
    this.#afterLease(slot);
    return failed;
  }

  /**
   * A worker's process has exited, and everything it wrote has been read. `timedOut` are the items for which it was
   * killed: their attempt has failed, and the items beside them are handed out again uncounted. If `timedOut` is empty,
   * the worker was stuck and any of its items may be the cause: all are suspects.
   */
  exited(worker: number, now: number, timedOut?: ReadonlySet<number>): ExitReport<Payload> {
    const slot = this.slot(worker);
    const crashed = slot.state === 'booting' || slot.state === 'ready' || slot.held > 0;
    const expected = !crashed || this.stopping === 'forcefully' || timedOut !== undefined;
    const { started, unstarted } = slot.takeAll();
    const failed: Run<Payload>[] = [];

    if (this.stopping === 'forcefully') for (const item of started) this.#release(item);
    else if (timedOut !== undefined && timedOut.size > 0) {
      failed.push(...this.#putBack(started.filter(({ number }) => !timedOut.has(number))));
      failed.push(...started.filter((item) => timedOut.has(item.number) && this.#attemptFailed(item, 'threw', now)));
    } else if (started.length === 1 && timedOut === undefined)
      failed.push(...started.filter((item) => this.#crashedAlone(item)));
    else for (const item of started.toReversed()) if (this.#suspect(item)) failed.push(item); // each goes to the front
    failed.push(...this.#giveBack(unstarted));

    if (!expected) {
      this.counts.crashed += 1;
      this.#boots.died(slot, now);
    }
    slot.reaped();
    this.#setPace(slot, UNKNOWN_PACE);
    this.#commands = this.#commands.filter((command) => command.worker !== worker); // they were for the dead process
    // The last worker to exit may be one that was asked to.
    const noneBooted = this.#boots.haveFailed && this.stopping === 'no';
    const bootFailure = noneBooted && this.slots.every((other) => other.state === 'reaped');
    const bootInMs = !expected && this.#boots.isPutOff(slot) ? slot.bootNotBefore - now : 0;
    return { crashed: !expected, started, failed, bootFailure, bootInMs };
  }

  /** The outcome of items is recorded, and the hooks have run. */
  settled(run: Run<Payload>, outcome: 'done' | 'failed' | 'unfinished'): void {
    this.#settling -= run.count;
    this.counts[outcome] += run.count;
  }

  // ---- decisions ----

  /** Returns what the master must do now. Includes the commands that have gathered since the last call. */
  plan(now: number): readonly Command<Payload>[] {
    const over = this.stopping !== 'no' || (this.#closed && this.#idle);
    for (const slot of this.slots) if (over || slot.number > this.size) this.#drain(slot);
    this.backlog.takeDue(now);
    this.#commands.push(...this.#handing.due(now));
    if (this.stopping === 'no') this.#bootWorkers(now);
    return this.#commands.splice(0);
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
    return this.backlog.isEmpty && this.leased === 0;
  }

  #setPace(slot: Slot<Payload>, pace: number): void {
    slot.pace = pace;
    slot.prefetch = this.#rules.prefetch(pace);
  }

  #endLeases(worker: number, first: number, count: number, now: number, ms: number): readonly Run<Payload>[] {
    const slot = this.slot(worker);
    const runs = slot.take(first, count, now);
    if (runs.length === 0) return runs;
    for (const run of runs) {
      run.durationMs = ms;
      this.#setPace(slot, paceAfter(slot.pace, ms, run.count));
      slot.finished += run.count;
    }
    slot.deathsInARow = 0;
    this.#afterLease(slot);
    return runs;
  }

  #afterLease(slot: Slot<Payload>): void {
    if (slot.held > 0) return;
    slot.reserved = false;
    if (slot.state !== 'draining') return;
    slot.state = 'exiting';
    this.#commands.push({ do: 'expect exit', worker: slot.number });
  }

  #settle(run: Run<Payload>): Run<Payload> {
    this.#settling += run.count;
    return run;
  }

  #release(run: Run<Payload>): void {
    this.counts.unfinished += run.count;
  }

  /** Items that were not started. Returns those that have failed since they were cancelled, as the next two do. */
  #giveBack(runs: readonly Run<Payload>[]): readonly Run<Payload>[] {
    for (const run of runs) this.gate.returned(run.count);
    return this.#putBack(runs);
  }

  /** Items whose start does not count as an attempt go to the next worker first. */
  #putBack(runs: readonly Run<Payload>[]): readonly Run<Payload>[] {
    for (const run of runs) {
      if (run.starts > 1) this.counts.retried -= run.count;
      run.starts -= 1;
    }
    const failed = runs.filter((run) => this.#failsAsCancelled(run));
    const others = runs.filter((run) => !failed.includes(run));
    if (this.stopping === 'no') this.backlog.putFirst(others);
    else for (const run of others) this.#release(run);
    return failed;
  }

  /** Returns whether the item has failed instead. */
  #suspect(item: Run<Payload>): boolean {
    if (this.#failsAsCancelled(item)) return true;
    item.suspect = true;
    if (this.stopping === 'no') this.backlog.putFirst([item]);
    else this.#release(item);
    return false;
  }

  /** A cancelled item is settled where any other would be tried again. Returns whether it is. */
  #failsAsCancelled(item: Run<Payload>): boolean {
    if (item.cancelled) this.#settle(item);
    return item.cancelled;
  }

  /** Returns whether the item has failed for good. If not, it is tried again later, or a stop leaves it unfinished. */
  #attemptFailed(item: Run<Payload>, how: Thrown, now: number, afterMs?: number): boolean {
    item.throws += 1;
    if (this.stopping === 'forcefully') {
      this.#release(item); // it was told to abort, so this says nothing about the item
      return false;
    }
    if (how === 'threw for good' || item.cancelled || item.throws > this.#rules.retries) {
      this.#settle(item);
      return true;
    }
    if (this.stopping === 'no') {
      const { backoffMs, backoffCapMs, random } = this.#rules;
      this.backlog.retryLater(item, now + (afterMs ?? backoff(backoffMs, item.throws, random, backoffCapMs)));
    } else this.#release(item);
    return false;
  }

  /** Returns whether this was one crash too many. */
  #crashedAlone(item: Run<Payload>): boolean {
    item.crashes += 1;
    if (item.crashes < this.#rules.maxCrashes) return this.#suspect(item);
    this.#settle(item);
    return true;
  }
}
