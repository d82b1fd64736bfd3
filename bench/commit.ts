/** A commit of this repository, and a worktree of it for as long as this process runs. */

import { spawnSync } from 'node:child_process';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ContestantFailed } from './contest.ts';

const HOME = join(import.meta.dirname, '..');

/** The files of the runtime that the contestants start. */
const ENTRIES = ['runtime/index.ts', 'runtime/run.mjs'];

export interface Commit {
  readonly hash: string;
  /** As the tables show it. */
  readonly short: string;
}

/** Throws if git can't find it, or if its runtime can't be started the way that the contestants do it. */
export function commitOf(name: string): Commit {
  const hash = git('rev-parse', '--verify', '--end-of-options', `${name}^{commit}`);
  if (hash.failed) throw new Error(`--against: git finds no commit '${name}' here: ${hash.output}`);
  const short = git('rev-parse', '--short', hash.output);
  for (const entry of ENTRIES) {
    if (git('cat-file', '-e', `${hash.output}:${entry}`).failed) {
      throw new Error(
        `--against: commit '${name}' has no ${entry}, which the contestants start; name a commit that has it`,
      );
    }
  }
  return { hash: hash.output, short: short.output };
}

/** Checks the commit out into a new folder, which goes when this process exits. Throws ContestantFailed if git can't. */
export function checkOut({ hash }: Commit, folder: string): void {
  // First, since it must also remove what a failed checkout leaves.
  process.prependOnceListener('exit', () => {
    // Twice: git also removes a worktree that is locked, as it is while git makes it.
    if (git('worktree', 'remove', '--force', '--force', folder).failed)
      rmSync(folder, { recursive: true, force: true });
  });
  const added = git('-c', 'core.hooksPath=/dev/null', 'worktree', 'add', '--detach', folder, hash);
  if (added.failed) throw new ContestantFailed(`git can't make a worktree of ${hash}: ${added.output}`);
  symlinkSync(join(HOME, 'node_modules'), join(folder, 'node_modules'));
}

function git(...args: string[]): { failed: boolean; output: string } {
  const { status, stdout, stderr, error } = spawnSync('git', args, { cwd: HOME, encoding: 'utf8' });
  const failed = status !== 0;
  return { failed, output: (failed ? (error?.message ?? stderr) : stdout).trim() };
}
