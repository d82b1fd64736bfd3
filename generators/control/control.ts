/**
 * `divvy pause`, `continue`, `workers`, `cancel` and `stop`: a hand on a task's run that goes on, from another terminal.
 * The project's own runner asks the run; this only finds the task.
 */

import { parseJson } from '../json/parse.ts';
import { openProject } from '../project/manifest.ts';
import { askRun, journalIn } from '../project/runner.ts';
import { findTask, meantTask } from '../project/tasks.ts';
import type { Command } from '../terminal/command.ts';
import { valueNotNamed } from '../terminal/errors.ts';
import { harmless } from '../terminal/harmless.ts';
import { saying } from '../terminal/waiting.ts';

/** What takes a value before the task's name, and what that is. */
const VALUES = { workers: 'the number of workers', cancel: 'the key of the item' } as const;

/** The words of the command line that are for a run. */
export type Control = 'pause' | 'continue' | 'stop' | keyof typeof VALUES;

/**
 * The command that asks this of a run. A project's only task need not be named. Words after the task are the arguments of
 * its run: they tell several runs of a task apart.
 *
 * It rejects with a Refusal: with exit code 2 if there is no project, no runtime, no such task or no value, with 1 if no
 * run goes on, and if the run refuses or does not answer.
 */
export function controlOf(what: Control): Command {
  return async ({ words, values, cwd, terminal }) => {
    const project = await openProject(cwd, terminal);
    const takes = what === 'workers' || what === 'cancel' ? VALUES[what] : undefined;
    const value = takes === undefined ? undefined : words[0];
    const behind = takes === undefined ? words : words.slice(1);
    if (takes !== undefined && value === undefined) throw valueNotNamed(what, takes);
    const [named, ...run] = behind;
    const word = meantTask(named, project);
    const file = findTask(word, cwd, project);
    const asked = value ?? (values.now ? 'now' : undefined);
    await saying(terminal.note, 'Still waiting for the run to answer.', async () => {
      const text = asked === undefined ? what : `${what} ${asked}`;
      const { runId, text: answer } = await askRun(
        project,
        { file, run, journal: journalIn(cwd, values.journal) },
        text,
        parseJson,
      );
      terminal.say(`${harmless(runId)}: ${harmless(answer)}`);
      terminal.result({ command: what, folder: project.folder, task: word, runId, answer });
    });
    return 0;
  };
}
