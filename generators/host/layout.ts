/** Chooses the folders for a task and its files, in a package that existed before divvy. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Workshop } from '../change-set/environment.ts';
import { whyNotThere } from '../change-set/survey.ts';
import { stat } from '../disk/disk.ts';
import { ignoredByGit } from '../programs/git.ts';
import type { Manifest } from '../project/manifest.ts';
import { DEFAULT_RUNTIME_DIR, runtimeFolder, whyNotRuntimeFolder } from '../project/runtime-folder.ts';
import { vendoredRuntime } from '../project/vendor.ts';
import type { Call } from '../terminal/command.ts';
import { isInteractive } from '../terminal/terminal.ts';
import { saying } from '../terminal/waiting.ts';
import { noPlaceForRuntime, noPlaceForTasks } from './errors.ts';
import type { Place } from './place.ts';

/**
 * The folders that tasks may go to; divvy takes the first free one. In a folder that is in use, other files would be
 * listed as tasks.
 */
const TASK_FOLDERS = ['tasks', 'divvy-tasks'];

interface Layout {
  readonly manifest: Manifest;
  /** A sentence that says why the tasks are not in the usual folder; undefined if they are. */
  readonly whyThere: string | undefined;
}

/**
 * Chooses the folders of a package that has no divvy.json yet. Tests go beside their tasks, because the package's own
 * tests folder is checked by the package's own tsconfig.
 *
 * Rejects with a Refusal with exit code 2 if the runtime cannot go to its folder, and nobody names another one.
 */
export async function settleLayout(call: Call, place: Place, task: string, ask: Workshop['ask']): Promise<Layout> {
  const { tasks, whyThere } = await settleTasks(call, place, task);
  const runtime = await settleRuntime(call, place.root, ask);
  return { manifest: { tasks, tests: tasks, runtime }, whyThere };
}

async function settleTasks(
  call: Call,
  { root, isModule }: Place,
  task: string,
): Promise<{ tasks: string } & Pick<Layout, 'whyThere'>> {
  const ending = isModule ? 'ts' : 'mts';
  const reasons: (readonly [folder: string, reason: string])[] = [];
  for (const folder of TASK_FOLDERS) {
    const files = [`${task}.${ending}`, `${task}.test.${ending}`, 'tsconfig.json'].map((name) => `${folder}/${name}`);
    const reason = await whyNotFree(call, root, folder, files);
    if (reason === undefined) {
      const passedOver = reasons.map(([other, why]) => `not to ${other}/: ${why}`).join('; ');
      return { tasks: folder, whyThere: passedOver === '' ? undefined : `The task goes to ${folder}/, ${passedOver}.` };
    }
    reasons.push([folder, reason]);
  }
  throw noPlaceForTasks(reasons);
}

async function settleRuntime(call: Call, root: string, ask: Workshop['ask']): Promise<string> {
  const given = call.values['runtime-dir'];
  const folder = runtimeFolder(given);
  const whyNot = (folder: string) =>
    whyNotFree(
      call,
      root,
      folder,
      vendoredRuntime(folder).map(({ path }) => path),
    );
  const reason = await whyNot(folder);
  if (reason === undefined) return folder;
  if (given !== undefined || !isInteractive(call)) throw noPlaceForRuntime(folder, reason);
  const answer = await ask({
    type: 'input',
    message: `${folder}: ${reason}. Where else should the runtime be put?`,
    default: DEFAULT_RUNTIME_DIR.replace(/^vendor/, 'third-party'),
    whyNot: whyNotRuntimeFolder,
  });
  const other = runtimeFolder(answer);
  const still = await whyNot(other);
  if (still !== undefined) throw noPlaceForRuntime(other, still);
  return other;
}

/**
 * Why a folder cannot be divvy's; undefined if it can.
 *
 * files - the files that will go into it, relative to the package.
 */
async function whyNotFree(
  { terminal }: Call,
  root: string,
  folder: string,
  files: readonly string[],
): Promise<string | undefined> {
  const state = stat(join(root, folder));
  if (state !== undefined && !state.isDirectory()) return 'something that is no folder is there';
  if (state !== undefined && readdirSync(join(root, folder)).length > 0) return 'there are other files in it';
  const reason = files.map((path) => whyNotThere(root, path)).find((why) => why !== undefined);
  if (reason !== undefined) return reason;
  const ignored = await saying(terminal.note, `Still looking whether git ignores ${folder}/: waiting for git.`, () =>
    ignoredByGit(root, files),
  );
  if (ignored.length === 0) return undefined;
  if (ignored.length === files.length) return 'git ignores it, so that it would not be committed';
  return `git ignores ${ignored[0]}, so that it would not be committed; in .gitignore, !/${folder}/** takes it in`;
}

/** Whether a package keeps tests beside tasks, as `divvy add` does; a new project has a folder for each. */
export const isBeside = ({ tasks, tests }: Manifest): boolean => tasks === tests;
