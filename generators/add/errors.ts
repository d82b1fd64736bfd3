/** The messages of refusals about the parts of the runtime that a project has on demand. */

import { quoted, Refusal } from '../terminal/refusal.ts';

export const tasksFirst = (from: string, part: string): Refusal =>
  new Refusal(
    2,
    `there is no divvy.json in ${quoted(from)} or above it, so there are no tasks for ${part}`,
    'Add a task first: divvy add <task>. Or change to a project of divvy, or name it with --cwd.',
  );

export const otherRelease = (runtime: string, upgrade: string, byItsOwn: string): Refusal =>
  new Refusal(
    3,
    `the runtime here is of divvy ${runtime}, and a part must be of the same release`,
    `Renew the runtime first: ${upgrade}. Or take the part from that release: ${byItsOwn}`,
  );

export const noRuntimeForPart = (runtime: string, doctor: string): Refusal =>
  new Refusal(3, `${quoted(runtime)} does not have the runtime that the part belongs to`, `What to do: ${doctor}`);

export const partTaken = (path: string): Refusal =>
  new Refusal(
    3,
    `${quoted(path)} is there already, and divvy did not write it`,
    'Nothing was changed. Move it, and try again.',
  );
