/** `divvy remove <task>`, `divvy remove telemetry`, `divvy remove engine`: reverses add. */

import { join } from 'node:path';
import { write } from '../change-set/write.ts';
import { stat } from '../disk/disk.ts';
import { leftBehind } from '../host/errors.ts';
import { version } from '../package.ts';
import { asTyped, divvyIn } from '../programs/shell.ts';
import { partToRemove } from '../project/part-words.ts';
import { sayWithoutRuntime } from '../project/without-runtime.ts';
import { writePlan } from '../settling/plan.ts';
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
import { removePart } from './part.ts';
import { type Subject, settleSubject, withTask } from './subject.ts';
import { type Taking, take } from './taking.ts';

/** If there are more files than this, only their number is printed. */
const MOST_LISTED = 12;

/**
 * Removes a task, and with the last one the runtime and every edit. Keeps and names files that were edited since.
 *
 * Resolves with 0, or with 3 if it kept something. Rejects with a Refusal if it must not or cannot remove the task.
 */
export async function remove(typed: Call): Promise<Exit> {
  const part = partToRemove(typed.shown, typed.words);
  if (part !== undefined) return removePart(typed, part);
  const call = await withTask(typed);
  const subject = await settleSubject(call);
  const taking = await take(call, subject);
  let planned: Planned | undefined;
  if (call.values.plan !== undefined) planned = writePlan(call, taking.changeSet);
  else if (!isPreview(call)) write(taking.changeSet, asTyped(call));
  report(call, subject, taking, planned);
  return taking.kept.length > 0 ? 3 : 0;
}

function report(call: Call, subject: Subject, taking: Taking, planned: Planned | undefined): void {
  const { changeSet, kept } = taking;
  const { terminal } = call;
  const { root, changes } = changeSet;
  const preview = previewOf(changes);
  sayPreview(call, preview);
  if (isPreview(call)) sayNotWritten(call, root, changes.length, planned);
  else if (changes.length === 0) terminal.say(`Nothing to do: nothing of ${subject.task} is left.`);
  else terminal.say(whatWasDone(call, subject, preview, taking));
  if (kept.length > 0) terminal.refuse(leftBehind(kept));
  const paths = kept.map(({ path }) => path);
  const withoutRuntime = sayWithoutRuntime(terminal, changeSet, paths, divvyIn(call, root, 'undo'));
  terminal.result({
    command: 'remove',
    version,
    written: !isPreview(call) && changes.length > 0,
    folder: root,
    task: subject.task,
    ...filesAsJson(call, preview),
    kept,
    withoutRuntime,
    ...(planned && { plan: planned.file, apply: planned.apply }),
  });
}

function whatWasDone(
  call: Call,
  { task, root }: Subject,
  preview: ReturnType<typeof previewOf>,
  { takesAll, packages }: Taking,
): string {
  const { style } = call.terminal;
  const count = (action: 'remove' | 'edit') => preview.filter((each) => each.action === action).length;
  const [removed, edited] = [count('remove'), count('edit')];
  const what = [
    ...(removed > 0 ? [`${removed} ${removed === 1 ? 'file' : 'files'} removed`] : []),
    ...(edited > 0 ? [`${edited} edited`] : []),
  ].join(', ');
  const journals = `.divvy/${task}`;
  return [
    `Removed ${style.strong(task)}${takesAll ? ' and, since it was the last task, the runtime' : ''}: ${what}.`,
    ...(call.values.verbose || preview.length > MOST_LISTED ? [] : [listOf(preview, call.terminal)]),
    ...(stat(join(root, journals)) ? [`The journals of its runs are still in ${journals}.`] : []),
    // Removing installed packages is the work of the package manager.
    ...packages.map(
      (name) => `${harmless(name)} is no longer in package.json: install again to remove it from your lock file, too.`,
    ),
    `To bring it back: ${divvyIn(call, root, 'undo')}`,
  ].join('\n');
}
