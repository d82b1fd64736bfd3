/** Says what an upgrade did, would do, or waits for. */

import type { ChangeSet } from '../change-set/survey.ts';
import { version } from '../package.ts';
import { divvyIn } from '../programs/shell.ts';
import {
  filesAsJson,
  isPreview,
  listOf,
  type Planned,
  previewOf,
  sayNotWritten,
  sayPreview,
} from '../settling/preview.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { harmless } from '../terminal/harmless.ts';
import { lines, Refusal } from '../terminal/refusal.ts';
import type { Home } from '../vendored/owned.ts';
import type { Outcome } from '../vendored/three-way.ts';
import type { Upgrading } from './upgrading.ts';
import type { Tried } from './verify.ts';

export function reportAbort({ terminal }: Call, root: string, wasThere: boolean): void {
  terminal.say(wasThere ? 'The upgrade is forgotten. Nothing of the project was changed.' : 'No upgrade waits here.');
  terminal.result({ command: 'upgrade', version, written: false, folder: root, aborted: wasThere });
}

export function reportCheck(call: Call, { root }: Home, { what, from, to, isNewer, upToDate, saved }: Upgrading): Exit {
  const { terminal, values } = call;
  const argv = ['upgrade', ...(values.template === undefined ? [] : ['--template'])];
  const remedy = `To renew ${what}: ${divvyIn(call, root, ...argv)}`;
  terminal.say(isNewer ? `There is a newer release of ${what}: from ${from} to ${to}.\n${remedy}` : upToDate);
  terminal.result({
    command: 'upgrade',
    version,
    written: false,
    folder: root,
    from: saved.from,
    to: saved.to,
    isNewer,
  });
  return isNewer ? 10 : 0;
}

/** `folder` is where the conflicts are; undefined if this is a preview. */
export function reportConflicts(
  call: Call,
  { root }: Home,
  { to, saved }: Upgrading,
  {
    open,
    settled,
    folder,
  }: { readonly open: readonly Outcome[]; readonly settled: readonly Outcome[]; readonly folder: string | undefined },
): void {
  const { terminal } = call;
  const places = open.map(({ path, conflicts, reason }) => {
    const count = `${conflicts} ${conflicts === 1 ? 'conflict' : 'conflicts'}`;
    return `${path}: ${count}${reason === undefined ? '' : ` (${reason})`}`;
  });
  const again = divvyIn(call, root, 'upgrade', '--continue');
  const remedy =
    folder === undefined
      ? 'Nothing was written. Without --dry-run, --diff or --plan these files are laid out for you in .divvy/upgrade/.'
      : `Nothing of the project was changed: it runs as before.\nResolve them in .divvy/upgrade/merged/; base/, mine/ and theirs/ beside it have each side. If you delete a file there, it is removed from the project, too.\nThen: ${again}\nTo forget the upgrade: ${divvyIn(call, root, 'upgrade', '--abort')}`;
  const what = `${open.length === 1 ? 'a file was' : `${open.length} files were`} changed in the same places by you and by ${to}:`;
  terminal.refuse(new Refusal(3, `${what}${lines(places)}`, remedy));
  terminal.result({
    command: 'upgrade',
    version,
    written: false,
    folder: root,
    from: saved.from,
    to: saved.to,
    conflicts: open.map(({ path, conflicts, reason }) => ({ path, conflicts, ...(reason && { reason }) })),
    merged: settled.filter(({ kind }) => kind === 'merged').map(({ path }) => path),
    ...(folder !== undefined && { resolveIn: folder }),
  });
}

export interface Done {
  readonly settled: readonly Outcome[];
  readonly changeSet: ChangeSet;
  readonly tried: Tried;
  readonly planned: Planned | undefined;
}

export function reportDone(call: Call, { root }: Home, upgrading: Upgrading, done: Done): void {
  const { to, saved } = upgrading;
  const { settled, changeSet, tried, planned } = done;
  const { terminal } = call;
  const { changes } = changeSet;
  const preview = previewOf(changes);
  const isGood = tried.failed.length === 0;
  sayPreview(call, preview);
  if (changes.length === 0) terminal.say(upgrading.upToDate);
  else if (!isGood) terminal.refuse(worse(call, root, tried, to));
  else if (isPreview(call)) sayNotWritten(call, root, changes.length, planned);
  else terminal.say(inWords(call, root, upgrading, settled));
  for (const line of [...upgrading.notes, ...notesOn(tried, settled)]) terminal.note(line);
  terminal.result({
    command: 'upgrade',
    version,
    written: isGood && !isPreview(call) && changes.length > 0,
    folder: root,
    from: saved.from,
    to: saved.to,
    ...filesAsJson(call, preview),
    outcomes: settled.filter(({ kind }) => kind !== 'same').map(({ path, kind }) => ({ path, outcome: kind })),
    tried: tried.isTried,
    ...(tried.isTried && {
      passed: tried.passed,
      failed: tried.failed,
      failedBefore: tried.failedBefore,
      wavering: tried.wavering,
    }),
    ...(planned && { plan: planned.file, apply: planned.apply }),
  });
}

/** How many of the promises that do not hold are named: one fault breaks many. */
const MOST_FAILURES = 3;

function list(failures: Tried['failed']): string {
  const more = failures.length - MOST_FAILURES;
  const named = failures
    .slice(0, MOST_FAILURES)
    .map(({ name, reason }) => `${name}: ${reason.replaceAll('\n', '\n  ')}`);
  return lines([...named, ...(more > 0 ? [`… and ${more} more. --json has them all.`] : [])]);
}

const worse = (call: Call, root: string, { failed }: Tried, to: string): Refusal =>
  new Refusal(
    1,
    `the merged runtime of ${to} does not do what a runtime promises, and the one that is here does:${list(failed)}`,
    call.values.continue
      ? `Nothing was changed, and what you resolved is still there. Mend it in .divvy/upgrade/merged/, then: ${divvyIn(call, root, 'upgrade', '--continue')}`
      : `Nothing was changed. What you changed and what the release changed do not go together, although no line is in conflict. ${divvyIn(call, root, 'diff')} shows the one, and with --upstream the other.`,
  );

function inWords(call: Call, root: string, { what, from, to }: Upgrading, settled: readonly Outcome[]): string {
  const count = (...kinds: Outcome['kind'][]) => settled.filter(({ kind }) => kinds.includes(kind)).length;
  const parts = [
    [count('theirs'), 'replaced'],
    [count('merged'), 'merged with your changes'],
    [count('mine'), 'left as you have them'],
    [count('added'), 'added'],
    [count('removed'), 'removed'],
    [count('gone'), 'deleted by you, and left so'],
  ] as const;
  const told = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  const merged = settled.filter(({ kind }) => kind === 'merged');
  const listed = merged.length === 0 || merged.length > MOST_LISTED ? [] : [listOf(merged.map(asEdit), call.terminal)];
  return [
    from === to
      ? `${what} of ${to}: ${told.join(', ')}.`
      : `Upgraded ${what} from ${from} to ${to}: ${told.join(', ')}.`,
    ...listed,
    `To undo it: ${divvyIn(call, root, 'undo')}`,
  ].join('\n');
}

const MOST_LISTED = 20;

const asEdit = ({ path, mine, after }: Outcome) => ({
  action: 'edit' as const,
  change: { path, before: mine, after },
});

function notesOn(tried: Tried, settled: readonly Outcome[]): string[] {
  const back = settled.filter(({ kind, reason }) => kind === 'added' && reason !== undefined);
  return [
    ...(tried.failedBefore.length > 0
      ? [`The runtime that was here fails this too, so the upgrade is not to blame:${list(tried.failedBefore)}`]
      : []),
    ...tried.wavering.map((name) => `Tried twice, since it failed the first time and held the second: ${name}.`),
    ...(tried.noTypes === undefined ? [] : [`The types of the tasks were not checked: ${harmless(tried.noTypes)}.`]),
    ...back.map(({ path, reason }) => `${path} is back: ${reason}.`),
  ];
}
