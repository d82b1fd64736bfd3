/** The words of what is refused when files are to be written, and of plans. */

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
  new Refusal(3, `${quoted(path)} is not written: ${reason}`, 'Nothing was changed. Put that right, and try again.');

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
    `these would be changed, and have changes of yours that git does not have yet:${lines(paths)}`,
    'Nothing was changed. Commit them, or add --allow-dirty.',
  );

export const gitCannotTell = (paths: readonly string[], reason: string): Refusal =>
  new Refusal(
    5,
    `git cannot tell whether it has all of what would be changed (${harmless(reason)}):${lines(paths)}`,
    'Nothing was changed. Put that right, or add --allow-dirty.',
  );

export const writeFailed = (path: string, reason: string): Refusal =>
  new Refusal(
    1,
    `${quoted(path)} could not be written: ${reason}`,
    'Everything is as it was before. Put that right, and try again.',
  );

export const rollBackFailed = (path: string, reason: string, record: string): Refusal =>
  new Refusal(
    1,
    `${quoted(path)} could not be put back: ${reason}`,
    `Put that right, and run any divvy command here: it goes on from the record in ${record}.`,
  );

export const recoveryFailed = (reason: string, home: string): Refusal =>
  new Refusal(
    1,
    `what a command that was cut short has left here could not be put right: ${reason}`,
    `Put that right, and run any divvy command here: it goes on from what is in ${home}.`,
  );

export const otherCommandAtWork = (pid: number, record: string): Refusal =>
  new Refusal(
    1,
    `another divvy command is writing here: process ${pid}`,
    `Wait for it. If that process is no divvy command, remove ${record}/pid and try again.`,
  );

export const badRecord = (record: string, reason: string): Refusal =>
  new Refusal(
    1,
    `the record of what a command wrote here cannot be used: ${quoted(record)}: ${harmless(reason)}`,
    'Look at the files that it names, put right what is not, and remove that folder.',
  );

export const recordInGit = (home: string): Refusal =>
  new Refusal(
    3,
    `${quoted(home)} is in git: it came with the repository, and what it says a command wrote here no command here has written`,
    'Nothing was changed. Look who committed it and why; then take it out: git rm -r --cached .divvy, and remove the folder.',
  );

// Plans, and what is taken back

export const planThere = (file: string): Refusal =>
  new Refusal(3, `${quoted(file)} is there already`, 'Give another name for the plan, or remove that file.');

export const planNotWritten = (file: string, reason: string): Refusal =>
  new Refusal(1, `the plan ${quoted(file)} could not be written: ${reason}`, 'Nothing was changed. Give another name.');

export const noPlanNamed = (command: string): Refusal =>
  new Refusal(2, 'no plan is named', `Write \`${command} FILE\`, with a file that --plan has written.`);

export const badPlan = (file: string, reason: string): Refusal =>
  new Refusal(2, `${quoted(file)} is no plan that can be used: ${harmless(reason)}`, 'Make it again, with --plan.');

export const planOutdated = (paths: readonly string[]): Refusal =>
  new Refusal(
    3,
    `${paths.length === 1 ? 'a file is' : `${paths.length} files are`} no longer as the plan found ${paths.length === 1 ? 'it' : 'them'}:${lines(paths)}`,
    'Nothing was changed. Make the plan again.',
  );

export const keptFiles = (kept: Kept): Refusal =>
  leftAsIs(kept, 'Put that back by hand; `divvy undo` then takes back the rest.');
