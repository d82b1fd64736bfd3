/** Which folders a task and what it needs go to, in a package that was there before. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { stat } from '../change-set/disk.ts';
import type { Call } from '../command.ts';
import type { Workshop } from '../environment.ts';
import { noPlaceForRuntime, noPlaceForTasks } from '../errors.ts';
import { ignoredByGit } from '../git.ts';
import type { Manifest } from '../manifest.ts';
import { DEFAULT_RUNTIME_DIR, runtimeFolder, whyNotRuntimeFolder } from '../runtime-folder.ts';
import { isInteractive } from '../terminal.ts';
import type { Place } from './place.ts';

/** Where tasks are put: the first that is free. A folder that is in use would have its own files listed as tasks. */
const TASK_FOLDERS = ['tasks', 'divvy-tasks'];

/**
 * Settles the folders of a package that has no divvy.json yet. Tests stand beside their tasks there: the package's own
 * folder of tests is checked by its own tsconfig.
 *
 * Rejects with a Refusal with exit code 2 where the runtime cannot be where it should, and nobody says where else.
 */
export async function settleLayout(call: Call, { root }: Place, ask: Workshop['ask']): Promise<Manifest> {
  const tasks = await firstFree(root, TASK_FOLDERS);
  if (tasks === undefined) throw noPlaceForTasks(TASK_FOLDERS);
  const runtime = await settleRuntime(call, root, ask);
  return { tasks, tests: tasks, runtime };
}

async function firstFree(root: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) if ((await whyNotFree(root, folder)) === undefined) return folder;
  return undefined;
}

async function settleRuntime(call: Call, root: string, ask: Workshop['ask']): Promise<string> {
  const given = call.values['runtime-dir'];
  const folder = runtimeFolder(given);
  const reason = await whyNotFree(root, folder);
  if (reason === undefined) return folder;
  if (given !== undefined || !isInteractive(call)) throw noPlaceForRuntime(folder, reason);
  const answer = await ask({
    type: 'input',
    message: `${folder}: ${reason}. Where else should the runtime be put?`,
    default: DEFAULT_RUNTIME_DIR.replace(/^vendor/, 'third-party'),
    whyNot: whyNotRuntimeFolder,
  });
  const other = runtimeFolder(answer);
  const still = await whyNotFree(root, other);
  if (still !== undefined) throw noPlaceForRuntime(other, still);
  return other;
}

/** Why a folder cannot be divvy's; undefined where it can. */
async function whyNotFree(root: string, folder: string): Promise<string | undefined> {
  const state = stat(join(root, folder));
  if (state !== undefined && !state.isDirectory()) return 'something that is no folder is there';
  if (state !== undefined && readdirSync(join(root, folder)).length > 0) return 'there are other files in it';
  if (await ignoredByGit(root, `${folder}/index.ts`)) return 'git ignores it, so that it would not be committed';
  return undefined;
}

/** Whether a package keeps tests beside tasks, as `divvy add` lays it out; a new project has a folder for each. */
export const isBeside = ({ tasks, tests }: Manifest): boolean => tasks === tests;
