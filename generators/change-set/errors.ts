/** The messages of refusals about writing files and about plans. */

import { harmless } from '../terminal/harmless.ts';
import { lines, quoted, Refusal } from '../terminal/refusal.ts';

export type Kept = readonly { readonly path: string; readonly reason: string }[];

export const leftAsIs = (kept: Kept, remedy: string): Refusal =>
  new Refusal(
    3,
    `left as ${kept.length === 1 ? 'it is' : 'they are'}:${lines(kept.map(({ path, reason }) => `${path}: ${reason}`))}`,
    remedy,
  );

export const unsafePath = (path: string, reason: string): Refusal =>
  new Refusal(3, `${quoted(path)} is not written: ${reason}`, 'Nothing was changed. Fix that, and try again.');

export const changedMeanwhile = (path: string): Refusal => unsafePath(path, 'it was changed while this command ran');

export const conflicts = (paths: readonly string[]): Refusal =>
  new Refusal(
    3,
    `${paths.length === 1 ? 'a file exists and differs' : `${paths.length} files exist and differ`}:${lines(paths)}`,
    'Nothing was changed. --diff shows how they differ; --on-conflict skip keeps yours, --on-conflict overwrite takes the new.',
  );

export const dirtyFiles = (paths: readonly string[]): Refusal =>
  new Refusal(
    5,
    `these files would be edited, and have uncommitted changes:${lines(paths)}`,
    'Nothing was changed. Commit them, or add --allow-dirty.',
  );

export const gitCannotTell = (paths: readonly string[], reason: string): Refusal =>
  new Refusal(
    5,
    `git cannot tell whether these files have uncommitted changes (${harmless(reason)}):${lines(paths)}`,
    'Nothing was changed. Fix that, or add --allow-dirty.',
  );

export const writeFailed = (path: string, reason: string): Refusal =>
  new Refusal(
    1,
    `${quoted(path)} could not be written: ${reason}`,
    'Everything is as it was before. Fix that, and try again.',
  );

export const rollBackFailed = (path: string, reason: string, record: string): Refusal =>
  new Refusal(
    1,
    `${quoted(path)} could not be put back: ${reason}`,
    `Fix that, and run any divvy command here: it goes on from the record in ${record}.`,
  );

export const recoveryFailed = (reason: string, home: string): Refusal =>
  new Refusal(
    1,
    `an earlier divvy command was cut short, and its files could not be restored: ${reason}`,
    `Fix that, and run any divvy command here: it goes on from what is in ${home}.`,
  );

export const otherCommandAtWork = (pid: number, record: string): Refusal =>
  new Refusal(
    1,
    `another divvy command is writing here: process ${pid}`,
    `Wait for it. If that process is not a divvy command, remove ${record}/pid and try again.`,
  );

export const badRecord = (record: string, reason: string): Refusal =>
  new Refusal(
    1,
    `the record of what a command wrote here cannot be used: ${quoted(record)}: ${harmless(reason)}`,
    'Check the files that it names, fix what is wrong, and remove that folder.',
  );

export const recordInGit = (home: string): Refusal =>
  new Refusal(
    3,
    `${quoted(home)} is committed to git. divvy doesn't trust it, because somebody else may have written it`,
    'Nothing was changed. Find out who committed it. If it is yours: git rm -r --cached .divvy. If not, delete the folder too; it has the journals, and without these earlier runs cannot be resumed.',
  );

// Plans, and undoing

export const planThere = (file: string): Refusal =>
  new Refusal(3, `${quoted(file)} is there already`, 'Give another name for the plan, or remove that file.');

export const planNotWritten = (file: string, reason: string): Refusal =>
  new Refusal(1, `the plan ${quoted(file)} could not be written: ${reason}`, 'Nothing was changed. Give another name.');

export const noPlanNamed = (command: string): Refusal =>
  new Refusal(2, 'no plan is named', `Write \`${command} FILE\`, with a file that --plan has written.`);

export const badPlan = (file: string, reason: string): Refusal =>
  new Refusal(2, `${quoted(file)} cannot be used as a plan: ${harmless(reason)}`, 'Make it again with --plan.');

export const planOutdated = (paths: readonly string[]): Refusal =>
  new Refusal(
    3,
    `${paths.length === 1 ? 'a file is' : `${paths.length} files are`} no longer as the plan found ${paths.length === 1 ? 'it' : 'them'}:${lines(paths)}`,
    'Nothing was changed. Make the plan again.',
  );

export const keptFiles = (kept: Kept): Refusal =>
  leftAsIs(kept, 'Restore that by hand; `divvy undo` then takes back the rest.');
