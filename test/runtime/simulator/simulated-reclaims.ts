/** Items that wait in a worker are taken back: from one that is silent, and from all where nothing is to begin. */

import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedRun } from './simulated-run.ts';

const SILENT_MS = 20;

export class SimulatedReclaims {
  readonly #run: SimulatedRun;
  /** Processes that are looked at while items wait in them, and those whose lifelines have been asked to take these back. */
  readonly #watched = new Set<SimulatedProcess>();
  readonly #reclaiming = new Set<SimulatedProcess>();

  constructor(run: SimulatedRun) {
    this.#run = run;
  }

  /** Soon after items began to wait in it, and again while they do. */
  ifSilent(process: SimulatedProcess): void {
    const { scenario, world, master, delivery, processes } = this.#run;
    if (this.#watched.has(process)) return;
    this.#watched.add(process);
    master.later(world.random.whole(0, SILENT_MS), () => {
      const { worker } = process;
      this.#watched.delete(process);
      if (processes.get(worker) !== process || this.#reclaiming.has(process)) return;
      const { held } = delivery.slot(worker);
      if (held <= scenario.rules.concurrency) return;
      if (delivery.silent(world.now, SILENT_MS).includes(worker)) {
        this.#reclaiming.add(process);
        process.reclaim();
      } else this.ifSilent(process);
    });
  }

  /** What waits in a worker is taken back: nothing is to begin. */
  all(): void {
    const { scenario, delivery, processes } = this.#run;
    for (const process of processes.values()) {
      const { held } = delivery.slot(process.worker);
      if (held <= scenario.rules.concurrency || this.#reclaiming.has(process)) continue;
      this.#reclaiming.add(process);
      process.reclaim();
    }
  }

  /** Its lifeline has answered. Returns the items that were taken back, or undefined where that says nothing. */
  takenBack(process: SimulatedProcess, claimed: number | null): number[] | undefined {
    const { world, delivery, processes } = this.#run;
    const { worker } = process;
    this.#reclaiming.delete(process);
    if (claimed === null || processes.get(worker) !== process) return undefined;
    const numbers = delivery.slot(worker).handedBehind(claimed);
    world.note(`worker ${worker} had claimed ${claimed}; reclaimed: ${numbers}`);
    process.tell({ kind: 'forget' });
    return numbers;
  }
}
