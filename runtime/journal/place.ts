/**
 * Where the journals of a task are: `.divvy/<task>/<run id>.ndjson`, beside the project's divvy.json. Runs in the master, and
 * in whoever asks how runs stand. Internal.
 */

import fs from 'node:fs';
import path from 'node:path';
import { projectOf } from '../project.ts';
import { isInUse } from './journal.ts';
import { firstRecord, type JournalRecord } from './records.ts';

/** How many journals of a task are kept. */
const KEPT = 10;
const ENDING = '.ndjson';
/** Enough for the last line of a journal, an `end`. */
const TAIL_BYTES = 16 * 1024;

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

/**
 * Returns the journals of a task, the newest first: run ids begin with the time. Another task's of the same name, from another
 * folder of the project, may stand among them, and are left out.
 */
export function journalsOf(taskFile: string): string[] {
  const folder = journalFolder(taskFile);
  if (!fs.existsSync(folder)) return [];
  const entries = fs.readdirSync(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.name.endsWith(ENDING) && (entry.isFile() || entry.isSymbolicLink()))
    .map(({ name }) => name)
    .sort()
    .reverse()
    .map((name) => path.join(folder, name))
    .filter((file) => otherTaskOf(file, taskFile) === undefined);
}

/** Returns the task file that a journal is of, where it is another one's than that of the task. */
export function otherTaskOf(file: string, taskFile: string): string | undefined {
  const first = firstRecord(file);
  if (first?.type !== 'run' || first.taskFile === taskFile) return undefined;
  // A project may have been moved, or copied: then it is at the same place in another one, or nowhere any more.
  const placeOf = (each: string): string => path.relative(projectOf(each), each);
  const same = !fs.existsSync(first.taskFile) || placeOf(first.taskFile) === placeOf(taskFile);
  return same ? undefined : first.taskFile;
}

/** Returns the newest of the journals that a resume has something to do for. */
export function lastUnfinished(journals: readonly string[]): string | undefined {
  return journals.find((file) => endOf(file)?.complete !== true);
}

/** Makes room for one more journal: the oldest go, but for one whose run goes on, or that a resume would go on with. */
export function pruneJournals(taskFile: string): void {
  const journals = journalsOf(taskFile);
  const oldest = journals.slice(KEPT - 1);
  const kept = oldest.length > 0 ? lastUnfinished(journals) : undefined;
  for (const file of oldest) {
    if (file === kept || isInUse(file)) continue;
    // With its lock, and with what a process that was killed left of a lock.
    const folder = path.dirname(file);
    for (const name of fs.readdirSync(folder)) {
      if (name.startsWith(path.basename(file))) fs.rmSync(path.join(folder, name), { force: true });
    }
  }
}

/** How a journal's run ended; undefined where it goes on or was killed. */
export function endOf(file: string): (JournalRecord & { type: 'end' }) | undefined {
  let descriptor: number;
  try {
    descriptor = fs.openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined; // another run that begins has made room for its own
  }
  try {
    const { size } = fs.fstatSync(descriptor);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    fs.readSync(descriptor, tail, 0, tail.length, size - tail.length);
    const last = JSON.parse(tail.toString().trimEnd().split('\n').at(-1) ?? '') as JournalRecord | null;
    return last?.type === 'end' ? last : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  } finally {
    fs.closeSync(descriptor);
  }
}
