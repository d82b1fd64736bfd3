/**
 * The delivery rules: which item goes to which worker, and what becomes of both. Runs in the master.
 *
 * Pure: no input or output, no clock, no randomness of its own. The master (master.ts) tells it what happened, by the
 * methods named after events; each returns what the master must see to at once. Then the master asks for `plan`, and
 * carries that out. The simulator in the tests drives the same class through every fault it can think of.
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
 * - More items than it can have in progress are on their way to a worker only while they are short (pace.ts). It begins
 *   them in their order, so that of what a dead worker had, the master knows which had not been begun. What is handed
 *   out as quick may be acked late, though: of that each may have been in progress, or done.
 * - What a worker gives back, since it had not started it, is handed to the next, uncounted.
 */

import type { Counts } from '../parallelizable.ts';
import { paceAfter, UNKNOWN_PACE } from './pace.ts';

/** What the rules are to be. */
export interface DeliveryRules {
  /** Worker processes at most, from 1. */
  readonly workers: number;
  /** Items in progress at once in each worker, from 1. */
  readonly concurrency: number;
  /** How many crashes of its own fail an item, from 1. */
  readonly maxCrashes: number;
  /** How often an item is tried again after `process` threw, from 0. */
  readonly retries: number;
  /** How long to wait before the first of these, in milliseconds; it doubles each time, with jitter. */
  readonly backoffMs: number;
  /** A number from 0 to 1, below 1, for the jitter. */
  readonly random: () => number;
  /** How many items may wait in a worker of such a pace, in milliseconds an item: pace.ts. */
  readonly ahead: (pace: number) => number;
  /** Whether a worker of such a pace may gather its acks. */
  readonly quick: (pace: number) => boolean;
}

/** An item in the master's hands, from its dispatch to its end. Load is what the master carries with it. */
export interface Item<Load> {
  readonly number: number;
  readonly load: Load;
  /** What it comes to, in bytes. */
  readonly size: number;
  state: 'pending' | 'leased' | 'retrying' | 'settling' | 'done' | 'failed' | 'released';
  /** How often a worker was given it to process, less what came back unstarted. */
  starts: number;
  throws: number;
  crashes: number;
  /** It was in progress in a worker that died, so it gets a worker to itself. */
  suspect: boolean;
  /** The worker that has or had it last; 0 before the first. */
  worker: number;
  /** Which of the items it is that its worker's present process has been handed, from 1. */
  place: number;
  /** Its ack may be gathered with others. */
  quick: boolean;
  /** Since when it may be in progress, by the master's clock in milliseconds. */
  begunAt: number;
}

/** A worker as the rules see it. */
export interface Slot<Load> {
  readonly number: number;
  state: 'reaped' | 'booting' | 'ready' | 'draining' | 'exiting';
  /** The items it has, in the order in which it was handed them; it starts them in this order. */
  readonly leases: Item<Load>[];
  /** Items that the present process has been handed. */
  handed: number;
  /** Items that the present process has finished. */
  finished: number;
  /** How many of its processes have died, one after another, without having finished an item. */
  barrenDeaths: number;
  /** When it may be booted again. */
  bootNotBefore: number;
  /** How long the items of its present process take, in milliseconds. */
  pace: number;
  /** How many items may wait in it, besides those in progress. */
  ahead: number;
  /** What its items come to, in bytes. */
  bytes: number;
  /** It takes no new item: it has a suspect, or is kept free for one. */
  alone: boolean;
  /** It takes no new item: its socket is full of what it was sent. */
  clogged: boolean;
}

/** What the master is to do. */
export type Command<Load> =
  | { readonly do: 'boot'; readonly worker: number }
  | { readonly do: 'hand'; readonly worker: number; readonly items: readonly Item<Load>[]; readonly quick: boolean }
  /** Tell the worker to finish what it has and exit. */
  | { readonly do: 'drain'; readonly worker: number }
  /** The worker has nothing left to finish: it may be killed when it takes long to exit. */
  | { readonly do: 'expect exit'; readonly worker: number };

/** What the exit of a worker's process did to the items that it had. */
export interface ExitReport<Load> {
  /** Nobody had asked it to exit. */
  readonly crashed: boolean;
  /** What it was at, or may have been, first handed out first. */
  readonly inProgress: readonly Item<Load>[];
  /** Of these, the items that this was one crash too many for: to be settled as failed. */
  readonly failed: readonly Item<Load>[];
  /** No worker of the run ever became ready, and none is on its way any more. */
  readonly bootFailure: boolean;
  /** How long the next boot is put off, in milliseconds; 0 where no item waits for one. */
  readonly bootInMs: number;
}

/**
 * Items that wait to be tried again, and items whose outcome is being recorded: past so many no more are pulled. Each outcome is
 * one turn on its way at least (barrier.ts), and so many may come from a worker in one.
 */
const WAITING_MAX = 1000;
const ENDED_IN_TURN_MAX = 256;
/** Past so many bytes no item is pulled, or handed to a worker, for later. */
const AHEAD_BYTES = 4 * 1024 * 1024;
const CRASH_BACKOFF_MS = 100;
const BACKOFF_CAP_MS = 30_000;

/** One run's deliveries. Internal. Times are milliseconds of any clock that only moves forward. */
export class Delivery<Load> {
  readonly slots: Slot<Load>[] = [];
  readonly counts: { -readonly [K in keyof Counts]: number } = {
    dispatched: 0,
    done: 0,
    failed: 0,
    unfinished: 0,
    skipped: 0,
    retried: 0,
    spawned: 0,
    crashed: 0,
  };
  /** Items that have been handed out at least once. */
  distributed = 0;
  /** How many workers there may be; slots beyond it are on their way out, or empty. */
  size = 0;
  stopping: 'no' | 'gracefully' | 'forcefully' = 'no';
  /** Even what the master itself writes is not read: nothing is to be added to it. */
  outputIsFull = false;

  readonly #rules: DeliveryRules;
  /** Items that may go to any worker with room. What comes back goes to the front. */
  #pending: Item<Load>[] = [];
  /** Items that need a worker to themselves. */
  #suspects: Item<Load>[] = [];
  /** Items that wait for their time, the earliest first. */
  #retrying: { item: Item<Load>; notBefore: number }[] = [];
  #pendingBytes = 0;
  #settling = 0;
  #settlingMax = 0;
  #closed = false;
  #everReady = false;
  /** What the next plan is to say. */
  #commands: Command<Load>[] = [];

  constructor(rules: DeliveryRules) {
    this.#rules = rules;
    this.resize(rules.workers);
  }

  // ---- questions ----

  /** How many more items may be pulled from dispatch now, so that each finds a worker that can take it soon. */
  wanted(): number {
    if (this.#closed || this.outputIsFull || this.#retrying.length >= WAITING_MAX) return 0;
    if (this.#settling >= this.#settlingMax) return 0;
    const ahead = this.#pendingBytes < AHEAD_BYTES;
    let room = -this.#pending.length - this.#suspects.length;
    for (const slot of this.slots) {
      const leaves = slot.number > this.size || slot.state === 'draining' || slot.state === 'exiting';
      if (leaves || slot.alone || slot.clogged) continue;
      room += Math.max(0, (ahead ? this.#most(slot) : this.#rules.concurrency) - slot.leases.length);
    }
    return Math.max(0, room);
  }

  /** Whether everything has ended: each item has its outcome, and each worker is reaped. */
  get finished(): boolean {
    return this.#closed && this.#idle && this.#settling === 0 && this.slots.every((slot) => slot.state === 'reaped');
  }

  /** How many items wait to be begun for the first time, or again: here, or in a worker. */
  get unbegun(): number {
    const { concurrency } = this.#rules;
    const waiting = this.#pending.length + this.#suspects.length;
    return this.slots.reduce((sum, { leases }) => sum + Math.max(0, leases.length - concurrency), waiting);
  }

  /** How many items are in progress, as far as is known. */
  get inProgress(): number {
    return this.slots.reduce((sum, { leases }) => sum + Math.min(leases.length, this.#rules.concurrency), 0);
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
    let at = this.#retrying[0]?.notBefore ?? Infinity;
    for (const slot of this.slots) {
      if (slot.bootNotBefore > now && this.#isPutOff(slot)) at = Math.min(at, slot.bootNotBefore);
    }
    return at;
  }

  /** So many milliseconds up to now do not count for what a worker has in progress: it was stopped, or waited for a reader. */
  standsStill(worker: number, ms: number, now: number): void {
    for (const item of this.#slot(worker).leases) item.begunAt = Math.min(now, item.begunAt + ms);
  }

  /** Since when, as far as is known, a worker has an item in progress; undefined where it does not hold it. */
  begunAt(worker: number, number: number): number | undefined {
    return this.#slot(worker).leases.find((item) => item.number === number)?.begunAt;
  }

  /** The items that have been in progress for longer than so many milliseconds, as far as is known. */
  overdue(now: number, ms: number): Item<Load>[] {
    const { concurrency } = this.#rules;
    return this.slots.flatMap((slot) => slot.leases.slice(0, concurrency).filter((item) => now - item.begunAt > ms));
  }

  /** The workers in which items wait, and which have said nothing for so many milliseconds. */
  silent(now: number, ms: number): number[] {
    const { concurrency } = this.#rules;
    const stuck = ({ leases }: Slot<Load>): boolean =>
      leases.length > concurrency && leases.slice(0, concurrency).every((item) => now - item.begunAt > ms);
    return this.slots.filter(stuck).map((slot) => slot.number);
  }

  /** The numbers of the items that a worker has been handed behind the first so many. Of that count it knows the last 31 bits. */
  handedBehind(worker: number, count: number): number[] {
    const { leases, handed } = this.#slot(worker);
    const first = handed - ((handed - count) & 0x7fff_ffff);
    return leases.flatMap((item) => (item.place > first ? [item.number] : []));
  }

  /** What a worker may have begun of the items that it has: it begins them in their order. */
  begun(worker: number): Item<Load>[] {
    const begun: Item<Load>[] = [];
    let room = this.#rules.concurrency;
    for (const item of this.#slot(worker).leases) {
      if (room === 0) break;
      if (!item.quick) room -= 1; // a quick one may have ended unbeknown
      begun.push(item);
    }
    return begun;
  }

  // ---- events of dispatch and of the run ----

  /** `dispatch` yielded an item, of so many bytes. */
  dispatched(load: Load, size = 0): Item<Load> {
    this.counts.dispatched += 1;
    const item: Item<Load> = {
      number: this.counts.dispatched + this.counts.skipped,
      load,
      size,
      state: 'pending',
      starts: 0,
      throws: 0,
      crashes: 0,
      suspect: false,
      worker: 0,
      place: 0,
      quick: false,
      begunAt: 0,
    };
    if (this.stopping !== 'no') this.#release(item);
    else {
      this.#pending.push(item);
      this.#pendingBytes += size;
    }
    return item;
  }

  /** `dispatch` yielded an item that cannot be carried: it fails without having been handed out. */
  dispatchedUnfit(load: Load): Item<Load> {
    const item = this.dispatched(load);
    if (item.state === 'released') this.counts.unfinished -= 1;
    else this.#pending.pop();
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
    for (const item of this.#pending.splice(0)) this.#release(item);
    for (const item of this.#suspects.splice(0)) this.#release(item);
    for (const { item } of this.#retrying.splice(0)) this.#release(item);
    this.#pendingBytes = 0;
  }

  /** There are to be so many workers from now on, at least 1. */
  resize(size: number): void {
    this.size = size;
    this.#settlingMax = WAITING_MAX + size * ENDED_IN_TURN_MAX;
    for (let number = this.slots.length + 1; number <= size; number++) {
      this.slots.push({
        number,
        state: 'reaped',
        leases: [],
        handed: 0,
        finished: 0,
        barrenDeaths: 0,
        bootNotBefore: 0,
        pace: UNKNOWN_PACE,
        ahead: 0,
        bytes: 0,
        alone: false,
        clogged: false,
      });
    }
  }

  // ---- events of a worker ----

  /** Its process has been forked. */
  forked(): void {
    this.counts.spawned += 1;
  }

  /** It was not forked after all. */
  notForked(worker: number): void {
    this.#slot(worker).state = 'reaped';
  }

  /** It has connected, shown who it is, and run `afterFork`. */
  ready(worker: number): void {
    const slot = this.#slot(worker);
    this.#everReady = true;
    if (slot.state === 'booting') slot.state = 'ready';
    else this.#commands.push({ do: 'drain', worker }); // it was told so before, when it may have had no ear yet
  }

  /** Its socket is full, or has room again. */
  clogged(worker: number, clogged: boolean): void {
    this.#slot(worker).clogged = clogged;
  }

  /** It has been told to exit, by somebody else or because it is due to be replaced. */
  leaving(worker: number): void {
    this.#drain(this.#slot(worker));
  }

  /**
   * It has processed an item, which took so many milliseconds. Returns the item, to be settled, or undefined where the
   * worker does not hold it: the ack is refused.
   */
  acked(worker: number, number: number, now: number, ms: number): Item<Load> | undefined {
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
  ): { item: Item<Load>; failed: boolean } | undefined {
    const item = this.#endLease(worker, number, now, ms);
    if (!item) return undefined;
    return { item, failed: this.#attemptFailed(item, permanent, now) };
  }

  /** It gives items back that it has not started. */
  returned(worker: number, numbers: readonly number[], now: number): void {
    const slot = this.#slot(worker);
    const items = numbers.flatMap((number) => this.#takeLease(slot, number, now) ?? []);
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
  exited(worker: number, now: number, timedOut?: ReadonlySet<number>): ExitReport<Load> {
    const slot = this.#slot(worker);
    const crashed = slot.state === 'booting' || slot.state === 'ready' || slot.leases.length > 0;
    const expected = !crashed || this.stopping === 'forcefully' || timedOut !== undefined;
    const inProgress = this.begun(worker);
    const unstarted = slot.leases.splice(0).slice(inProgress.length);
    const failed: Item<Load>[] = [];

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
      slot.barrenDeaths = slot.finished > 0 ? 0 : slot.barrenDeaths + 1;
      slot.bootNotBefore = slot.barrenDeaths > 0 ? now + this.#delay(CRASH_BACKOFF_MS, slot.barrenDeaths) : now;
    }
    slot.state = 'reaped';
    slot.bytes = 0;
    this.#setPace(slot, UNKNOWN_PACE);
    this.#commands = this.#commands.filter((command) => command.worker !== worker); // they were for this process
    slot.alone = false;
    slot.clogged = false;
    // The last to exit may be one that had been told to.
    const noneBooted = this.#noneBooted && this.stopping === 'no';
    const bootFailure = noneBooted && this.slots.every((other) => other.state === 'reaped');
    const bootInMs = !expected && this.#isPutOff(slot) ? slot.bootNotBefore - now : 0;
    return { crashed: !expected, inProgress, failed, bootFailure, bootInMs };
  }

  /** The outcome of an item has been recorded, and the hooks have run. */
  settled(item: Item<Load>, outcome: 'done' | 'failed' | 'unfinished'): void {
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
  plan(now: number): readonly Command<Load>[] {
    const over = this.stopping !== 'no' || (this.#closed && this.#idle);
    for (const slot of this.slots) if (over || slot.number > this.size) this.#drain(slot);
    while (this.#retrying[0] && this.#retrying[0].notBefore <= now) {
      const due = this.#retrying.shift();
      if (due) this.#giveBack([due.item]);
    }
    this.#handSuspects(now);
    if (this.#pending.length > 0) this.#handPending(now);
    if (this.stopping === 'no') this.#bootWorkers(now);
    return this.#commands.splice(0);
  }

  /** A suspect gets a worker that has nothing else; where there is none, one is kept from getting more. */
  #handSuspects(now: number): void {
    // Which worker is kept free is decided anew each time: the suspect that it was for may be elsewhere by now.
    for (const slot of this.slots) if (slot.alone) slot.alone = slot.leases.some((item) => item.suspect);
    for (const slot of this.slots) {
      const suspect = this.#suspects[0];
      if (!suspect) return;
      if (slot.state !== 'ready' || slot.leases.length > 0) continue;
      this.#suspects.shift();
      slot.alone = true;
      this.#lease(slot, suspect, now);
      this.#commands.push({ do: 'hand', worker: slot.number, items: [suspect], quick: false });
    }
    if (this.#suspects.length === 0) return;
    const busy = this.slots.filter((slot) => slot.state === 'ready' && !slot.alone);
    const keep = busy.sort((a, b) => a.leases.length - b.leases.length)[0];
    if (keep) keep.alone = true;
  }

  /** The worker that has the fewest items is served first. */
  #handPending(now: number): void {
    const open = this.slots.filter((slot) => slot.state === 'ready' && !slot.alone && !slot.clogged);
    const handed = new Map<Slot<Load>, Item<Load>[]>();
    while (this.#pending.length > 0) {
      let least: Slot<Load> | undefined;
      for (const slot of open) {
        const fewer = !least || slot.leases.length < least.leases.length;
        if (fewer && slot.leases.length < this.#most(slot)) least = slot;
      }
      if (!least) break;
      const item = this.#pending.shift();
      if (!item) break;
      this.#pendingBytes -= item.size;
      this.#lease(least, item, now);
      item.quick = this.#rules.quick(least.pace);
      const items = handed.get(least);
      if (items) items.push(item);
      else handed.set(least, [item]);
    }
    for (const [{ number, pace }, items] of handed)
      this.#commands.push({ do: 'hand', worker: number, items, quick: this.#rules.quick(pace) });
  }

  /** Boots a worker for what no worker, ready or on its way, has room for. */
  #bootWorkers(now: number): void {
    if (this.#noneBooted) return;
    let lacking = this.#lacking();
    for (const slot of this.slots) {
      if (lacking <= 0) return;
      if (slot.state !== 'reaped' || slot.number > this.size) continue;
      if (now < slot.bootNotBefore) continue;
      slot.state = 'booting';
      slot.handed = 0;
      slot.finished = 0;
      this.#commands.push({ do: 'boot', worker: slot.number });
      lacking -= this.#rules.concurrency;
    }
  }

  /** How many items have no room in a worker that is there or on its way: those that wait in one are among them. */
  #lacking(): number {
    let lacking = this.#pending.length;
    let booting = 0;
    for (const { state, leases, alone } of this.slots) {
      if (state === 'booting') booting += 1;
      else if (state !== 'ready') continue;
      const room = this.#rules.concurrency - leases.length; // below 0 where items wait in it
      lacking -= alone ? Math.min(0, room) : room;
    }
    return Math.max(lacking, this.#suspects.length > 0 ? 1 - booting : 0);
  }

  #drain(slot: Slot<Load>): void {
    if (slot.state !== 'booting' && slot.state !== 'ready') return;
    slot.state = 'draining';
    this.#commands.push({ do: 'drain', worker: slot.number });
    this.#afterLease(slot);
  }

  // ---- the moves of an item ----

  get #idle(): boolean {
    return this.#pending.length + this.#suspects.length + this.#retrying.length + this.leased === 0;
  }

  #slot(worker: number): Slot<Load> {
    const slot = this.slots[worker - 1];
    if (!slot) throw new RangeError(`there is no worker ${worker}`);
    return slot;
  }

  /** How many items it may have. */
  #most(slot: Slot<Load>): number {
    return this.#rules.concurrency + (slot.bytes < AHEAD_BYTES ? slot.ahead : 0);
  }

  #setPace(slot: Slot<Load>, pace: number): void {
    slot.pace = pace;
    slot.ahead = this.#rules.ahead(pace);
  }

  /** The first to be booted have died, and nobody was ever ready. */
  get #noneBooted(): boolean {
    return this.counts.crashed > 0 && !this.#everReady;
  }

  /** Whether an item waits for it to be booted again, which is put off. */
  #isPutOff({ state, number, barrenDeaths }: Slot<Load>): boolean {
    return this.#lacking() > 0 && state === 'reaped' && number <= this.size && barrenDeaths > 0 && !this.#noneBooted;
  }

  #lease(slot: Slot<Load>, item: Item<Load>, now: number): void {
    item.state = 'leased';
    item.starts += 1;
    if (item.worker === 0) this.distributed += 1;
    if (item.starts > 1) this.counts.retried += 1;
    item.worker = slot.number;
    slot.handed += 1;
    item.place = slot.handed;
    item.quick = false;
    item.begunAt = now;
    slot.leases.push(item);
    slot.bytes += item.size;
  }

  #takeLease(slot: Slot<Load>, number: number, now: number): Item<Load> | undefined {
    const { leases } = slot;
    let index = 0;
    while (index < leases.length && leases[index]?.number !== number) index += 1;
    const item = leases[index];
    if (!item) return undefined;
    if (index === 0) leases.shift();
    else leases.splice(index, 1);
    slot.bytes -= item.size;
    // What was behind it is begun at this moment, and not before.
    const next = index < this.#rules.concurrency ? leases[this.#rules.concurrency - 1] : undefined;
    if (next) next.begunAt = now;
    return item;
  }

  #endLease(worker: number, number: number, now: number, ms: number): Item<Load> | undefined {
    const slot = this.#slot(worker);
    const item = this.#takeLease(slot, number, now);
    if (!item) return undefined;
    this.#setPace(slot, paceAfter(slot.pace, ms));
    slot.finished += 1;
    slot.barrenDeaths = 0;
    this.#afterLease(slot);
    return item;
  }

  #afterLease(slot: Slot<Load>): void {
    if (slot.leases.length > 0) return;
    slot.alone = false;
    if (slot.state !== 'draining') return;
    slot.state = 'exiting';
    this.#commands.push({ do: 'expect exit', worker: slot.number });
  }

  #settle(item: Item<Load>): Item<Load> {
    item.state = 'settling';
    this.#settling += 1;
    return item;
  }

  #release(item: Item<Load>): void {
    item.state = 'released';
    this.counts.unfinished += 1;
  }

  /** Items that were not started: the next worker gets them first, and nothing is counted. */
  #giveBack(items: readonly Item<Load>[]): void {
    for (const item of items) {
      if (item.state !== 'leased') continue;
      if (item.starts > 1) this.counts.retried -= 1;
      item.starts -= 1;
    }
    if (this.stopping !== 'no') {
      for (const item of items) this.#release(item);
      return;
    }
    for (const item of items) item.state = 'pending';
    this.#suspects.unshift(...items.filter((item) => item.suspect));
    for (const item of items.toReversed()) {
      if (item.suspect) continue;
      this.#pending.unshift(item);
      this.#pendingBytes += item.size;
    }
  }

  #suspect(item: Item<Load>): void {
    item.suspect = true;
    item.state = 'pending';
    if (this.stopping === 'no') this.#suspects.unshift(item);
    else this.#release(item);
  }

  /** Returns whether the item has failed for good; otherwise it will be tried again, or a stop leaves it unfinished. */
  #attemptFailed(item: Item<Load>, permanent: boolean, now: number): boolean {
    item.throws += 1;
    if (this.stopping === 'forcefully') {
      this.#release(item); // it was told to abort, so this says nothing about the item
      return false;
    }
    if (permanent || item.throws > this.#rules.retries) {
      this.#settle(item);
      return true;
    }
    if (this.stopping === 'no') this.#retryLater(item, now);
    else this.#release(item);
    return false;
  }

  /** Returns whether it was one crash too many. */
  #crashedAlone(item: Item<Load>): boolean {
    item.crashes += 1;
    if (item.crashes < this.#rules.maxCrashes) {
      this.#suspect(item);
      return false;
    }
    this.#settle(item);
    return true;
  }

  #retryLater(item: Item<Load>, now: number): void {
    item.state = 'retrying';
    const notBefore = now + this.#delay(this.#rules.backoffMs, item.throws);
    let index = this.#retrying.length;
    while (index > 0 && (this.#retrying[index - 1]?.notBefore ?? 0) > notBefore) index -= 1;
    this.#retrying.splice(index, 0, { item, notBefore });
  }

  /**
   * Doubles each time up to a cap, or up to the first where that is more, and takes off up to a half of it at random, so
   * that not all come at once.
   */
  #delay(firstMs: number, time: number): number {
    const doublings = Math.min(time - 1, 30); // past every cap, and not so many that the power is Infinity
    const full = Math.min(Math.max(BACKOFF_CAP_MS, firstMs), firstMs * 2 ** doublings);
    return full * (1 - this.#rules.random() / 2);
  }
}
