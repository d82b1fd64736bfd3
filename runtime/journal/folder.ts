/**
 * The folder with the journals of a task: `.divvy/<task>/<run id>.ndjson`, beside the project's divvy.json. Runs in the
 * master, and in commands that show the state of runs. Internal.
 */

import fs from 'node:fs';
import path from 'node:path';
import { projectOf } from '../task/project.ts';
import { holderOf } from './lock.ts';
import type { RunRecord } from './records.ts';
import { sameRunKey } from './same-run.ts';
import { firstRunOf, type Standing, standingOf } from './standing.ts';

/** How many journals of a task to keep. */
const KEPT = 10;
const ENDING = '.ndjson';

/** Returns the folder of a task's journals. */
export function journalFolder(taskFile: string): string {
  return path.join(projectOf(taskFile), '.divvy', path.basename(taskFile).replace(/\.[^.]+$/, ''));
}

/** Makes the folder, and keeps it out of git. */
export function makeJournalFolder(folder: string): void {
  // Without `recursive`: that reports ENOENT on a read-only file system.
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

/** Returns the path of a task in its project. */
export function pathInProject(taskFile: string): string {
  return path.relative(projectOf(taskFile), taskFile);
}

/** Returns the state of every run with a journal in the folder, the newest first. Throws errors of fs. */
export function standingsIn(folder: string): Standing[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name.endsWith(ENDING) && (entry.isFile() || entry.isSymbolicLink()))
    .flatMap((entry) => standingOf(path.join(folder, entry.name)) ?? [])
    .sort((one, other) => other.number - one.number);
}

/**
 * Returns the state of a task's runs, the newest first. `all` may also hold runs of another task with the same name,
 * from another folder of the project; they are left out.
 */
export function standingsOf(
  taskFile: string,
  all: readonly Standing[] = standingsIn(journalFolder(taskFile)),
): Standing[] {
  return all.filter(({ first }) => first === undefined || !isOfOther(first, taskFile));
}

/** Returns the task file of a journal if it belongs to another task; otherwise undefined. */
export function otherTaskOf(file: string, taskFile: string): string | undefined {
  const first = firstRunOf(file);
  return first && isOfOther(first, taskFile) ? first.taskFile : undefined;
}

function isOfOther(run: RunRecord, taskFile: string): boolean {
  if (run.taskFile === taskFile) return false;
  // The project may have been moved or copied: then the task has the same place in another project, or is gone.
  return fs.existsSync(run.taskFile) && pathInProject(run.taskFile) !== pathInProject(taskFile);
}

/**
 * Makes room for one more journal: removes the oldest, except those whose run goes on or could be resumed. Runs without
 * outcomes are counted separately, because there may be many of them.
 *
 * standings - those of the task, the newest first.
 */
export function pruneJournals(standings: readonly Standing[]): void {
  const kept = new Set<Standing>();
  for (const hasOutcomes of [true, false]) {
    for (const each of standings.filter((one) => one.hasOutcomes === hasOutcomes).slice(0, KEPT - 1)) kept.add(each);
  }
  for (const each of lastRuns(standings)) if (!each.complete) kept.add(each);
  for (const each of standings) {
    if (kept.has(each) || isInUse(each.file)) continue;
    // Also remove its lock, and anything left of a lock by a killed process.
    const folder = path.dirname(each.file);
    for (const name of fs.readdirSync(folder)) {
      if (name.startsWith(path.basename(each.file))) fs.rmSync(path.join(folder, name), { force: true });
    }
  }
}

/** Returns the last run for each list of arguments, the newest first: runs with the same arguments are the same run. */
export function lastRuns(standings: readonly Standing[]): Standing[] {
  const seen = new Set<string>();
  return standings.filter(({ first, hasOutcomes }) => {
    if (!hasOutcomes || !first) return false;
    const key = sameRunKey(first);
    return !seen.has(key) && seen.add(key);
  });
}

/** Returns the path of a file's lock: there is one, beside the file to which symbolic links lead. */
export function lockOf(file: string): string {
  return `${targetOf(file)}.lock`;
}

/** Returns where symbolic links lead from a file, perhaps before that exists. Throws errors of fs. */
export function targetOf(file: string): string {
  for (let at = file; ; ) {
    let to: string;
    try {
      to = fs.readlinkSync(at);
    } catch {
      return at; // it is not a link
    }
    at = path.resolve(fs.realpathSync(path.dirname(at)), to);
  }
}

/** Returns whether a run that is alive, or may be, has the journal. */
export function isInUse(file: string): boolean {
  return holderOf(lockOf(file)) !== undefined;
}
