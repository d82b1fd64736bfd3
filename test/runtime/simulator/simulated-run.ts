/** What the parts of a simulated run share. */

import type { Delivery } from '../../../runtime/master/delivery.ts';
import { checkPlanned } from './invariants.ts';
import type { Scenario } from './scenario.ts';
import type { SimulatedMaster } from './simulated-master.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { Truth } from './truth.ts';
import type { Work, World } from './world.ts';

export interface SimulatedRun {
  readonly scenario: Scenario;
  readonly world: World;
  readonly master: SimulatedMaster;
  readonly delivery: Delivery<Work>;
  readonly truth: Truth;
  /** By worker; without those whose exit the master has seen. */
  readonly processes: Map<number, SimulatedProcess>;
  readonly stop: (how: 'gracefully' | 'forcefully') => void;
}

/** What is due by then has been done a moment later, whether or not anything else happens: alarms go off up to 1 ms late. */
export function lookAfter({ world, master, truth }: SimulatedRun, time: number): void {
  world.at(time + 3, () => {
    if (master.isIdle) checkPlanned(truth, world.now - 2);
  });
}
