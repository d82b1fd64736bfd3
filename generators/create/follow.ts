/** After the write: git init, and an install if there is anything to install. If one fails, the project stays. */

import { type Failed, install } from '../next-steps/install.ts';
import { gitInit, isInRepository } from '../programs/git.ts';
import { inFolder } from '../programs/shell.ts';
import type { Call } from '../terminal/command.ts';
import { saying } from '../terminal/waiting.ts';
import type { Answers } from './answers.ts';

export interface Followed {
  readonly git: 'initialised' | 'there' | 'off' | 'failed';
  readonly install: 'done' | 'off' | 'failed';
  /** The first thing that failed. */
  readonly failed?: Failed;
}

export const NOTHING_FOLLOWED: Followed = { git: 'off', install: 'off' };

export async function follow(call: Call, answers: Answers): Promise<Followed> {
  const { root, shown, template, packageManager } = answers;
  const git = await followGit(call, answers);
  const installed = await install(call, packageManager, template.manifest, { root, shown });
  const failed = git.failed ?? installed.failed;
  return { ...NOTHING_FOLLOWED, ...git, install: installed.install, ...(failed && { failed }) };
}

async function followGit(call: Call, { root, shown }: Answers): Promise<Partial<Followed>> {
  if (call.values.git === false) return {};
  if (isInRepository(root)) return { git: 'there' };
  const result = await saying(call.terminal.note, 'Still making a repository: waiting for git.', () => gitInit(root));
  if (result.done) return { git: 'initialised' };
  // A missing git is only a fault if the person asked for git.
  if (call.values.git !== true && result.missing) return {};
  const [said = ''] = result.said.split('\n');
  return {
    git: 'failed',
    failed: { what: 'git init', reason: said || result.reason, commandLine: inFolder(shown, ['git', 'init']) },
  };
}
