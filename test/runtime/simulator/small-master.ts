/** The master of a small case: what it makes of what it hears, what it records, and how it resumes. */

import { contentKey } from '../../../runtime/key.ts';
import type { Command, DeliveryRules } from '../../../runtime/master/rules.ts';
import { countOf, type Run } from '../../../runtime/master/run.ts';
import type { AnyTask } from '../../../runtime/task/task.ts';
import type { Code } from './simulation.ts';
import type { SmallCase } from './small-case.ts';
import { beginCursor, listed } from './small-cursor.ts';
import { beginResults, syncResults } from './small-results.ts';
import { found, type Payload, type Process, type State } from './small-state.ts';
import { tell } from './small-worker.ts';
import { ensure, same } from './violation.ts';

/** How long RateLimited asks to wait. */
const LIMIT_MS = 100;

/** Its methods change the state that they are given. */
export class SmallMaster {
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

  hear(state: State, process: Process): void {
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
    this.turn(state);
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

  sync(state: State): void {
    syncResults(found(state.results), (run) => state.unwritten.push({ run: run as Run<Payload>, how: 'done' }));
  }

  write(state: State): void {
    for (const { run, how } of state.unwritten.splice(0)) {
      for (let number = run.number; number < run.number + run.count; number++) {
        ensure(state.journal[number - 1] === undefined, `item ${number} has a second outcome`);
        state.journal[number - 1] = how;
      }
      found(state.delivery).settled(run, how);
      state.cursor?.cursor.ended(run.number, run.count);
    }
    this.turn(state);
  }

  turn(state: State): void {
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

  die(state: State): void {
    state.left.deaths -= 1;
    state.delivery = undefined;
    for (const [index, how] of state.journal.entries()) if (how === undefined) state.processed[index] = false;
    for (const process of state.processes) if (process?.alive) state.orphans.push({ ...process, said: [] });
    state.processes.fill(undefined);
  }

  resume(state: State): void {
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
    this.turn(state);
  }
}

const task: AnyTask = { dispatch: () => [], process: () => {}, key: (item) => `${item}` };
const keyless: AnyTask = { dispatch: () => [], process: () => {} };

/** Nothing begins any more. */
export function stop(state: State): void {
  state.stopped = true;
  state.delivery?.stop('gracefully');
}

function count(counts: number[], number: number): void {
  counts[number] = (counts[number] ?? 0) + 1;
}
