/**
 * How the last run of a task stands, from its journal: whether it goes on, and what it has done. Runs in a process of its own,
 * beside the run's. Internal.
 */

import fs from 'node:fs';
import path from 'node:path';
import { journalUnreadable, taskFileMissing } from '../errors.ts';
import { journalFolder, journalsOf } from '../journal/place.ts';
import { lives } from '../journal/processes.ts';
import { type JournalRecord, readJournal } from '../journal/records.ts';
import { plural } from '../report.ts';
import { runner, shellWords } from './summary.ts';

/** What is known of a run. */
export interface Status {
  readonly runId: string;
  readonly journal: string;
  /** The task's own arguments: a resume needs the same. */
  readonly args: readonly string[];
  readonly state: 'running' | 'complete' | 'unfinished';
  readonly pid: number;
  readonly began: string;
  readonly ended: string | undefined;
  readonly stoppedBy: string | undefined;
  readonly done: number;
  readonly failed: number;
}

/**
 * Returns how the last run of the task stands; undefined where there has been none.
 *
 * Throws DivvyError where that cannot be read, and UsageError where there is neither a run nor a task file.
 */
export function statusOf(taskFile: string): Status | undefined {
  const file = path.resolve(taskFile);
  try {
    const [journal] = journalsOf(file);
    if (journal !== undefined) return statusIn(journal);
  } catch (error) {
    throw journalUnreadable(journalFolder(file), error);
  }
  if (!fs.existsSync(file)) throw taskFileMissing(file, false);
  return undefined;
}

function statusIn(journal: string): Status | undefined {
  let first: (JournalRecord & { type: 'run' }) | undefined;
  let last = first;
  let end: (JournalRecord & { type: 'end' }) | undefined;
  // An item that failed and was retried has two lines, of which the last holds; only those that failed are kept in mind.
  const failed = new Set<string>();
  let done = 0;
  readJournal(journal, (record) => {
    if (record.type === 'run') {
      first ??= record;
      last = record;
      end = undefined;
    } else if (record.type === 'end') end = record;
    else if (record.type === 'failed') failed.add(`${record.occurrence ?? 1} ${record.key}`);
    else if (record.type === 'done') {
      done += 1;
      failed.delete(`${record.occurrence ?? 1} ${record.key}`);
    }
  });
  if (!first || !last) return undefined;
  return {
    runId: first.runId,
    journal,
    args: first.args,
    state: end?.complete ? 'complete' : !end && lives(last) ? 'running' : 'unfinished',
    pid: last.pid,
    began: first.at,
    ended: end?.at,
    stoppedBy: end?.stoppedBy,
    done,
    failed: failed.size,
  };
}

/** Returns the status in words, with the commands that go on with the run. `taskFile` is as it was given. */
export function describeStatus(status: Status | undefined, taskFile: string): string {
  if (!status) return 'no run yet';
  const { runId, args, state, pid, began, ended, stoppedBy, done, failed } = status;
  const how = state === 'running' ? `runs, master ${pid}` : state;
  const when = `began ${began}${ended === undefined ? '' : `, ended ${ended}`}`;
  const counts = `${plural(done, 'item')} done${failed > 0 ? `, ${failed} failed` : ''}`;
  const lines = [`${runId}: ${how}${stoppedBy === undefined ? '' : ` (stopped by ${stoppedBy})`}: ${counts}; ${when}`];
  const command = (option: string): string =>
    shellWords(['node', runner(), option, taskFile, ...(args.length > 0 ? ['--', ...args] : [])]);
  if (state === 'unfinished') lines.push(`to go on: ${command('--resume')}`);
  if (state !== 'running' && failed > 0) lines.push(`to try what failed again: ${command('--retry-failed')}`);
  return lines.map(visible).join('\n');
}

/** A journal that came from elsewhere may have anything in it: nothing of it moves the cursor or hides what it says. */
const visible = (line: string): string =>
  line.replace(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
