// The runner, run to its end by a command line, and the folders that it is run in.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { RUNNER } from '../run-task.ts';

export function run(args: readonly string[], options: { cwd?: string; nodeArgs?: string[]; runner?: string } = {}) {
  const { cwd, nodeArgs = [], runner = RUNNER } = options;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, runner, ...args], {
    encoding: 'utf8',
    cwd,
  });
  return { status, stdout, stderr };
}

export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-command-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
