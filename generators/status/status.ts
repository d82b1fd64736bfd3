/**
 * `divvy status [task]`: the state of a task's last run, of the one with this id or these arguments, or of each task's last
 * one; with --engine that of a task's queue.
 */

import { relative } from 'node:path';
import { asArgument, divvyFromHere, divvyIn } from '../programs/shell.ts';
import { engineOf } from '../project/engines.ts';
import { openProject, type Project, projectFolder } from '../project/manifest.ts';
import { inWords, journalIn, type LastRun, lastRun, queueStatus } from '../project/runner.ts';
import { findTask, taskNames } from '../project/tasks.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { journalOfWhat, queueOfNoRun, queueOfWhat } from '../terminal/errors.ts';
import { harmless } from '../terminal/harmless.ts';
import { Refusal } from '../terminal/refusal.ts';
import { saying } from '../terminal/waiting.ts';

type Task = { readonly name: string } & ({ readonly lastRun: LastRun | null } | { readonly error: string });

/**
 * Reports the last runs; a task that never ran is no error. Without a task's name it reports all tasks; if it cannot
 * tell about one, it says why, and resolves with 1.
 *
 * Rejects with a Refusal: with exit code 2 if there is no project, no runtime or no such task, with 1 if the runtime
 * cannot tell about the named task.
 */
export async function status(call: Call): Promise<Exit> {
  const { words, cwd, terminal } = call;
  const project = await openProject(cwd, terminal);
  const [word, ...run] = words;
  if (call.values.engine !== undefined) return statusOfQueue(call, project);
  const journal = journalIn(cwd, call.values.journal);
  if (journal !== undefined && word === undefined) throw journalOfWhat(call.shown);
  const asked = word === undefined ? taskNames(project) : [word];
  const tasks: Task[] = [];
  await saying(terminal.note, 'Still looking how the last runs stand: waiting for the runtime.', async () => {
    for (const name of asked) {
      try {
        tasks.push({ name, lastRun: await lastRun(project, { file: findTask(name, cwd, project), run, journal }) });
      } catch (error) {
        if (!(error instanceof Refusal && error.exitCode === 1 && word === undefined)) throw error;
        tasks.push({ name, error: error.message });
      }
    }
  });
  if (asked.length === 0) terminal.say(`There are no tasks in ${project.folder}.`);
  for (const task of tasks) terminal.say(linesOf(task, call, project).join('\n'));
  terminal.result({ command: 'status', folder: project.folder, tasks });
  return tasks.some((task) => 'error' in task) ? 1 : 0;
}

/** Reports how the queue of a task stands. Resolves with 0. Rejects with a Refusal as above. */
async function statusOfQueue(call: Call, project: Project): Promise<Exit> {
  const { values, words, cwd, terminal, shown } = call;
  const [word, ...more] = words;
  if (word === undefined) throw queueOfWhat(shown);
  if (more.length > 0) throw queueOfNoRun(more);
  const file = findTask(word, cwd, project);
  const add = divvyIn(call, project.folder, 'add', 'engine', 'bullmq');
  const engine = engineOf(project, values.engine || undefined, add);
  const waits = 'Still looking how the queue stands: waiting for the runtime.';
  const found = await saying(terminal.note, waits, () => queueStatus(project, file, engine, values.json === true));
  if ('text' in found) terminal.say(found.text.trimEnd().split('\n').map(harmless).join('\n'));
  else terminal.result({ command: 'status', folder: project.folder, task: word, engine, queue: found.queue });
  return 0;
}

function linesOf(task: Task, call: Call, project: Project): string[] {
  if ('error' in task) return [`${task.name}: ${harmless(task.error)}`];
  const { name, lastRun: run } = task;
  if (run === null && call.words.length > 1)
    return [
      `${name}: no run with these arguments; ${divvyIn(call, project.folder, 'runs', name)} lists those that there are`,
    ];
  const lines = [`${name}: ${inWords(run)}`];
  if (run === null) return lines;
  lines.push(`  began ${run.began}${run.ended === undefined ? '' : `, ended ${run.ended}`}`);
  if (run.why !== undefined) lines.push(`  it failed: ${run.why}`);
  lines.push(`  journal ${relative(process.cwd(), run.journal)}`);
  lines.push(...(run.now?.lines ?? []), ...(run.noAnswer === undefined ? [] : [`  ${run.noAnswer}`]));
  if (run.others !== undefined) lines.push(`  going on, too: ${run.others.join(', ')}`);
  const from = run.cwd ?? call.cwd;
  // Outside the project, the name alone does not find the task.
  const word =
    projectFolder(from) === project.folder ? name : asArgument(relative(from, findTask(name, project.folder, project)));
  const command = (option: string): string =>
    divvyFromHere(
      { ...call, cwd: from },
      ...['run', word, option, ...run.optionWords],
      ...(run.args.length > 0 ? ['--', ...run.args] : []),
    );
  // A run that has done nothing yet needs no resume.
  if (run.state === 'unfinished' && !run.wasComplete && run.done + run.failed > 0)
    lines.push(`  to go on: ${command('--resume')}`);
  if (run.state !== 'running' && run.failed > 0) lines.push(`  to try what failed again: ${command('--retry-failed')}`);
  return lines.map(harmless);
}
