/** `divvy runs [task]`: the runs of a task, or of each task: when, by whom, where, with what, and how they ended. */

import { parseJson } from '../json/parse.ts';
import { openProject } from '../project/manifest.ts';
import { askRunner, type LastRun } from '../project/runner.ts';
import { findTask, taskNames } from '../project/tasks.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { saying } from '../terminal/waiting.ts';

/**
 * Reports the runs whose journals are kept, the newest first.
 *
 * Rejects with a Refusal: with exit code 2 if there is no project, no runtime or no such task, with 1 if the runtime
 * cannot tell.
 */
export async function runs({ words, cwd, terminal }: Call): Promise<Exit> {
  const project = await openProject(cwd, terminal);
  const names = words[0] === undefined ? taskNames(project) : [words[0]];
  const tasks: { name: string; runs: LastRun[] }[] = [];
  await saying(terminal.note, 'Still looking for the runs: waiting for the runtime.', async () => {
    for (const name of names) {
      const file = findTask(name, cwd, project);
      if (terminal.json) tasks.push({ name, runs: (await askRunner(project, file, '--runs', parseJson)) as LastRun[] });
      else {
        const text = (await askRunner(project, file, '--runs')).trimEnd();
        terminal.show(`${name}:\n${text.replace(/^/gm, '  ')}`);
      }
    }
  });
  if (names.length === 0) terminal.say(`There are no tasks in ${project.folder}.`);
  terminal.result({ command: 'runs', folder: project.folder, tasks });
  return 0;
}
