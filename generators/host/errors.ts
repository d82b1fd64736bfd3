/** The messages of refusals about a repository that existed before divvy. */

import { type Kept, leftAsIs } from '../change-set/errors.ts';
import { harmless } from '../terminal/harmless.ts';
import { lines, quoted, Refusal } from '../terminal/refusal.ts';

export const notHere = (folder: string, reason: string, remedy: string): Refusal =>
  new Refusal(3, `${quoted(folder)}: ${reason}`, remedy);

export const whichPackage = (root: string, packages: readonly string[]): Refusal =>
  new Refusal(
    2,
    `${quoted(root)} is the root of a workspace that has several packages`,
    `Name one with --cwd: ${packages.map(quoted).join(', ')}. For the root itself: --cwd ${root}`,
  );

export const twoLockFiles = (files: readonly string[], managers: readonly string[]): Refusal =>
  new Refusal(
    2,
    `there are lock files of several package managers: ${files.join(', ')}`,
    `Say which one is in use: --pm ${managers.join(', or --pm ')}.`,
  );

export const hostFileRefused = (file: string, reason: string, line = 1): Refusal =>
  new Refusal(
    3,
    `${harmless(file)}:${line}: ${harmless(reason)}`,
    'Nothing was changed. Fix that by hand, and try again.',
  );

export const divvyTaken = (file: string, line: number, value: string, wanted: string): Refusal =>
  new Refusal(
    3,
    `${file}:${line}: imports has a "#divvy" already, and it is ${harmless(value)}`,
    `Tasks import the runtime by that name, so it must be ${quoted(wanted)}. Rename yours first.`,
  );

export const excludeByHand = (file: string, reason: string, elements: readonly string[]): Refusal =>
  new Refusal(
    3,
    `${harmless(file)}:1: it would check divvy's folders, and ${reason}`,
    `Nothing was changed. Have ${harmless(file)} say this, and try again:\n  "exclude": [${elements.map(quoted).join(', ')}]`,
  );

export const noPlaceForTasks = (reasons: readonly (readonly [folder: string, reason: string])[]): Refusal =>
  new Refusal(
    3,
    `there is no folder for tasks:${lines(reasons.map(([folder, reason]) => `${folder}: ${reason}`))}`,
    `Make a divvy.json that names one: { "tasks": "jobs", "tests": "jobs", "runtime": "vendor/divvy" }`,
  );

export const noPlaceForRuntime = (folder: string, reason: string): Refusal =>
  new Refusal(
    2,
    `the runtime cannot be in ${quoted(folder)}: ${reason}`,
    'Name another folder, such as --runtime-dir third-party/divvy.',
  );

export const runtimeElsewhere = (given: string, runtime: string): Refusal =>
  new Refusal(
    2,
    `--runtime-dir ${quoted(given)}: the runtime is in ${quoted(runtime)} here already`,
    'Leave out --runtime-dir.',
  );

export const noTaskNamed = (command: string): Refusal =>
  new Refusal(2, 'no task is named', `Write \`${command} <task>\`, with a name such as nightly-backfill.`);

export const notOursToRemove = (path: string): Refusal =>
  new Refusal(
    3,
    `${quoted(path)} is not removed: divvy did not write it`,
    'Remove it by hand; or add --force, and it is kept in .divvy/last for `divvy undo`.',
  );

export const leftBehind = (kept: Kept): Refusal => leftAsIs(kept, 'Remove by hand what you do not want.');
