/** What a seed stands for: the rules of a run, its items, and all that is going to go wrong in it. */

import type { DeliveryRules } from '../../../runtime/delivery.ts';
import { Random } from './random.ts';

/** What is in an item. */
export type Nature =
  | 'plain'
  | 'slow'
  /** `process` throws the first few times. */
  | 'throws'
  | 'throws for good'
  /** Takes its worker down each time, before its ack is written. */
  | 'poison'
  /** Takes its worker down the first few times. */
  | 'poison at first'
  /** Is processed, and its worker goes down once the ack is written. */
  | 'deadly after its ack'
  | 'unfit'
  /** Never ends by itself: only where the run is going to be stopped forcefully. */
  | 'stuck';

/** Something that comes from outside, and when, in milliseconds from the start. */
export interface Intrusion {
  readonly atMs: number;
  readonly what: 'kill a worker' | 'TERM to a worker' | 'TTIN' | 'TTOU' | 'stop gracefully' | 'stop forcefully';
}

export interface Scenario {
  readonly rules: Omit<DeliveryRules, 'random'>;
  readonly items: number;
  /** How many of the items have which nature. */
  readonly natures: readonly [Nature, ...Nature[]];
  readonly dispatch: { readonly stepMs: number; readonly ends: 'ends' | 'throws' };
  readonly boots: {
    readonly beforeForkMs: number;
    readonly ms: number;
    readonly failing: 'none' | 'some' | 'all but the first' | 'all';
    /** At most so many fail, except where all do. */
    readonly failures: number;
    readonly hangs: boolean;
  };
  readonly exitMs: number;
  readonly latencyMs: number;
  readonly hooks: { readonly ms: number; readonly failing: boolean };
  readonly clogs: boolean;
  readonly intrusions: readonly Intrusion[];
  /** Only an item takes a worker down, and only before its ack: then nothing else may be failed for it. */
  readonly onlyPoisonKills: boolean;
}

export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed);
  const endless = random.chance(0.1);
  const intrusions = intrusionsOf(random, endless);
  const forceful = intrusions.some(({ what }) => what === 'stop forcefully');
  const kills = intrusions.some(({ what }) => what === 'kill a worker');

  const natures: [Nature, ...Nature[]] = ['plain', 'plain', 'plain', 'plain'];
  const others: Nature[] = ['slow', 'throws', 'throws for good', 'poison', 'poison at first', 'deadly after its ack'];
  for (const nature of [...others, 'unfit'] as const) if (random.chance(0.3)) natures.push(nature);
  if (forceful && random.chance(0.5)) natures.push('stuck');

  const scenario: Scenario = {
    rules: {
      workers: random.whole(1, 5),
      concurrency: random.whole(1, 4),
      maxCrashes: random.whole(1, 3),
      retries: random.whole(0, 3),
      backoffMs: random.among([0, 10, 1000, 60_000]),
    },
    items: endless ? Infinity : random.among([random.whole(0, 5), random.whole(5, 30), random.whole(30, 80)]),
    natures,
    dispatch: { stepMs: random.among([0, 0, 5, 200]), ends: random.chance(0.1) ? 'throws' : 'ends' },
    boots: {
      beforeForkMs: random.among([0, 0, 500]),
      ms: random.among([5, 100, 2000]),
      failing: random.among(['none', 'none', 'none', 'some', 'some', 'all but the first', 'all']),
      failures: random.whole(1, 10),
      hangs: random.chance(0.1),
    },
    exitMs: random.among([1, 1000]),
    latencyMs: random.among([0, 1, 20]),
    hooks: { ms: random.among([0, 0, 10, 300]), failing: random.chance(0.05) },
    clogs: random.chance(0.3),
    intrusions,
    onlyPoisonKills: !kills && !natures.includes('deadly after its ack'),
  };
  return random.chance(0.005) ? flooded(scenario) : scenario;
}

/** Items end far faster than their hooks do. */
function flooded(scenario: Scenario): Scenario {
  return {
    ...scenario,
    rules: { ...scenario.rules, workers: 5, concurrency: 4 },
    items: Infinity,
    natures: ['plain'],
    dispatch: { stepMs: 0, ends: 'ends' },
    hooks: { ms: 60_000, failing: false },
    intrusions: [{ what: 'stop gracefully', atMs: 4000 }],
    onlyPoisonKills: true,
  };
}

function intrusionsOf(random: Random, endless: boolean): Intrusion[] {
  const intrusions: Intrusion[] = [];
  const withinMs = random.among([50, 500, 4000]);
  const add = (what: Intrusion['what'], times: number): void => {
    for (let time = 0; time < times; time++) intrusions.push({ what, atMs: random.whole(0, withinMs) });
  };
  if (random.chance(0.35)) add('kill a worker', random.whole(1, 12));
  if (random.chance(0.3)) add('TERM to a worker', random.whole(1, 8));
  if (random.chance(0.3)) {
    add('TTIN', random.whole(0, 4));
    add('TTOU', random.whole(1, 4));
  }
  const graceful = random.chance(0.3);
  if (graceful || endless) add('stop gracefully', 1);
  if (random.chance(0.25)) add('stop forcefully', 1);
  return intrusions;
}
