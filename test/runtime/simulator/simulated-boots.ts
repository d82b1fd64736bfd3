/** How processes are forked, and which of them come to be ready. */

import type { Records } from './records.ts';
import type { SimulatedOutput } from './simulated-output.ts';
import { SimulatedProcess, type Surroundings } from './simulated-process.ts';
import type { SimulatedRun } from './simulated-run.ts';

export class SimulatedBoots {
  readonly #run: SimulatedRun;
  readonly #output: SimulatedOutput;
  readonly #records: Records;
  #boots = 0;
  #failures = 0;

  constructor(run: SimulatedRun, output: SimulatedOutput, records: Records) {
    this.#run = run;
    this.#output = output;
    this.#records = records;
  }

  fork(worker: number, surroundings: Surroundings): void {
    const { delivery, truth, processes, master } = this.#run;
    if (delivery.stopping === 'no') {
      const pipe = this.#output.pipe();
      const process = new SimulatedProcess(worker, this.#fate(), pipe, surroundings);
      processes.set(worker, process);
      truth.forked(process);
      delivery.forked();
      this.#records.forked(process);
    } else {
      truth.notForked(worker);
      delivery.notForked(worker);
      master.wake();
    }
  }

  #fate(): 'boots' | 'fails' | 'hangs' {
    const { scenario, world } = this.#run;
    const { failing, failures, hangs } = scenario.boots;
    this.#boots += 1;
    if (hangs && world.random.chance(0.1)) return 'hangs';
    if (failing === 'all') return 'fails';
    if (failing === 'none' || this.#failures >= failures) return 'boots';
    const fails = failing === 'some' ? world.random.chance(0.4) : this.#boots > 1;
    if (fails) this.#failures += 1;
    return fails ? 'fails' : 'boots';
  }
}
