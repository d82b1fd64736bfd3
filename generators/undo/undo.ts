/** `divvy undo`: reverses the last command that wrote. */

import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { keptFiles } from '../change-set/errors.ts';
import { placesOf, readRecord } from '../change-set/record.ts';
import { refuseTracked } from '../change-set/recovering.ts';
import { isPending, recover } from '../change-set/recovery.ts';
import { type Reversal, reversalOfLast } from '../change-set/reversal.ts';
import { realRoot } from '../change-set/survey.ts';
import { write } from '../change-set/write.ts';
import { stat } from '../disk/disk.ts';
import { version } from '../package.ts';
import { asTyped, divvyIn, divvyLine } from '../programs/shell.ts';
import { refuseUnmerged } from '../project/lock.ts';
import { projectFolder } from '../project/manifest.ts';
import { sayWithoutRuntime } from '../project/without-runtime.ts';
import { writePlan } from '../settling/plan.ts';
import {
  filesAsJson,
  isPreview,
  listOf,
  type Planned,
  type Previewed,
  previewOf,
  sayNotWritten,
  sayPreview,
} from '../settling/preview.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { harmless } from '../terminal/harmless.ts';

/**
 * Undoes what the last command wrote, byte for byte; only one command can be undone. Keeps files that were edited
 * since.
 *
 * If a command was cut short, takes back only that one: the person means that command.
 *
 * Resolves with 0, or with 3 if it kept something. Rejects with a Refusal if it cannot undo the command.
 */
export async function undo(call: Call): Promise<Exit> {
  const root = realRoot(folderToUndoIn(call.cwd));
  const { last, pending, done } = placesOf(root);
  if ([last, pending, done].some((folder) => stat(folder) !== undefined)) await refuseTracked(root, call.terminal);
  if (isPreview(call)) {
    const cut = readRecord(pending);
    if (cut) return reportCut(call, root, cut.command);
  } else if (isPending(root)) {
    const cut = recover(root);
    if (cut !== undefined) return reportCut(call, root, cut);
  }
  refuseUnmerged(root);
  const reversal = reversalOfLast(root);
  if (reversal === undefined) return reportNothing(call, root);
  let planned: Planned | undefined;
  if (call.values.plan !== undefined) planned = writePlan(call, reversal);
  else if (!isPreview(call)) write(reversal, asTyped(call));
  return report(call, reversal, planned);
}

/** If there are more files than this, only their number is printed. */
const MOST_LISTED = 12;

/** The nearest folder in which divvy has written, or that is the project's own. */
function folderToUndoIn(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const { last } = placesOf(folder);
    if (stat(last) !== undefined || isPending(folder) || folder === projectFolder(cwd)) return folder;
    if (folder === dirname(folder)) return cwd;
  }
}

function reportCut(call: Call, root: string, command: string): Exit {
  const { terminal } = call;
  const written = !isPreview(call);
  terminal.say(
    written
      ? `A command was cut short here, and has been taken back:\n  ${harmless(command)}\nNothing else was. To undo the command before it: ${divvyLine(call, 'undo')}`
      : `A command was cut short here. Nothing was written; this, and nothing else, would be taken back:\n  ${harmless(command)}`,
  );
  terminal.result({ command: 'undo', version, written, folder: root, undone: command, files: [], kept: [] });
  return 0;
}

function reportNothing({ terminal }: Call, root: string): Exit {
  terminal.say(`Nothing to undo: no command has written in ${root}.`);
  terminal.result({ command: 'undo', version, written: false, folder: root, undone: null, files: [], kept: [] });
  return 0;
}

function report(call: Call, reversal: Reversal, planned: Planned | undefined): Exit {
  const { root, changes, command, kept } = reversal;
  const { terminal } = call;
  const preview: Previewed[] = previewOf(changes);
  sayPreview(call, preview);
  if (isPreview(call)) sayNotWritten(call, root, changes.length, planned);
  else if (changes.length > 0) terminal.say(whatWasDone(call, reversal, preview));
  else if (kept.length === 0) terminal.say(`Nothing to do: all is as it was before ${harmless(command)}.`);
  if (kept.length > 0) terminal.refuse(keptFiles(kept));
  const paths = kept.map(({ path }) => path);
  const withoutRuntime = sayWithoutRuntime(terminal, reversal, paths, divvyIn(call, root, 'add'));
  terminal.result({
    command: 'undo',
    version,
    written: !isPreview(call) && changes.length > 0,
    folder: root,
    undone: command,
    ...filesAsJson(call, preview),
    kept,
    withoutRuntime,
    ...(planned && { plan: planned.file, apply: planned.apply }),
  });
  return kept.length > 0 ? 3 : 0;
}

function whatWasDone(call: Call, { root, command, madeRoot }: Reversal, preview: readonly Previewed[]): string {
  const { style } = call.terminal;
  const count = (...actions: Previewed['action'][]) => preview.filter(({ action }) => actions.includes(action)).length;
  const [removed, restored] = [count('remove'), count('create', 'edit')];
  const what = [
    ...(restored > 0 ? [`${restored} ${restored === 1 ? 'file' : 'files'} restored`] : []),
    ...(removed > 0 ? [`${removed} removed`] : []),
  ].join(', ');
  return [
    `Undone: ${what}.`,
    ...(call.values.verbose || preview.length > MOST_LISTED ? [] : [listOf(preview, call.terminal)]),
    ...whatIsLeft(root, madeRoot),
    `${style.faint('What was undone:')} ${harmless(command)}`,
  ].join('\n');
}

/**
 * What happened to a folder that the command had made: it is gone, or it still holds files that the command did not
 * write.
 */
function whatIsLeft(root: string, madeRoot: boolean): string[] {
  if (!madeRoot) return [];
  if (!existsSync(root)) return [`The folder ${root} is gone.`];
  return [`The folder ${root} stays: there is still ${readdirSync(root).map(harmless).join(', ')} in it.`];
}
