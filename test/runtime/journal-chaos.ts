/** Kills workers and masters with SIGKILL while they work, and looks at what became of the items. */

import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Entry, items, Project } from './ledger.ts';
import { gone } from './run-task.ts';

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

/**
 * One run, whose workers are killed one after the other, each while it is at an item.
 *
 * Resolves with the figures. next - resolves when it is time for the next kill; it is told how many entries there are, and whether the run is over.
 */
export async function killWorkers(
  chaos: Chaos,
  next: (entered: () => number, over: () => boolean) => Promise<void>,
): Promise<{ kills: number; duplicates: number }> {
  const all = items(chaos.count, chaos.name);
  const project = new Project(all);
  const run = project.run([...argsOf(chaos), '--max-crashes', '1000000']);
  let over = false;
  void run.closed.then(() => (over = true));
  let kills = 0;
  while (!over) {
    await next(
      () => project.entered,
      () => over,
    );
    const last = project.entries().findLast(({ what }) => what === 'start');
    if (over || !last) continue;
    try {
      process.kill(last.pid, 'SIGKILL');
      kills += 1;
    } catch {
      // it has ended by itself, or was killed before
    }
  }
  const { status, stderr } = await run.ended();
  expect([status, /\bfailed/.test(stderr)]).toEqual([0, false]);
  const done = project.processed();
  expect(new Set(done)).toEqual(new Set(all));
  const recorded = project.records().filter(({ type }) => type === 'done');
  expect(recorded).toHaveLength(chaos.count);
  expectAloneInOneProcess(project.entries());
  const duplicates = done.length - chaos.count;
  expect(duplicates).toBeLessThanOrEqual(kills * chaos.concurrency);
  return { kills, duplicates };
}

/** Resolves when so many more entries have been made. */
export const everyEntries = (count: number) => {
  return async (entered: () => number, over: () => boolean): Promise<void> => {
    for (const until = entered() + count; !over() && entered() < until; ) await wait(LOOK_MS);
  };
};

/** Runs whose masters are killed, each of which the next goes on with, and a last one that comes to the end. */
export async function killMasters(chaos: Chaos, cycles: number): Promise<{ redone: number }> {
  const all = items(chaos.count, chaos.name);
  const project = new Project(all);
  const each = Math.floor((chaos.count * 2) / (cycles + 1));
  const beginnings: number[] = [];
  for (let cycle = 0; cycle < cycles; cycle++) {
    beginnings.push(project.entered);
    const run = project.run([...argsOf(chaos), '--resume']);
    let over = false;
    void run.closed.then(() => (over = true));
    // In the middle of things: not always at the same moment of an item.
    const until = project.entered + 1 + Math.floor(Math.random() * each);
    while (!over && project.entered < until) await wait(LOOK_MS);
    run.kill('SIGKILL');
    await run.closed;
    await gone(-run.pid);
  }
  beginnings.push(project.entered);
  const { status, stderr } = await project.run([...argsOf(chaos), '--resume']).ended();
  expect(stderr).not.toContain('failed');
  expect(status).toBe(0);

  const entries = project.entries();
  const done = project.processed();
  expect(new Set(done)).toEqual(new Set(all));
  expectAloneInOneProcess(entries);
  // No process of a master that was killed did anything once the next had begun.
  for (const [at, beginning] of beginnings.entries()) {
    const before = new Set(entries.slice(beginnings[at - 1] ?? 0, beginning).map(({ pid }) => pid));
    expect(entries.slice(beginning).filter(({ pid }) => before.has(pid))).toEqual([]);
  }
  const recorded = project.records().filter(({ type }) => type === 'done');
  expect(recorded).toHaveLength(chaos.count);
  expect(project.files()).toHaveLength(1);
  const redone = done.length - chaos.count;
  expect(redone).toBeLessThanOrEqual(cycles * chaos.workers * chaos.concurrency);
  return { redone };
}

/** A process that has lost an item to another does nothing with it any more. */
function expectAloneInOneProcess(entries: readonly Entry[]): void {
  const at = new Map<string, number>();
  for (const { what, item, pid } of entries) {
    if (what === 'start') at.set(item, pid);
    else expect([item, pid]).toEqual([item, at.get(item)]);
  }
}
