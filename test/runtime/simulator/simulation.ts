/**
 * One run in simulated time: a master that does with Delivery what runtime/master/master.ts does, simulated processes, and a
 * network that takes its time. The same seed gives the same run.
 */

import type { Barrier } from '../../../runtime/master/barrier.ts';
import type { Delivery } from '../../../runtime/master/delivery.ts';
import type { Order } from '../../../runtime/master/order.ts';
import type { Command } from '../../../runtime/master/rules.ts';
import { Input, type IntakeCode } from './input.ts';
import { checkAccounts, checkFinished, checkPlanned, checkStep } from './invariants.ts';
import type { Random } from './random.ts';
import { Records } from './records.ts';
import { type Scenario, scenariosOf } from './scenario.ts';
import { SimulatedBoots } from './simulated-boots.ts';
import { SimulatedDispatch } from './simulated-dispatch.ts';
import { SimulatedIntrusions } from './simulated-intrusions.ts';
import { SimulatedKills } from './simulated-kills.ts';
import { SimulatedMaster } from './simulated-master.ts';
import { type Held, SimulatedOutcomes } from './simulated-outcomes.ts';
import { SimulatedOutput } from './simulated-output.ts';
import type { Said, SimulatedProcess, Surroundings } from './simulated-process.ts';
import { SimulatedReclaims } from './simulated-reclaims.ts';
import { HELD, type Unwritten } from './simulated-results.ts';
import { lookAfter, type SimulatedRun } from './simulated-run.ts';
import { Truth } from './truth.ts';
import { ensure } from './violation.ts';
import { ORPHANS_MS, type Work, World } from './world.ts';

/** How long a forceful stop waits for whoever reads the output. */
const DISCARD_AFTER_MS = 1000;
/** No run that goes well takes as many. */
const STEPS_MAX = 200_000;

/** The classes under test: those of runtime/, or some with a fault in them. */
export interface Code extends IntakeCode {
  readonly Barrier: typeof Barrier;
  readonly Delivery: typeof Delivery;
  readonly Order: typeof Order;
}

/** Runs a seed. Throws a Violation where a rule is broken; `log` is told what happens. */
export function simulate(seed: number, code: Code, log?: (line: string) => void): void {
  const world = new World(seed, log);
  for (const [run, scenario] of scenariosOf(seed).entries()) {
    world.succeed(scenario.journal?.mode === 'retry-failed');
    new Simulation(world, scenario, run, code).run();
  }
}

class Simulation implements Surroundings {
  readonly scenario: Scenario;
  readonly random: Random;
  readonly #world: World;
  readonly #master: SimulatedMaster;
  readonly #delivery: Delivery<Work>;
  readonly #truth: Truth;
  readonly #processes = new Map<number, SimulatedProcess>();
  /** What its parts see of it. */
  readonly #run: SimulatedRun;
  readonly #input: Input;
  readonly #records: Records;
  readonly #output: SimulatedOutput;
  readonly #boots: SimulatedBoots;
  readonly #kills: SimulatedKills;
  readonly #reclaims: SimulatedReclaims;
  readonly #outcomes: SimulatedOutcomes;
  readonly #dispatch: SimulatedDispatch;
  #exits: SimulatedProcess[] = [];
  #alarm: symbol | undefined;

  /** run - which of the runs of a seed it is. */
  constructor(world: World, scenario: Scenario, run: number, code: Code) {
    this.scenario = scenario;
    this.random = world.random;
    this.#world = world;
    world.log?.(JSON.stringify(scenario));
    const { rules, prefetch, batchAcks, journal } = scenario;
    this.#input = new Input(scenario, world, run, code);
    const { cursor } = this.#input;
    const numbersFrom = cursor?.begin?.number ?? 0;
    const delivery = new code.Delivery<Work>({
      ...rules,
      numbersFrom,
      random: this.random.next,
      prefetch: (pace) => (pace < Infinity ? prefetch : 0),
      batchesAcks: (pace) => batchAcks && pace < Infinity,
    });
    this.#delivery = delivery;
    const truth = new Truth(scenario, numbersFrom);
    this.#truth = truth;
    const master = new SimulatedMaster(world, () => this.#turn());
    this.#master = master;
    const stop = (how: 'gracefully' | 'forcefully'): void => this.#stop(how);
    this.#run = { scenario, world, master, delivery, truth, processes: this.#processes, stop };
    const order = journal?.results?.isOrdered ? new code.Order<Unwritten>(numbersFrom, HELD) : undefined;
    const { later, wake } = master;
    const recording = { world, truth, delivery, cursor, order, run, later, wake };
    const records = new Records(scenario, { ...recording, failed: () => this.#stop('gracefully') });
    this.#records = records;
    const output = new SimulatedOutput(this.#run);
    this.#output = output;
    this.#boots = new SimulatedBoots(this.#run, output, records);
    this.#kills = new SimulatedKills(this.#run);
    this.#reclaims = new SimulatedReclaims(this.#run);
    const ways = { output, records, kills: this.#kills, reclaims: this.#reclaims };
    const outcomes = new SimulatedOutcomes(this.#run, { ...ways, barrier: new code.Barrier<Held>() });
    this.#outcomes = outcomes;
    this.#dispatch = new SimulatedDispatch(this.#run, { run, input: this.#input, order, records, outcomes });
  }

  /** Until it is finished, or its master is killed. */
  run(): void {
    new SimulatedIntrusions(this.#run, this.#kills, this.#reclaims).begin();
    if (this.scenario.diesAtMs < Infinity) this.after(this.scenario.diesAtMs, () => this.#die());
    this.#output.begin();
    this.#kills.begin();
    this.#master.wake();
    for (let steps = 0; !this.#delivery.finished; steps++) {
      ensure(this.#world.step(), 'nothing is going to happen any more, and the run is not finished');
      ensure(steps < STEPS_MAX, `not finished after ${steps} steps`);
      if (this.#master.state === 'dead') return;
      checkStep(this.#truth, this.#delivery);
    }
    this.#master.end();
    checkFinished(this.#truth, this.#delivery);
    if (this.scenario.journal?.results) this.#world.cutResults();
    if (this.#truth.stopping === 'no' && !this.#input.full) this.#input.checkEnded();
  }

  /** SIGKILL to the master: its workers find out, unless they are suspended. */
  #die(): void {
    if (this.#master.state === 'ended') return;
    this.#world.note('the master is killed');
    this.#master.die();
    this.#records.tear();
    this.#truth.items.masterDied();
    for (const process of this.#processes.values()) {
      if (process.hasLifeline) this.after(this.random.whole(0, ORPHANS_MS), () => process.die());
    }
  }

  // ---- the world of a process ----

  readonly now = (): number => this.#world.now;

  readonly after = (ms: number, act: () => void): void => this.#world.at(this.#world.now + ms, act);

  readonly at = (time: number, act: () => void): void => this.#world.at(time, act);

  readonly reads = (): boolean => this.#master.state !== 'suspended';

  readonly began = (process: SimulatedProcess, work: Work): void => {
    this.#world.note(`worker ${process.worker} begins item ${work.id}`);
    this.#world.began(process, work);
  };

  readonly ceased = (_process: SimulatedProcess, work: Work): void => this.#world.ceased(work);

  readonly processed = (work: Work): void => this.#world.processed(work);

  readonly exited = (process: SimulatedProcess): void =>
    this.#master.do(() => {
      this.#exits.push(process);
      this.#master.wake();
    });

  readonly said = (process: SimulatedProcess, message: Said): void =>
    this.#master.do(() => this.#hear(process, message));

  readonly reclaimed = (process: SimulatedProcess, claimed: number | null): void =>
    this.#master.do(() => {
      const numbers = this.#reclaims.takenBack(process, claimed);
      if (!numbers) return;
      this.#outcomes.nacked(process.worker, process.pipe, numbers);
      this.#master.wake();
    });

  #hear(process: SimulatedProcess, message: Said): void {
    const { worker } = process;
    this.#world.note(`worker ${worker} says ${JSON.stringify(message)}`);
    switch (message.kind) {
      case 'ready':
        this.#truth.ready(worker);
        this.#delivery.ready(worker);
        break;
      case 'leaving':
        this.#truth.askedToExit(worker);
        this.#delivery.leaving(worker);
        break;
      case 'overdue':
        this.#kills.overdue(process, message.number);
        break;
      case 'nack':
        this.#outcomes.nacked(worker, process.pipe, message.numbers);
        break;
      case 'outcomes':
        this.#outcomes.heard(worker, message.outcomes);
    }
    this.#master.wake();
  }

  // ---- the master's loop ----

  #turn(): void {
    this.#output.poll();
    for (const process of this.#exits.splice(0)) this.#reap(process);
    const again = this.#outcomes.turn();
    this.#records.write();
    const { cursor } = this.#input;
    if (cursor?.unrecorded && cursor.isPressing) this.#master.wake();
    this.#truth.gate.begin(this.now());
    for (const command of this.#delivery.plan(this.now())) this.#carryOut(command);
    checkPlanned(this.#truth, this.now());
    this.#truth.handedInPlan.clear();
    const undone = this.#delivery.plan(this.now());
    ensure(undone.length === 0, `the plan had left undone ${JSON.stringify(undone)}`);
    this.#dispatch.pull();
    checkAccounts(this.#truth, this.#delivery);
    this.#setAlarm();
    this.#lookAfterGate();
    if (again) this.#master.wake();
  }

  /** Where items wait for the gate: they are handed out soon after it opens. */
  #lookAfterGate(): void {
    const { gate, items } = this.#truth;
    const { opensAt } = gate;
    if (opensAt > this.now() && opensAt < Infinity && items.waiting(() => true) > 0) lookAfter(this.#run, opensAt);
  }

  #setAlarm(): void {
    this.#alarm = undefined;
    const inMs = this.#delivery.wakeAt(this.now()) - this.now();
    if (!(inMs > 0 && inMs < Infinity)) return;
    const alarm = Symbol('alarm');
    this.#alarm = alarm;
    this.#master.later(Math.ceil(inMs), () => {
      if (this.#alarm === alarm) this.#master.wake();
    });
  }

  #carryOut(command: Command<Work>): void {
    const { worker } = command;
    const runs = command.do === 'hand' ? command.runs : [];
    const items = runs.flatMap(({ number, payloads }) =>
      payloads.map((work, index) => ({ number: number + index, work })),
    );
    this.#world.note(`worker ${worker}: ${command.do} ${items.map(({ number }) => number)}`);
    const process = this.#processes.get(worker);
    switch (command.do) {
      case 'boot':
        this.#truth.booting(worker, this.now());
        this.#master.later(this.random.whole(0, this.scenario.boots.beforeForkMs), () =>
          this.#boots.fork(worker, this),
        );
        return;
      case 'hand':
        this.#truth.handed(
          worker,
          items.map(({ number }) => number),
          command.batchAcks,
          this.now(),
        );
        process?.tell({ kind: 'items', items: items.map((item) => ({ ...item, batchAcks: command.batchAcks })) });
        if (process) this.#reclaims.ifSilent(process);
        if (this.scenario.backpressure && this.random.chance(0.3)) this.#block(worker);
        return;
      case 'drain':
        this.#truth.askedToExit(worker);
        process?.tell({ kind: 'drain' });
        return;
      case 'expect exit':
        this.#kills.later(worker);
    }
  }

  #reap(process: SimulatedProcess): void {
    const { worker } = process;
    this.#processes.delete(worker);
    const blamed = this.#kills.exited(worker);
    const report = this.#delivery.exited(worker, this.now(), blamed);
    this.#world.note(
      `worker ${worker} has exited ${report.crashed ? '(crashed)' : ''} ${blamed ? `blamed: ${[...blamed]}` : ''}`,
    );
    this.#truth.exited(worker, this.now(), blamed, report);
    for (const { latest } of this.#truth.items.active) if (blamed && latest > this.now()) lookAfter(this.#run, latest);
    const backoffEnds = this.#truth.backoffEnds(worker);
    if (backoffEnds < Infinity) lookAfter(this.#run, backoffEnds);
    this.#outcomes.failed(process.pipe, report.failed);
    if (report.bootFailure) this.#stop('gracefully');
  }

  /** Its socket is full until it has read what it was sent. */
  #block(worker: number): void {
    const process = this.#processes.get(worker);
    const backpressure = (is: boolean): void => {
      const presence = this.#truth.workers.get(worker);
      if (!presence || presence.process !== process) return;
      presence.backpressure = is;
      this.#delivery.backpressure(worker, is);
      this.#master.wake();
    };
    backpressure(true);
    this.#master.later(this.random.whole(0, 50), () => backpressure(false));
  }

  #stop(how: 'gracefully' | 'forcefully'): void {
    if (this.#delivery.stopping === 'forcefully' || this.#delivery.stopping === how) return;
    this.#world.note(`stop ${how}`);
    this.#dispatch.stop();
    if (how === 'forcefully') {
      this.#master.later(DISCARD_AFTER_MS, () => this.#output.drop());
      for (const process of this.#processes.values()) {
        if (this.#truth.workers.get(process.worker)?.held.length) {
          process.tell({ kind: 'abort' });
          this.#kills.later(process.worker);
        } else {
          process.die();
        }
      }
    }
    this.#truth.stop(how);
    this.#delivery.stop(how);
    this.#master.wake();
  }
}
