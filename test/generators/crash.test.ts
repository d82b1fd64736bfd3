// SIGKILL at every single step of a write, and of the recovery from it: the next command finds the tree as it was.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { recover } from '../../generators/change-set/recovery.ts';
import { cleanEnvironment, divvy, freshFolder, home, treeOf } from './commands.ts';

/** Runs one writing or recovering process that is killed before its nth step on the disk. Returns whether it was. */
const killedAt = (step: number, act: 'write' | 'recover', root: string): boolean => run(step, act, root).wasKilled;

/** How many steps a write takes that is not killed. */
const stepsOf = (root: string): number => run(0, 'write', root).steps;

const FILES = { 'new.txt': 'after', 'there/old.txt': 'after', 'deep/er/new.txt': 'after' };

function run(
  step: number,
  act: 'write' | 'recover',
  root: string,
  files: Record<string, string> = FILES,
): { wasKilled: boolean; steps: number } {
  const script = join(home, 'test/generators/killed.ts');
  const ended = spawnSync(process.execPath, [script, String(step), act, root, JSON.stringify(files)], {
    encoding: 'utf8',
    // Compiled once: a process that is killed leaves nothing compiled for the next.
    env: cleanEnvironment({ NODE_COMPILE_CACHE: join(inject('commands'), 'compile-cache') }),
  });
  if (ended.signal === null && ended.status !== 0) throw new Error(ended.stderr);
  return { wasKilled: ended.signal === 'SIGKILL', steps: Number(ended.stdout) };
}

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-crash-'));
  stepsOf(join(folder, 'project'));
  rmSync(folder, { recursive: true });
});

// Some forty processes each, one after the other.
const TIMEOUT = 600_000;

describe.each([
  ['a new project', () => {}],
  [
    'a project that is there',
    (root: string) => {
      mkdirSync(join(root, 'there'), { recursive: true });
      writeFileSync(join(root, 'there/old.txt'), 'old', { mode: 0o600 });
      writeFileSync(join(root, 'kept.txt'), 'kept');
    },
  ],
])('%s', (_, prepare) => {
  test('killed at any step of the write', { timeout: TIMEOUT }, () => {
    const folder = freshFolder();
    let step = 1;
    for (; ; step++) {
      const root = join(folder, String(step), 'project');
      mkdirSync(join(folder, String(step)));
      prepare(root);
      const before = treeOf(join(folder, String(step)));
      const wasKilled = killedAt(step, 'write', root);
      recover(root);
      // Killed between the making of the folder and the first word of the record, an empty folder may be left.
      const after = treeOf(join(folder, String(step)));
      if (!wasKilled) break;
      const isDone = 'project/.divvy/last/record.json' in after;
      if (!isDone) expect(withoutEmptyRoot(after, before), `step ${step}`).toEqual(before);
    }
    expect(step).toBeGreaterThan(15);
  });

  test('killed at any step of the recovery', { timeout: TIMEOUT }, () => {
    const folder = freshFolder();
    const cut = join(folder, 'cut/project');
    mkdirSync(join(folder, 'cut'));
    prepare(cut);
    const before = treeOf(join(folder, 'cut'));
    // Before the last step everything is written, and the record still pending.
    const steps = stepsOf(copyOf(join(folder, 'cut'), join(folder, 'count')));
    expect(killedAt(steps, 'write', cut)).toBe(true);
    for (let step = 1; ; step++) {
      const root = copyOf(join(folder, 'cut'), join(folder, `again-${step}`));
      const wasKilled = killedAt(step, 'recover', root);
      recover(root);
      expect(withoutEmptyRoot(treeOf(join(root, '..')), before), `step ${step}`).toEqual(before);
      if (!wasKilled) break;
    }
  });
});

function copyOf(folder: string, to: string): string {
  cpSync(folder, to, { recursive: true });
  return join(to, 'project');
}

function withoutEmptyRoot(tree: Record<string, string>, before: Record<string, string>): Record<string, string> {
  const isEmpty = Object.keys(tree).every((path) => path === 'project/');
  return isEmpty && !('project/' in before) ? {} : tree;
}

test('a command that reads a project takes back what was cut short in it', async () => {
  const folder = freshFolder();
  const root = join(folder, 'project');
  const files = { 'divvy.json': '{ "tasks": "tasks", "runtime": "vendor/divvy" }' };
  expect(run(run(0, 'write', join(folder, 'count'), files).steps, 'write', root, files).wasKilled).toBe(true);
  expect(treeOf(root)).toHaveProperty(['divvy.json']);
  const { code, stdout } = await divvy(['list', '--json'], { cwd: root });
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ error: { message: expect.stringContaining('there is no divvy.json') } });
  expect(treeOf(folder, ['count'])).toEqual({});
});
