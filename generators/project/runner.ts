/**
 * Asks a project's own runner about the runs of a task. The journal's format belongs to the vendored release, so
 * that release reads it, and not this code.
 */

import { hostname } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { stat } from '../disk/disk.ts';
import { parseJson } from '../json/parse.ts';
import { runTool } from '../programs/processes.ts';
import { commandLine } from '../programs/shell.ts';
import { noRunner, runRefuses, runsUnknown } from '../terminal/errors.ts';
import type { Project } from './manifest.ts';

/** The state of a task's last run, as `run.mjs --status --json` reports it. */
export interface LastRun {
  readonly runId: string;
  /** Absolute. */
  readonly journal: string;
  /** The task's own arguments. */
  readonly args: readonly string[];
  /** The folder in which the run was started; its arguments are relative to it. Absent if that folder is gone. */
  readonly cwd?: string;
  /** The runner's options that a resume uses again, as words of its command line. */
  readonly optionWords: readonly string[];
  /** `unfinished`: the run was stopped or killed, and can be resumed. */
  readonly state: 'running' | 'complete' | 'unfinished';
  /** The process id of its master. */
  readonly pid: number;
  readonly host: string;
  /** When the run began, in ISO 8601. */
  readonly began: string;
  /** When it ended; absent if it is still running or was killed. */
  readonly ended?: string;
  /** The name of a signal, or another reason why it ended early. */
  readonly stoppedBy?: string;
  /** The message of the error with which it failed. */
  readonly why?: string;
  /** Nothing is left to resume: at most some failed items can be tried again. */
  readonly wasComplete?: boolean;
  /** The number of items in this state. */
  readonly done: number;
  readonly failed: number;
  /** What a run that goes on says of itself: whether it is paused, and the rest in lines for people. */
  readonly now?: { readonly state: 'running' | 'paused' | 'stopping'; readonly lines: readonly string[] };
  /** The ids of other runs of the task that are going on. */
  readonly others?: readonly string[];
  /** Why it says nothing. */
  readonly noAnswer?: string;
}

/** The runner's absolute path. Throws a Refusal with exit code 2 if it is missing. */
export function runnerOf({ folder, manifest }: Project): string {
  const runner = join(folder, manifest.runtime, 'run.mjs');
  if (!stat(runner)?.isFile()) throw noRunner(runner);
  return runner;
}

/** Which run a question is about. */
export interface Subject {
  /** The task file's absolute path. */
  readonly file: string;
  /** The id or the arguments of the run; empty for the last one. */
  readonly run?: readonly string[];
  /** Its journal, absolute, if that is not in its usual place. */
  readonly journal?: string | undefined;
  /** Further options of the runner. */
  readonly options?: readonly string[];
}

/**
 * The state of a task's last run, or of the one that is named; null if there is none.
 *
 * Rejects with a Refusal: with exit code 2 if there is no runner, with 1 if the runner cannot tell.
 */
export async function lastRun(project: Project, subject: Subject): Promise<LastRun | null> {
  return (await askRunner(project, subject, '--status', parseJson)) as LastRun | null;
}

/**
 * How the queue of a task stands, by the engine of this name: in lines for people, and as JSON. Rejects as showRuns does.
 */
export async function queueStatus(
  project: Project,
  file: string,
  engine: string,
  isJson: boolean,
): Promise<{ readonly text: string } | { readonly queue: unknown }> {
  const subject = { file, options: ['--engine', engine] };
  if (!isJson) return { text: await showRuns(project, subject, '--status') };
  return { queue: await askRunner(project, subject, '--status', parseJson) };
}

/**
 * What the runner shows of a task's runs, in JSON, as `parse` reads it.
 *
 * Rejects as showRuns does.
 */
export async function askRunner<T>(
  project: Project,
  subject: Subject,
  what: Shown,
  parse: (output: string) => T,
): Promise<T> {
  const output = await shown(project, subject, what, ['--json']);
  try {
    return parse(output);
  } catch {
    throw runsUnknown(
      relative(project.folder, subject.file),
      `the answer is not JSON: ${output}`,
      byHand(project, subject, what),
    );
  }
}

/**
 * What the runner shows of a task's runs, in words.
 *
 * Rejects with a Refusal: with exit code 2 if there is no runner, with 1 if the runner cannot tell.
 */
export async function showRuns(project: Project, subject: Subject, what: Shown): Promise<string> {
  return shown(project, subject, what, []);
}

async function shown(project: Project, subject: Subject, what: Shown, form: readonly string[]): Promise<string> {
  const { file, run = [], options = [], journal } = subject;
  const argv = [runnerOf(project), what, ...form, ...options, ...journalWords(journal), file, ...behindTask(run)];
  const asked = await runTool(process.execPath, argv, { cwd: project.folder });
  if (asked.done) return asked.output;
  throw runsUnknown(relative(project.folder, file), asked.said || asked.reason, byHand(project, subject, what));
}

/** The journal that a command line names, absolute. The runner is started elsewhere. */
export const journalIn = (cwd: string, named: string | undefined): string | undefined =>
  named === undefined ? undefined : resolve(cwd, named);

/** The words of the runner's command line for a journal that is not in its usual place. */
export function journalWords(journal: string | undefined): string[] {
  return journal === undefined ? [] : ['--journal', journal];
}

/** The words that follow the task on the runner's command line: the id or the arguments of a run. */
export function behindTask(run: readonly string[]): string[] {
  return run.length > 0 ? ['--', ...run] : [];
}

/**
 * Asks something of a task's run that goes on; `text` is what stands after `--control`.
 * Resolves with its answer, as `parse` reads it.
 *
 * Rejects with a Refusal: with exit code 2 if there is no runner or it does not understand, with 1 if no run goes on, and
 * if the run refuses or does not answer.
 */
export async function askRun(
  project: Project,
  { file, run = [], journal }: Subject,
  text: string,
  parse: (output: string) => unknown,
): Promise<{ runId: string; text: string }> {
  const argv = [runnerOf(project), `--control=${text}`, '--json', ...journalWords(journal), file, ...behindTask(run)];
  const asked = await runTool(process.execPath, argv, { cwd: project.folder });
  if (asked.done) return parse(asked.output) as { runId: string; text: string };
  throw runRefuses(
    relative(project.folder, file),
    reasonIn(asked.said, parse) ?? asked.reason,
    byHand(project, { file }, '--runs'),
  );
}

/** The message of the runner's `error` event, which is one line of JSON; of an older runner, what it said. */
function reasonIn(said: string, parse: (text: string) => unknown): string | undefined {
  try {
    return (parse(said) as { message?: string }).message;
  } catch {
    return said === '' ? undefined : said;
  }
}

type Shown = '--status' | '--runs' | '--failures';

function byHand(project: Project, { file, run = [], options = [], journal }: Subject, what: Shown): string {
  const [runner, task] = [runnerOf(project), file].map((path) => relative(project.folder, path)) as [string, string];
  return commandLine(['node', runner, what, ...options, ...journalWords(journal), task, ...behindTask(run)]);
}

const NOW = { running: 'runs now', paused: 'is paused', stopping: 'is stopping' } as const;

/**
 * A number as people read it; another release of the runtime may give none. Not by an Intl.NumberFormat that is made when this
 * file is loaded: that takes 10 ms, and hardly any command says a number.
 */
const counted = (count: number): string => Number(count).toLocaleString('en');

/** The run in words: its state, and how many items are done and failed. */
export function inWords(run: LastRun | null): string {
  if (run === null) return 'no run yet';
  const { state, pid, host, ended, stoppedBy, done, failed } = run;
  const where = host === hostname() ? '' : ` on ${host}`;
  const how = {
    running: `${NOW[run.now?.state ?? 'running']}, as process ${pid}${where}`,
    complete: 'complete',
    unfinished: stoppedBy ? `stopped by ${stoppedBy}` : ended === undefined ? 'cut short' : 'unfinished',
  }[state];
  return `${how}: ${counted(done)} done${failed > 0 ? `, ${counted(failed)} failed` : ''}`;
}
