/**
 * Results on their way to their file, as runtime/master/results.ts has them: all that have gathered in one write, then one
 * sync, and only then the journal. With the real Order.
 */

import type { Order } from '../../../runtime/master/order.ts';
import type { Run } from '../../../runtime/master/run.ts';
import type { ResultsScenario } from './scenario.ts';
import { ensure } from './violation.ts';
import type { Line, Work, World } from './world.ts';

/** So many items may be dispatched from the first one without an outcome on: few enough to matter. */
export const HELD = 7;

export interface Unwritten {
  readonly run: Run<Work>;
  readonly line: Line;
}

interface ResultsOptions {
  readonly scenario: ResultsScenario;
  readonly world: World;
  readonly order: Order<Unwritten> | undefined;
  readonly later: (ms: number, act: () => void) => void;
  /** It is synced that the line of an item ends there. */
  readonly synced: (unwritten: Unwritten, end: number) => void;
  /** The disk is full. */
  readonly failed: (all: readonly Unwritten[]) => void;
}

export class SimulatedResults {
  readonly #options: ResultsOptions;
  #waiting: Unwritten[] = [];
  #isWriting = false;
  #written = 0;

  constructor(options: ResultsOptions) {
    this.#options = options;
  }

  get order(): Order<Unwritten> | undefined {
    return this.#options.order;
  }

  add(unwritten: Unwritten): void {
    if (this.order) this.#waiting.push(...this.order.done(unwritten.run.number, unwritten));
    else this.#waiting.push(unwritten);
  }

  left(number: number): void {
    if (this.order) this.#waiting.push(...this.order.left(number));
  }

  write(): void {
    if (this.#isWriting || this.#waiting.length === 0) return;
    const { scenario, world, later, synced, failed } = this.#options;
    const all = this.#waiting.splice(0);
    const room = Math.max(0, scenario.lines - this.#written);
    this.#append(all.slice(0, room));
    if (room < all.length) {
      failed(all);
      return;
    }
    const end = world.results.length;
    this.#isWriting = true;
    later(world.random.whole(0, scenario.syncMs), () => {
      this.#isWriting = false;
      for (const [index, unwritten] of all.entries()) synced(unwritten, end - all.length + index + 1);
    });
  }

  /** The master is killed, perhaps in the middle of a write. */
  tear(): void {
    const { random } = this.#options.world;
    if (!this.#isWriting && random.chance(0.5))
      this.#append(this.#waiting.slice(0, random.whole(0, this.#waiting.length)));
  }

  #append(all: readonly Unwritten[]): void {
    const { world } = this.#options;
    this.#written += all.length;
    for (const { line } of all) {
      ensure(line.length === 1, 'a result is of several items');
      for (const { work, run, number } of line) {
        const last = world.results.at(-1);
        const isNext = !this.order || last?.run !== run || last.number < number;
        ensure(isNext, `item ${number} comes behind item ${last?.number} in the results, out of its order`);
        world.results.push({ work, run, number });
      }
    }
  }
}
