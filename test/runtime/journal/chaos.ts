/** Kills workers and masters with SIGKILL while they work, and looks at what became of the items. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { readJournal } from '../../../runtime/journal/reading.ts';
import type { RunOptions, TaskRun } from '../run-task.ts';
import { Random } from '../simulator/random.ts';
import { type Entry, items, linesFor, Project } from './ledger.ts';

/** How often it is looked whether there is something to kill, in milliseconds: nobody tells of what a task enters. */
const LOOK_MS = 5;

export interface Chaos {
  /** How many items, and how they are called: the task goes by that. */
  readonly count: number;
  readonly name: string;
  readonly workers: number;
  readonly concurrency: number;
  /** How many lines each item writes on stdout; 0 for none. */
  readonly lines: number;
  /** Whoever reads them stops again and again, so that the run has to wait. */
  readonly readsSlowly?: boolean;
}

const optionsOf = ({ lines, readsSlowly = false }: Chaos): RunOptions => ({ env: { LINES: `${lines}` }, readsSlowly });

/** Of each item that is recorded as done each line that it wrote is there, whole. */
function expectLines(project: Project, written: Written, { lines }: Chaos): void {
  const done = new Set(doneIn(project));
  const lost: string[] = [];
  for (const { item, key } of project.entries()) {
    if (!done.has(key)) continue;
    for (const line of linesFor(item, lines)) if (!written.stdout.has(line)) lost.push(line.slice(0, 40));
    if (lines > 0 && !written.stderr.has(`${item} on stderr`)) lost.push(`${item} on stderr`);
  }
  expect(lost).toEqual([]);
}

/** All lines that runs have written. */
class Written {
  readonly stdout = new Set<string>();
  readonly stderr = new Set<string>();

  add({ stdout, stderr }: { stdout: string; stderr: string }): void {
    // What is behind the last newline is what a master that was killed had begun to write.
    for (const line of stdout.split('\n').slice(0, -1)) this.stdout.add(line);
    for (const line of stderr.split('\n').slice(0, -1)) this.stderr.add(line);
  }
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
  const run = project.run([...argsOf(chaos), '--max-crashes', '1000000'], optionsOf(chaos));
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
  const ended = await run.ended();
  expect([ended.status, /\bfailed/.test(ended.stderr)]).toEqual([0, false]);
  const written = new Written();
  written.add(ended);
  expectLines(project, written, chaos);

  const entries = project.entries();
  expectAloneInOneProcess(entries);
  const recorded = project.records().filter(({ type }) => type === 'done' || type === 'failed');
  expect(recorded.map(({ type }) => type)).toEqual(all.map(() => 'done'));
  const ends = entries.filter(({ what }) => what === 'end');
  expect(new Set(ends.map(({ item }) => item))).toEqual(new Set(all));
  const duplicates = ends.length - chaos.count;
  const byProcess = Map.groupBy(entries, processOf);
  const inProgress = [...killed].map((each) => inProgressIn(byProcess.get(each) ?? []));
  console.log(
    `${chaos.count} items, ${kills} workers killed, with ${sum(inProgress)} items in progress: 0 lost, 0 failed, ${duplicates} processed twice, ${written.stdout.size} lines`,
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
  const written = new Written();
  let done = 0;
  for (let cycle = 0; cycle < cycles; cycle++) {
    beginnings.push(project.entered);
    const run = project.run([...argsOf(chaos), '--resume'], optionsOf(chaos));
    const over = whetherOver(run);
    const until = project.entered + random.whole(1, most);
    while (!over() && project.entered < until) await wait(LOOK_MS);
    run.kill('SIGKILL');
    const killed = await run.closed;
    expect(killed.signal).toBe('SIGKILL');
    written.add(killed);
    expectLines(project, written, chaos);
    await run.gone(); // within 2 s
    const started = project.entries(beginnings.at(-1)).filter(({ what }) => what === 'start');
    const doneNow = doneIn(project).length;
    inProgress.push(started.length - (doneNow - done));
    done = doneNow;
  }
  beginnings.push(project.entered);
  const last = await project.run([...argsOf(chaos), '--resume'], optionsOf(chaos)).ended();
  expect([last.status, /\bfailed/.test(last.stderr)]).toEqual([0, false]);
  written.add(last);
  expectLines(project, written, chaos);

  const entries = project.entries();
  expectAloneInOneProcess(entries);
  // No process of a master that was killed did anything once the next had begun.
  for (const [at, beginning] of beginnings.entries()) {
    const before = new Set(entries.slice(beginnings[at - 1] ?? 0, beginning).map(processOf));
    expect(entries.slice(beginning).filter((entry) => before.has(processOf(entry)))).toEqual([]);
  }
  expect(new Set(project.processed())).toEqual(new Set(all));
  expect(doneIn(project)).toHaveLength(chaos.count);
  // A run that was killed before anything was done is not gone on with.
  const outcomes = project.files().map((name) => outcomesIn(join(project.journals, name)));
  expect(outcomes.filter((count) => count > 0)).toHaveLength(1);
  const redone = entries.filter(({ what }) => what === 'start').length - chaos.count;
  console.log(
    `${chaos.count} items, ${cycles} masters killed, with ${sum(inProgress)} items in progress: 0 lost, ${redone} begun again`,
  );
  // What was in progress, or waited for its output to be read, is begun again, and nothing else.
  expect(redone).toBe(sum(inProgress));
  // Beside those in progress as many may have just ended: an outcome counts a turn later.
  if (!chaos.readsSlowly) expect(Math.max(...inProgress)).toBeLessThanOrEqual(2 * chaos.workers * chaos.concurrency);
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

/** The keys of the items that the journal says are done; behind a master that was killed its last line may be torn. */
function doneIn(project: Project): string[] {
  const done: string[] = [];
  readJournal(join(project.journals, project.files().at(-1) ?? ''), (record) => {
    if (record.type === 'done') done.push(...record.keys);
  });
  return done;
}

function outcomesIn(journal: string): number {
  let count = 0;
  readJournal(journal, ({ type }) => {
    if (type === 'done' || type === 'failed') count += 1;
  });
  return count;
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
