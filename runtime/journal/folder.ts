/**
 * Where the journals of a task are: `.divvy/<task>/<run id>.ndjson`, beside the project's divvy.json. Runs in the master, and
 * in whoever asks how runs stand. Internal.
 */

import fs from 'node:fs';
import path from 'node:path';
import { projectOf } from '../task/project.ts';
import { holderOf } from './lock.ts';
import type { RunRecord } from './records.ts';
import { firstRunOf, type Standing, standingOf } from './standing.ts';

/** How many journals of a task are kept. */
const KEPT = 10;
const ENDING = '.ndjson';

/** Returns the folder of a task's journals. */
export function journalFolder(taskFile: string): string {
  return path.join(projectOf(taskFile), '.divvy', path.basename(taskFile).replace(/\.[^.]+$/, ''));
}

/** Makes the folder, and keeps it out of git. */
export function makeJournalFolder(folder: string): void {
  // Not with `recursive`: of a read-only file system it says ENOENT.
  for (const each of [path.dirname(folder), folder]) {
    try {
      fs.mkdirSync(each, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  const ignore = path.join(path.dirname(folder), '.gitignore');
  if (!fs.existsSync(ignore)) fs.writeFileSync(ignore, '*\n');
}

/** Returns where a task is in its project. */
export function pathInProject(taskFile: string): string {
  return path.relative(projectOf(taskFile), taskFile);
}

/** Returns how all runs stand whose journals are in a folder, the newest first. Throws what fs throws. */
export function standingsIn(folder: string): Standing[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name.endsWith(ENDING) && (entry.isFile() || entry.isSymbolicLink()))
    .flatMap((entry) => standingOf(path.join(folder, entry.name)) ?? [])
    .sort((one, other) => other.number - one.number);
}

/**
 * Returns how the runs of a task stand, the newest first. Another task's of the same name, from another folder of the project,
 * may stand among them, and are left out.
 */
export function standingsOf(
  taskFile: string,
  all: readonly Standing[] = standingsIn(journalFolder(taskFile)),
): Standing[] {
  return all.filter(({ first }) => first === undefined || !isOfOther(first, taskFile));
}

/** Returns the task file that a journal is of, where it is another one's than that of the task. */
export function otherTaskOf(file: string, taskFile: string): string | undefined {
  const first = firstRunOf(file);
  return first && isOfOther(first, taskFile) ? first.taskFile : undefined;
}

function isOfOther(run: RunRecord, taskFile: string): boolean {
  if (run.taskFile === taskFile) return false;
  // A project may have been moved, or copied: then it is at the same place in another one, or nowhere any more.
  return fs.existsSync(run.taskFile) && pathInProject(run.taskFile) !== pathInProject(taskFile);
}

/**
 * Makes room for one more journal: the oldest go, but for those whose run goes on, or that a resume would go on with. Runs
 * without outcomes are counted by themselves: of them there may be many.
 *
 * standings - of the task, the newest first.
 */
export function pruneJournals(standings: readonly Standing[]): void {
  const kept = new Set<Standing>();
  for (const hasOutcomes of [true, false]) {
    for (const each of standings.filter((one) => one.hasOutcomes === hasOutcomes).slice(0, KEPT - 1)) kept.add(each);
  }
  for (const each of lastRuns(standings)) if (!each.complete) kept.add(each);
  for (const each of standings) {
    if (kept.has(each) || isInUse(each.file)) continue;
    // With its lock, and with what a process that was killed left of a lock.
    const folder = path.dirname(each.file);
    for (const name of fs.readdirSync(folder)) {
      if (name.startsWith(path.basename(each.file))) fs.rmSync(path.join(folder, name), { force: true });
    }
  }
}

/** Returns the last run for each of the arguments that there are, the newest first: the same run is that of the same arguments. */
export function lastRuns(standings: readonly Standing[]): Standing[] {
  const seen = new Set<string>();
  return standings.filter(({ first, hasOutcomes }) => {
    if (!hasOutcomes || !first) return false;
    const args = JSON.stringify(first.args);
    return !seen.has(args) && seen.add(args);
  });
}

/** Symbolic links give a journal several names, perhaps before it is there; it has one lock, beside what they lead to. */
export function lockOf(file: string): string {
  for (let at = file; ; ) {
    let to: string;
    try {
      to = fs.readlinkSync(at);
    } catch {
      return `${at}.lock`; // it is no link
    }
    at = path.resolve(fs.realpathSync(path.dirname(at)), to);
  }
}

/** Whether a run has the journal that lives, or may live. */
export function isInUse(file: string): boolean {
  return holderOf(lockOf(file)) !== undefined;
}
