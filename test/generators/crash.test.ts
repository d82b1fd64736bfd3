// SIGKILL at every single step of a write, and of the recovery from it: the next command finds the tree as it was.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { recover } from '../../generators/change-set/recovery.ts';
import { cleanEnvironment, divvy, freshFolder, home, treeOf } from './commands.ts';
import { killAtRandom } from './random-kill.ts';

/** Runs one writing or recovering process that is killed before its nth step on the disk. Returns whether it was. */
const killedAt = (step: number, act: 'write' | 'undo' | 'recover', root: string): boolean =>
  run(step, act, root).wasKilled;

/** How many steps a write takes that is not killed. */
const stepsOf = (root: string): number => run(0, 'write', root).steps;

const FILES = { 'new.txt': 'after', 'there/old.txt': 'after', 'deep/er/new.txt': 'after', 'going/old.txt': null };

function run(
  step: number,
  act: 'write' | 'undo' | 'recover',
  root: string,
  files: Record<string, string | null> = FILES,
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
      mkdirSync(join(root, 'going'));
      writeFileSync(join(root, 'going/old.txt'), 'old', { mode: 0o640 });
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
      const isDone = 'project/.divvy/last/record' in after;
      if (isDone) expect(Object.keys(after).filter((path) => /pending|done/.test(path))).toEqual([]);
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
    expect(killedAt(lastPendingStep(join(folder, 'cut'), folder, 'write'), 'write', cut)).toBe(true);
    for (let step = 1; ; step++) {
      const root = copyOf(join(folder, 'cut'), join(folder, `again-${step}`));
      const wasKilled = killedAt(step, 'recover', root);
      recover(root);
      expect(withoutEmptyRoot(treeOf(join(root, '..')), before), `step ${step}`).toEqual(before);
      if (!wasKilled) break;
    }
  });
});

/** The last step of a write or an undo at which being killed leaves its record pending: everything is in place then. */
function lastPendingStep(
  folder: string,
  scratch: string,
  act: 'write' | 'undo',
  files: Record<string, string | null> = FILES,
): number {
  const steps = run(0, act, copyOf(folder, join(scratch, `count-${act}`)), files).steps;
  for (let step = steps; step > 0; step--) {
    const root = copyOf(folder, join(scratch, `pending-${act}-${step}`));
    run(step, act, root, files);
    if (existsSync(join(root, '.divvy/pending/record'))) return step;
  }
  throw new Error('it is never pending');
}

function copyOf(folder: string, to: string): string {
  cpSync(folder, to, { recursive: true });
  return join(to, 'project');
}

describe('an undo', () => {
  const prepared = (
    folder: string,
  ): { root: string; before: Record<string, string>; after: Record<string, string> } => {
    const root = join(folder, 'project');
    mkdirSync(join(root, 'there'), { recursive: true });
    writeFileSync(join(root, 'there/old.txt'), 'old', { mode: 0o600 });
    mkdirSync(join(root, 'going'));
    writeFileSync(join(root, 'going/old.txt'), 'old', { mode: 0o640 });
    const before = treeOf(folder);
    run(0, 'write', root);
    return { root, before, after: treeOf(folder) };
  };

  test('killed at any step: it is done, or has not begun', { timeout: TIMEOUT }, () => {
    const folder = freshFolder();
    mkdirSync(join(folder, 'made'));
    const { before, after } = prepared(join(folder, 'made'));
    for (let step = 1; ; step++) {
      const root = copyOf(join(folder, 'made'), join(folder, String(step)));
      const wasKilled = killedAt(step, 'undo', root);
      recover(root);
      const now = treeOf(join(root, '..'));
      if (!wasKilled) expect(now).toEqual(before);
      else expect([before, after], `step ${step}`).toContainEqual(now);
      if (!wasKilled) break;
    }
  });

  test('killed at any step of the recovery from one', { timeout: TIMEOUT }, () => {
    const folder = freshFolder();
    mkdirSync(join(folder, 'made'));
    const { root: cut, after } = prepared(join(folder, 'made'));
    killedAt(lastPendingStep(join(folder, 'made'), folder, 'undo'), 'undo', cut);
    for (let step = 1; ; step++) {
      const root = copyOf(join(folder, 'made'), join(folder, `again-${step}`));
      const wasKilled = killedAt(step, 'recover', root);
      recover(root);
      expect(treeOf(join(root, '..')), `step ${step}`).toEqual(after);
      if (!wasKilled) break;
    }
  });
});

function withoutEmptyRoot(tree: Record<string, string>, before: Record<string, string>): Record<string, string> {
  const isEmpty = Object.keys(tree).every((path) => path === 'project/');
  return isEmpty && !('project/' in before) ? {} : tree;
}

test('killed at random moments, a process that writes and takes back leaves the one or the other', async () => {
  await killAtRandom(15);
});

test('a command that reads a project takes back what was cut short in it', async () => {
  const folder = freshFolder();
  const root = join(folder, 'project');
  const files = { 'divvy.json': '{ "tasks": "tasks", "runtime": "vendor/divvy" }' };
  mkdirSync(join(folder, 'cut'));
  const step = lastPendingStep(join(folder, 'cut'), folder, 'write', files);
  expect(run(step, 'write', root, files).wasKilled).toBe(true);
  expect(treeOf(root)).toHaveProperty(['divvy.json']);
  const { code, stdout, stderr } = await divvy(['list', '--json'], { cwd: root });
  expect(code).toBe(2);
  expect(stderr).toContain(
    'A command was cut short here, and what it had written has been taken back:\n      a test\n',
  );
  expect(JSON.parse(stdout)).toMatchObject({ error: { message: expect.stringContaining('there is no divvy.json') } });
  expect(existsSync(root)).toBe(false);
});
