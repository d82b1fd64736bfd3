/** What comes from outside in the middle of a run: signals, kills, a person who pauses it or cancels an item. */

import type { Intrusion } from './scenario.ts';
import type { SimulatedKills } from './simulated-kills.ts';
import type { SimulatedReclaims } from './simulated-reclaims.ts';
import type { SimulatedRun } from './simulated-run.ts';
import { same } from './violation.ts';

export class SimulatedIntrusions {
  readonly #run: SimulatedRun;
  readonly #kills: SimulatedKills;
  readonly #reclaims: SimulatedReclaims;
  #isPaused = false;

  constructor(run: SimulatedRun, kills: SimulatedKills, reclaims: SimulatedReclaims) {
    this.#run = run;
    this.#kills = kills;
    this.#reclaims = reclaims;
  }

  begin(): void {
    const { scenario, master } = this.#run;
    for (const intrusion of scenario.intrusions) master.later(intrusion.atMs, () => this.#intrude(intrusion));
  }

  #intrude({ what }: Intrusion): void {
    const { world, truth, processes, stop } = this.#run;
    const alive = [...processes.values()].filter((process) => process.alive);
    const victim = alive[world.random.whole(0, alive.length - 1)];
    world.note(`${what}${victim ? ` (${victim.worker})` : ''}`);
    if (what === 'kill a worker') victim?.die();
    else if (what === 'TERM to a worker') victim?.leave();
    else if (what === 'suspend a worker') victim?.suspend(world.random.whole(10, 20_000));
    else if (what === 'suspend the master') this.#suspend();
    else if (what === 'throttle') this.#throttle();
    else if (what === 'pause') this.#pause();
    else if (what === 'cancel an item') this.#cancel();
    else if (what === 'TTIN') this.#resize(truth.size + 1);
    else if (what === 'TTOU') this.#resize(truth.size - 1);
    else stop(what === 'stop gracefully' ? 'gracefully' : 'forcefully');
  }

  #suspend(): void {
    const { world, master, processes } = this.#run;
    master.suspend(world.random.whole(10, 20_000), () => {
      world.note('the master goes on');
      for (const process of processes.values()) process.send();
    });
  }

  #throttle(): void {
    const { world, master, delivery, truth } = this.#run;
    const hold = (until: number): void => {
      truth.gate.hold('throttle', until);
      delivery.gate.close('throttle', until);
      master.wake();
    };
    hold(Infinity);
    master.later(world.random.whole(0, 100), () => hold(world.now + world.random.among([0, 0, 100, 3000])));
  }

  #pause(): void {
    const { world, master, delivery, truth } = this.#run;
    if (this.#isPaused || delivery.stopping !== 'no') return;
    const hold = (until: number): void => {
      this.#isPaused = until === Infinity;
      truth.gate.hold('pause', until);
      delivery.gate.close('pause', until);
      master.wake();
    };
    hold(Infinity);
    this.#reclaims.all();
    master.later(world.random.among([0, 100, 3000, 60_000]), () => hold(-Infinity));
  }

  #cancel(): void {
    const { world, delivery, truth } = this.#run;
    const held = [...truth.items.active].filter(({ place }) => place === 'held');
    const entry = held[world.random.whole(0, held.length - 1)];
    const process = entry?.holder;
    if (!entry || !process || delivery.stopping === 'forcefully') return;
    const { number } = entry;
    const { worker } = process;
    const isCancelled = delivery.cancel(worker, number);
    same(`whether item ${number} can be cancelled`, isCancelled, truth.cancel(worker, number));
    if (!isCancelled) return;
    world.note(`item ${number} is cancelled in worker ${worker}`);
    this.#kills.cancelled(process, number);
  }

  #resize(size: number): void {
    const { master, delivery, truth } = this.#run;
    if (size < 1 || delivery.stopping !== 'no') return;
    truth.size = size;
    delivery.resize(size);
    master.wake();
  }
}
