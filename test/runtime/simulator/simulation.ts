/**
 * One run in simulated time: a master that does with Delivery what runtime/master.ts does, simulated processes, and a
 * network that takes its time. The same seed gives the same run.
 */

import type { Command, Delivery, Item } from '../../../runtime/delivery.ts';
import { checkFinished, checkPlanned, checkStep, checkWanted } from './invariants.ts';
import { Random } from './random.ts';
import { type Intrusion, type Scenario, scenarioOf } from './scenario.ts';
import { type Outcome, type Said, SimulatedProcess, type Surroundings, type Work } from './simulated-process.ts';
import { Truth } from './truth.ts';
import { ensure, Violation } from './violation.ts';

/** Between asking a worker to exit and SIGKILL: no worker that obeys takes as long. */
const KILL_AFTER_MS = 5000;
/** No run that goes well takes as many. */
const STEPS_MAX = 50_000;

/** The class under test: that of runtime/delivery.ts, or one with a fault in it. */
export type DeliveryClass = typeof Delivery;

/** Runs a seed. Throws a Violation where a rule is broken; `log` is told what happens. */
export function simulate(seed: number, DeliveryUnderTest: DeliveryClass, log?: (line: string) => void): void {
  new Simulation(seed, DeliveryUnderTest, log).run();
}

interface Happening {
  readonly time: number;
  readonly act: () => void;
}

class Simulation implements Surroundings {
  readonly scenario: Scenario;
  readonly random: Random;
  readonly #log: ((line: string) => void) | undefined;
  readonly #delivery: Delivery<Work>;
  readonly #truth: Truth;
  #now = 0;
  /** What is going to happen, the next last. */
  readonly #future: Happening[] = [];

  readonly #processes = new Map<number, SimulatedProcess>();
  #exits: SimulatedProcess[] = [];
  /** Which process is to be killed when its time is over. */
  readonly #killTimers = new Map<number, symbol>();
  #awake = false;
  #alarm: symbol | undefined;
  #asking = false;
  #dispatchOver = false;
  #boots = 0;
  #bootFailures = 0;
  #settled = 0;

  constructor(seed: number, DeliveryUnderTest: DeliveryClass, log: ((line: string) => void) | undefined) {
    this.scenario = scenarioOf(seed);
    this.random = new Random(seed ^ 0x5eed);
    this.#log = log;
    log?.(JSON.stringify(this.scenario));
    this.#delivery = new DeliveryUnderTest<Work>({ ...this.scenario.rules, random: this.random.next });
    this.#truth = new Truth(this.scenario);
  }

  run(): void {
    for (const intrusion of this.scenario.intrusions) this.at(intrusion.atMs, () => this.#intrude(intrusion));
    this.#wake();
    for (let steps = 0; !this.#delivery.finished; steps++) {
      const next = this.#future.pop();
      if (!next) throw new Violation('nothing is going to happen any more, and the run is not finished');
      ensure(steps < STEPS_MAX, `not finished after ${steps} steps`);
      this.#now = next.time;
      next.act();
      checkStep(this.#truth, this.#delivery);
    }
    checkFinished(this.#truth, this.#delivery);
  }

  // ---- the world of a process ----

  readonly now = (): number => this.#now;

  readonly after = (ms: number, act: () => void): void => this.at(this.#now + ms, act);

  readonly at = (time: number, act: () => void): void => {
    let index = this.#future.length;
    while (index > 0 && (this.#future[index - 1]?.time ?? Infinity) <= time) index -= 1;
    this.#future.splice(index, 0, { time, act });
  };

  readonly began = (process: SimulatedProcess, work: Work): void => {
    this.#note(`worker ${process.worker} begins item ${work.number}`);
    this.#truth.began(process, work);
  };

  readonly ceased = (_process: SimulatedProcess, work: Work): void => this.#truth.ceased(work);

  readonly exited = (process: SimulatedProcess): void => {
    this.#exits.push(process);
    this.#wake();
  };

  readonly said = (process: SimulatedProcess, message: Said): void => {
    const { worker } = process;
    this.#note(`worker ${worker} says ${JSON.stringify(message)}`);
    switch (message.kind) {
      case 'ready':
        this.#truth.ready(worker);
        this.#delivery.ready(worker);
        break;
      case 'leaving':
        this.#truth.askedToExit(worker);
        this.#delivery.leaving(worker);
        break;
      case 'returned':
        for (const number of message.numbers) {
          this.#truth.returned(worker, number);
          this.#delivery.returned(worker, number);
        }
        break;
      case 'outcomes':
        for (const outcome of message.outcomes) this.#heardOutcome(worker, outcome);
    }
    this.#wake();
  };

  // ---- the master's loop ----

  /** Whatever else happens at this moment may come before the master acts. */
  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.at(this.#now, () => {
      this.#awake = false;
      this.#turn();
    });
  }

  #turn(): void {
    for (const process of this.#exits.splice(0)) this.#reap(process);
    for (const command of this.#delivery.plan(this.#now)) this.#carryOut(command);
    checkPlanned(this.#truth, this.#now);
    this.#truth.handedInPlan.clear();
    const again = this.#delivery.plan(this.#now);
    ensure(again.length === 0, `the plan had left undone ${JSON.stringify(again)}`);
    this.#pull();
    this.#setAlarm();
  }

  /** What is due by then has been done a moment later, whether or not anything else happens: alarms go off up to 1 ms late. */
  #lookAfter(time: number): void {
    this.at(time + 3, () => {
      if (!this.#awake) checkPlanned(this.#truth, this.#now - 2);
    });
  }

  #setAlarm(): void {
    this.#alarm = undefined;
    const inMs = this.#delivery.wakeAt - this.#now;
    if (!(inMs > 0 && inMs < Infinity)) return;
    const alarm = Symbol('alarm');
    this.#alarm = alarm;
    this.after(Math.ceil(inMs), () => {
      if (this.#alarm === alarm) this.#wake();
    });
  }

  #carryOut(command: Command<Work>): void {
    const { worker } = command;
    this.#note(
      `worker ${worker}: ${command.do} ${'items' in command ? command.items.map(({ number }) => number) : ''}`,
    );
    const process = this.#processes.get(worker);
    switch (command.do) {
      case 'boot':
        this.#truth.booting(worker, this.#now);
        this.after(this.random.whole(0, this.scenario.boots.beforeForkMs), () => this.#fork(worker));
        return;
      case 'hand':
        this.#truth.handed(worker, command.items, this.#now);
        process?.tell({ kind: 'items', items: command.items.map(({ load }) => load) });
        if (this.scenario.clogs && this.random.chance(0.3)) this.#clog(worker);
        return;
      case 'drain':
        this.#truth.askedToExit(worker);
        process?.tell({ kind: 'drain' });
        return;
      case 'expect exit':
        this.#killLater(worker);
    }
  }

  #fork(worker: number): void {
    if (this.#delivery.stopping === 'no') {
      const process = new SimulatedProcess(worker, this.#fate(), this);
      this.#processes.set(worker, process);
      this.#truth.forked(process);
      this.#delivery.forked();
    } else {
      this.#truth.notForked(worker);
      this.#delivery.notForked(worker);
      this.#wake();
    }
  }

  #fate(): 'boots' | 'fails' | 'hangs' {
    const { failing, failures, hangs } = this.scenario.boots;
    this.#boots += 1;
    if (hangs && this.random.chance(0.1)) return 'hangs';
    if (failing === 'all') return 'fails';
    if (failing === 'none' || this.#bootFailures >= failures) return 'boots';
    const fails = failing === 'some' ? this.random.chance(0.4) : this.#boots > 1;
    if (fails) this.#bootFailures += 1;
    return fails ? 'fails' : 'boots';
  }

  #reap(process: SimulatedProcess): void {
    const { worker } = process;
    this.#killTimers.delete(worker);
    this.#processes.delete(worker);
    const report = this.#delivery.exited(worker, this.#now);
    this.#note(`worker ${worker} has exited ${report.crashed ? '(crashed)' : ''}`);
    this.#truth.exited(worker, this.#now, report);
    if (this.#truth.backoffEnds() < Infinity) this.#lookAfter(this.#truth.backoffEnds());
    for (const item of report.failed) this.#record(item, 'failed');
    if (report.bootFailure) this.#stop('gracefully');
  }

  /** At most one timer a process, and it is not put off. */
  #killLater(worker: number): void {
    if (this.#killTimers.has(worker)) return;
    const timer = Symbol('kill timer');
    this.#killTimers.set(worker, timer);
    this.after(KILL_AFTER_MS, () => {
      const process = this.#processes.get(worker);
      if (this.#killTimers.get(worker) !== timer || !process) return;
      const obeyed = !process.hung && this.#delivery.stopping !== 'forcefully';
      ensure(!obeyed, `worker ${worker} was killed, though it does what it is told`);
      process.die();
    });
  }

  /** Its socket is full until it has read what it was sent. */
  #clog(worker: number): void {
    const process = this.#processes.get(worker);
    const clogged = (is: boolean): void => {
      const presence = this.#truth.workers.get(worker);
      if (!presence || presence.process !== process) return;
      presence.clogged = is;
      this.#delivery.clogged(worker, is);
      this.#wake();
    };
    clogged(true);
    this.after(this.random.whole(0, 50), () => clogged(false));
  }

  // ---- items ----

  #pull(): void {
    while (!this.#asking && !this.#dispatchOver) {
      const wanted = this.#delivery.wanted();
      checkWanted(this.#truth, wanted);
      if (wanted === 0) return;
      const { stepMs } = this.scenario.dispatch;
      if (stepMs === 0) {
        this.#dispatch();
      } else {
        this.#asking = true;
        this.after(this.random.whole(1, stepMs), () => {
          this.#asking = false;
          // A generator that was stopped may yield all the same what it had begun with.
          if (!this.#dispatchOver || this.random.chance(0.5)) this.#dispatch();
        });
      }
    }
  }

  #dispatch(): void {
    this.#wake();
    const number = this.#truth.entries.length + 1;
    if (number > this.scenario.items) {
      if (this.#dispatchOver) return;
      this.#dispatchOver = true;
      this.#truth.closed = true;
      this.#delivery.closed();
      if (this.scenario.dispatch.ends === 'throws') this.#stop('gracefully');
      return;
    }
    const nature = this.random.among(this.scenario.natures);
    const work: Work = { number, nature, tantrums: this.random.whole(1, 3), runs: 0 };
    const item = nature === 'unfit' ? this.#delivery.dispatchedUnfit(work) : this.#delivery.dispatched(work);
    this.#note(`item ${number} is dispatched: ${nature}`);
    this.#truth.dispatched(work, item);
    if (nature === 'unfit') this.#record(item, 'failed');
  }

  #heardOutcome(worker: number, outcome: Outcome): void {
    const { number, how } = outcome;
    const fate = this.#truth.answered(worker, outcome, this.#now);
    if (how === 'done') {
      const item = this.#delivery.acked(worker, number);
      if (!item) throw new Violation(`the ack of worker ${worker} for item ${number}, which it has, was refused`);
      this.#record(item, 'done');
    } else {
      const verdict = this.#delivery.threw(worker, number, how === 'threw for good', this.#now);
      if (!verdict) throw new Violation(`the error of worker ${worker} for item ${number}, which it has, was refused`);
      ensure(verdict.failed === (fate === 'failed'), `item ${number} is ${fate}, and Delivery says ${verdict.failed}`);
      if (verdict.failed) this.#record(verdict.item, 'failed');
      this.#lookAfter(this.#truth.entry(number).latest);
    }
    if (this.random.chance(0.1)) this.#forge(worker, number);
    if (this.random.chance(0.1)) {
      const number = this.random.whole(1, this.#truth.entries.length);
      this.#forge(this.random.whole(1, this.scenario.rules.workers), number);
    }
  }

  /** A worker speaks of an item that it does not have: nothing may come of it. */
  #forge(worker: number, number: number): void {
    if (this.#truth.holds(worker, number)) return;
    this.#delivery.returned(worker, number);
    const taken =
      this.#delivery.acked(worker, number) ?? this.#delivery.threw(worker, number, this.random.chance(0.5), this.#now);
    ensure(taken === undefined, `worker ${worker} was believed about item ${number}, which it does not have`);
  }

  /** The outcome is recorded, after the hook for it. */
  #record(item: Item<Work>, outcome: 'done' | 'failed'): void {
    const { ms, failing } = this.scenario.hooks;
    const settle = (): void => {
      this.#settled += 1;
      const hookThrew = failing && this.#settled % 20 === 0;
      const as = hookThrew ? 'unfinished' : outcome;
      this.#note(`item ${item.number} is settled as ${as}`);
      this.#truth.settled(item.number, as);
      this.#delivery.settled(item, as);
      if (hookThrew) this.#stop('gracefully');
      this.#wake();
    };
    if (ms === 0) settle();
    else this.after(this.random.whole(0, ms), settle);
  }

  // ---- what comes from outside ----

  #intrude({ what }: Intrusion): void {
    const alive = [...this.#processes.values()].filter((process) => process.alive);
    const victim = alive[this.random.whole(0, alive.length - 1)];
    this.#note(`${what}${victim ? ` (${victim.worker})` : ''}`);
    if (what === 'kill a worker') victim?.die();
    else if (what === 'TERM to a worker') victim?.leave();
    else if (what === 'TTIN') this.#resize(this.#truth.size + 1);
    else if (what === 'TTOU') this.#resize(this.#truth.size - 1);
    else this.#stop(what === 'stop gracefully' ? 'gracefully' : 'forcefully');
  }

  #resize(size: number): void {
    if (size < 1 || this.#delivery.stopping !== 'no') return;
    this.#truth.size = size;
    this.#delivery.resize(size);
    this.#wake();
  }

  #stop(how: 'gracefully' | 'forcefully'): void {
    if (this.#delivery.stopping === 'forcefully' || this.#delivery.stopping === how) return;
    this.#note(`stop ${how}`);
    this.#dispatchOver = true;
    if (how === 'forcefully') {
      for (const process of this.#processes.values()) {
        if (this.#truth.workers.get(process.worker)?.held.length) {
          process.tell({ kind: 'abort' });
          this.#killLater(process.worker);
        } else {
          process.die();
        }
      }
    }
    this.#truth.stop(how);
    this.#delivery.stop(how);
    this.#wake();
  }

  #note(what: string): void {
    this.#log?.(`${this.#now.toFixed(1)} ms: ${what}`);
  }
}
