/** `divvy runs [task]`: the runs of a task, or of each task: when, by whom, where, with what, and how they ended. */

import { parseJson } from '../json/parse.ts';
import { openProject } from '../project/manifest.ts';
import { askRunner, journalIn, showRuns } from '../project/runner.ts';
import { findTask, taskNames } from '../project/tasks.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { journalOfWhat } from '../terminal/errors.ts';
import { harmless } from '../terminal/harmless.ts';
import { Refusal } from '../terminal/refusal.ts';
import { saying } from '../terminal/waiting.ts';

type Task = { readonly name: string } & ({ readonly runs: unknown } | { readonly error: string });

/**
 * Reports the runs whose journals are kept, the newest first. Without a task's name it reports all tasks; if it cannot
 * tell about one, it says why, and resolves with 1.
 *
 * Rejects with a Refusal: with exit code 2 if there is no project, no runtime or no such task, with 1 if the runtime
 * cannot tell about the named task.
 */
export async function runs({ words: [word], values, cwd, terminal, shown }: Call): Promise<Exit> {
  const project = await openProject(cwd, terminal);
  const journal = journalIn(cwd, values.journal);
  if (journal !== undefined && word === undefined) throw journalOfWhat(shown);
  const names = word === undefined ? taskNames(project) : [word];
  const tasks: Task[] = [];
  await saying(terminal.note, 'Still looking for the runs: waiting for the runtime.', async () => {
    for (const name of names) {
      const file = findTask(name, cwd, project);
      try {
        if (terminal.json) tasks.push({ name, runs: await askRunner(project, { file, journal }, '--runs', parseJson) });
        else
          terminal.show(
            `${name}:\n${(await showRuns(project, { file, journal }, '--runs')).trimEnd().replace(/^/gm, '  ')}`,
          );
      } catch (error) {
        if (!(error instanceof Refusal && error.exitCode === 1 && word === undefined)) throw error;
        tasks.push({ name, error: error.message });
        terminal.say(`${name}: ${harmless(error.message)}`);
      }
    }
  });
  if (names.length === 0) terminal.say(`There are no tasks in ${project.folder}.`);
  terminal.result({ command: 'runs', folder: project.folder, tasks });
  return tasks.some((task) => 'error' in task) ? 1 : 0;
}
