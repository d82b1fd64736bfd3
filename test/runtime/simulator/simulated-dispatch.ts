/** How the master pulls items, and what it lists ahead of those that have not ended. */

import type { Order } from '../../../runtime/master/order.ts';
import { AHEAD, type Input } from './input.ts';
import { checkWanted } from './invariants.ts';
import type { Records } from './records.ts';
import type { SimulatedOutcomes } from './simulated-outcomes.ts';
import { HELD, type Unwritten } from './simulated-results.ts';
import type { SimulatedRun } from './simulated-run.ts';
import { ensure } from './violation.ts';

const ENDED = ['done', 'failed', 'unfinished', 'settling'];

interface Parts {
  /** Which of the runs of a seed it is. */
  readonly run: number;
  readonly input: Input;
  readonly order: Order<Unwritten> | undefined;
  readonly records: Records;
  readonly outcomes: SimulatedOutcomes;
}

export class SimulatedDispatch {
  readonly #run: SimulatedRun;
  readonly #parts: Parts;
  #asking = false;
  #isOver = false;

  constructor(run: SimulatedRun, parts: Parts) {
    this.#run = run;
    this.#parts = parts;
  }

  /** No more is asked for. */
  stop(): void {
    this.#isOver = true;
  }

  pull(): void {
    const { scenario, world, master, delivery, truth } = this.#run;
    const { input, order } = this.#parts;
    while (!this.#asking && !this.#isOver) {
      const wanted = delivery.wanted(world.now);
      checkWanted(truth, wanted, world.now);
      if (wanted === 0 || (input.cursor?.room ?? Infinity) <= 0) return;
      if (order?.roomAfter(delivery.lastNumber) === 0) return;
      const { stepMs } = scenario.dispatch;
      if (stepMs === 0) {
        this.#dispatch();
      } else {
        this.#asking = true;
        master.later(world.random.whole(1, stepMs), () => {
          this.#asking = false;
          // A generator that was stopped may yield all the same what it had begun with.
          if (!this.#isOver || world.random.chance(0.5)) this.#dispatch();
        });
      }
    }
  }

  #dispatch(): void {
    const { scenario, world, master, delivery, truth, stop } = this.#run;
    const { input, records, outcomes } = this.#parts;
    master.wake();
    const yielded = input.next();
    if (!yielded) {
      if (this.#isOver) return;
      this.#close();
      if (scenario.dispatch.ends === 'throws') stop('gracefully');
      return;
    }
    const { work } = yielded;
    this.#checkAhead();
    if (yielded.taken) {
      const unfit = work.nature === 'unfit' ? delivery.dispatchedUnfit(work) : undefined;
      const number = unfit ? unfit.number : delivery.dispatched(work, work.size);
      outcomes.named(number, yielded);
      world.note(`item ${number} is dispatched: ${work.id}, ${work.nature}`);
      truth.items.dispatched(work, number);
      if (unfit) outcomes.record(unfit, 'failed');
    } else {
      truth.items.skipped += 1;
      delivery.skipped();
      records.skipped(delivery.lastNumber);
    }
    if (input.full) this.#close();
  }

  /** There are no more. */
  #close(): void {
    const { delivery, truth } = this.#run;
    this.#isOver = true;
    truth.closed = true;
    delivery.closed();
  }

  /** With a cursor: not too many items are listed behind the mark that a resume would go by, if any has no outcome. */
  #checkAhead(): void {
    const { scenario, world, delivery, truth } = this.#run;
    const { input, order, run } = this.#parts;
    if (order) {
      const ahead = truth.items.entries.filter(({ place }) => !ENDED.includes(place)).map((each) => each.number);
      const first = Math.min(delivery.lastNumber + 1, ...ahead);
      // One more may be on its way from `dispatch` when there is no room any more.
      const reach = delivery.lastNumber + 1 - first;
      ensure(reach <= HELD, `item ${delivery.lastNumber + 1} is listed, and item ${first} has not ended`);
    }
    if (!input.cursor || scenario.journal?.mode === 'retry-failed') return;
    const isOpen = truth.items.active.size + truth.items.settling.size > 0;
    const number = delivery.lastNumber + 1;
    const mark = world.marks.get(run)?.number ?? 0;
    ensure(!isOpen || number - mark <= AHEAD, `item ${number} is listed, and the mark is at item ${mark}`);
  }
}
