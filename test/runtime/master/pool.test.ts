// Workers that die: told of, replaced, and what they had handed out again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ALL_WELL, makeGate, runTask } from '../run-task.ts';

const HEAP = { NODE_OPTIONS: '--max-old-space-size=40' };

describe('an item that ends its worker fails after --max-crashes, and the others are done', () => {
  test.each([
    ['process.exit(0)', 'exit 0', 'exited with status 0', {}],
    ['process.exit(3)', 'exit 3', 'exited with status 3', {}],
    ['SIGKILL', 'SIGKILL', 'was killed by SIGKILL', {}],
    ['SIGSEGV', 'SIGSEGV', 'was killed by SIGSEGV', {}],
    ['an exception that nobody catches', 'exception', 'exited with status 1', {}],
    ['a rejection that nobody awaits', 'rejection', 'exited with status 1', {}],
    ['a heap that is too small', 'memory', 'was killed by SIGABRT', HEAP],
  ])('%s', async (_, way, how, env) => {
    const run = runTask('deadly', { args: ['-n', '2', '--max-crashes', '2', '--', way], env });
    const { status, stdout, stderr } = await run.ended();
    expect(status).toBe(1);
    expect(stderr.match(new RegExp(`worker \\d ${how} while on item 3`, 'g'))).toHaveLength(2);
    expect(stderr).toMatch(
      new RegExp(`item 3 .*failed after 2 attempts: WorkerDied: worker \\d ${how} while on it, 2 times over`),
    );
    expect(stderr).toMatch('6 items: 5 done, 1 failed. 1 retried, 2 workers died. Took ');
    expect(stdout.match(/done \d/g)?.sort()).toEqual(['done 1', 'done 2', 'done 4', 'done 5', 'done 6']);
    expect(stdout).toMatch(/attempt 1\n[\s\S]*attempt 2\n/);
    if (way === 'exception') expect(stderr).toMatch('nobody catches this');
  });
});

test('with several items in progress in the worker that died, each is tried alone, and the innocent are done', async () => {
  const run = runTask('deadly', { args: ['-n', '2', '-c', '4', '--', 'exit 3', '40'] });
  const { status, stdout, stderr } = await run.ended();
  expect(status).toBe(1);
  expect(stderr).toMatch(/40 items: 39 done, 1 failed\. \d+ retried, [34] workers died\. Took /);
  expect(stderr).toMatch(/item 3 .*failed after [34] attempts/);
  expect(new Set(stdout.match(/done \d+/g)).size).toBe(39);
});

test('a worker that somebody kills is told of with its item, which is handed out again', async () => {
  const gate = await makeGate();
  const run = runTask('gated', { args: ['-v', '-n', '2', '--', '4'], env: gate.env });
  const [, pid] = await run.said(/worker 1 is process (\d+)/);
  await gate.arrived(2);
  const [, item] = await run.said(/worker 1 has item (\d)/);
  process.kill(Number(pid), 'SIGKILL');
  await run.said(new RegExp(`worker 1 was killed by SIGKILL while on item ${item}`));
  await gate.arrived(3);
  gate.open();
  const { status, stdout, stderr } = await run.ended();
  expect(status).toBe(0);
  expect(stdout.split('\n').sort()).toEqual(['', 'finished 1', 'finished 2', 'finished 3', 'finished 4']);
  expect(stderr).toMatch('4 items: 4 done. 1 retried, 1 worker died. Took ');
});

describe('where the folder that it is run in is removed', () => {
  const scratch = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'divvy-gone-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  };

  test('before it starts, it says so: exit 2', async () => {
    const by = ['sh', '-c', 'cd "$0" && rmdir "$0" && exec "$@"', scratch()];
    const { status, stdout, stderr } = await runTask('gated', { args: ['--', '4'], by }).ended();
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(
      /^divvy: the folder that this run was started in is gone; change to a folder that exists.*\n$/,
    );
  });

  test('while it runs, workers that are to be booted say so, and no item is given up: those that live do the rest', async () => {
    const gate = await makeGate();
    const folder = scratch();
    const by = ['sh', '-c', 'cd "$0" && exec "$@"', folder];
    const run = runTask('gated', { args: ['-v', '-n', '2', '--', '4'], by, env: gate.env });
    const [, pid] = await run.said(/worker 1 is process (\d+)/);
    await gate.arrived(2);
    // A thread cannot start without the folder either. Both lifelines run once they have answered, whatever the answer.
    for (let asked = 1; ; asked++) {
      run.kill('SIGUSR2');
      const [answers] = await run.said(/worker 1 \(\d+\): (?:.|\n)*?master \(\d+\): .*/, asked);
      if (!answers.includes('does not answer')) break;
    }
    rmSync(folder, { recursive: true });
    process.kill(Number(pid), 'SIGKILL');
    await run.said(/worker 1 could not boot: UsageError: the folder that this run was started in is gone/);
    await run.said(/worker 1 exited with status 1/);
    gate.open();
    const { status, stdout, stderr } = await run.ended();
    expect(stdout.split('\n').sort()).toEqual(['', 'finished 1', 'finished 2', 'finished 3', 'finished 4']);
    expect(stderr).toMatch(/4 items: 4 done\. 1 retried, \d+ workers died\. Took /);
    // What USR2 shows may have been caught in code of Node.js itself; anything else of that would be a stack trace.
    expect(stderr.replaceAll(/^divvy: {4,}at .*$/gm, '')).not.toContain('node:internal');
    expect(status).toBe(0);
  });
});

test('TERM to a worker: it finishes its items, exits with 0, and is replaced', async () => {
  const gate = await makeGate();
  const run = runTask('gated', { args: ['-v', '-n', '1', '-c', '3', '--', '9'], env: gate.env });
  const [, pid] = await run.said(/worker 1 is process (\d+)/);
  await gate.arrived(3);
  process.kill(Number(pid), 'SIGTERM');
  process.kill(Number(pid), 'SIGTERM'); // again, and nothing more comes of it
  run.kill('SIGUSR2');
  await run.said(/worker 1 \(\d+\): item 1 for .*, item 2 for .*, item 3 for /);
  gate.open();
  const { status, stdout, stderr } = await run.ended();
  expect(status).toBe(0);
  expect(stdout.match(/finished \d\n/g)).toHaveLength(9);
  expect(stderr).toMatch('divvy: worker 1 exited with status 0\ndivvy: worker 1 is process');
  expect(stderr).toMatch('9 items: 9 done. Took ');
  expect(stderr).not.toMatch('died');
});

test('TERM to a worker that is idle: it exits with 0, and the next item finds another', async () => {
  const gate = await makeGate();
  const run = runTask('waiting-dispatch', { args: ['-v', '-n', '1'], env: gate.env });
  const [, pid] = await run.said(/worker 1 is process (\d+)/);
  await run.said(/item 1 .*is done/);
  process.kill(Number(pid), 'SIGTERM');
  await run.said(/worker 1 exited with status 0/);
  gate.open();
  const { status, stdout, stderr } = await run.ended();
  expect(status).toBe(0);
  expect(stdout).toBe('processed 1\nprocessed 2\n');
  expect(stderr).toMatch('2 items: 2 done. Took ');
});

describe('a worker that hangs once all of its code has run', () => {
  const env = { NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, '../hanging-exit.mjs'))}` };

  test('has left as it was about to', async () => {
    const { status, stdout, stderr } = await runTask('exit-hangs', { env, args: ['-v', '-n', '1'] }).ended();
    expect(stdout).toBe('left\n');
    expect(stderr).toMatch('worker 1 exited with status 0\n');
    expect(stderr).not.toMatch('killed');
    expect(status).toBe(0);
  });

  test('or has ended its item as it did', async () => {
    const args = ['-n', '1', '--max-crashes', '1', '--', 'process.exit'];
    const { status, stderr } = await runTask('exit-hangs', { env, args }).ended();
    expect(stderr).toMatch(/item 2 .*failed: WorkerDied: worker 1 exited with status 3 while on it/);
    expect(status).toBe(1);
  });

  test.each([
    ['import exits', 7],
    ['afterFork throws', 1],
  ])('or has failed to boot as it did: %s', async (way, code) => {
    const { status, stderr } = await runTask('boot', { env, args: ['-n', '1', '--', way] }).ended();
    expect(stderr).toMatch(`worker 1 exited with status ${code}; see what it wrote above`);
    expect(status).toBe(69);
  });
});

// Node.js hangs in its exit then, most of the time; by 22 it does not.
describe('a process whose compiler’s threads wait for it ends all the same', () => {
  test.each([
    ['the master', 0, ALL_WELL],
    ['a worker at its end', 0, ALL_WELL],
    ['the boot', 69, /worker 1 exited with status 7; see what it wrote above/],
    ['an item that exits', 1, /item 2 .*failed: WorkerDied: worker 1 exited with status 3 while on it/],
    [
      'an item that throws',
      1,
      /nobody catches this(.|\n)*item 2 .*failed: WorkerDied: worker 1 exited with status 1 while on it/,
    ],
  ])('%s', async (where, status, says) => {
    const ended = await runTask('compiler-waits', { args: ['-n', '1', '--max-crashes', '1', '--', where] }).ended();
    expect(ended.stderr).toMatch(says);
    expect(ended.status).toBe(status);
  });
});
