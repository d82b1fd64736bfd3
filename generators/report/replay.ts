/** The flags that make a command do again what it did, without a question; what is secret is left out. */

import { LOCK } from '../disk/file-names.ts';
import { withoutPassword } from '../programs/shell.ts';
import type { Answers } from '../rendering/answers.ts';
import type { Settled } from '../settling/conflicts.ts';
import type { Template } from '../sources/templates.ts';
import type { FlagValues } from '../terminal/flags.ts';

/** What the task was made from. */
interface Made {
  readonly template: Template;
  readonly answers: Answers;
  readonly hooks: readonly string[];
  /** The task is there and stays what it is: only what was asked of it now counts. */
  readonly isThere?: boolean;
}

/**
 * Where the task comes from: by the flags, whether they were given or somebody was asked.
 *
 * as - how the text of a path is written where the command is run again.
 */
export function sourceFlags(
  values: FlagValues,
  { template, answers, hooks, isThere = false }: Made,
  as = (path: string) => path,
): string[] {
  const { manifest } = template;
  const argv = isThere ? [] : ['--template', as(withoutPassword(values.template ?? manifest.name))];
  if (values.ref !== undefined) argv.push('--ref', values.ref);
  // A secret is only where the person keeps it.
  const hasSecrets = manifest.prompts?.some(({ secret }) => secret) ?? false;
  if (hasSecrets && values['data-file'] !== undefined) argv.push('--data-file', as(values['data-file']));
  if (!isThere || values.data !== undefined || values['data-file'] !== undefined)
    for (const [name, value] of Object.entries(answers.shown)) argv.push('--data', `${name}=${value}`);
  if (hooks.length > 0 && (!isThere || values.hooks !== undefined)) argv.push('--hooks', hooks.join(','));
  return argv;
}

/** How files that differed were settled; undefined where each was settled in its own way, which no flag says. */
export function conflictFlags(values: FlagValues, { preview }: Settled): string[] | undefined {
  const given = values['on-conflict'];
  // The lock is divvy's own: nobody is asked about it.
  const hasAny = (wanted: 'skip' | 'overwrite') =>
    preview.some(({ action, change }) => action === wanted && change.path !== LOCK);
  const asked = (['skip', 'overwrite'] as const).filter(hasAny);
  const [how, other] = given === undefined || given === 'ask' ? asked : [given];
  if (other !== undefined) return undefined;
  return [...(how === undefined ? [] : ['--on-conflict', how]), ...(values['allow-dirty'] ? ['--allow-dirty'] : [])];
}

/** What is shown in place of the command. */
export const NO_REPLAY =
  'Of the files that differed some were kept and some were overwritten: no one command does that again.';
