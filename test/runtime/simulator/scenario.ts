/** What a seed stands for: the rules of a run, its items, and all that is going to go wrong in it and in its resumes. */

import type { DeliveryRules } from '../../../runtime/master/rules.ts';
import { Random } from './random.ts';
import type { Nature } from './world.ts';

/** Something that comes from outside, and when, in milliseconds from the start. */
export interface Intrusion {
  readonly atMs: number;
  readonly what:
    | 'kill a worker'
    | 'TERM to a worker'
    | 'TTIN'
    | 'TTOU'
    | 'stop gracefully'
    | 'stop forcefully'
    | 'suspend a worker'
    | 'suspend the master'
    /** No item starts until the run is continued. */
    | 'pause'
    /** An item that a worker has, in progress or not. */
    | 'cancel an item'
    /** `throttle` is asked, and holds everything back until it has answered, and perhaps longer. */
    | 'throttle';
}

/** One master's run. */
export interface Scenario {
  readonly rules: Omit<DeliveryRules, 'random' | 'prefetch' | 'batchesAcks'>;
  /** How many items may wait in a worker of which an item has ended, and whether it may gather its acks. */
  readonly prefetch: number;
  readonly batchAcks: boolean;
  /** How many of the items are so large that few of them may wait, as a share. */
  readonly large: number;
  /** How long an item may take; Infinity where there is no timeout. */
  readonly timeoutMs: number;
  /** After so many items a worker asks to be replaced. */
  readonly recycleAfter: number;
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
  /** Some acks arrive seconds after they were written. */
  readonly lateAcks: boolean;
  readonly hooks: { readonly ms: number; readonly failing: boolean };
  readonly backpressure: boolean;
  /** How often an item writes, as a chance; and who reads it. */
  readonly writes: number;
  readonly reader: Reader;
  readonly intrusions: readonly Intrusion[];
  /** Only an item takes a worker down, and only before its ack: then nothing else may be failed for it. */
  readonly onlyPoisonKills: boolean;
  /** How the run is recorded; undefined where it is not. */
  readonly journal: JournalScenario | undefined;
  /** When the master is killed, in milliseconds from its start; Infinity for never. */
  readonly diesAtMs: number;
}

/** Whoever reads the run's output: how long it takes for a piece, how long it stops for in all, and when it goes. */
export interface Reader {
  readonly takesMs: number;
  /** It stops so many milliseconds from the start, for so long. Infinity: it never reads again. */
  readonly stopsAtMs: number;
  readonly stopsForMs: number;
  readonly goesAtMs: number;
}

const KEEN: Reader = { takesMs: 0, stopsAtMs: Infinity, stopsForMs: 0, goesAtMs: Infinity };

export interface JournalScenario {
  readonly mode: 'new' | 'resume' | 'retry-failed';
  /** The disk is full after so many lines of this run. */
  readonly lines: number;
  /** The task has a `key` of its own. */
  readonly ownKeys: boolean;
  /** How many items differ from each other. */
  readonly distinct: number;
  /** So many new items stand in front of the input, and the rest may be the other way round. */
  readonly front: number;
  readonly reversed: boolean;
  /** No more items than this are taken. */
  readonly limit: number;
  /** The task has a cursor, and so many items share a place; undefined: it has none. */
  readonly ties: number | undefined;
  /** What is returned is kept; undefined: it is not. */
  readonly results: ResultsScenario | undefined;
}

export interface ResultsScenario {
  readonly isOrdered: boolean;
  /** How long a sync takes at most, in milliseconds. */
  readonly syncMs: number;
  /** The disk is full after so many results of this run. */
  readonly lines: number;
}

/** Returns the runs that a seed stands for: the first, and those that go on with what it left. */
export function scenariosOf(seed: number): Scenario[] {
  const random = new Random(seed);
  const first = scenarioOf(random);
  if (!Number.isFinite(first.items) || random.chance(0.78)) return [first];

  // What never ends by itself can only be gone on with where a timeout ends it.
  const timeoutMs = first.natures.some((nature) => isStuck(nature)) ? random.whole(200, 400) : first.timeoutMs;
  const distinct = random.chance(0.3) ? random.whole(1, 10) : Infinity;
  const ownKeys = random.chance(0.7);
  const ties = random.chance(0.5) ? random.among([1, 1, 2, 5]) : undefined;
  const resultsOf = resultsScenarios(new Random(seed ^ 0x0e5017));
  const runs: Scenario[] = [];
  const add = (mode: JournalScenario['mode'], troubled: boolean): void => {
    const run: Scenario = {
      ...first,
      timeoutMs,
      journal: {
        mode,
        lines: troubled && random.chance(0.1) ? random.whole(0, 30) : Infinity,
        ownKeys,
        distinct,
        front: mode !== 'new' && random.chance(0.3) ? random.whole(1, 3) : 0,
        reversed: mode !== 'new' && ties === undefined && random.chance(0.2),
        ties,
        results: resultsOf(troubled),
        limit: troubled && random.chance(0.1) ? random.whole(1, 20) : Infinity,
      },
      diesAtMs: troubled && random.chance(0.8) ? random.whole(0, random.among([100, 1000, 6000])) : Infinity,
    };
    const intrusions = intrusionsOf(random, false);
    const forceful = intrusions.some(({ what }) => what === 'stop forcefully');
    runs.push(troubled ? { ...run, ...readingOf(random, forceful), intrusions } : calm(run));
  };
  add('new', true);
  for (let resumes = random.whole(0, 3); resumes > 0; resumes--) add('resume', true);
  add('resume', false);
  if (random.chance(0.3) && resultsOf(false)?.isOrdered !== true) {
    add('retry-failed', random.chance(0.5));
    add('resume', false);
  }
  return runs.map((run) => (run.intrusions.some(({ what }) => what === 'kill a worker') ? blameless(run) : run));
}

/** A source of its own, so that a seed has the same runs with and without results. */
function resultsScenarios(random: Random): (troubled: boolean) => ResultsScenario | undefined {
  if (random.chance(0.5)) return () => undefined;
  const isOrdered = random.chance(0.6);
  const syncMs = random.among([0, 5, 200]);
  return (troubled) => ({
    isOrdered,
    syncMs,
    lines: troubled && random.chance(0.15) ? random.whole(0, 30) : Infinity,
  });
}

function scenarioOf(random: Random): Scenario {
  const endless = random.chance(0.1);
  const intrusions = intrusionsOf(random, endless);
  const forceful = intrusions.some(({ what }) => what === 'stop forcefully');
  const kills = intrusions.some(({ what }) => what === 'kill a worker');
  const timeoutMs = random.chance(0.3) ? random.among([50, 300, 2000]) : Infinity;

  const natures: [Nature, ...Nature[]] = ['plain', 'plain', 'plain', 'plain'];
  const others: Nature[] = [
    'slow',
    'throws',
    'throws for good',
    'poison',
    'poison at first',
    'deadly after its ack',
    'is limited',
  ];
  for (const nature of [...others, 'unfit'] as const) if (random.chance(0.3)) natures.push(nature);
  if (forceful || timeoutMs < Infinity) {
    const stuck: Nature[] = ['stuck, and isAbortable its signal', 'stuck, and deaf', 'blocks its worker'];
    for (const nature of stuck) if (random.chance(0.3)) natures.push(nature);
  }

  const scenario: Scenario = {
    rules: {
      numbersFrom: 0,
      workers: random.whole(1, 5),
      concurrency: random.whole(1, 4),
      maxCrashes: random.whole(1, 3),
      retries: random.whole(0, 3),
      backoffMs: random.among([0, 10, 1000, 60_000]),
      backoffCapMs: random.among([10, 30_000, 30_000]),
      rate: random.among([Infinity, Infinity, Infinity, 2, 20, 300]),
      acksGathered: random.among([1, 2, 5, 64]),
    },
    prefetch: random.among([0, 0, 1, 2, 5, 30]),
    batchAcks: random.chance(0.4),
    large: random.among([0, 0, 0.1, 0.6]),
    timeoutMs,
    recycleAfter: random.chance(0.15) ? random.whole(1, 5) : Infinity,
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
    lateAcks: random.chance(0.15),
    hooks: { ms: random.among([0, 0, 10, 300]), failing: random.chance(0.05) },
    backpressure: random.chance(0.3),
    ...readingOf(random, forceful),
    intrusions,
    onlyPoisonKills: !kills && !natures.includes('deadly after its ack'),
    journal: undefined,
    diesAtMs: Infinity,
  };
  return random.chance(0.005) ? flooded(scenario) : scenario;
}

/** Nobody reads for ever only where a forceful stop ends it. */
function readingOf(random: Random, forceful: boolean): Pick<Scenario, 'writes' | 'reader'> {
  if (random.chance(0.5)) return { writes: 0, reader: KEEN };
  const writes = random.among([0.1, 0.5, 1]);
  const takesMs = random.among([0, 1, 50]);
  const kind = random.among(['keen', 'keen', 'stops', 'stuck', 'goes'] as const);
  const atMs = random.whole(0, random.among([50, 2000]));
  if (kind === 'stops') return { writes, reader: { ...KEEN, takesMs, stopsAtMs: atMs, stopsForMs: 10_000 } };
  if (kind === 'stuck' && forceful)
    return { writes, reader: { ...KEEN, takesMs, stopsAtMs: atMs, stopsForMs: Infinity } };
  if (kind === 'goes') return { writes, reader: { ...KEEN, takesMs, goesAtMs: atMs } };
  return { writes, reader: { ...KEEN, takesMs } };
}

export function isStuck(nature: Nature): boolean {
  return (
    nature === 'stuck, and isAbortable its signal' || nature === 'stuck, and deaf' || nature === 'blocks its worker'
  );
}

/** Items end far faster than their hooks do. */
function flooded(scenario: Scenario): Scenario {
  return {
    ...scenario,
    rules: { ...scenario.rules, workers: 5, concurrency: 4 },
    timeoutMs: Infinity,
    items: Infinity,
    natures: ['plain'],
    dispatch: { stepMs: 0, ends: 'ends' },
    hooks: { ms: 60_000, failing: false },
    writes: 0,
    reader: KEEN,
    intrusions: [{ what: 'stop gracefully', atMs: 4000 }],
    onlyPoisonKills: true,
  };
}

/** A run that nothing stops, so that it ends with everything done. */
function calm(scenario: Scenario): Scenario {
  return {
    ...scenario,
    dispatch: { ...scenario.dispatch, ends: 'ends' },
    boots: { ...scenario.boots, failing: 'none', hangs: false },
    hooks: { ...scenario.hooks, failing: false },
    reader: { ...KEEN, takesMs: scenario.reader.takesMs },
    intrusions: [],
  };
}

function blameless(scenario: Scenario): Scenario {
  return { ...scenario, onlyPoisonKills: false };
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
  if (random.chance(0.15)) add('suspend a worker', random.whole(1, 4));
  if (random.chance(0.15)) add('suspend the master', random.whole(1, 2));
  if (random.chance(0.15)) add('throttle', random.whole(1, 4));
  if (random.chance(0.15)) add('pause', random.whole(1, 3));
  if (random.chance(0.2)) add('cancel an item', random.among([1, 5, 30]));
  const graceful = random.chance(0.3);
  if (graceful || endless) add('stop gracefully', 1);
  if (random.chance(0.25)) add('stop forcefully', 1);
  return intrusions;
}
