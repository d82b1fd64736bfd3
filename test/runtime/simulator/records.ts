/** Outcomes on their way to count, as runtime/master/settling.ts and the journal have them: first the hook, then the line. */

import type { At } from '../../../runtime/journal/ledger.ts';
import type { Cursor } from '../../../runtime/master/cursor.ts';
import type { Delivery } from '../../../runtime/master/delivery.ts';
import type { Order } from '../../../runtime/master/order.ts';
import type { Run } from '../../../runtime/master/run.ts';
import type { Scenario } from './scenario.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { SimulatedResults, type Unwritten } from './simulated-results.ts';
import type { Truth } from './truth.ts';
import { ensure } from './violation.ts';
import type { Work, World } from './world.ts';

/** What the journal knows an item by. */
export interface Name {
  readonly key: string;
  readonly occurrence: number;
  readonly at: At | undefined;
}

interface RecordsOptions {
  readonly world: World;
  readonly truth: Truth;
  readonly delivery: Delivery<Work>;
  readonly cursor: Cursor | undefined;
  readonly order: Order<Unwritten> | undefined;
  readonly run: number;
  readonly later: (ms: number, act: () => void) => void;
  readonly failed: () => void;
  readonly wake: () => void;
}

/** What a run records. */
export class Records {
  readonly #run: number;
  readonly #cursor: Cursor | undefined;
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #truth: Truth;
  readonly #delivery: Delivery<Work>;
  readonly #failed: () => void;
  readonly #results: SimulatedResults | undefined;
  #unwritten: Unwritten[] = [];
  #unnamed: SimulatedProcess[] = [];
  #written = 0;
  #ended = 0;

  /** run - which of the runs of a seed it is. failed - a hook threw, or the disk is full. */
  constructor(scenario: Scenario, options: RecordsOptions) {
    const { world, truth, delivery, cursor, order, run, later, failed, wake } = options;
    this.#run = run;
    this.#cursor = cursor;
    this.#scenario = scenario;
    this.#world = world;
    this.#truth = truth;
    this.#delivery = delivery;
    this.#failed = failed;
    const { results } = scenario.journal ?? {};
    if (!results) return;
    world.cutResults();
    this.#results = new SimulatedResults({
      ...{ scenario: results, world, order, later },
      synced: ({ run, line }, resultsEnd) => {
        this.#unwritten.push({ run, line: line.map((recorded) => ({ ...recorded, resultsEnd })) });
        wake();
      },
      failed: (all) => {
        for (const { run } of all) this.#settle(run, 'unfinished');
        this.#failed();
      },
    });
  }

  /** An item ended in an earlier run. */
  skipped(number: number): void {
    this.#results?.left(number);
  }

  forked(process: SimulatedProcess): void {
    this.#unnamed.push(process);
  }

  /** The hook for it has run. */
  ended(run: Run<Work>, names: readonly Name[], how: 'done' | 'failed'): void {
    this.#ended += 1;
    if (this.#scenario.hooks.failing && this.#ended % 20 === 0) {
      this.#settle(run, 'unfinished');
      this.#failed();
    } else if (this.#scenario.journal) {
      const line = run.payloads.map((work, index) => {
        const { key = '', occurrence = 1, at } = names[index] ?? {};
        return { work, key, occurrence, at, how, run: this.#run, number: run.number + index };
      });
      if (this.#results && how === 'done') this.#results.add({ run, line });
      else {
        for (const { number } of line) this.#results?.left(number);
        this.#unwritten.push({ run, line });
      }
    } else {
      this.#settle(run, how);
    }
  }

  /** Some of what it wrote is lost: it does not count. */
  lost(run: Run<Work>): void {
    this.#settle(run, 'unfinished');
  }

  /** Once a turn, before anything is handed out. */
  write(): void {
    this.#results?.write();
    const room = (this.#scenario.journal?.lines ?? Infinity) - this.#written;
    const unwritten = this.#unwritten.splice(0);
    const whole = unwritten.length <= room;
    this.#written += unwritten.length;
    if (whole) for (const process of this.#unnamed.splice(0)) this.#world.named.add(process);
    const mark = this.#cursor?.unrecorded; // of what counted before this turn
    this.#world.write(unwritten.slice(0, Math.max(0, room)).map(({ line }) => line));
    if (mark && (this.#cursor?.isPressing || this.#world.random.chance(0.5))) {
      if (whole) this.#world.marks.set(this.#run, mark);
      this.#cursor?.recorded();
    }
    // What cannot be written to the end counts as unfinished, though some of it may be there.
    for (const { run, line } of unwritten) this.#settle(run, whole ? (line[0]?.how ?? 'done') : 'unfinished');
    if (!whole) this.#failed();
    const order = this.#results?.order;
    if (!order?.isStuck(this.#delivery)) return;
    ensure(this.#truth.items.active.size === 0, 'results are given up, and an item before them has not ended');
    for (const { run } of order.giveUp()) this.#settle(run, 'unfinished');
  }

  /** The master is killed, perhaps in the middle of a write. */
  tear(): void {
    this.#results?.tear();
    const { random } = this.#world;
    const lines = this.#unwritten.map(({ line }) => line);
    if (random.chance(0.5)) this.#world.write(lines.slice(0, random.whole(0, lines.length)));
  }

  #settle(run: Run<Work>, as: 'done' | 'failed' | 'unfinished'): void {
    for (const index of run.payloads.keys()) this.#truth.items.settled(run.number + index, as);
    if (as !== 'unfinished') this.#cursor?.ended(run.number, run.count);
    this.#delivery.settled(run, as);
  }
}
