/** `divvy join <task>`: runs the project's own runner as a host, which works on items of a run that began elsewhere. */

import { divvyIn } from '../programs/shell.ts';
import { engineOf } from '../project/engines.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { runWith } from './run.ts';

/**
 * Joins the run of a task, given by its name or its file. The runner reads the options around it.
 *
 * Resolves with the runner's exit code or signal. Rejects with a Refusal with exit code 2 if there is no project or no
 * such task, or if no engine is there or several are and none is named.
 */
export const join = (call: Call): Promise<Exit> =>
  runWith(call, (project) => {
    const { argv } = call;
    if (['--help', '-h'].includes(argv[0] ?? '')) return [];
    const add = divvyIn(call, project.folder, 'add', 'engine', 'bullmq');
    return ['--engine', engineOf(project, engineNamed(argv), add), '--join'];
  });

/** The engine that a command line of the runner names; undefined if it names none. */
function engineNamed(argv: readonly string[]): string | undefined {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const words = argv.slice(0, end);
  const at = words.findLastIndex((word) => word === '--engine' || word.startsWith('--engine='));
  return at < 0 ? undefined : (/^--engine=(.*)$/s.exec(words[at] ?? '')?.[1] ?? words[at + 1] ?? '');
}
