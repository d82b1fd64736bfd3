/** `divvy failures [task]`: the items that failed in a task's last run, or in the one with this id or these arguments, with their keys and errors. */

import { parseJson } from '../json/parse.ts';
import { openProject } from '../project/manifest.ts';
import { askRunner, journalIn, showRuns } from '../project/runner.ts';
import { findTask, meantTask } from '../project/tasks.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { saying } from '../terminal/waiting.ts';

/**
 * Reports the failed items. A project's only task need not be named.
 *
 * Rejects with a Refusal: with exit code 2 if there is no project, no runtime or no such task, with 1 if the runtime
 * cannot tell.
 */
export async function failures({ words, values, cwd, terminal }: Call): Promise<Exit> {
  const project = await openProject(cwd, terminal);
  const [named, ...run] = words;
  const word = meantTask(named, project);
  const subject = { file: findTask(word, cwd, project), run, journal: journalIn(cwd, values.journal) };
  await saying(terminal.note, 'Still looking for the failed items: waiting for the runtime.', async () => {
    if (terminal.json) {
      const failed = await askRunner(project, subject, '--failures', linesOf);
      terminal.result({ command: 'failures', folder: project.folder, task: word, failed });
    } else terminal.show((await showRuns(project, subject, '--failures')).trimEnd());
  });
  return 0;
}

function linesOf(output: string): unknown[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseJson(line));
}
