/** What comes of items: as a worker says it, past the barrier of its output and the hook, to what is recorded. */

import type { Thrown } from '../../../runtime/item-error.ts';
import type { Barrier } from '../../../runtime/master/barrier.ts';
import type { Run } from '../../../runtime/master/run.ts';
import type { Name, Records } from './records.ts';
import type { SimulatedKills } from './simulated-kills.ts';
import type { SimulatedOutput } from './simulated-output.ts';
import type { SimulatedPipe } from './simulated-pipe.ts';
import type { Outcome } from './simulated-process.ts';
import type { SimulatedReclaims } from './simulated-reclaims.ts';
import { lookAfter, type SimulatedRun } from './simulated-run.ts';
import { ensure, same, Violation } from './violation.ts';
import type { Work } from './world.ts';

const THROWN = ['threw', 'threw for good', 'rate limited'] as const;

const NAMELESS: Name = { key: '', occurrence: 1, at: undefined };

/** An outcome that waits for output. */
export interface Held {
  readonly run: Run<Work>;
  readonly how: 'done' | 'failed';
  readonly pipe: SimulatedPipe;
  /** How much its process had written when it ended. */
  readonly written: number;
}

interface Parts {
  readonly barrier: Barrier<Held>;
  readonly output: SimulatedOutput;
  readonly records: Records;
  readonly kills: SimulatedKills;
  readonly reclaims: SimulatedReclaims;
}

export class SimulatedOutcomes {
  readonly #run: SimulatedRun;
  readonly #parts: Parts;
  readonly #names = new Map<number, Name>();

  constructor(run: SimulatedRun, parts: Parts) {
    this.#run = run;
    this.#parts = parts;
  }

  /** What the journal is to know an item by. */
  named(number: number, name: Name): void {
    this.#names.set(number, name);
  }

  /** A worker gave items back unstarted. */
  nacked(worker: number, pipe: SimulatedPipe, numbers: readonly number[]): void {
    const { world, delivery, truth } = this.#run;
    for (const number of numbers) truth.nacked(worker, number, world.now);
    const failed = delivery.nacked(worker, numbers, world.now);
    const cancelled = numbers.filter((number) => truth.items.entry(number).verdict === 'failed');
    same(
      'items that failed as they came back',
      `${failed.map(({ number }) => number).toSorted()}`,
      `${cancelled.toSorted()}`,
    );
    for (const number of cancelled) this.#parts.kills.forget(worker, number);
    this.failed(pipe, failed);
  }

  /** They count once all is out that their process has written so far. */
  failed(pipe: SimulatedPipe, runs: readonly Run<Work>[]): void {
    for (const run of runs) this.#hold(pipe, { run, how: 'failed', pipe, written: pipe.written });
  }

  #hold(pipe: SimulatedPipe, held: Held): void {
    this.#parts.barrier.hold(pipe, [held]);
  }

  /** With results, each item's comes with its ack. */
  heard(worker: number, outcomes: readonly Outcome[]): void {
    const { results } = this.#run.scenario.journal ?? {};
    const ranges = results ? outcomes.map((outcome) => [outcome]) : rangesOf(outcomes);
    for (const range of ranges) this.#heard(worker, range);
  }

  /** Outcomes of consecutive items, which are done; or one outcome. */
  #heard(worker: number, outcomes: readonly Outcome[]): void {
    const { scenario, world, truth, processes } = this.#run;
    const pipe = processes.get(worker)?.pipe;
    if (!pipe) throw new Violation(`worker ${worker} has no process`);
    const fates = outcomes.map((outcome) => truth.answered(worker, outcome, world.now));
    for (const { number } of outcomes) this.#parts.kills.forget(worker, number);
    const [first] = outcomes;
    if (!first) throw new Violation(`worker ${worker} says no outcome`);
    if (first.how === 'done') this.#done(worker, pipe, first, outcomes);
    else this.#threw(worker, pipe, first, first.how, fates[0]);
    if (world.random.chance(0.1)) this.#forge(worker, first.number, outcomes.length);
    if (world.random.chance(0.1)) {
      const any = world.random.whole(1, truth.items.entries.length + truth.items.skipped);
      this.#forge(world.random.whole(1, scenario.rules.workers), any, 1);
    }
  }

  #done(worker: number, pipe: SimulatedPipe, { number, ms }: Outcome, outcomes: readonly Outcome[]): void {
    const { world, delivery } = this.#run;
    const written = Math.max(...outcomes.map((outcome) => outcome.written));
    const runs = delivery.acked(worker, number, outcomes.length, world.now, ms);
    const all = runs.flatMap((run) => run.payloads.map((_, index) => run.number + index));
    same(
      `the items that worker ${worker} acked`,
      `${all.toSorted(byNumber)}`,
      `${outcomes.map((each) => each.number)}`,
    );
    for (const run of runs) this.#hold(pipe, { run, how: 'done', pipe, written });
  }

  #threw(worker: number, pipe: SimulatedPipe, outcome: Outcome, how: Thrown, fate?: string): void {
    const { world, delivery, truth } = this.#run;
    const { number, ms, afterMs, written } = outcome;
    const verdict = delivery.threw(worker, number, how, world.now, ms, afterMs);
    if (!verdict) throw new Violation(`the error of worker ${worker} for item ${number}, which it has, was refused`);
    ensure(verdict.failed === (fate === 'failed'), `item ${number} is ${fate}, and Delivery says ${verdict.failed}`);
    if (verdict.failed) this.#hold(pipe, { run: verdict.run, how: 'failed', pipe, written });
    lookAfter(this.#run, truth.items.entry(number).latest);
    if (how === 'rate limited') this.#parts.reclaims.all();
  }

  /** A worker speaks of items that it does not have: nothing may come of it. */
  #forge(worker: number, first: number, count: number): void {
    const { world, delivery, truth } = this.#run;
    for (let number = first; number < first + count; number++) if (truth.holds(worker, number)) return;
    delivery.nacked(worker, [first], world.now);
    const taken =
      delivery.acked(worker, first, count, world.now, 1).length > 0 ||
      delivery.threw(worker, first, world.random.among(THROWN), world.now, 1) !== undefined;
    ensure(!taken, `worker ${worker} was believed about item ${first}, which it does not have`);
  }

  /** Once a turn: those go on whose output is out, or lost. Returns whether there is to be another turn. */
  turn(): boolean {
    return this.#parts.barrier.turn((all, isLost) => {
      for (const held of all) this.#out(held, isLost);
    });
  }

  /** All that its process had written before it ended is out, or is lost: it goes on to count, or it does not. */
  #out({ run, how, pipe, written }: Held, isLost: boolean): void {
    const { output, records } = this.#parts;
    if (isLost) {
      this.#run.world.note(`item ${run.number}: its output is lost`);
      ensure(output.isDropping, `the output of item ${run.number} is taken to be lost`);
      records.lost(run);
      return;
    }
    ensure(pipe.out >= written, `item ${run.number} counts, and ${written - pipe.out} of what it wrote is not out`);
    this.record(run, how);
  }

  /** The outcome is recorded, after the hook for it. */
  record(run: Run<Work>, outcome: 'done' | 'failed'): void {
    const { scenario, world, master } = this.#run;
    const { ms } = scenario.hooks;
    const settle = (): void => {
      world.note(`item ${run.number} and ${run.count - 1} behind it: its hook has run, it is ${outcome}`);
      const names = run.payloads.map((_, index) => this.#names.get(run.number + index) ?? NAMELESS);
      this.#parts.records.ended(run, names, outcome);
      master.wake();
    };
    if (ms === 0) settle();
    else master.later(world.random.whole(0, ms), settle);
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
