/** The output of all processes of a run, and whoever reads it. */

import type { Random } from './random.ts';
import { type PipeWorld, SimulatedPipe } from './simulated-pipe.ts';
import type { SimulatedRun } from './simulated-run.ts';

export class SimulatedOutput implements PipeWorld {
  readonly random: Random;
  readonly later: (ms: number, act: () => void) => void;
  readonly moved: () => void;
  readonly #run: SimulatedRun;
  readonly #began: number;
  /** Of every process, those that have ended too: what they wrote may be still on its way. */
  readonly #pipes = new Set<SimulatedPipe>();
  /** Nothing that is not out yet will be. */
  #isDropping = false;

  constructor(run: SimulatedRun) {
    this.#run = run;
    this.#began = run.world.now;
    this.random = run.world.random;
    this.later = run.master.later;
    this.moved = run.master.wake;
  }

  begin(): void {
    const { goesAtMs } = this.#run.scenario.reader;
    if (goesAtMs < Infinity) this.later(goesAtMs, () => this.#readerGoes());
  }

  readonly now = (): number => this.#run.world.now;

  readonly readerTakes = (): number | undefined => {
    const { takesMs, stopsAtMs, stopsForMs } = this.#run.scenario.reader;
    const stopped = this.#began + stopsAtMs;
    const now = this.now();
    if (now < stopped || now >= stopped + stopsForMs) return this.random.whole(0, takesMs);
    return stopsForMs === Infinity ? undefined : stopped + stopsForMs - now;
  };

  get isDropping(): boolean {
    return this.#isDropping;
  }

  /** Of a process that is forked. */
  pipe(): SimulatedPipe {
    const pipe = new SimulatedPipe(this);
    this.#pipes.add(pipe);
    if (this.#isDropping) pipe.drop();
    return pipe;
  }

  poll(): void {
    for (const pipe of this.#pipes) pipe.poll();
  }

  #readerGoes(): void {
    const { world, delivery, stop } = this.#run;
    world.note('whoever read the output has gone');
    this.drop();
    if (delivery.stopping === 'no') stop('gracefully');
  }

  drop(): void {
    this.#isDropping = true;
    for (const pipe of this.#pipes) pipe.drop();
  }
}
