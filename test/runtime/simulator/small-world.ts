/**
 * A small case of everything: two workers and three items, of which each event that can come next is known. The rules are
 * those of runtime/master/delivery.ts, the resumes those of runtime/master/intake.ts and journal/key-set.ts; what is around them is as
 * simulated-process.ts and records.ts have it, with every order of events instead of one at random.
 */

import { contentKey } from '../../../runtime/key.ts';
import type { Delivery } from '../../../runtime/master/delivery.ts';
import type { Command, DeliveryRules } from '../../../runtime/master/rules.ts';
import { countOf, type Run } from '../../../runtime/master/run.ts';
import type { AnyTask } from '../../../runtime/task/task.ts';
import type { Code } from './simulation.ts';
import { beginCursor, listed, type SmallCursor, writeMark } from './small-cursor.ts';
import { beginResults, type SmallResults, syncResults } from './small-results.ts';
import { ensure, same } from './violation.ts';

/** What is to be tried: the rules, and how often each thing may go wrong. */
export interface SmallCase {
  readonly workers: number;
  readonly items: number;
  readonly concurrency: number;
  /** How many items may wait in a worker, and whether it may gather its acks, and how many. */
  readonly prefetch: number;
  readonly batchAcks: boolean;
  readonly acksGathered: number;
  /** The items are equal, and have no key of their own. */
  readonly equal: boolean;
  readonly retries: number;
  readonly maxCrashes: number;
  /** How many items may be handed out in a second. */
  readonly rate: number;
  /** What is returned is kept, in the order of `dispatch`. */
  readonly ordered: boolean;
  /** The task has a cursor, and so many items share a place; 0: it has none. */
  readonly ties: number;
  readonly budget: Readonly<Budget>;
}

/** How often something may happen yet. */
interface Budget {
  /** `process` throws. */
  throws: number;
  /** `process` throws RateLimited. */
  limits: number;
  /** A worker is killed. */
  kills: number;
  /** A worker is killed since an item ran past its timeout. */
  timeouts: number;
  /** SIGTERM to a worker. */
  terms: number;
  /** The master is killed. */
  deaths: number;
  /** The run is stopped gracefully. */
  stops: number;
  /** A person cancels an item. */
  cancels: number;
  /** A person pauses the run, and continues it. */
  pauses: number;
}

/** Two workers and three items, one at once in each, an item tried twice, and nothing that goes wrong but what is said. */
export function smallCase(rules: Partial<Omit<SmallCase, 'budget'>>, budget: Partial<Budget>): SmallCase {
  return {
    workers: 2,
    items: 3,
    concurrency: 1,
    prefetch: 0,
    batchAcks: false,
    acksGathered: 2,
    equal: false,
    retries: 1,
    maxCrashes: 2,
    rate: Infinity,
    ordered: false,
    ties: 0,
    ...rules,
    budget: {
      throws: 0,
      limits: 0,
      kills: 0,
      timeouts: 0,
      terms: 0,
      deaths: 0,
      stops: 0,
      cancels: 0,
      pauses: 0,
      ...budget,
    },
  };
}

/** An event, and what it does to a state. */
export interface Move {
  readonly what: string;
  readonly act: (state: State) => void;
}

interface Payload {
  readonly key: string;
}

type Said =
  | { readonly kind: 'ready' | 'leaving' }
  | { readonly kind: 'nack' | 'timed out' | 'threw' | 'rate limited' | 'cancelled'; readonly number: number }
  | { readonly kind: 'done'; readonly number: number; count: number };
type How = 'done' | 'threw' | 'rate limited' | 'cancelled';
type Told =
  | { readonly kind: 'items'; readonly batchAcks: boolean; readonly numbers: readonly number[] }
  | { readonly kind: 'cancel'; readonly number: number }
  | { readonly kind: 'drain' };

interface Process {
  readonly worker: number;
  alive: boolean;
  state: 'booting' | 'working' | 'leaving' | 'draining';
  waiting: number[];
  /** Items that it was handed with batched acks. */
  batchAcks: number[];
  /** Quick items that have ended, which it has not said yet. */
  gathered: Said[];
  inProgress: number[];
  told: Told[];
  said: Said[];
  /** It was killed for what it had said ran past its timeout. */
  killedFor: number[] | undefined;
  timedOut: number[];
}

export interface State {
  /** Undefined while there is no master. */
  delivery: Delivery<Payload> | undefined;
  now: number;
  /** Nothing is handed out before, for RateLimited. */
  heldUntil: number;
  /** Which items the journal has no outcome of, as Intake says. */
  taken: boolean[];
  yielded: number;
  /** By worker; what is left of a dead master's is among the orphans. */
  processes: (Process | undefined)[];
  orphans: Process[];
  unwritten: { run: Run<Payload>; how: 'done' | 'failed' }[];
  results: SmallResults | undefined;
  cursor: SmallCursor | undefined;
  isPaused: boolean;
  /** By item. */
  journal: ('done' | 'failed' | undefined)[];
  /** It was processed, and that is not lost. */
  processed: boolean[];
  /** Attempts that failed, and deaths while alone, in this run. */
  throws: number[];
  crashes: number[];
  cancelled: boolean[];
  stopped: boolean;
  left: Budget;
}

/** How long RateLimited asks to wait. */
const LIMIT_MS = 100;

export class SmallWorld {
  readonly #case: SmallCase;
  readonly #code: Code;
  readonly #rules: DeliveryRules;

  constructor(small: SmallCase, code: Code) {
    this.#case = small;
    this.#code = code;
    const prefetch = (pace: number): number => (pace < Infinity ? small.prefetch : 0);
    const batchesAcks = (pace: number): boolean => pace < Infinity && small.batchAcks;
    this.#rules = { ...small, numbersFrom: 0, backoffMs: 10, backoffCapMs: 10, random: () => 0, prefetch, batchesAcks };
  }

  begin(): State {
    const { workers, items, budget } = this.#case;
    const none = { now: 0, heldUntil: 0, yielded: 0, taken: [], orphans: [], unwritten: [], throws: [] };
    const state: State = {
      ...none,
      delivery: undefined,
      results: undefined,
      cursor: undefined,
      isPaused: false,
      processes: Array.from({ length: workers }, () => undefined),
      journal: Array.from({ length: items }, () => undefined),
      processed: Array.from({ length: items }, () => false),
      crashes: [],
      cancelled: [],
      stopped: false,
      left: { ...budget },
    };
    this.#resume(state);
    return state;
  }

  /** Whether everything has ended. Throws where it has not ended as it should. */
  isOver({ delivery, stopped, journal, processes, results, cursor }: State): boolean {
    if (!delivery?.finished || stopped) return false;
    const { dispatched, done, failed, skipped } = delivery.counts;
    ensure(done + failed === dispatched, `${dispatched} items were dispatched, ${done} done and ${failed} failed`);
    const before = cursor?.cursor.begin?.number ?? 0;
    ensure(
      before + dispatched + skipped === journal.length,
      `${dispatched} items were dispatched and ${skipped} skipped`,
    );
    ensure(!processes.some((process) => process), 'a process is left');
    for (const [index, how] of journal.entries()) ensure(how !== undefined, `item ${index + 1} is lost`);
    if (results) same('results', results.lines.length, journal.filter((how) => how === 'done').length);
    return true;
  }

  /** All that can happen next. */
  moves(state: State): Move[] {
    const { delivery, processes, orphans, left, now } = state;
    const moves: Move[] = [];
    const add = (what: string, act: (state: State) => void): void => void moves.push({ what, act });
    for (const process of processes)
      if (process) this.#movesOf(state, process, (of) => found(of.processes[process.worker - 1]), add);
    for (const [index, process] of orphans.entries()) {
      this.#movesOf(state, process, (of) => found(of.orphans[index]), add);
      add(`orphan ${process.worker} is gone`, (of) => void of.orphans.splice(index, 1));
    }
    if (!delivery || (delivery.finished && state.stopped)) {
      if (orphans.length === 0) add('a resume', (of) => this.#resume(of));
      return moves;
    }
    if (state.results && state.results.waiting.length > 0) add('results are synced', (of) => this.#sync(of));
    if (state.unwritten.length > 0) add('the outcomes are written', (of) => this.#write(of));
    const wakeAt = delivery.wakeAt(now);
    if (wakeAt > now && wakeAt < Infinity) {
      add('time passes', (of) => {
        of.now = wakeAt;
        this.#turn(of);
      });
    }
    if (left.deaths > 0) add('the master is killed', (of) => this.#die(of));
    if (state.cursor?.cursor.unrecorded) {
      add('the mark is written', (of) => {
        writeMark(found(of.cursor), of.journal);
        this.#turn(of);
      });
    }
    if (left.cancels > 0) this.#movesOfCancel(delivery, add);
    if (state.isPaused || left.pauses > 0) {
      add(state.isPaused ? 'it is continued' : 'it is paused', (of) => {
        if (!of.isPaused) of.left.pauses -= 1;
        of.isPaused = !of.isPaused;
        found(of.delivery).gate.close('pause', of.isPaused ? Infinity : -Infinity);
        this.#turn(of);
      });
    }
    if (left.stops > 0 && delivery.stopping === 'no') {
      add('a graceful stop', (of) => {
        of.left.stops -= 1;
        stop(of);
        this.#turn(of);
      });
    }
    return moves;
  }

  #movesOfCancel(delivery: Delivery<Payload>, add: (what: string, act: (state: State) => void) => void): void {
    for (const { number: worker, inProgress } of delivery.slots)
      for (const { number } of inProgress)
        add(`somebody cancels item ${number}`, (of) => {
          of.left.cancels -= 1;
          ensure(found(of.delivery).cancel(worker, number), `item ${number} cannot be cancelled`);
          of.cancelled[number] = true;
          const process = of.processes[worker - 1];
          if (process) tell(process, { kind: 'cancel', number });
        });
  }

  /** What a process does, and what comes of what it has said. */
  #movesOf(
    { left, processes }: State,
    process: Process,
    it: (state: State) => Process,
    add: (what: string, act: (state: State) => void) => void,
  ): void {
    const { worker, alive, state, inProgress, told, said } = process;
    const who = `worker ${worker}`;
    const orphan = processes[worker - 1] !== process;
    if (!orphan && (said.length > 0 || !alive)) add(`the master hears ${who}`, (of) => this.#hear(of, it(of)));
    if (!alive) return;
    if (state === 'booting') {
      add(`${who} is ready`, (of) => {
        it(of).state = 'working';
        it(of).said.push({ kind: 'ready' });
      });
    }
    if (process.gathered.length > 0) add(`${who} says what has ended`, (of) => flush(it(of)));
    if (process.waiting.length > 0 && !orphan) {
      add(`${who} gives back what waits`, (of) => giveBack(it(of)));
    }
    if (told.length > 0) add(`${who} hears`, (of) => this.#told(of, it(of)));
    for (const number of inProgress) {
      add(`${who} ends item ${number}`, (of) => this.#end(of, it(of), number, 'done'));
      if (left.throws > 0) {
        add(`${who} throws at item ${number}`, (of) => {
          of.left.throws -= 1;
          this.#end(of, it(of), number, 'threw');
        });
      }
      if (left.limits > 0) {
        add(`${who} throws RateLimited at item ${number}`, (of) => {
          of.left.limits -= 1;
          this.#end(of, it(of), number, 'rate limited');
        });
      }
    }
    if (state === 'draining' && inProgress.length === 0) {
      add(`${who} exits`, (of) => {
        flush(it(of));
        end(it(of));
      });
    }
    if (orphan) return;
    if (left.kills > 0) {
      add(`${who} is killed`, (of) => {
        of.left.kills -= 1;
        end(it(of));
      });
    }
    if (left.terms > 0 && state === 'working') {
      add(`${who} is told to exit`, (of) => {
        of.left.terms -= 1;
        it(of).state = 'leaving';
        giveBack(it(of));
        it(of).said.push({ kind: 'leaving' });
      });
    }
    if (left.timeouts > 0) {
      for (const number of inProgress) {
        add(`${who} is killed for item ${number}`, (of) => {
          of.left.timeouts -= 1;
          it(of).said.push({ kind: 'timed out', number });
          it(of).killedFor = [];
          end(it(of));
        });
      }
      if (inProgress.length > 0) {
        add(`${who} is killed: it is stuck`, (of) => {
          of.left.timeouts -= 1;
          it(of).killedFor = [];
          end(it(of));
        });
      }
    }
  }

  // ---- a process ----

  #told(state: State, process: Process): void {
    const message = process.told.shift();
    if (message?.kind === 'items') {
      process.waiting.push(...message.numbers);
      process.batchAcks = process.batchAcks.filter((number) => !message.numbers.includes(number));
      if (message.batchAcks) process.batchAcks.push(...message.numbers);
      if (process.state === 'working') this.#beginMore(state, process);
      else giveBack(process);
    } else if (message?.kind === 'cancel') {
      if (process.inProgress.includes(message.number)) this.#end(state, process, message.number, 'cancelled');
      else giveBack(process);
    } else {
      process.state = 'draining';
      giveBack(process);
    }
  }

  #beginMore(state: State, process: Process): void {
    while (process.state === 'working' && process.inProgress.length < this.#case.concurrency) {
      const number = process.waiting.shift();
      if (number === undefined) return;
      const others = [...state.processes, ...state.orphans].filter((other) => other?.alive && other !== process);
      const twice = others.some((other) => other?.inProgress.includes(number));
      ensure(!twice, `item ${number} is in two processes`);
      ensure(state.journal[number - 1] === undefined, `item ${number} is started though its outcome is recorded`);
      process.inProgress.push(number);
    }
  }

  #end(state: State, process: Process, number: number, how: How): void {
    process.inProgress.splice(process.inProgress.indexOf(number), 1);
    if (how === 'done') {
      ensure(!state.processed[number - 1], `item ${number} was processed again for no reason`);
      state.processed[number - 1] = true;
    }
    gather(process, number, how, this.#case.ordered);
    const gathered = process.gathered.reduce((sum, said) => sum + (said.kind === 'done' ? said.count : 1), 0);
    const isLimited = how === 'rate limited';
    if (isLimited || !process.batchAcks.includes(number) || gathered >= this.#case.acksGathered) flush(process);
    if (isLimited) giveBack(process);
    this.#beginMore(state, process);
  }

  // ---- the master ----

  #hear(state: State, process: Process): void {
    const { worker } = process;
    const delivery = found(state.delivery);
    const message = process.said.shift();
    switch (message?.kind) {
      case undefined:
        this.#reap(state, process);
        break;
      case 'ready':
        delivery.ready(worker);
        break;
      case 'leaving':
        delivery.leaving(worker);
        break;
      case 'nack': {
        const [failed] = delivery.nacked(worker, [message.number], state.now);
        this.#judge(state, message.number, failed);
        break;
      }
      case 'timed out':
        process.timedOut.push(message.number);
        break;
      case 'done': {
        const runs = delivery.acked(worker, message.number, message.count, state.now, 1);
        same(`the items that worker ${worker} acked`, countOf(runs), message.count);
        for (const run of runs) this.#done(state, run);
        break;
      }
      case 'cancelled':
      case 'threw': {
        const how = message.kind === 'threw' ? 'threw' : 'threw for good';
        const verdict = delivery.threw(worker, message.number, how, state.now, 1);
        ensure(verdict !== undefined, `the error of worker ${worker} for item ${message.number} was refused`);
        count(state.throws, message.number);
        this.#judge(state, message.number, verdict?.failed ? verdict.run : undefined);
        break;
      }
      case 'rate limited': {
        const verdict = delivery.threw(worker, message.number, message.kind, state.now, 1, LIMIT_MS);
        ensure(verdict !== undefined, `RateLimited of worker ${worker} for item ${message.number} was refused`);
        this.#judge(state, message.number, verdict?.failed ? verdict.run : undefined);
        if (!verdict?.failed) state.heldUntil = state.now + LIMIT_MS;
      }
    }
    this.#turn(state);
  }

  #reap(state: State, process: Process): void {
    const { worker, killedFor, timedOut } = process;
    const delivery = found(state.delivery);
    state.processes[worker - 1] = undefined;
    const leases = found(delivery.slots[worker - 1]).leases.flatMap(({ number, payloads, batchAcks }) =>
      payloads.map((_, index) => ({ number: number + index, batchAcks })),
    );
    const { concurrency, acksGathered } = this.#case;
    const started = leases.filter((_, index) => {
      const batched = leases.slice(0, index).filter(({ batchAcks }) => batchAcks).length;
      return index - Math.min(batched, acksGathered) < concurrency;
    });
    const held = started.map(({ number }) => number);
    const blamed = killedFor && new Set(held.filter((number) => held.length === 1 || timedOut.includes(number)));
    const report = delivery.exited(worker, state.now, blamed);
    const { failed, bootFailure } = report;
    same('items in progress', `${report.started.map(({ number }) => number)}`, `${held}`);
    for (const number of held) state.processed[number - 1] = false; // its ack, if there was one, is lost
    for (const number of held) {
      if (blamed?.has(number)) count(state.throws, number);
      else if (!blamed && held.length === 1) count(state.crashes, number);
    }
    for (const number of held)
      this.#judge(
        state,
        number,
        failed.find((item) => item.number === number),
      );
    if (bootFailure) stop(state);
  }

  /** Whether an item has failed for good is told, and right. */
  #judge(state: State, number: number, failed: Run<Payload> | undefined): void {
    const { unwritten, throws, crashes, cancelled, results } = state;
    const { retries, maxCrashes } = this.#case;
    const tooMuch = cancelled[number] || (throws[number] ?? 0) > retries || (crashes[number] ?? 0) >= maxCrashes;
    ensure((failed !== undefined) === tooMuch, `item ${number} has ${failed ? '' : 'not '}failed`);
    if (!failed) return;
    unwritten.push({ run: failed, how: 'failed' });
    results?.waiting.push(...results.order.left(number));
  }

  #done({ unwritten, results }: State, run: Run<Payload>): void {
    if (results) results.waiting.push(...results.order.done(run.number, run));
    else unwritten.push({ run, how: 'done' });
  }

  #sync(state: State): void {
    syncResults(found(state.results), (run) => state.unwritten.push({ run: run as Run<Payload>, how: 'done' }));
  }

  #write(state: State): void {
    for (const { run, how } of state.unwritten.splice(0)) {
      for (let number = run.number; number < run.number + run.count; number++) {
        ensure(state.journal[number - 1] === undefined, `item ${number} has a second outcome`);
        state.journal[number - 1] = how;
      }
      found(state.delivery).settled(run, how);
      state.cursor?.cursor.ended(run.number, run.count);
    }
    this.#turn(state);
  }

  #turn(state: State): void {
    const delivery = found(state.delivery);
    const { results } = state;
    if (results?.order.isStuck(delivery)) {
      ensure(delivery.leased === 0, 'results are given up, and an item has not ended');
      for (const run of results.order.giveUp()) delivery.settled(run as Run<Payload>, 'unfinished');
    }
    for (let pulled = true; pulled; ) {
      for (const command of delivery.plan(state.now)) this.#carryOut(state, command);
      pulled = false;
      while (!state.stopped && state.yielded <= this.#case.items && delivery.wanted(state.now) > 0) {
        if (results?.order.roomAfter(delivery.lastNumber) === 0) break;
        if (state.cursor && state.cursor.cursor.room <= 0) break;
        pulled = true;
        state.yielded += 1;
        if (state.cursor && state.yielded <= this.#case.items)
          listed(state.cursor, state.yielded, state.taken[state.yielded - 1] === true);
        if (state.yielded > this.#case.items) delivery.closed();
        else if (!state.taken[state.yielded - 1]) {
          delivery.skipped();
          results?.waiting.push(...results.order.left(state.yielded));
        } else {
          const number = delivery.dispatched({ key: `item ${state.yielded}` });
          ensure(number === state.yielded, `item ${state.yielded} has the number ${number}`);
        }
      }
    }
    this.#checkLeases(state);
  }

  #checkLeases({ processes, delivery }: State): void {
    const holders = new Map<number, number>();
    for (const { number: worker, leases } of found(delivery).slots)
      for (const { number, count } of leases)
        for (let at = number; at < number + count; at++) {
          ensure(!holders.has(at), `item ${at} has two leases`);
          holders.set(at, worker);
        }
    for (const process of processes) {
      if (!process?.alive) continue;
      for (const number of [...process.waiting, ...process.inProgress])
        ensure(holders.get(number) === process.worker, `item ${number} is where no lease is`);
    }
  }

  #carryOut(state: State, command: Command<Payload>): void {
    const { worker } = command;
    const process = state.processes[worker - 1];
    switch (command.do) {
      case 'boot': {
        ensure(!process, `worker ${worker} is booted though it has a process`);
        const none = { waiting: [], batchAcks: [], gathered: [], inProgress: [], told: [], said: [], timedOut: [] };
        state.processes[worker - 1] = { ...none, worker, alive: true, state: 'booting', killedFor: undefined };
        return;
      }
      case 'hand':
        ensure(!state.stopped, 'items are handed out after the stop');
        ensure(!state.isPaused, 'items are handed out though the run is paused');
        ensure(state.heldUntil <= state.now, 'items are handed out though RateLimited holds them back');
        tell(found(process), {
          kind: 'items',
          batchAcks: command.batchAcks,
          numbers: command.runs.flatMap(({ number, payloads }) => payloads.map((_, index) => number + index)),
        });
        return;
      case 'drain':
        if (process) tell(process, { kind: 'drain' });
        return;
      case 'expect exit':
        // A worker that never hears that it is to exit is killed when it takes too long.
        if (process?.alive && process.state === 'booting') process.state = 'draining';
    }
  }

  #die(state: State): void {
    state.left.deaths -= 1;
    state.delivery = undefined;
    for (const [index, how] of state.journal.entries()) if (how === undefined) state.processed[index] = false;
    for (const process of state.processes) if (process?.alive) state.orphans.push({ ...process, said: [] });
    state.processes.fill(undefined);
  }

  #resume(state: State): void {
    const { Delivery, Intake, KeySet } = this.#code;
    const keys = new KeySet();
    const { equal } = this.#case;
    // Of equal items, those that are skipped come first: which of them have ended is the same.
    if (equal) state.journal.sort((one, other) => Number(one === undefined) - Number(other === undefined));
    const itemAt = (index: number): string => (equal ? 'item' : `item ${index + 1}`);
    for (const [index, how] of state.journal.entries())
      if (how) keys.ended(equal ? contentKey(itemAt(index)) : itemAt(index), undefined, how);
    keys.isRead();
    const intake = new Intake({ task: equal ? keyless : task, keys, mode: 'resume', limit: Infinity });
    state.taken = state.journal.map((how, index) => {
      const taken = intake.take(itemAt(index), index + 1) !== undefined;
      ensure(taken === (how === undefined), `item ${index + 1} is ${taken ? '' : 'not '}taken, and is ${how}`);
      return taken;
    });
    state.processed = state.journal.map((how) => how !== undefined);
    const { ties } = this.#case;
    if (ties > 0) state.cursor = beginCursor(this.#code, ties, state.cursor?.mark);
    const numbersFrom = state.cursor?.mark?.number ?? 0;
    state.delivery = new Delivery<Payload>({ ...this.#rules, numbersFrom });
    if (this.#case.ordered) state.results = beginResults(this.#code, state.results, state.journal);
    Object.assign(state, {
      now: 0,
      heldUntil: 0,
      isPaused: false,
      yielded: numbersFrom,
      unwritten: [],
      throws: [],
      crashes: [],
      stopped: false,
    });
    state.cancelled = [];
    this.#turn(state);
  }
}

const task: AnyTask = { dispatch: () => [], process: () => {}, key: (item) => `${item}` };
const keyless: AnyTask = { dispatch: () => [], process: () => {} };

function stop(state: State): void {
  state.stopped = true;
  state.delivery?.stop('gracefully');
}

function tell(process: Process, message: Told): void {
  if (process.alive && process.state !== 'booting') process.told.push(message); // before, nobody hears
}

function giveBack(process: Process): void {
  for (const number of process.waiting.splice(0)) process.said.push({ kind: 'nack', number });
}

/** It will say that an item has ended: of consecutive ones that are done, together. */
function gather({ gathered }: Process, number: number, how: How, isAlone: boolean): void {
  const last = gathered.at(-1);
  if (how !== 'done') gathered.push({ kind: how, number });
  else if (!isAlone && last?.kind === 'done' && number === last.number + last.count) last.count += 1;
  else gathered.push({ kind: how, number, count: 1 });
}

/** It says what has ended. */
function flush(process: Process): void {
  process.said.push(...process.gathered.splice(0));
}

function end(process: Process): void {
  process.alive = false;
  Object.assign(process, { waiting: [], gathered: [], inProgress: [], told: [] });
}

function count(counts: number[], number: number): void {
  counts[number] = (counts[number] ?? 0) + 1;
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('what must be there is not');
  return value;
}
