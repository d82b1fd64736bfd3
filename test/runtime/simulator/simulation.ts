/**
 * One run in simulated time: a master that does with Delivery what runtime/master/master.ts does, simulated processes, and a
 * network that takes its time. The same seed gives the same run.
 */

import type { Barrier } from '../../../runtime/master/barrier.ts';
import type { Delivery } from '../../../runtime/master/delivery.ts';
import type { Order } from '../../../runtime/master/order.ts';
import type { Command } from '../../../runtime/master/rules.ts';
import type { Run } from '../../../runtime/master/run.ts';
import { AHEAD, Input, type IntakeCode } from './input.ts';
import { checkAccounts, checkFinished, checkPlanned, checkStep, checkWanted } from './invariants.ts';
import type { Random } from './random.ts';
import { type Name, Records } from './records.ts';
import { type Intrusion, type Scenario, scenariosOf } from './scenario.ts';
import { type PipeWorld, SimulatedPipe } from './simulated-pipe.ts';
import { type Outcome, type Said, SimulatedProcess, type Surroundings } from './simulated-process.ts';
import { HELD, type Unwritten } from './simulated-results.ts';
import { Truth } from './truth.ts';
import { ensure, same, Violation } from './violation.ts';
import { ORPHANS_MS, type Work, World } from './world.ts';

/** Between asking a worker to exit, or the timeout of an item, and SIGKILL: no worker that isAbortable takes as long. */
const KILL_AFTER_MS = 5000;
const OVERDUE_EVERY_MS = 100;
const SILENT_MS = 20;
/** How long a forceful stop waits for whoever reads the output. */
const DISCARD_AFTER_MS = 1000;
const THROWN = ['threw', 'threw for good', 'rate limited'] as const;
/** No run that goes well takes as many. */
const STEPS_MAX = 200_000;

/** The classes under test: those of runtime/, or some with a fault in them. */
export interface Code extends IntakeCode {
  readonly Barrier: typeof Barrier;
  readonly Delivery: typeof Delivery;
  readonly Order: typeof Order;
}

const ENDED = ['done', 'failed', 'unfinished', 'settling'];

const NAMELESS: Name = { key: '', occurrence: 1, at: undefined };

/** An outcome that waits for output. */
interface Held {
  readonly run: Run<Work>;
  readonly how: 'done' | 'failed';
  readonly pipe: SimulatedPipe;
  /** How much its process had written when it ended. */
  readonly written: number;
}

/** Runs a seed. Throws a Violation where a rule is broken; `log` is told what happens. */
export function simulate(seed: number, code: Code, log?: (line: string) => void): void {
  const world = new World(seed, log);
  for (const [run, scenario] of scenariosOf(seed).entries()) {
    world.succeed(scenario.journal?.mode === 'retry-failed');
    new Simulation(world, scenario, run, code).run();
  }
}

class Simulation implements Surroundings, PipeWorld {
  readonly scenario: Scenario;
  readonly random: Random;
  readonly #world: World;
  readonly #input: Input;
  readonly #records: Records;
  readonly #run: number;
  readonly #delivery: Delivery<Work>;
  readonly #barrier: Barrier<Held>;
  readonly #order: Order<Unwritten> | undefined;
  /** Of every process, those that have ended too: what they wrote may be still on its way. */
  readonly #pipes = new Set<SimulatedPipe>();
  /** Nothing that is not out yet will be. */
  #isDropping = false;
  readonly #began: number;
  readonly #truth: Truth;
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
  #state: 'running' | 'suspended' | 'dead' | 'ended' = 'running';
  /** It was suspended once: it need not have done in time what was due. */
  #late = false;
  /** What it is to do when it goes on. */
  #missed: (() => void)[] = [];
  /** By worker: the items that it was told ran past their timeout, or are cancelled. */
  readonly #overruled = new Map<number, Set<number>>();
  #isPaused = false;
  readonly #killedOverdue = new Set<number>();
  /** Processes that are looked at while items wait in them, and those whose lifelines have been asked to take these back. */
  readonly #watched = new Set<SimulatedProcess>();
  readonly #reclaiming = new Set<SimulatedProcess>();
  readonly #names = new Map<number, Name>();

  constructor(world: World, scenario: Scenario, run: number, code: Code) {
    this.scenario = scenario;
    this.random = world.random;
    this.#world = world;
    this.#run = run;
    world.log?.(JSON.stringify(scenario));
    const { rules, prefetch, batchAcks } = scenario;
    this.#input = new Input(scenario, world, run, code);
    const { cursor } = this.#input;
    const numbersFrom = cursor?.begin?.number ?? 0;
    this.#delivery = new code.Delivery<Work>({
      ...rules,
      numbersFrom,
      random: this.random.next,
      prefetch: (pace) => (pace < Infinity ? prefetch : 0),
      batchesAcks: (pace) => batchAcks && pace < Infinity,
    });
    this.#barrier = new code.Barrier<Held>();
    this.#began = world.now;
    this.#truth = new Truth(scenario, numbersFrom);
    if (scenario.journal?.results?.isOrdered) this.#order = new code.Order(numbersFrom, HELD);
    const recording = { world, truth: this.#truth, delivery: this.#delivery, cursor, order: this.#order, run };
    const failed = (): void => this.#stop('gracefully');
    this.#records = new Records(scenario, { ...recording, later: this.later, failed, wake: this.moved });
  }

  /** Until it is finished, or its master is killed. */
  run(): void {
    for (const intrusion of this.scenario.intrusions) this.#later(intrusion.atMs, () => this.#intrude(intrusion));
    if (this.scenario.diesAtMs < Infinity) this.after(this.scenario.diesAtMs, () => this.#die());
    const { goesAtMs } = this.scenario.reader;
    if (goesAtMs < Infinity) this.#later(goesAtMs, () => this.#readerGoes());
    if (this.scenario.timeoutMs < Infinity) this.#later(OVERDUE_EVERY_MS, () => this.#killOverdue());
    this.#wake();
    for (let steps = 0; !this.#delivery.finished; steps++) {
      ensure(this.#world.step(), 'nothing is going to happen any more, and the run is not finished');
      ensure(steps < STEPS_MAX, `not finished after ${steps} steps`);
      if (this.#isDead) return;
      checkStep(this.#truth, this.#delivery);
    }
    this.#state = 'ended';
    checkFinished(this.#truth, this.#delivery);
    if (this.scenario.journal?.results) this.#world.cutResults();
    if (this.#truth.stopping === 'no' && !this.#input.full) this.#input.checkEnded();
  }

  get #isDead(): boolean {
    return this.#state === 'dead';
  }

  /** SIGKILL to the master: its workers find out, unless they are suspended. */
  #die(): void {
    if (this.#state === 'ended') return;
    this.#note('the master is killed');
    this.#state = 'dead';
    this.#records.tear();
    this.#truth.items.masterDied();
    for (const process of this.#processes.values()) {
      if (process.hasLifeline) this.after(this.random.whole(0, ORPHANS_MS), () => process.die());
    }
  }

  /** What the master does: later where it is suspended, never where it is dead. */
  #do(act: () => void): void {
    if (this.#state === 'running') act();
    else if (this.#state === 'suspended') this.#missed.push(act);
  }

  #later(ms: number, act: () => void): void {
    this.after(ms, () => this.#do(act));
  }

  // ---- the world of a pipe ----

  readonly later = (ms: number, act: () => void): void => this.#later(ms, act);

  readonly moved = (): void => this.#wake();

  readonly readerTakes = (): number | undefined => {
    const { takesMs, stopsAtMs, stopsForMs } = this.scenario.reader;
    const stopped = this.#began + stopsAtMs;
    if (this.#now < stopped || this.#now >= stopped + stopsForMs) return this.random.whole(0, takesMs);
    return stopsForMs === Infinity ? undefined : stopped + stopsForMs - this.#now;
  };

  #readerGoes(): void {
    this.#note('whoever read the output has gone');
    this.#drop();
    if (this.#delivery.stopping === 'no') this.#stop('gracefully');
  }

  #drop(): void {
    this.#isDropping = true;
    for (const pipe of this.#pipes) pipe.drop();
  }

  #suspend(): void {
    this.#state = 'suspended';
    this.#late = true;
    this.after(this.random.whole(10, 20_000), () => {
      if (this.#state !== 'suspended') return;
      this.#note('the master goes on');
      this.#state = 'running';
      for (const process of this.#processes.values()) process.send();
      for (const act of this.#missed.splice(0)) this.#do(act);
    });
  }

  // ---- the world of a process ----

  readonly now = (): number => this.#world.now;

  readonly after = (ms: number, act: () => void): void => this.#world.at(this.#now + ms, act);

  readonly at = (time: number, act: () => void): void => this.#world.at(time, act);

  get #now(): number {
    return this.#world.now;
  }

  readonly reads = (): boolean => this.#state !== 'suspended';

  readonly began = (process: SimulatedProcess, work: Work): void => {
    this.#note(`worker ${process.worker} begins item ${work.id}`);
    this.#world.began(process, work);
  };

  readonly ceased = (_process: SimulatedProcess, work: Work): void => this.#world.ceased(work);

  readonly processed = (work: Work): void => this.#world.processed(work);

  readonly exited = (process: SimulatedProcess): void =>
    this.#do(() => {
      this.#exits.push(process);
      this.#wake();
    });

  readonly said = (process: SimulatedProcess, message: Said): void => this.#do(() => this.#hear(process, message));

  readonly reclaimed = (process: SimulatedProcess, claimed: number | null): void =>
    this.#do(() => {
      const { worker } = process;
      this.#reclaiming.delete(process);
      if (claimed === null || this.#processes.get(worker) !== process) return;
      const numbers = this.#delivery.slot(worker).handedBehind(claimed);
      this.#note(`worker ${worker} had claimed ${claimed}; reclaimed: ${numbers}`);
      process.tell({ kind: 'forget' });
      this.#nacked(worker, process.pipe, numbers);
      this.#wake();
    });

  #nacked(worker: number, pipe: SimulatedPipe, numbers: readonly number[]): void {
    for (const number of numbers) this.#truth.nacked(worker, number, this.#now);
    const failed = this.#delivery.nacked(worker, numbers, this.#now);
    const cancelled = numbers.filter((number) => this.#truth.items.entry(number).verdict === 'failed');
    same(
      'items that failed as they came back',
      `${failed.map(({ number }) => number).toSorted()}`,
      `${cancelled.toSorted()}`,
    );
    for (const number of cancelled) this.#overruled.get(worker)?.delete(number);
    for (const run of failed) this.#barrier.hold(pipe, [{ run, how: 'failed', pipe, written: pipe.written }]);
  }

  /** Soon after items began to wait in it, and again while they do. */
  #reclaimIfSilent(process: SimulatedProcess): void {
    if (this.#watched.has(process)) return;
    this.#watched.add(process);
    this.#later(this.random.whole(0, SILENT_MS), () => {
      const { worker } = process;
      this.#watched.delete(process);
      if (this.#processes.get(worker) !== process || this.#reclaiming.has(process)) return;
      const { held } = this.#delivery.slot(worker);
      if (held <= this.scenario.rules.concurrency) return;
      if (this.#delivery.silent(this.#now, SILENT_MS).includes(worker)) {
        this.#reclaiming.add(process);
        process.reclaim();
      } else this.#reclaimIfSilent(process);
    });
  }

  /** What waits in a worker is taken back: nothing is to begin. */
  #reclaimAll(): void {
    for (const process of this.#processes.values()) {
      const { held } = this.#delivery.slot(process.worker);
      if (held <= this.scenario.rules.concurrency || this.#reclaiming.has(process)) continue;
      this.#reclaiming.add(process);
      process.reclaim();
    }
  }

  #hear(process: SimulatedProcess, message: Said): void {
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
      case 'overdue':
        this.#overdue(process, message.number);
        break;
      case 'nack':
        this.#nacked(worker, process.pipe, message.numbers);
        break;
      case 'outcomes':
        for (const outcomes of this.#rangesOf(message.outcomes)) this.#heardOutcomes(worker, outcomes);
    }
    this.#wake();
  }

  // ---- the master's loop ----

  /** Whatever else happens at this moment may come before the master acts. */
  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#later(0, () => {
      this.#awake = false;
      this.#turn();
    });
  }

  #turn(): void {
    for (const pipe of this.#pipes) pipe.poll();
    for (const process of this.#exits.splice(0)) this.#reap(process);
    const again = this.#barrier.turn((all, isLost) => {
      for (const held of all) this.#out(held, isLost);
    });
    this.#records.write();
    const { cursor } = this.#input;
    if (cursor?.unrecorded && cursor.isPressing) this.#wake();
    this.#truth.gate.begin(this.#now);
    for (const command of this.#delivery.plan(this.#now)) this.#carryOut(command);
    checkPlanned(this.#truth, this.#now);
    this.#truth.handedInPlan.clear();
    const undone = this.#delivery.plan(this.#now);
    ensure(undone.length === 0, `the plan had left undone ${JSON.stringify(undone)}`);
    this.#pull();
    checkAccounts(this.#truth, this.#delivery);
    this.#setAlarm();
    this.#lookAfterGate();
    if (again) this.#wake();
  }

  /** All that its process had written before it ended is out, or is lost: it goes on to count, or it does not. */
  #out({ run, how, pipe, written }: Held, isLost: boolean): void {
    if (isLost) {
      this.#note(`item ${run.number}: its output is lost`);
      ensure(this.#isDropping, `the output of item ${run.number} is taken to be lost`);
      this.#records.lost(run);
      return;
    }
    ensure(pipe.out >= written, `item ${run.number} counts, and ${written - pipe.out} of what it wrote is not out`);
    this.#record(run, how);
  }

  /** What is due by then has been done a moment later, whether or not anything else happens: alarms go off up to 1 ms late. */
  #lookAfter(time: number): void {
    this.at(time + 3, () => {
      if (!this.#awake && this.#state === 'running') checkPlanned(this.#truth, this.#now - 2);
    });
  }

  /** Where items wait for the gate: they are handed out soon after it opens. */
  #lookAfterGate(): void {
    const { opensAt } = this.#truth.gate;
    if (opensAt > this.#now && opensAt < Infinity && this.#truth.items.waiting(() => true) > 0)
      this.#lookAfter(opensAt);
  }

  #setAlarm(): void {
    this.#alarm = undefined;
    const inMs = this.#delivery.wakeAt(this.#now) - this.#now;
    if (!(inMs > 0 && inMs < Infinity)) return;
    const alarm = Symbol('alarm');
    this.#alarm = alarm;
    this.#later(Math.ceil(inMs), () => {
      if (this.#alarm === alarm) this.#wake();
    });
  }

  #carryOut(command: Command<Work>): void {
    const { worker } = command;
    const runs = command.do === 'hand' ? command.runs : [];
    const items = runs.flatMap(({ number, payloads }) =>
      payloads.map((work, index) => ({ number: number + index, work })),
    );
    this.#note(`worker ${worker}: ${command.do} ${items.map(({ number }) => number)}`);
    const process = this.#processes.get(worker);
    switch (command.do) {
      case 'boot':
        this.#truth.booting(worker, this.#now);
        this.#later(this.random.whole(0, this.scenario.boots.beforeForkMs), () => this.#fork(worker));
        return;
      case 'hand':
        this.#truth.handed(
          worker,
          items.map(({ number }) => number),
          command.batchAcks,
          this.#now,
        );
        process?.tell({ kind: 'items', items: items.map((item) => ({ ...item, batchAcks: command.batchAcks })) });
        if (process) this.#reclaimIfSilent(process);
        if (this.scenario.backpressure && this.random.chance(0.3)) this.#block(worker);
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
      const pipe = new SimulatedPipe(this);
      this.#pipes.add(pipe);
      if (this.#isDropping) pipe.drop();
      const process = new SimulatedProcess(worker, this.#fate(), pipe, this);
      this.#processes.set(worker, process);
      this.#truth.forked(process);
      this.#delivery.forked();
      this.#records.forked(process);
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
    const blamed = this.#killedOverdue.delete(worker) ? this.#itemsToBlame(worker) : undefined;
    this.#overruled.delete(worker);
    const report = this.#delivery.exited(worker, this.#now, blamed);
    this.#note(
      `worker ${worker} has exited ${report.crashed ? '(crashed)' : ''} ${blamed ? `blamed: ${[...blamed]}` : ''}`,
    );
    this.#truth.exited(worker, this.#now, blamed, report);
    for (const { latest } of this.#truth.items.active) if (blamed && latest > this.#now) this.#lookAfter(latest);
    const backoffEnds = this.#truth.backoffEnds(worker);
    if (backoffEnds < Infinity) this.#lookAfter(backoffEnds);
    const { pipe } = process;
    for (const run of report.failed) this.#barrier.hold(pipe, [{ run, how: 'failed', pipe, written: pipe.written }]);
    if (report.bootFailure) this.#stop('gracefully');
  }

  /** What its worker had said ran past its timeout; where that said nothing: the only item that it had started, or none. */
  #itemsToBlame(worker: number): Set<number> {
    const started = this.#truth.startedBy(worker).map(({ number }) => number);
    return new Set(started.filter((number) => started.length === 1 || this.#overruled.get(worker)?.has(number)));
  }

  /** Items that do not end though their time is over take their workers with them. */
  #killOverdue(): void {
    this.#later(OVERDUE_EVERY_MS, () => this.#killOverdue());
    for (const process of this.#processes.values()) this.#holdTime(process);
    const ms = this.scenario.timeoutMs + KILL_AFTER_MS;
    const overdue = this.#delivery.slots.flatMap((slot) =>
      slot.overdue(this.#now, ms).map(({ number }) => ({ number, worker: slot.number })),
    );
    const numbers = (items: readonly { number: number }[]): string => `${items.map(({ number }) => number).toSorted()}`;
    same('items overdue', numbers(overdue), numbers(this.#truth.overdue(this.#now, ms)));
    for (const { worker } of overdue) {
      const process = this.#processes.get(worker);
      if (!process?.alive) continue;
      this.#note(`worker ${worker} is killed: it ran past its timeout`);
      process.die();
      this.#killedOverdue.add(worker);
    }
  }

  #overdue(process: SimulatedProcess, number: number): void {
    const { worker } = process;
    this.#holdTime(process);
    const item = this.#delivery.slot(worker).inProgress.find((each) => each.number === number);
    if (!item) return;
    const ms = Math.max(0, this.scenario.timeoutMs - (this.#now - item.startedAt));
    process.tell({ kind: 'time left', number, ms });
    if (ms > 0) return;
    this.#overrule(worker, number);
  }

  #overrule(worker: number, number: number): void {
    const items = this.#overruled.get(worker) ?? new Set();
    this.#overruled.set(worker, items.add(number));
  }

  #holdTime({ worker, pipe }: SimulatedProcess): void {
    const heldMs = pipe.takeHeldMs();
    if (heldMs === 0) return;
    this.#delivery.slot(worker).standsStill(heldMs, this.#now);
    this.#truth.standsStill(worker, heldMs, this.#now);
  }

  /** At most one timer a process, and it is not put off. */
  #killLater(worker: number): void {
    if (this.#killTimers.has(worker)) return;
    const timer = Symbol('kill timer');
    this.#killTimers.set(worker, timer);
    this.#later(KILL_AFTER_MS, () => {
      const process = this.#processes.get(worker);
      if (this.#killTimers.get(worker) !== timer || !process?.alive) return;
      const obeyed = !process.hung && !process.delayed && !this.#late && this.#delivery.stopping !== 'forcefully';
      ensure(!obeyed, `worker ${worker} was killed, though it does what it is told`);
      process.die();
    });
  }

  /** Its socket is full until it has read what it was sent. */
  #block(worker: number): void {
    const process = this.#processes.get(worker);
    const backpressure = (is: boolean): void => {
      const presence = this.#truth.workers.get(worker);
      if (!presence || presence.process !== process) return;
      presence.backpressure = is;
      this.#delivery.backpressure(worker, is);
      this.#wake();
    };
    backpressure(true);
    this.#later(this.random.whole(0, 50), () => backpressure(false));
  }

  // ---- items ----

  #pull(): void {
    while (!this.#asking && !this.#dispatchOver) {
      const wanted = this.#delivery.wanted(this.#now);
      checkWanted(this.#truth, wanted, this.#now);
      if (wanted === 0 || (this.#input.cursor?.room ?? Infinity) <= 0) return;
      if (this.#order?.roomAfter(this.#delivery.lastNumber) === 0) return;
      const { stepMs } = this.scenario.dispatch;
      if (stepMs === 0) {
        this.#dispatch();
      } else {
        this.#asking = true;
        this.#later(this.random.whole(1, stepMs), () => {
          this.#asking = false;
          // A generator that was stopped may yield all the same what it had begun with.
          if (!this.#dispatchOver || this.random.chance(0.5)) this.#dispatch();
        });
      }
    }
  }

  #dispatch(): void {
    this.#wake();
    const yielded = this.#input.next();
    if (!yielded) {
      if (this.#dispatchOver) return;
      this.#dispatchOver = true;
      this.#truth.closed = true;
      this.#delivery.closed();
      if (this.scenario.dispatch.ends === 'throws') this.#stop('gracefully');
      return;
    }
    const { work } = yielded;
    this.#checkAhead();
    if (yielded.taken) {
      const unfit = work.nature === 'unfit' ? this.#delivery.dispatchedUnfit(work) : undefined;
      const number = unfit ? unfit.number : this.#delivery.dispatched(work, work.size);
      this.#names.set(number, yielded);
      this.#note(`item ${number} is dispatched: ${work.id}, ${work.nature}`);
      this.#truth.items.dispatched(work, number);
      if (unfit) this.#record(unfit, 'failed');
    } else {
      this.#truth.items.skipped += 1;
      this.#delivery.skipped();
      this.#records.skipped(this.#delivery.lastNumber);
    }
    if (this.#input.full) {
      this.#dispatchOver = true;
      this.#truth.closed = true;
      this.#delivery.closed();
    }
  }

  /** With a cursor: not too many items are listed behind the mark that a resume would go by, if any has no outcome. */
  #checkAhead(): void {
    const { cursor } = this.#input;
    if (this.#order) {
      const ahead = this.#truth.items.entries.filter(({ place }) => !ENDED.includes(place)).map((each) => each.number);
      const first = Math.min(this.#delivery.lastNumber + 1, ...ahead);
      // One more may be on its way from `dispatch` when there is no room any more.
      const reach = this.#delivery.lastNumber + 1 - first;
      ensure(reach <= HELD, `item ${this.#delivery.lastNumber + 1} is listed, and item ${first} has not ended`);
    }
    if (!cursor || this.scenario.journal?.mode === 'retry-failed') return;
    const isOpen = this.#truth.items.active.size + this.#truth.items.settling.size > 0;
    const number = this.#delivery.lastNumber + 1;
    const mark = this.#world.marks.get(this.#run)?.number ?? 0;
    ensure(!isOpen || number - mark <= AHEAD, `item ${number} is listed, and the mark is at item ${mark}`);
  }

  /** With results, each item's comes with its ack. */
  #rangesOf(outcomes: readonly Outcome[]): Outcome[][] {
    return this.scenario.journal?.results ? outcomes.map((outcome) => [outcome]) : rangesOf(outcomes);
  }

  /** Outcomes of consecutive items, which are done; or one outcome. */
  #heardOutcomes(worker: number, outcomes: readonly Outcome[]): void {
    const pipe = this.#processes.get(worker)?.pipe;
    if (!pipe) throw new Violation(`worker ${worker} has no process`);
    const fates = outcomes.map((outcome) => this.#truth.answered(worker, outcome, this.#now));
    for (const { number } of outcomes) this.#overruled.get(worker)?.delete(number);
    const { number, how, ms, afterMs } = outcomes[0] ?? { number: 0, how: 'done', ms: 0, afterMs: undefined };
    const written = Math.max(...outcomes.map((outcome) => outcome.written));
    if (how === 'done') {
      const runs = this.#delivery.acked(worker, number, outcomes.length, this.#now, ms);
      const all = runs.flatMap((run) => run.payloads.map((_, index) => run.number + index));
      same(
        `the items that worker ${worker} acked`,
        `${all.toSorted(byNumber)}`,
        `${outcomes.map((each) => each.number)}`,
      );
      for (const run of runs) this.#barrier.hold(pipe, [{ run, how: 'done', pipe, written }]);
    } else {
      const verdict = this.#delivery.threw(worker, number, how, this.#now, ms, afterMs);
      if (!verdict) throw new Violation(`the error of worker ${worker} for item ${number}, which it has, was refused`);
      const [fate] = fates;
      ensure(verdict.failed === (fate === 'failed'), `item ${number} is ${fate}, and Delivery says ${verdict.failed}`);
      if (verdict.failed) this.#barrier.hold(pipe, [{ run: verdict.run, how: 'failed', pipe, written }]);
      this.#lookAfter(this.#truth.items.entry(number).latest);
      if (how === 'rate limited') this.#reclaimAll();
    }
    if (this.random.chance(0.1)) this.#forge(worker, number, outcomes.length);
    if (this.random.chance(0.1)) {
      const number = this.random.whole(1, this.#truth.items.entries.length + this.#truth.items.skipped);
      this.#forge(this.random.whole(1, this.scenario.rules.workers), number, 1);
    }
  }

  /** A worker speaks of items that it does not have: nothing may come of it. */
  #forge(worker: number, first: number, count: number): void {
    for (let number = first; number < first + count; number++) if (this.#truth.holds(worker, number)) return;
    this.#delivery.nacked(worker, [first], this.#now);
    const taken =
      this.#delivery.acked(worker, first, count, this.#now, 1).length > 0 ||
      this.#delivery.threw(worker, first, this.random.among(THROWN), this.#now, 1) !== undefined;
    ensure(!taken, `worker ${worker} was believed about item ${first}, which it does not have`);
  }

  /** The outcome is recorded, after the hook for it. */
  #record(run: Run<Work>, outcome: 'done' | 'failed'): void {
    const { ms } = this.scenario.hooks;
    const settle = (): void => {
      this.#note(`item ${run.number} and ${run.count - 1} behind it: its hook has run, it is ${outcome}`);
      const names = run.payloads.map((_, index) => this.#names.get(run.number + index) ?? NAMELESS);
      this.#records.ended(run, names, outcome);
      this.#wake();
    };
    if (ms === 0) settle();
    else this.#later(this.random.whole(0, ms), settle);
  }

  // ---- what comes from outside ----

  #intrude({ what }: Intrusion): void {
    const alive = [...this.#processes.values()].filter((process) => process.alive);
    const victim = alive[this.random.whole(0, alive.length - 1)];
    this.#note(`${what}${victim ? ` (${victim.worker})` : ''}`);
    if (what === 'kill a worker') victim?.die();
    else if (what === 'TERM to a worker') victim?.leave();
    else if (what === 'suspend a worker') victim?.suspend(this.random.whole(10, 20_000));
    else if (what === 'suspend the master') this.#suspend();
    else if (what === 'throttle') this.#throttle();
    else if (what === 'pause') this.#pause();
    else if (what === 'cancel an item') this.#cancel();
    else if (what === 'TTIN') this.#resize(this.#truth.size + 1);
    else if (what === 'TTOU') this.#resize(this.#truth.size - 1);
    else this.#stop(what === 'stop gracefully' ? 'gracefully' : 'forcefully');
  }

  #throttle(): void {
    const hold = (until: number): void => {
      this.#truth.gate.hold('throttle', until);
      this.#delivery.gate.close('throttle', until);
      this.#wake();
    };
    hold(Infinity);
    this.#later(this.random.whole(0, 100), () => hold(this.#now + this.random.among([0, 0, 100, 3000])));
  }

  #pause(): void {
    if (this.#isPaused || this.#delivery.stopping !== 'no') return;
    const hold = (until: number): void => {
      this.#isPaused = until === Infinity;
      this.#truth.gate.hold('pause', until);
      this.#delivery.gate.close('pause', until);
      this.#wake();
    };
    hold(Infinity);
    this.#reclaimAll();
    this.#later(this.random.among([0, 100, 3000, 60_000]), () => hold(-Infinity));
  }

  #cancel(): void {
    const held = [...this.#truth.items.active].filter(({ place }) => place === 'held');
    const entry = held[this.random.whole(0, held.length - 1)];
    const process = entry?.holder;
    if (!entry || !process || this.#delivery.stopping === 'forcefully') return;
    const { number } = entry;
    const { worker } = process;
    const isCancelled = this.#delivery.cancel(worker, number);
    same(`whether item ${number} can be cancelled`, isCancelled, this.#truth.cancel(worker, number));
    if (!isCancelled) return;
    this.#note(`item ${number} is cancelled in worker ${worker}`);
    this.#overrule(worker, number);
    process.tell({ kind: 'cancel', number });
    this.#later(KILL_AFTER_MS, () => {
      const isIn = this.#processes.get(worker) === process && this.#overruled.get(worker)?.has(number);
      if (!isIn || !process.alive) return;
      this.#note(`worker ${worker} is killed: its item ${number} was cancelled`);
      process.die();
      this.#killedOverdue.add(worker);
    });
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
      this.#later(DISCARD_AFTER_MS, () => this.#drop());
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
    this.#world.log?.(`${this.#now.toFixed(1)} ms: ${what}`);
  }
}

/** Returns the outcomes as a worker says them: those of consecutive items that are done together. */
function rangesOf(outcomes: readonly Outcome[]): Outcome[][] {
  const ranges: Outcome[][] = [];
  for (const outcome of outcomes) {
    const last = ranges.at(-1)?.at(-1);
    const goesOn = last?.how === 'done' && outcome.how === 'done' && outcome.number === last.number + 1;
    if (goesOn) ranges.at(-1)?.push(outcome);
    else ranges.push([outcome]);
  }
  return ranges;
}

const byNumber = (one: number, other: number): number => one - other;
