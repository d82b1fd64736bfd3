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
