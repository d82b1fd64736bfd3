/**
 * `divvy report [task]`: what a run did, as one page. The project's own runner reads the journal; this draws what it says.
 *
 *   runner's JSON ─> ReportData ─> page ─┬─> a file
 *                                        └─> a server on this machine, while the run goes on (--live)
 */

import { basename, relative } from 'node:path';
import { runLines, runTool } from '../programs/processes.ts';
import { commandLine } from '../programs/shell.ts';
import { openProject, type Project } from '../project/manifest.ts';
import { behindTask, journalIn, journalWords, runnerOf } from '../project/runner.ts';
import { findTask, meantTask } from '../project/tasks.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { harmless } from '../terminal/harmless.ts';
import { saying } from '../terminal/waiting.ts';
import { noReport, reportEndedEarly, stdoutIsTaken } from './errors.ts';
import { reportFile, writeReport } from './file.ts';
import { LivePage, type WhyOver } from './live.ts';
import { openInBrowser } from './open.ts';
import { page } from './page.ts';
import { type ReportData, readReport } from './read.ts';
import { verdictOf } from './verdict.ts';

/** Which run to report on, and who can tell. */
interface Subject {
  readonly task: string;
  readonly project: Project;
  /** The runner's command line, behind its path. */
  readonly argv: (what: '--report-data' | '--report-live') => string[];
}

/**
 * Writes the page of a task's last run to a file, or serves it while the run goes on. A project's only task need not be
 * named.
 *
 * Rejects with a Refusal: with exit code 2 if there is no project, no runtime or no such task, or if the journal is of a
 * later release; with 3 if the file is there and is no report; with 1 if the runtime cannot tell or the file can't be
 * written.
 */
export async function report(call: Call): Promise<Exit> {
  const { values, terminal } = call;
  for (const flag of ['live', 'json'] as const)
    if (values[flag] && values.out === '-') throw stdoutIsTaken(`--${flag}`);
  const subject = await subjectOf(call);
  const data = await saying(terminal.note, 'Still reading the journal: waiting for the runtime.', () => ask(subject));
  if (values.live) return live(call, subject, data);
  if (values.out === '-') process.stdout.write(page(subject.task, data, false));
  else await write(call, subject, data);
  return 0;
}

async function subjectOf({ words, cwd, terminal, values }: Call): Promise<Subject> {
  const project = await openProject(cwd, terminal);
  const [named, ...run] = words;
  const file = relative(project.folder, findTask(meantTask(named, project), cwd, project));
  const task = basename(file).replace(/\.[^.]+$/, '');
  return {
    task,
    project,
    argv: (what) => [what, ...journalWords(journalIn(cwd, values.journal)), file, ...behindTask(run)],
  };
}

async function ask(subject: Subject): Promise<ReportData> {
  const { project, argv } = subject;
  const words = argv('--report-data');
  const asked = await runTool(process.execPath, [runnerOf(project), ...words], { cwd: project.folder });
  if (!asked.done) throw noReport(asked.said || asked.reason, asked.exitCode, byHand(subject));
  return readReport(asked.output);
}

const byHand = ({ project, argv }: Subject): string =>
  commandLine(['node', relative(project.folder, runnerOf(project)), ...argv('--report-data')]);

async function write({ values, cwd, terminal }: Call, { task }: Subject, data: ReportData): Promise<void> {
  const { runId, state } = data;
  const file = reportFile(cwd, values.out, { task, runId }, values.force === true);
  writeReport(file, page(task, data, false));
  const { word, sentence } = verdictOf(data);
  terminal.show(`${task}: ${word}. ${sentence}`);
  if (data.cut !== undefined) terminal.note(`the report is not whole: ${data.cut}`);
  terminal.say(`Report: ${harmless(relative(process.cwd(), file))}`);
  if (values.open) await openInBrowser(file, terminal);
  terminal.result({ command: 'report', task, runId, state, file, ...(data.cut !== undefined && { cut: data.cut }) });
}

/** Serves the page until the run has ended, then writes the file. Ctrl+C ends the serving, and never the run. */
async function live(call: Call, subject: Subject, first: ReportData): Promise<Exit> {
  const { terminal, values, cwd } = call;
  const { task } = subject;
  if (first.state !== 'running') {
    const why = first.state === 'unknown' ? "the journal is damaged, so the run can't be followed" : undefined;
    terminal.note(why ?? 'the run has ended, so there is nothing to follow');
    await write(call, subject, first);
    return 0;
  }
  // Before anybody waits for hours: whether the file can be written at the end.
  reportFile(cwd, values.out, { task, runId: first.runId }, values.force === true);
  const served = new LivePage(task, first);
  await served.open();
  const stop = new AbortController();
  const leave = (): void => stop.abort();
  // They stand until the report is written: a second Ctrl+C must not lose it.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, leave);
  terminal.say(`Live page of ${task}: ${served.url}\nCtrl+C closes it; the run goes on.`);
  if (values.open) void openInBrowser(served.url, terminal);
  try {
    const { last, broke } = await followed(subject, first, served, stop);
    await served.close(broke === undefined ? whyOver(last) : 'lost');
    await write({ ...call, values: { ...values, open: false } }, subject, last);
    if (broke !== undefined) throw reportEndedEarly(broke);
  } finally {
    for (const signal of signals) process.off(signal, leave);
    await served.close('lost'); // if it is not closed yet, something went wrong
  }
  return 0;
}

/** A run that goes on was left, or its journal can't be read any further. */
function whyOver({ state, cut }: ReportData): WhyOver {
  if (cut !== undefined) return 'lost';
  return state === 'running' ? 'stopped' : 'ended';
}

/** Shows what the runner says until the run has ended. Resolves with the last of it, and why there is no more, if that is odd. */
async function followed(
  { project, argv }: Subject,
  first: ReportData,
  served: LivePage,
  stop: AbortController,
): Promise<{ last: ReportData; broke: string | undefined }> {
  let last = first;
  let reading = Promise.resolve();
  let unread: unknown;
  const line = (text: string): void => {
    reading = reading.then(async () => {
      last = await readReport(text);
      served.show(last);
    });
    reading = reading.catch((error: unknown) => {
      unread ??= error;
      stop.abort();
    });
  };
  const options = { cwd: project.folder, signal: stop.signal, line };
  const { said, exitCode } = await runLines(process.execPath, [runnerOf(project), ...argv('--report-live')], options);
  await reading;
  if (unread !== undefined) throw unread;
  const isOdd = exitCode !== 0 && !stop.signal.aborted;
  return { last, broke: isOdd ? said || `exit code ${exitCode}` : undefined };
}
