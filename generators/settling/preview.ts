/** Shows what a command would write or has written: as a list, as a diff and as JSON. Every command uses this. */

import { createTwoFilesPatch } from 'diff/lib/patch/create.js';
import type { Change, Wanted } from '../change-set/survey.ts';
import { sha256 } from '../disk/line-ends.ts';
import type { Call } from '../terminal/command.ts';
import { harmless } from '../terminal/harmless.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** A plan that was saved. */
export interface Planned {
  /** Absolute. */
  readonly file: string;
  /** The command line that applies the plan. */
  readonly apply: string;
}

export interface Previewed {
  readonly action: 'create' | 'edit' | 'overwrite' | 'remove' | 'skip' | 'conflict' | 'unchanged';
  readonly change: Change;
}

/** Whether the command only shows or plans its changes, so that it may write nothing but a plan. */
export const isPreview = (call: Call): boolean => isShown(call) || call.values.plan !== undefined;

/** Whether nothing at all may be written. */
export const isShown = (call: Call): boolean =>
  call.values['dry-run'] === true || call.values.diff === true || isNpmDryRun(call);

/** Whether npm was given `--dry-run`: the person wants nothing to be written, so divvy obeys it too. */
const isNpmDryRun = ({ environment }: Call): boolean => environment['npm_config_dry_run'] === 'true';

/** What happens to each file of a change set. */
export const previewOf = (changes: readonly Change[]): Previewed[] =>
  changes.map((change) => ({
    action: change.after === undefined ? 'remove' : change.before === undefined ? 'create' : 'edit',
    change,
  }));

/** A file that stays as it is. */
export const unchanged = (file: Wanted): Previewed => ({ action: 'unchanged', change: { ...file, before: undefined } });

export const listOf = (preview: readonly Previewed[], { style }: Terminal): string => {
  const paint = {
    create: style.added,
    edit: style.warning,
    overwrite: style.warning,
    remove: style.removed,
    conflict: style.removed,
    skip: style.faint,
    unchanged: style.faint,
  };
  return preview
    .map(({ action, change }) => `  ${paint[action](action.padEnd(10))} ${harmless(change.path)}`)
    .join('\n');
};

/** In the format of `git diff`, so that `git apply` and `patch -p1` can read it. */
export function diffOf(preview: readonly Previewed[]): string {
  return preview
    .filter(({ action }) => action !== 'unchanged' && action !== 'skip')
    .map(({ change: { path, before, after } }) => {
      const [from, to] = [before?.bytes.toString('utf8') ?? '', after?.toString('utf8') ?? ''];
      const names = [before ? `a/${path}` : '/dev/null', after ? `b/${path}` : '/dev/null'] as const;
      return createTwoFilesPatch(...names, from, to, undefined, undefined, {
        headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
      }).replace(/\n$/, '');
    })
    .join('\n');
}

/** Shows the diff for `--diff`, or the list for `--dry-run`, `--plan` and `--verbose`. */
export function sayPreview(call: Call, preview: readonly Previewed[]): void {
  const { values, terminal } = call;
  if (values.diff) terminal.show(diffOf(preview));
  else if ((isPreview(call) || values.verbose) && preview.length > 0) terminal.say(listOf(preview, terminal));
}

/** Says that nothing was written, or only a plan, and what would be. */
export function sayNotWritten(call: Call, root: string, count: number, planned: Planned | undefined): void {
  const { terminal, values } = call;
  const files = `${count} ${count === 1 ? 'file' : 'files'}`;
  if (planned === undefined || isShown(call))
    terminal.say(`\nNothing was written. This would change, in ${root}: ${files}.`);
  else
    terminal.say(
      `\nPlan saved to ${values.plan} (${files} in ${root}). Nothing else was changed.\nTo carry it out:\n  ${planned.apply}`,
    );
}

/**
 * The part of the JSON object that all commands share. sha256 is the sum of the file afterwards; null if it is removed.
 */
export const filesAsJson = ({ values }: Call, preview: readonly Previewed[]): object => ({
  files: preview.map(({ action, change: { path, after } }) => ({ path, action, sha256: after ? sha256(after) : null })),
  ...(values.diff && { diff: diffOf(preview) }),
});
