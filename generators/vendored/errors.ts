/** The messages of refusals about vendored code. */

import { harmless } from '../terminal/harmless.ts';
import { quoted, Refusal } from '../terminal/refusal.ts';

export const badPending = (folder: string, reason: string): Refusal =>
  new Refusal(
    3,
    `the upgrade that waits for you cannot be used: ${quoted(folder)}: ${harmless(reason)}`,
    'Nothing was changed. Take what you want from that folder, forget it with `divvy upgrade --abort`, and begin again.',
  );

export const noLock = (root: string, command: string): Refusal =>
  new Refusal(
    2,
    `${root} has no divvy.lock.json, so nobody can tell what was released and what is yours`,
    `Bring it back from git: git checkout -- divvy.lock.json. If the project was ejected on purpose, \`${command}\` has nothing to do.`,
  );

export const noSuchVendored = (path: string, folder: string): Refusal =>
  new Refusal(
    2,
    `${quoted(path)} is no file of divvy's in this project`,
    `They are in ${folder}/. \`divvy doctor\` lists what differs.`,
  );

export const badVersion = (given: string): Refusal =>
  new Refusal(2, `${quoted(given)} is no version`, 'A version is written 1.2.3.');

export const otherUpgrade = (folder: string): Refusal =>
  new Refusal(
    3,
    `another upgrade has just laid out its conflicts here: ${quoted(folder)}`,
    'Nothing was changed by this one. Resolve them there, then: divvy upgrade --continue',
  );

export const upgradeTaken = (folder: string): Refusal =>
  new Refusal(
    3,
    `conflicts are laid out in ${quoted(folder)}, and there are other files in it, such as journals of a task called upgrade`,
    'Nothing was changed. Rename that task, and move the folder with its journals to the new name.',
  );
