import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runTask } from '../run-task.ts';

/** What the one item says of its worker. */
const saidOf = (stdout: string): unknown => JSON.parse(stdout);

describe('the first worker', () => {
  test.each(['1', '3'])('of %s is there before the first item, and does it', async (workers) => {
    const { status, stdout } = await runTask('early', { args: ['-n', workers] }).ended();
    expect(saidOf(stdout)).toMatchObject({ before: 1, early: true });
    expect(status).toBe(0);
  });

  test('is there before the task is loaded', async () => {
    const { status, stdout } = await runTask('early-at-load').ended();
    const [there = '', item = ''] = stdout.split('\n');
    expect(JSON.parse(there)).toHaveLength(1);
    expect(JSON.parse(item)).toMatchObject({ before: 1, early: true });
    expect(status).toBe(0);
  });

  test('is started anew where the task has changed the environment while it was loaded', async () => {
    const env = { FROM_DISPATCH: undefined };
    const run = runTask('early-at-load', { args: ['--', 'environment at load'], env });
    const { status, stdout } = await run.ended();
    const [there = '', item = ''] = stdout.split('\n');
    expect(JSON.parse(there)).toHaveLength(1);
    // Before dispatch: that one is as the worker has to be.
    expect(JSON.parse(item)).toMatchObject({ before: 1, early: true, variable: 'at load' });
    expect(status).toBe(0);
    expect(run.alive()).toEqual([]);
  });

  test.each([
    ['environment', { variable: 'yes' }],
    ['folder', { folder: '/' }],
    ['mask', { mask: 0o077 }],
    ['killed', {}],
  ])('is started anew where dispatch has changed what it would have, or it is gone: %s', async (way, has) => {
    const run = runTask('early', { args: ['--', way], env: { FROM_DISPATCH: undefined } });
    const { status, stdout } = await run.ended();
    expect(saidOf(stdout)).toMatchObject({ before: 1, early: false, ...has });
    expect(status).toBe(0);
    expect(run.alive()).toEqual([]);
  });

  test.each([
    ['early-with-hook', []],
    ['early', ['--dry-run']],
    ['early', ['--inline']],
  ])(
    'is not started before the first item where that would be too early, or for nothing: %s %s',
    async (task, args) => {
      const { status, stdout } = await runTask(task, { args: [...args, '--', 'nothing'] }).ended();
      expect(stdout).toBe('[]\n');
      expect(status).toBe(0);
    },
  );
});

test.runIf(process.platform === 'linux')('it has what the system has changed of the master by then', async () => {
  const { status, stdout } = await runTask('early-at-load', { args: ['--', 'limits at load'] }).ended();
  expect(stdout).toMatch(/^500$/m);
  expect(status).toBe(0);
});

test.each([
  ['an option that is none', 'early', ['--nonsense'], 2],
  ['a task file that is not there', 'early-at-noon', [], 2],
  ['a task that throws while it is loaded', 'throws-at-load', [], 70],
  ['a hook before the fork', 'early-with-hook', ['--', 'nothing'], 0],
  ['the state of its runs', 'early', ['--status'], 0],
  ['the help', 'early', ['--help'], 0],
] as const)('with %s nothing is left of it', async (_, task, args, exitCode) => {
  const run = runTask(task, { args });
  expect((await run.ended()).status).toBe(exitCode);
  expect(run.alive()).toEqual([]);
});

test('where there is no item it has no part in the run, and is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-spare-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const journal = join(folder, 'journal.ndjson');
  const run = runTask('early', { args: ['-v', '--journal', journal, '--', 'nothing'] });
  const { status, stdout, stderr } = await run.ended();
  expect(saidOf(stdout)).toHaveLength(1);
  expect(status).toBe(0);
  expect(stderr).not.toMatch(/worker \d/);
  expect(readFileSync(journal, 'utf8')).not.toContain('"type":"worker"');
  expect(run.alive()).toEqual([]);
});

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'it ends with a master that %s ends before the first item',
  async (signal) => {
    const run = runTask('early', { args: ['--', 'waits'] });
    await run.said(/^\[\d+\]$/m);
    run.kill(signal);
    await run.closed;
    await run.gone();
  },
);
