/** Kills workers and masters with SIGKILL while they work, and looks at what became of the items. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { readJournal } from '../../runtime/journal/records.ts';
import { type Entry, items, Project } from './ledger.ts';
import { gone, type TaskRun } from './run-task.ts';
import { Random } from './simulator/random.ts';

/** How often it is looked whether there is something to kill, in milliseconds: nobody tells of what a task enters. */
const LOOK_MS = 5;

export interface Chaos {
  /** How many items, and how they are called: the task goes by that. */
  readonly count: number;
  readonly name: string;
  readonly workers: number;
  readonly concurrency: number;
}

const argsOf = ({ workers, concurrency }: Chaos): string[] => ['-n', `${workers}`, '-c', `${concurrency}`];

/** Whom to kill, and when, comes from a seed, which is printed. Processes have their own time: another run is not the same. */
function seeded(): Random {
  const seed = Number(process.env['DIVVY_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`chaos: DIVVY_SEED=${seed}`);
  return new Random(seed);
}

/**
 * One run, whose workers are killed one after the other, whichever it is and whatever it is at.
 *
 * next - resolves when it is time for the next kill; it is told how many entries there are, and whether the run is over.
 */
export async function killWorkers(
  chaos: Chaos,
  next: (entered: () => number, over: () => boolean) => Promise<void>,
): Promise<void> {
  const random = seeded();
  const all = items(chaos.count, chaos.name);
  const project = new Project(all);
  const run = project.run([...argsOf(chaos), '--max-crashes', '1000000']);
  const over = whetherOver(run);
  let kills = 0;
  const killed = new Set<string>();
  while (!over()) {
    await next(() => project.entered, over);
    // Now and then any worker; mostly one that has begun an item: if workers died while they boot only, none would work.
    const begun = new Map(project.entries().map((entry) => [entry.pid, processOf(entry)]));
    const anyone = random.chance(0.1);
    const [first, ...others] = childrenOf(run.pid).filter((pid) => anyone || begun.has(pid));
    if (over() || first === undefined) continue;
    const victim = random.among([first, ...others]);
    try {
      process.kill(victim, 'SIGKILL');
      kills += 1;
      killed.add(begun.get(victim) ?? '');
    } catch {
      // it has ended by itself
    }
  }
  const { status, stderr } = await run.ended();
  expect([status, /\bfailed/.test(stderr)]).toEqual([0, false]);

  const entries = project.entries();
  expectAloneInOneProcess(entries);
  const recorded = project.records().filter(({ type }) => type === 'done' || type === 'failed');
  expect(recorded.map(({ type }) => type)).toEqual(all.map(() => 'done'));
  const ended = entries.filter(({ what }) => what === 'end');
  expect(new Set(ended.map(({ item }) => item))).toEqual(new Set(all));
  const duplicates = ended.length - chaos.count;
  const byProcess = Map.groupBy(entries, processOf);
  const inProgress = [...killed].map((each) => inProgressIn(byProcess.get(each) ?? []));
  console.log(
    `${chaos.count} items, ${kills} workers killed, with ${sum(inProgress)} items in progress: 0 lost, 0 failed, ${duplicates} processed twice`,
  );
  expect(Math.max(0, ...inProgress)).toBeLessThanOrEqual(chaos.concurrency);
  expect(duplicates).toBeLessThanOrEqual(kills * chaos.concurrency);
}

/** Resolves when so many more entries have been made. */
export const everyEntries = (count: number) => {
  return async (entered: () => number, over: () => boolean): Promise<void> => {
    for (const until = entered() + count; !over() && entered() < until; ) await wait(LOOK_MS);
  };
};

/** Runs whose masters are killed at any moment, each of which the next goes on with, and a last one that comes to the end. */
export async function killMasters(chaos: Chaos, cycles: number): Promise<void> {
  const random = seeded();
  const all = items(chaos.count, chaos.name);
  const project = new Project(all);
  // In the middle of things, and so that there is something left for each.
  const most = Math.floor((chaos.count * 1.5) / (cycles + 1));
  /** How many entries there were when each run began, the last one too. */
  const beginnings: number[] = [];
  /** What each run had begun, and not recorded, when its master was killed. */
  const inProgress: number[] = [];
  let done = 0;
  for (let cycle = 0; cycle < cycles; cycle++) {
    beginnings.push(project.entered);
    const run = project.run([...argsOf(chaos), '--resume']);
    const over = whetherOver(run);
    const until = project.entered + random.whole(1, most);
    while (!over() && project.entered < until) await wait(LOOK_MS);
    run.kill('SIGKILL');
    expect((await run.closed).signal).toBe('SIGKILL');
    await gone(-run.pid); // within 2 s
    const started = project.entries(beginnings.at(-1)).filter(({ what }) => what === 'start');
    const doneNow = doneIn(project);
    inProgress.push(started.length - (doneNow - done));
    done = doneNow;
  }
  beginnings.push(project.entered);
  const { status, stderr } = await project.run([...argsOf(chaos), '--resume']).ended();
  expect([status, stderr]).toEqual([0, '']);

  const entries = project.entries();
  expectAloneInOneProcess(entries);
  // No process of a master that was killed did anything once the next had begun.
  for (const [at, beginning] of beginnings.entries()) {
    const before = new Set(entries.slice(beginnings[at - 1] ?? 0, beginning).map(processOf));
    expect(entries.slice(beginning).filter((entry) => before.has(processOf(entry)))).toEqual([]);
  }
  expect(new Set(project.processed())).toEqual(new Set(all));
  expect(doneIn(project)).toBe(chaos.count);
  expect(project.files()).toHaveLength(1);
  const redone = entries.filter(({ what }) => what === 'start').length - chaos.count;
  console.log(
    `${chaos.count} items, ${cycles} masters killed, with ${sum(inProgress)} items in progress: 0 lost, ${redone} begun again`,
  );
  // What was in progress is begun again, and nothing else.
  expect(redone).toBe(sum(inProgress));
  expect(Math.max(...inProgress)).toBeLessThanOrEqual(chaos.workers * chaos.concurrency);
}

/** A process that has lost an item to another does nothing with it any more. */
function expectAloneInOneProcess(entries: readonly Entry[]): void {
  const at = new Map<string, string>();
  for (const entry of entries) {
    if (entry.what === 'start') at.set(entry.item, processOf(entry));
    else expect([entry.item, processOf(entry)]).toEqual([entry.item, at.get(entry.item)]);
  }
}

function processOf({ pid, born }: Entry): string {
  return `${pid} ${born}`;
}

/** How many items a process has begun, and not ended. */
function inProgressIn(entries: readonly Entry[]): number {
  return entries.filter(({ what }) => what === 'start').length - entries.filter(({ what }) => what === 'end').length;
}

/** How many items the journal says are done; behind a master that was killed its last line may be torn. */
function doneIn(project: Project): number {
  let done = 0;
  readJournal(join(project.journals, project.files().at(-1) ?? ''), ({ type }) => {
    if (type === 'done') done += 1;
  });
  return done;
}

function whetherOver(run: TaskRun): () => boolean {
  let over = false;
  void run.closed.then(() => (over = true));
  return () => over;
}

/** The processes that a process has started, and that live: those of a master are its workers. */
function childrenOf(pid: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' }).trim();
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, state]) => Number(parent) === pid && !state?.startsWith('Z'))
    .map(([id]) => Number(id));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
