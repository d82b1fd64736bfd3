/** `divvy apply PLAN`: writes a plan, if all files are still as they were when the plan was made. */

import { noPlanNamed, planOutdated } from '../change-set/errors.ts';
import { recoverFirst } from '../change-set/recovering.ts';
import { type ChangeSet, isAsWanted, survey } from '../change-set/survey.ts';
import { write } from '../change-set/write.ts';
import { readBefore } from '../disk/disk.ts';
import { sumOf } from '../disk/line-ends.ts';
import { version } from '../package.ts';
import { asTyped, divvyIn } from '../programs/shell.ts';
import { settleDirty } from '../settling/dirty.ts';
import { type Plan, readPlan } from '../settling/plan.ts';
import { filesAsJson, isPreview, previewOf, sayNotWritten, sayPreview } from '../settling/preview.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { harmless } from '../terminal/harmless.ts';

/**
 * Applies a plan: all of it or nothing. Applying it a second time changes nothing.
 *
 * Resolves with 0. Rejects with a Refusal: with exit code 2 if the file is no plan, with 3 if a file has changed since
 * or must not be written, with 5 if a file has changes that git does not have.
 */
export async function apply(call: Call): Promise<Exit> {
  const [given] = call.words;
  if (given === undefined) throw noPlanNamed(call.shown);
  const plan = await readPlan(call, given);
  if (!isPreview(call)) await recoverFirst(plan.root, call.terminal);
  const changeSet = settleChanges(plan);
  const dirty = await settleDirty(call, plan.root, changeSet.changes);
  if (!isPreview(call)) write({ ...changeSet, dirty }, asTyped(call));
  report(call, plan, changeSet);
  return 0;
}

function settleChanges({ root, wanted, goneFolders }: Plan): ChangeSet {
  // Survey everything first: never read a file at a place where we must not write.
  const { added, differing } = survey(root, wanted);
  const outdated = wanted.filter((file) => {
    const now = readBefore(root, file.path);
    return !isAsWanted(file, now) && (now ? sumOf(now.bytes) : null) !== file.beforeSum;
  });
  if (outdated.length > 0) throw planOutdated(outdated.map(({ path }) => path));
  return { root, changes: [...added, ...differing], goneFolders };
}

function report(call: Call, plan: Plan, { root, changes }: ChangeSet): void {
  const { terminal } = call;
  const preview = previewOf(changes);
  sayPreview(call, preview);
  if (changes.length === 0) terminal.say(`Nothing to do: all is as the plan wants it, in ${root}.`);
  else if (isPreview(call)) sayNotWritten(call, root, changes.length, undefined);
  else {
    const count = `${changes.length} ${changes.length === 1 ? 'file' : 'files'}`;
    terminal.say(
      `The plan is carried out in ${root}: ${count}.\nIt was made by: ${harmless(plan.command)}\nTo undo it: ${divvyIn(call, root, 'undo')}`,
    );
  }
  terminal.result({
    command: 'apply',
    version,
    written: !isPreview(call) && changes.length > 0,
    folder: root,
    planned: plan.command,
    ...filesAsJson(call, preview),
  });
}
