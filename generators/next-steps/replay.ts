/** The flags that make a command do the same again without questions; secrets are left out. */

import { LOCK } from '../disk/file-names.ts';
import { withoutPassword } from '../programs/shell.ts';
import type { Answers } from '../rendering/answers.ts';
import type { Settled } from '../settling/conflicts.ts';
import type { Template } from '../sources/templates.ts';
import type { FlagValues } from '../terminal/flags.ts';

/** What the task is made from. */
interface Made {
  readonly template: Template;
  readonly answers: Answers;
  readonly hooks: readonly string[];
  /** The task existed already and stays as it is: only the flags given now count. */
  readonly isThere?: boolean;
}

/**
 * The flags that say where the task comes from. The answers to questions become flags too.
 *
 * as - rewrites a path for the place where the command will run again.
 */
export function sourceFlags(
  values: FlagValues,
  { template, answers, hooks, isThere = false }: Made,
  as = (path: string) => path,
): string[] {
  const { manifest } = template;
  const argv = isThere ? [] : ['--template', as(withoutPassword(values.template ?? manifest.name))];
  if (values.ref !== undefined) argv.push('--ref', values.ref);
  // Only the person's own file holds the secrets, so the command names that file.
  const hasSecrets = manifest.prompts?.some(({ secret }) => secret) ?? false;
  if (hasSecrets && values['data-file'] !== undefined) argv.push('--data-file', as(values['data-file']));
  if (!isThere || values.data !== undefined || values['data-file'] !== undefined)
    for (const [name, value] of Object.entries(answers.shown)) argv.push('--data', `${name}=${value}`);
  if (hooks.length > 0 && (!isThere || values.hooks !== undefined)) argv.push('--hooks', hooks.join(','));
  return argv;
}

/**
 * The flags that settle conflicts in the same way; undefined if some files were kept and others overwritten, since no
 * flag says that.
 */
export function conflictFlags(values: FlagValues, { preview }: Settled): string[] | undefined {
  const given = values['on-conflict'];
  // The lock belongs to divvy: it never asks about it.
  const hasAny = (wanted: 'skip' | 'overwrite') =>
    preview.some(({ action, change }) => action === wanted && change.path !== LOCK);
  const asked = (['skip', 'overwrite'] as const).filter(hasAny);
  const [how, other] = given === undefined || given === 'ask' ? asked : [given];
  if (other !== undefined) return undefined;
  return [...(how === undefined ? [] : ['--on-conflict', how]), ...(values['allow-dirty'] ? ['--allow-dirty'] : [])];
}

/** Printed when no command does the same again. */
export const NO_REPLAY =
  'Of the files that differed some were kept and some were overwritten: no one command does that again.';
