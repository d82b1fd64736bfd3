/** Which processes the master kills, and for which items: past their timeout, cancelled, or told to exit and still there. */

import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedRun } from './simulated-run.ts';
import { ensure, same } from './violation.ts';

/** Between asking a worker to exit, or the timeout of an item, and SIGKILL: no worker that isAbortable takes as long. */
const KILL_AFTER_MS = 5000;
const OVERDUE_EVERY_MS = 100;

export class SimulatedKills {
  readonly #run: SimulatedRun;
  /** Which process is to be killed when its time is over. */
  readonly #timers = new Map<number, symbol>();
  /** By worker: the items that it was told ran past their timeout, or are cancelled. */
  readonly #overruled = new Map<number, Set<number>>();
  readonly #killedOverdue = new Set<number>();

  constructor(run: SimulatedRun) {
    this.#run = run;
  }

  begin(): void {
    const { scenario, master } = this.#run;
    if (scenario.timeoutMs < Infinity) master.later(OVERDUE_EVERY_MS, () => this.#killOverdue());
  }

  /** The worker has an outcome of the item, or has given it back. */
  forget(worker: number, number: number): void {
    this.#overruled.get(worker)?.delete(number);
  }

  /** The master has seen its exit. Returns the items that it was killed for, if it was. */
  exited(worker: number): Set<number> | undefined {
    this.#timers.delete(worker);
    const blamed = this.#killedOverdue.delete(worker) ? this.#itemsToBlame(worker) : undefined;
    this.#overruled.delete(worker);
    return blamed;
  }

  /** What its worker had said ran past its timeout; where that said nothing: the only item that it had started, or none. */
  #itemsToBlame(worker: number): Set<number> {
    const started = this.#run.truth.startedBy(worker).map(({ number }) => number);
    return new Set(started.filter((number) => started.length === 1 || this.#overruled.get(worker)?.has(number)));
  }

  /** Items that do not end though their time is over take their workers with them. */
  #killOverdue(): void {
    const { scenario, world, master, delivery, truth, processes } = this.#run;
    master.later(OVERDUE_EVERY_MS, () => this.#killOverdue());
    for (const process of processes.values()) this.#holdTime(process);
    const ms = scenario.timeoutMs + KILL_AFTER_MS;
    const overdue = delivery.slots.flatMap((slot) =>
      slot.overdue(world.now, ms).map(({ number }) => ({ number, worker: slot.number })),
    );
    const numbers = (items: readonly { number: number }[]): string => `${items.map(({ number }) => number).toSorted()}`;
    same('items overdue', numbers(overdue), numbers(truth.overdue(world.now, ms)));
    for (const { worker } of overdue) {
      const process = processes.get(worker);
      if (!process?.alive) continue;
      world.note(`worker ${worker} is killed: it ran past its timeout`);
      process.die();
      this.#killedOverdue.add(worker);
    }
  }

  /** A worker says that an item has run past its timeout. */
  overdue(process: SimulatedProcess, number: number): void {
    const { scenario, world, delivery } = this.#run;
    const { worker } = process;
    this.#holdTime(process);
    const item = delivery.slot(worker).inProgress.find((each) => each.number === number);
    if (!item) return;
    const ms = Math.max(0, scenario.timeoutMs - (world.now - item.startedAt));
    process.tell({ kind: 'time left', number, ms });
    if (ms > 0) return;
    this.#overrule(worker, number);
  }

  #overrule(worker: number, number: number): void {
    const items = this.#overruled.get(worker) ?? new Set();
    this.#overruled.set(worker, items.add(number));
  }

  #holdTime({ worker, pipe }: SimulatedProcess): void {
    const { world, delivery, truth } = this.#run;
    const heldMs = pipe.takeHeldMs();
    if (heldMs === 0) return;
    delivery.slot(worker).standsStill(heldMs, world.now);
    truth.standsStill(worker, heldMs, world.now);
  }

  /** An item that is in progress in it was cancelled. */
  cancelled(process: SimulatedProcess, number: number): void {
    const { world, master, processes } = this.#run;
    const { worker } = process;
    this.#overrule(worker, number);
    process.tell({ kind: 'cancel', number });
    master.later(KILL_AFTER_MS, () => {
      const isIn = processes.get(worker) === process && this.#overruled.get(worker)?.has(number);
      if (!isIn || !process.alive) return;
      world.note(`worker ${worker} is killed: its item ${number} was cancelled`);
      process.die();
      this.#killedOverdue.add(worker);
    });
  }

  /** It is to exit. At most one timer a process, and it is not put off. */
  later(worker: number): void {
    const { master, delivery, processes } = this.#run;
    if (this.#timers.has(worker)) return;
    const timer = Symbol('kill timer');
    this.#timers.set(worker, timer);
    master.later(KILL_AFTER_MS, () => {
      const process = processes.get(worker);
      if (this.#timers.get(worker) !== timer || !process?.alive) return;
      const isLate = process.hung || process.delayed || master.wasSuspended;
      ensure(
        isLate || delivery.stopping === 'forcefully',
        `worker ${worker} was killed, though it does what it is told`,
      );
      process.die();
    });
  }
}
