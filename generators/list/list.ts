/** `divvy list`: the project's tasks with their last runs, and the templates and hooks that exist. */

import { contractText, hooksOf } from '../project/hooks.ts';
import { openProject, type Project, projectFolder } from '../project/manifest.ts';
import { inWords, type LastRun, lastRun } from '../project/runner.ts';
import { taskFile, taskNames } from '../project/tasks.ts';
import { templates } from '../sources/templates.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { harmless } from '../terminal/harmless.ts';
import { table } from '../terminal/help.ts';
import { Refusal } from '../terminal/refusal.ts';
import { saying } from '../terminal/waiting.ts';

/** A task with its last run, null if it never ran; or with the reason why divvy cannot tell. */
type Task = { readonly name: string } & ({ readonly lastRun: LastRun | null } | { readonly error: string });

export async function list({ cwd, terminal }: Call): Promise<Exit> {
  const project = projectFolder(cwd) === undefined ? undefined : await openProject(cwd, terminal);
  const text = 'Still looking how the last runs stand: waiting for the runtime.';
  const tasks = project ? await saying(terminal.note, text, () => tasksOf(project)) : [];
  const rows = templates().map(({ name, description }) => [name, description] as const);
  const hooks = hooksOf(contractText()).map(({ name, summary }) => [name, summary] as const);
  const { style } = terminal;
  terminal.say(
    [
      project ? `${style.strong('Tasks')} in ${project.folder}` : style.strong('Tasks'),
      ...(project ? table(tasks.map(row)) : ['  none: there is no divvy.json here or above']),
      ...(project && tasks.length === 0 ? ['  none yet'] : []),
      '',
      style.strong('Templates'),
      ...table(rows),
      '',
      style.strong('Hooks'),
      ...table(hooks),
    ].join('\n'),
  );
  terminal.result({
    command: 'list',
    ...(project && { folder: project.folder }),
    tasks,
    templates: rows.map(([name, description]) => ({ name, description })),
    hooks: hooks.map(([name, summary]) => ({ name, summary })),
  });
  return 0;
}

/** The list is useful even without the last runs: the runtime may be gone, or be an older release. */
async function tasksOf(project: Project): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const name of taskNames(project)) {
    try {
      tasks.push({ name, lastRun: await lastRun(project, { file: taskFile(project, name) }) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      tasks.push({ name, error: error.message });
    }
  }
  return tasks;
}

function row(task: Task): readonly [string, string] {
  const name = harmless(task.name);
  if ('error' in task) return [name, harmless(task.error)];
  const { lastRun: run } = task;
  return [name, harmless(run === null ? inWords(run) : `${inWords(run)}, began ${run.began}`)];
}
