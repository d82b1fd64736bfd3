/**
 * A project's own runner, asked how the last run of a task stands. What a journal holds belongs to the release that is
 * vendored there: so it is read by that release, and not here.
 */

import { hostname } from 'node:os';
import { join, relative } from 'node:path';
import { stat } from '../disk/disk.ts';
import { parseJson } from '../json/parse.ts';
import { runTool } from '../programs/processes.ts';
import { lastRunUnknown, noRunner } from '../terminal/errors.ts';
import type { Project } from './manifest.ts';

/** How the last run of a task stands, as `run.mjs --status --json` says it. */
export interface LastRun {
  readonly runId: string;
  /** Absolute. */
  readonly journal: string;
  /** The task's own arguments. */
  readonly args: readonly string[];
  /** The folder in which it was started: its arguments are from there. Absent where that is gone. */
  readonly cwd?: string;
  /** The runner's options that a resume goes on with, as words of its command line. */
  readonly optionWords: readonly string[];
  /** `unfinished` where it was stopped or killed: it can be resumed. */
  readonly state: 'running' | 'complete' | 'unfinished';
  /** The process of its master. */
  readonly pid: number;
  readonly host: string;
  /** When it began, as ISO 8601 says it. */
  readonly began: string;
  /** Absent where it goes on, or was killed. */
  readonly ended?: string;
  /** A signal's name, or another reason to end early. */
  readonly stoppedBy?: string;
  /** How many items are. */
  readonly done: number;
  readonly failed: number;
}

/** The runner's absolute path. Throws a Refusal with exit code 2 where it is missing. */
export function runnerOf({ folder, manifest }: Project): string {
  const runner = join(folder, manifest.runtime, 'run.mjs');
  if (!stat(runner)?.isFile()) throw noRunner(runner);
  return runner;
}

/**
 * How the last run of a task stands; null where it never ran.
 *
 * file - the task file's absolute path.
 *
 * Rejects with a Refusal: with exit code 2 where there is no runner, with 1 where it cannot say.
 */
export async function lastRun(project: Project, file: string): Promise<LastRun | null> {
  const argv = [runnerOf(project), '--status', '--json', file];
  const asked = await runTool(process.execPath, argv, { cwd: project.folder });
  const byHand = `node ${relative(project.folder, argv[0] ?? '')} --status ${relative(project.folder, file)}`;
  if (!asked.done) throw lastRunUnknown(relative(project.folder, file), asked.said || asked.reason, byHand);
  try {
    return parseJson(asked.output) as LastRun | null;
  } catch {
    throw lastRunUnknown(relative(project.folder, file), `the answer is not JSON: ${asked.output}`, byHand);
  }
}

/** In words: whether it goes on, and what it has done. */
export function inWords(run: LastRun | null): string {
  if (run === null) return 'no run yet';
  const { state, pid, host, ended, stoppedBy, done, failed } = run;
  const where = host === hostname() ? '' : ` on ${host}`;
  const how = {
    running: `runs now, as process ${pid}${where}`,
    complete: 'complete',
    unfinished: stoppedBy ? `stopped by ${stoppedBy}` : ended === undefined ? 'cut short' : 'unfinished',
  }[state];
  return `${how}: ${done} done${failed > 0 ? `, ${failed} failed` : ''}`;
}
