/**
 * What `divvy report` shows of a task's last run, as a line of JSON on stdout: once, or again whenever it has changed until
 * the run has ended. Runs in its own process, beside that of the run. Internal.
 */

import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasNoRun, journalUnreadable } from '../journal/errors.ts';
import { isInUse } from '../journal/folder.ts';
import type { Standing } from '../journal/standing.ts';
import type { ReportData } from '../report/data.ts';
import { Followed } from '../report/follow.ts';
import { here } from '../text/here.ts';
import { shellWords, visible } from '../text/shell.ts';
import { cutTo } from '../text/words.ts';
import { commandsToGoOn, statusFrom } from './status.ts';

/** How often to look whether the journal has grown. */
const LOOK_EVERY_MS = 1000;
const WORDS_MAX = 2000;
const PATH_MAX = 300;
const FOLDER_MAX = 120;

/** Returns the report as it is now. Throws DivvyError if the journal can't be read. */
export function reportData(standing: Standing, taskFile: string): ReportData {
  return dataOf(new Followed(standing.file), standing.file, taskFile).data;
}

/**
 * Calls `each` with the report as it is now, and again whenever it has changed. Resolves when the run has ended, or when
 * nobody holds this process's stdin any more. Rejects as `reportData` throws.
 */
export async function reportLive(
  { file }: Standing,
  taskFile: string,
  each: (data: ReportData) => void,
): Promise<void> {
  const followed = new Followed(file);
  let isLeft = false;
  process.stdin.on('end', () => {
    isLeft = true;
  });
  process.stdin.resume();
  for (let shown: string | undefined; !isLeft; ) {
    const { data, hasGrown } = dataOf(followed, file, taskFile);
    if (hasGrown || data.state !== shown) each(data);
    shown = data.state;
    if (data.state !== 'running' || data.cut !== undefined) return;
    await sleep(LOOK_EVERY_MS);
  }
}

function read(followed: Followed, journal: string): boolean {
  try {
    return followed.read();
  } catch (error) {
    throw journalUnreadable(journal, error);
  }
}

/** Reads what has come since, and returns the report. */
function dataOf(followed: Followed, journal: string, taskFile: string): { data: ReportData; hasGrown: boolean } {
  // Asked first: what a run writes before its end is read then. Asked behind that, a run could end in between.
  const wasInUse = isInUse(journal);
  const hasGrown = read(followed, journal);
  return { data: reportOf(followed, { journal, taskFile, wasInUse }), hasGrown };
}

interface Asked {
  readonly journal: string;
  readonly taskFile: string;
  readonly wasInUse: boolean;
}

function reportOf({ collector, cut }: Followed, { journal, taskFile, wasInUse }: Asked): ReportData {
  const status = statusFrom(collector.tally, journal, path.resolve(taskFile));
  if (!status) throw hasNoRun(journal);
  const { runId, parts, ...whole } = collector.data();
  const isRunning = wasInUse && (status.ended === undefined || cut !== undefined);
  const standing = status.state === 'running' ? 'unfinished' : status.state; // it has begun again since
  // Behind a damaged line there may be anything: other resumes, and another end.
  const { stoppedBy, why, exitCode, ended, ...upToThere } = whole;
  const last = isRunning ? 'running' : cut === undefined ? undefined : 'not known';
  return {
    ...(cut === undefined ? whole : upToThere),
    parts:
      last === undefined ? parts : parts.map((part, at) => (at < parts.length - 1 ? part : { ...part, how: last })),
    taskFile: cutTo(visible(taskFile), PATH_MAX),
    runId: cutTo(visible(runId), PATH_MAX),
    state: isRunning ? 'running' : cut === undefined ? standing : 'unknown',
    at: new Date().toISOString(),
    began: cutTo(visible(status.began), PATH_MAX),
    args: words(shellWords(status.args)),
    options: words(shellWords(status.optionWords)),
    // A run can't go on from a damaged journal.
    next: cut === undefined ? commandsToGoOn(status, taskFile).map(words) : [],
    ...(here !== undefined && { folder: endOf(visible(here)) }),
    ...(cut !== undefined && { cut: words(cut) }),
  };
}

/** Returns the end of a path, which says more than its beginning. */
function endOf(folder: string): string {
  const characters = [...folder];
  return characters.length <= FOLDER_MAX ? folder : `…${characters.slice(1 - FOLDER_MAX).join('')}`;
}

const words = (text: string): string => cutTo(visible(text), WORDS_MAX);
