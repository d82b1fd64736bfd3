/** What is measured: every work, who takes part in it, and what the goals are. */

import { join } from 'node:path';
import type { Load } from './load.ts';

/** A program that takes part. */
export interface Contestant {
  /** As the tables show it. */
  readonly name: string;
  readonly command: readonly string[];
  /** Its argument; without one it has none, and reports when its first item was started. */
  readonly load?: Load;
  /** It does as many items as the contestant of this name, where the count follows from how fast that one is. */
  readonly asManyAs?: string;
  /** Everything that the system or Node.js has cached of it is out of reach. */
  readonly cold?: boolean;
  /** A command that succeeds where it is installed; without one it is. */
  readonly needs?: readonly string[];
}

export type Unit = 'items/s' | 's' | 'ms' | 'MB';

export interface Work {
  /** As `--only` takes it. */
  readonly name: string;
  /** As the tables show it. */
  readonly title: string;
  readonly unit: Unit;
  /** The first is this runtime: what the others are compared with. */
  readonly contestants: readonly [Contestant, ...Contestant[]];
  readonly goals: readonly Goal[];
  /** How long a run is to take, in seconds, where the count follows from that and it is not as usual. */
  readonly aimSeconds?: number;
}

/** What one contestant is to reach, as such or beside another: `times` as good, or `more` of the unit. */
export interface Goal {
  readonly of?: string;
  readonly limit: number;
  readonly times?: string;
  readonly above?: string;
}

/** The runtime that is measured. Its own contestants have a path in this folder among their arguments. */
export const RUNTIME = join(import.meta.dirname, '../runtime');

const program = (file: string, runtime = process.execPath): string[] => [
  runtime,
  join(import.meta.dirname, 'contestants', file),
];

/** Small items are sent so many at once by those that can be told to; more brought none of them more. */
const WINDOW = 32;

type Settings = Omit<Load, 'workers' | 'inFlight'> & Partial<Load>;
type Entrant = (settings: Settings) => Contestant;

/** A contestant that is told what to do. `own` are the settings in which it differs from others of its program. */
function entrant(
  name: string,
  command: readonly string[],
  own: Partial<Load> = {},
  needs?: readonly string[],
): Entrant {
  return (settings) => ({
    name,
    command,
    load: { workers: 2, inFlight: 1, ...settings, ...own },
    ...(needs && { needs }),
  });
}

const library = [...program('divvy.ts'), join(RUNTIME, 'index.ts')];
const divvy = entrant('divvy', library);
const divvyWithJournal = entrant('divvy (journal on)', library, { journal: true });
const divvyWithMetrics: Entrant = (settings) => ({
  ...entrant('divvy (--metrics-file)', library, { metrics: true })(settings),
  asManyAs: 'divvy',
});
const jestWorker = entrant('jest-worker (processes)', program('jest-worker.ts'));
const jestWorkerByJson = entrant('jest-worker (processes, JSON)', program('jest-worker.ts'), { serialization: 'json' });
const piscina = (inFlight = WINDOW): Entrant => entrant('piscina (threads)', program('piscina.ts'), { inFlight });
const tinypool = (inFlight = WINDOW): Entrant => entrant('tinypool (threads)', program('tinypool.ts'), { inFlight });
const workerpool = (workerType: 'process' | 'thread'): Entrant =>
  entrant(`workerpool (${workerType === 'process' ? 'processes' : 'threads'})`, program('workerpool.ts'), {
    workerType,
  });
const fork = (inFlight: number, serialization: 'json' | 'advanced' = 'json'): Entrant =>
  entrant(`fork IPC (${serialization === 'json' ? '' : 'advanced, '}${inFlight} in flight)`, program('fork.ts'), {
    inFlight,
    serialization,
  });
/** 16 batches in each worker: fewer are slower, more are no faster. */
const limit = entrant('limit (no guarantees)', program('limit.ts'), { inFlight: 1024 });
const largeByHand = entrant('hand-written (same design)', program('large.ts'));
const ruby = entrant('Ruby divvy', program('ruby-divvy.rb', 'ruby'), {}, ['ruby', '-rdivvy', '-e', '']);
/** It starts a process for each item. */
const parallel = entrant('GNU parallel', program('gnu-parallel.ts'), { count: 100 }, ['parallel', '--version']);

const pools: readonly Entrant[] = [
  jestWorker,
  jestWorkerByJson,
  workerpool('process'),
  workerpool('thread'),
  piscina(),
  tinypool(),
  fork(1),
  fork(WINDOW),
];

/** All of them with the same settings. */
function enter(settings: Settings, first: Entrant, ...others: readonly Entrant[]): [Contestant, ...Contestant[]] {
  return [first(settings), ...others.map((other) => other(settings))];
}

/** Where the unit is items/s, the count is what is tried first: how many there are then follows from how fast that went. */
const small = { work: 'nothing', count: 20_000 } as const;
const large = { work: 'nothing', count: 100 } as const;
const naps = { items: 'naps', work: 'nap' } as const;

const divvyAtFirstItem: Contestant = {
  name: 'divvy',
  command: [
    process.execPath,
    join(RUNTIME, 'run.mjs'),
    '--workers=1',
    '--no-journal',
    join(import.meta.dirname, 'contestants/first-item-task.ts'),
  ],
};
const forkAtFirstItem: Contestant = { name: 'a bare fork program', command: program('first-item-fork.mjs') };

/** A longer run is to need hardly more memory than one of the shortest. */
const [SHORTEST, ...LONGER] = [100_000, 1_000_000, 4_000_000] as const;
const inMemory = (enter: Entrant, count: number): Contestant => {
  const contestant = enter({ items: 'numbers', work: 'nothing', count });
  const journal = contestant.load?.journal ? ', journal on' : '';
  return { ...contestant, name: `divvy (${count.toLocaleString('en')} items${journal})` };
};
const memoryOf = (enter: Entrant): { runs: [Contestant, ...Contestant[]]; goals: Goal[] } => {
  const base = inMemory(enter, SHORTEST);
  const longer = LONGER.map((count) => inMemory(enter, count));
  return { runs: [base, ...longer], goals: longer.map(({ name }) => ({ of: name, limit: 10, above: base.name })) };
};
const memory = memoryOf(divvy);
const memoryWithJournal = memoryOf(divvyWithJournal);
const loaded: Contestant = { name: 'divvy (only loaded)', command: program('divvy-loaded.ts') };

export const WORKS: readonly Work[] = [
  {
    name: 'numbers',
    title: 'Numbers',
    unit: 'items/s',
    contestants: enter({ items: 'numbers', ...small }, divvy, divvyWithJournal, limit, ...pools, ruby, parallel),
    goals: [
      { limit: 0.6, times: 'limit (no guarantees)' },
      { limit: 30, times: 'jest-worker (processes)' },
      { limit: 20, times: 'piscina (threads)' },
      { limit: 6, times: 'fork IPC (32 in flight)' },
      { of: 'divvy (journal on)', limit: 0.22, times: 'limit (no guarantees)' },
      { of: 'divvy (journal on)', limit: 12, times: 'jest-worker (processes)' },
    ],
  },
  {
    name: 'metrics',
    title: 'Numbers, with metrics and without',
    unit: 'items/s',
    contestants: enter({ items: 'numbers', ...small }, divvy, divvyWithMetrics),
    goals: [{ of: 'divvy (--metrics-file)', limit: 0.97, times: 'divvy' }],
    aimSeconds: 12, // they are written each 5 s
  },
  {
    name: 'objects',
    title: 'Objects of three fields',
    unit: 'items/s',
    contestants: enter({ items: 'objects', ...small }, divvy, divvyWithJournal, limit, ...pools),
    goals: [
      { limit: 20, times: 'jest-worker (processes)' },
      { limit: 10, times: 'piscina (threads)' },
      { of: 'divvy (journal on)', limit: 8, times: 'jest-worker (processes)' },
    ],
  },
  {
    name: 'async',
    title: 'Numbers, `async process`',
    unit: 'items/s',
    contestants: enter({ items: 'numbers', ...small, work: 'nothingAsync' }, divvy, ...pools),
    goals: [],
  },
  {
    name: 'strings',
    title: 'Strings of 10 KB',
    unit: 'items/s',
    contestants: enter({ items: 'strings', ...small, count: 4000 }, divvy, ...pools),
    goals: [
      { limit: 3, times: 'jest-worker (processes)' },
      { limit: 1.5, times: 'piscina (threads)' },
    ],
  },
  {
    name: 'buffers',
    title: 'Buffers of 1 MB',
    unit: 'items/s',
    contestants: enter(
      { items: 'buffers', ...large },
      divvy,
      largeByHand,
      jestWorker,
      piscina(1),
      tinypool(1),
      entrant('piscina (threads, moved)', program('piscina.ts'), { transfer: true }),
      fork(1, 'advanced'),
      fork(WINDOW, 'advanced'),
    ),
    // As a rate: at most 1.25 times as long.
    goals: [{ limit: 0.8, times: 'hand-written (same design)' }],
  },
  {
    name: 'large-strings',
    title: 'Strings of 1 MB',
    unit: 'items/s',
    contestants: enter(
      { items: 'large strings', ...large },
      divvy,
      jestWorker,
      piscina(1),
      tinypool(1),
      fork(1),
      fork(WINDOW),
      fork(1, 'advanced'),
    ),
    goals: [],
  },
  {
    name: 'naps',
    title: '200 naps of 50 ms, 5 workers (ideal: 2.0 s)',
    unit: 's',
    contestants: enter({ ...naps, count: 200, napMs: 50, workers: 5 }, divvy, jestWorker, piscina(1), fork(1)),
    goals: [{ limit: 2.2 }],
  },
  {
    name: 'concurrent-naps',
    title: '10,000 naps of 50 ms, 2 workers, 250 at once in each (ideal: 1.0 s)',
    unit: 's',
    contestants: enter(
      { ...naps, count: 10_000, napMs: 50, inFlight: 250 },
      divvy,
      piscina(250),
      tinypool(250),
      fork(250),
    ),
    goals: [{ limit: 1.5 }],
  },
  {
    name: 'long-first',
    title: 'The first nap of 3 s, then 1,000 of 5 ms, 4 workers (ideal: 3.0 s)',
    unit: 's',
    contestants: enter(
      { ...naps, count: 1001, napMs: 5, firstNapMs: 3000, workers: 4 },
      divvy,
      jestWorker,
      piscina(1),
      fork(1),
    ),
    goals: [{ limit: 3.3 }],
  },
  {
    name: 'first-item',
    title: 'The first item',
    unit: 'ms',
    contestants: [divvyAtFirstItem, { ...divvyAtFirstItem, name: 'divvy (cold)', cold: true }, forkAtFirstItem],
    goals: [{ limit: 1.5, times: forkAtFirstItem.name }],
  },
  {
    name: 'memory',
    title: 'Peak memory of the master',
    unit: 'MB',
    contestants: [...memory.runs, ...memoryWithJournal.runs, loaded],
    goals: [...memory.goals, ...memoryWithJournal.goals],
  },
];
