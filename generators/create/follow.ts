/** What follows the write: git, and an install where there is something to install. The project stays if it fails. */

import type { Call } from '../command.ts';
import { gitInit, isInRepository } from '../git.ts';
import { runTool } from '../processes.ts';
import { inFolder } from '../shell.ts';
import type { Answers } from './answers.ts';

export interface Followed {
  readonly git: 'initialised' | 'there' | 'off' | 'failed';
  readonly install: 'done' | 'off' | 'failed';
  /** The first thing that failed, why, and how to do it by hand. */
  readonly failed?: { readonly what: string; readonly reason: string; readonly commandLine: string };
}

export const NOTHING_FOLLOWED: Followed = { git: 'off', install: 'off' };

export async function follow(call: Call, answers: Answers): Promise<Followed> {
  const git = await followGit(call, answers);
  const install = await followInstall(call, answers);
  return {
    ...NOTHING_FOLLOWED,
    ...git,
    ...install,
    ...((git.failed ?? install.failed) && { failed: git.failed ?? install.failed }),
  };
}

async function followGit(call: Call, { root, folder }: Answers): Promise<Partial<Followed>> {
  if (call.values.git === false) return {};
  if (isInRepository(root)) return { git: 'there' };
  const result = await gitInit(root);
  if (result.done) return { git: 'initialised' };
  // Without git there is nothing amiss unless it was asked for.
  if (call.values.git !== true && result.missing) return {};
  return {
    git: 'failed',
    failed: { what: 'git init', reason: result.reason, commandLine: inFolder(folder, ['git', 'init']) },
  };
}

async function followInstall(
  call: Call,
  { root, folder, template, packageManager }: Answers,
): Promise<Partial<Followed>> {
  const isNeeded = Object.keys(template.dependencies ?? {}).length > 0;
  if (!(call.values.install ?? isNeeded)) return {};
  const result = await runTool(packageManager, ['install'], { cwd: root, show: true });
  if (result.done) return { install: 'done' };
  const argv = [packageManager, 'install'];
  return {
    install: 'failed',
    failed: { what: argv.join(' '), reason: result.reason, commandLine: inFolder(folder, argv) },
  };
}
