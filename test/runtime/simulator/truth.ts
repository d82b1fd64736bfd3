/**
 * The simulator's own record of a run: which process has which item, and in true-items.ts what each item has been through, by
 * what really happened and by the rules of docs/design.md alone. Delivery's account is held against it: here where Delivery
 * gives an answer or a command, in invariants.ts after every step.
 */

import type { ExitReport } from '../../../runtime/master/rules.ts';
import type { Scenario } from './scenario.ts';
import type { Outcome, SimulatedProcess } from './simulated-process.ts';
import { TrueGate } from './true-gate.ts';
import { type Entry, TrueItems } from './true-items.ts';
import { ensure, same, Violation } from './violation.ts';
import type { Work } from './world.ts';

/** What is known of a process, from its boot command to its confirmed exit. */
export interface Presence {
  process: SimulatedProcess | undefined;
  state: 'booting' | 'ready' | 'asked to exit';
  readonly held: Entry[];
  finished: number;
  backpressure: boolean;
  /** An item of it has ended, and it has given none back since. */
  paced: boolean;
}

/** How often, one after another, the processes of a worker have died without having finished an item, and when the last did. */
interface Deaths {
  readonly deathsInARow: number;
  readonly lastAt: number;
}

/** Past so many bytes nothing is pulled, or handed to a worker, for later. */
const PREFETCH_BYTES = 4 * 1024 * 1024;

export class Truth {
  readonly items: TrueItems;
  /** By worker number; a worker without a process is not here. */
  readonly workers = new Map<number, Presence>();
  size: number;
  closed = false;
  everReady = false;
  deaths = 0;
  /** Who was handed something since the last plan. */
  readonly handedInPlan = new Set<Presence>();
  spawned = 0;

  readonly gate: TrueGate;
  readonly #scenario: Scenario;
  readonly #deaths = new Map<number, Deaths>();

  /** numbersFrom - the number of the last item before the first of this run. */
  constructor(scenario: Scenario, numbersFrom: number) {
    this.#scenario = scenario;
    this.items = new TrueItems(scenario.rules, numbersFrom);
    this.size = scenario.rules.workers;
    this.gate = new TrueGate(scenario.rules.rate);
  }

  get stopping(): 'no' | 'gracefully' | 'forcefully' {
    return this.items.stopping;
  }

  get concurrency(): number {
    return this.#scenario.rules.concurrency;
  }

  // ---- what happens to items ----

  handed(worker: number, numbers: readonly number[], batchAcks: boolean, now: number): void {
    const presence = this.#present(worker);
    ensure(this.stopping === 'no', `worker ${worker} was handed items after the stop`);
    ensure(presence.state === 'ready', `worker ${worker} was handed items while ${presence.state}`);
    ensure(worker <= this.size, `worker ${worker} was handed items though there are to be only ${this.size} workers`);
    ensure(!batchAcks || (this.#scenario.batchAcks && presence.paced), `worker ${worker} is told to batch its acks`);
    for (const number of numbers) {
      const entry = this.items.entry(number);
      const where = `item ${number} was handed to worker ${worker}`;
      ensure(entry.holder === undefined, `${where} while worker ${entry.holder?.worker} has it`);
      ensure(entry.place === 'waiting' || entry.place === 'later', `${where} though it is ${entry.place}`);
      ensure(now >= entry.notBefore, `${where} ${entry.notBefore - now} ms before its time`);
      ensure(!entry.cancelled, `${where} though it was cancelled`);
      ensure(!presence.backpressure || presence.held.length === 0, `${where}, whose socket is full`);
      const suspect = [entry, ...presence.held].find((each) => each.suspect);
      ensure(!suspect || presence.held.length === 0, `${where}, where suspect ${suspect?.number} is not reserved`);
      ensure(!suspect || !batchAcks, `${where}, with batched acks, though it is a suspect`);
      ensure(presence.held.length < this.#most(presence), `${where}, which has ${presence.held.length} already`);
      this.gate.handed(number, now);
      if (!presence.process) throw new Violation(`${where}, which has no process`);
      this.items.handed(entry, presence.process, batchAcks, now);
      presence.held.push(entry);
    }
    this.handedInPlan.add(presence);
  }

  /** Whether an answer about the item is this process's to give. */
  holds(worker: number, number: number): boolean {
    return this.workers.get(worker)?.held.some((entry) => entry.number === number) ?? false;
  }

  /** The holder's outcome was read. Returns what is to become of the item. */
  answered(worker: number, outcome: Outcome, now: number): 'done' | 'failed' | 'later' | 'waits' | 'unfinished' {
    const { number, how, afterMs } = outcome;
    const presence = this.#present(worker);
    const entry = this.#letGo(presence, number, now);
    presence.finished += 1;
    presence.paced = true;
    this.#deaths.delete(worker); // its crash loop, if it was one, is over
    if (how === 'done') return this.items.judge(entry, 'done');
    const isLimited = how === 'rate limited' && !entry.cancelled;
    if (!isLimited) return this.items.attemptFailed(entry, how === 'threw for good', now, afterMs);
    this.gate.holdLonger(now + Math.max(100, afterMs ?? this.#scenario.rules.backoffMs));
    this.items.putBack(entry);
    return 'waits';
  }

  /** The holder gave it back unstarted: uncounted. */
  nacked(worker: number, number: number, now: number): void {
    const presence = this.#present(worker);
    presence.paced = false;
    this.#giveBack(this.#letGo(presence, number, now), now);
  }

  #giveBack(entry: Entry, now: number): 'failed' | undefined {
    this.gate.cameBack(now);
    return this.items.putBack(entry);
  }

  /** A person cancels it. Returns whether it is in progress in that worker, as far as the master can know. */
  cancel(worker: number, number: number): boolean {
    const held = this.workers.get(worker)?.held.slice(0, this.concurrency) ?? [];
    const entry = held.find((each) => each.number === number);
    if (entry) entry.cancelled = true;
    return entry !== undefined;
  }

  /** The items that a worker has had for too long. */
  overdue(now: number, ms: number): Entry[] {
    const { concurrency } = this.#scenario.rules;
    return [...this.workers.values()].flatMap(({ held }) =>
      held.filter(({ startedAt }, index) => index < concurrency && startedAt + ms < now),
    );
  }

  /** So many milliseconds do not count for what a worker has. */
  standsStill(worker: number, ms: number, now: number): void {
    for (const entry of this.workers.get(worker)?.held ?? []) entry.startedAt = Math.min(now, entry.startedAt + ms);
  }

  // ---- what happens to workers ----

  booting(worker: number, now: number): void {
    ensure(this.stopping === 'no', `worker ${worker} was booted after the stop`);
    ensure(worker <= this.size, `worker ${worker} was booted though there are to be only ${this.size}`);
    ensure(!this.workers.has(worker), `worker ${worker} was booted though it has a process`);
    ensure(this.deaths === 0 || this.everReady, `worker ${worker} was booted though none ever came to be ready`);
    const { lastAt } = this.#deathsOf(worker);
    const early = lastAt + this.#backoffMs(worker) / 2 - now;
    ensure(early <= 0, `worker ${worker} was booted ${early} ms too early`);
    const suspects = [...this.items.active].some(({ suspect }) => suspect);
    const needed = this.items.waiting((entry) => entry.notBefore <= now) > this.room();
    ensure(suspects || needed, `worker ${worker} was booted for no item`);
    this.workers.set(worker, {
      process: undefined,
      state: 'booting',
      held: [],
      finished: 0,
      backpressure: false,
      paced: false,
    });
  }

  forked(process: SimulatedProcess): void {
    this.spawned += 1;
    this.#present(process.worker).process = process;
  }

  notForked(worker: number): void {
    this.workers.delete(worker);
  }

  ready(worker: number): void {
    const presence = this.#present(worker);
    if (presence.state === 'booting') presence.state = 'ready';
    this.everReady = true;
  }

  askedToExit(worker: number): void {
    this.#present(worker).state = 'asked to exit';
  }

  /** Its exit is confirmed; `blamed` are the items that it was killed for, where it was. */
  exited(worker: number, now: number, blamed: ReadonlySet<number> | undefined, report: ExitReport<Work>): void {
    const presence = this.#present(worker);
    const held = this.startedBy(worker);
    const unstarted = presence.held.splice(0).slice(held.length);
    this.workers.delete(worker);
    for (const { number } of unstarted) {
      const started = presence.process?.started.has(number) ?? false;
      ensure(!started, `item ${number} is taken not to have been started, and had been`);
    }
    const goesByItself = this.stopping !== 'forcefully' && !blamed;
    const crashed = goesByItself && (presence.state !== 'asked to exit' || held.length > 0);
    if (crashed) {
      this.deaths += 1;
      const deathsInARow = presence.finished > 0 ? 0 : this.#deathsOf(worker).deathsInARow + 1;
      this.#deaths.set(worker, { deathsInARow, lastAt: now });
    }
    const failed: Entry[] = [];
    const innocent: Entry[] = [];
    for (const entry of held) {
      entry.holder = undefined;
      entry.work.excuses += 1;
      if (this.stopping === 'forcefully') {
        this.items.end(entry, 'unfinished');
        continue;
      }
      if (blamed && blamed.size > 0) {
        if (!blamed.has(entry.number)) {
          if (this.items.putBack(entry) === 'failed') failed.push(entry);
        } else if (this.items.attemptFailed(entry, false, now) === 'failed') failed.push(entry);
        continue;
      }
      entry.suspect = true;
      if (held.length === 1 && !blamed) entry.crashesAlone += 1;
      if (entry.crashesAlone >= this.#scenario.rules.maxCrashes) {
        this.items.judge(entry, 'failed');
        failed.push(entry);
        if (!isPoison(entry.work)) innocent.push(entry);
      } else if (this.items.wait(entry) === 'failed') {
        failed.push(entry);
      }
    }
    for (const entry of unstarted) {
      entry.holder = undefined;
      if (this.stopping === 'forcefully') {
        this.items.uncount(entry);
        this.items.end(entry, 'unfinished');
      } else if (this.#giveBack(entry, now) === 'failed') failed.push(entry);
    }
    const neverBooted = this.deaths > 0 && !this.everReady && this.workers.size === 0 && this.stopping === 'no';
    same('crashed', report.crashed, crashed);
    same('BootFailure', report.bootFailure, neverBooted);
    const backoffMs = crashed && this.everReady && worker <= this.size ? this.#backoffMs(worker) : 0;
    const lacking = this.items.waiting(({ place, suspect }) => place === 'waiting' && !suspect) - this.room();
    const unsure = report.bootInMs === 0 && lacking <= 0;
    const right = unsure || (report.bootInMs >= backoffMs / 2 && report.bootInMs <= backoffMs);
    ensure(right, `the next boot is said to be put off by ${report.bootInMs} ms, not by ${backoffMs}`);
    same('items in progress', report.started.map(numberOf).join(), held.map(numberOf).join());
    same('items failed', `${report.failed.map(numberOf).toSorted()}`, `${failed.map(numberOf).toSorted()}`);
    const named = innocent.map(({ number }) => number).join();
    ensure(named === '' || !this.#scenario.onlyPoisonKills, `item ${named}, which is innocent, was failed`);
  }

  stop(how: 'gracefully' | 'forcefully'): void {
    this.closed = true;
    this.items.stop(how);
  }

  // ---- bookkeeping ----

  #present(worker: number): Presence {
    const presence = this.workers.get(worker);
    if (!presence) throw new Violation(`worker ${worker} has no process`);
    return presence;
  }

  #letGo(presence: Presence, number: number, now: number): Entry {
    const { concurrency } = this.#scenario.rules;
    const index = presence.held.findIndex((entry) => entry.number === number);
    const entry = presence.held.splice(index, 1)[0];
    if (index < 0 || !entry) throw new Violation(`item ${number} was let go by a worker that does not have it`);
    entry.holder = undefined;
    const next = presence.held[concurrency - 1];
    if (next && index < concurrency) next.startedAt = now;
    return entry;
  }

  /**
   * What a worker may have started, as far as the master can know: it says at once what has ended, unless its acks are batched,
   * and then of so many at most.
   */
  startedBy(worker: number): Entry[] {
    const { held } = this.#present(worker);
    const { concurrency, acksGathered } = this.#scenario.rules;
    return held.filter((_, index) => {
      const batched = held.slice(0, index).filter(({ batchAcks }) => batchAcks).length;
      return index - Math.min(batched, acksGathered) < concurrency;
    });
  }

  /** How many items it may have. */
  #most({ held, paced }: Presence): number {
    const bytes = held.reduce((sum, { work }) => sum + work.size, 0);
    return this.#scenario.rules.concurrency + (paced && bytes < PREFETCH_BYTES ? this.#scenario.prefetch : 0);
  }

  /** How many more items the workers can take that are ready or on their way. */
  room(): number {
    let room = 0;
    for (const presence of this.workers.values())
      if (presence.state !== 'asked to exit') room += this.#roomIn(presence);
    return room;
  }

  /** How many more items find a worker soon. */
  roomToPull(): number {
    const { concurrency } = this.#scenario.rules;
    let bytes = 0;
    for (const { place, work, suspect } of this.items.active) if (place === 'waiting' && !suspect) bytes += work.size;
    let room = 0;
    for (let worker = 1; worker <= this.size; worker++) {
      const presence = this.workers.get(worker);
      if (!presence) room += concurrency;
      else if (presence.state !== 'asked to exit' && !presence.backpressure && !this.isAlone(presence)) {
        const most = bytes < PREFETCH_BYTES ? this.#most(presence) : concurrency;
        room += Math.max(0, most - presence.held.length);
      }
    }
    return room;
  }

  /** It has a suspect, so it takes nothing else. */
  isAlone({ held }: Presence): boolean {
    return held.some(({ suspect }) => suspect);
  }

  #roomIn(presence: Presence): number {
    return this.isAlone(presence) ? 0 : this.#scenario.rules.concurrency - presence.held.length;
  }

  /** A worker that is ready and has nothing to do. */
  idle(): number | undefined {
    for (const [worker, { state, held, backpressure }] of this.workers) {
      if (state === 'ready' && held.length === 0 && !backpressure) return worker;
    }
    return undefined;
  }

  /** When a worker is booted again, at the latest; before the first was ever ready, not at all. */
  backoffEnds(worker: number): number {
    if (this.deaths > 0 && !this.everReady) return Infinity;
    return this.#deathsOf(worker).lastAt + this.#backoffMs(worker);
  }

  #deathsOf(worker: number): Deaths {
    return this.#deaths.get(worker) ?? { deathsInARow: 0, lastAt: 0 };
  }

  /** How long its boot is put off after its last death, at most; with jitter down to half of it. */
  #backoffMs(worker: number): number {
    const { deathsInARow } = this.#deathsOf(worker);
    return deathsInARow === 0 ? 0 : Math.min(30_000, 100 * 2 ** (deathsInARow - 1));
  }
}

function numberOf({ number }: { readonly number: number }): number {
  return number;
}

function isPoison({ nature }: Work): boolean {
  return nature === 'poison' || nature === 'poison at first';
}
