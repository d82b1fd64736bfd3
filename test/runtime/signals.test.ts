// The signals to the master: docs/signals.md, contract of the runner.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AS_PID_1, gone, innermost, makeGate, runProgram, runTask, taskApart } from './run-task.ts';

const GRACEFUL = ['SIGINT', 'SIGQUIT', 'SIGHUP'] as const;
const STATUS = { SIGINT: 130, SIGQUIT: 131, SIGHUP: 129, SIGTERM: 143 } as const;

test('one that arrives while a run takes the signals over from the runner is not lost', async () => {
  const { stdout, stderr, status } = await runProgram('signal-between').ended();
  expect({ stdout, stderr, status }).toEqual({ stdout: 'second first\n', stderr: '', status: 0 });
});

describe('items in progress', () => {
  test.each(GRACEFUL)('%s lets them finish, begins no other, and ends the runner by itself', async (signal) => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-n', '2', '--', '5'], env: gate.env });
    await gate.arrived(2);
    run.kill(signal);
    await run.said(/waiting for 2 items\. After 10 s, (Ctrl\+C|SIG\w+) again abandons them\./);
    gate.open();
    const ended = await run.ended();
    expect(ended).toMatchObject({ signal, status: null });
    expect(ended.stdout.split('\n').sort()).toEqual(['', 'finished 1', 'finished 2']);
    expect(ended.stderr).toMatch(`Stopped by ${signal}. 2 items: 2 done`);
  });

  test('TERM abandons them', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-n', '2', '--', '5'], env: gate.env });
    await gate.arrived(2);
    run.kill('SIGTERM');
    const ended = await run.ended();
    expect(ended).toMatchObject({ signal: 'SIGTERM', stdout: '' });
    expect(ended.stderr).toMatch('Stopping now (SIGTERM): 2 items in progress will be unfinished');
    expect(ended.stderr).toMatch(/Stopped by SIGTERM\. \d items: 0 done, \d unfinished/);
  });

  test('TERM aborts the signal of each, and waits for those that obey', async () => {
    const gate = await makeGate();
    const run = runTask('aborted', { args: ['-n', '2', '--kill-after', '1m'], env: gate.env });
    await gate.arrived(2);
    run.kill('SIGTERM');
    const { signal, stdout } = await run.ended();
    expect(signal).toBe('SIGTERM');
    expect(stdout).toMatch('aborted 1: AbortError: the run is being stopped forcefully (SIGTERM)\n');
    expect(stdout).toMatch('aborted 2: AbortError');
  });

  test('TERM with --grace lets them finish', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-n', '2', '--grace', '1m', '--', '5'], env: gate.env });
    await gate.arrived(2);
    run.kill('SIGTERM');
    await run.said(/waiting for 2 items/);
    gate.open();
    const { signal, stdout } = await run.ended();
    expect(signal).toBe('SIGTERM');
    expect(stdout.split('\n').sort()).toEqual(['', 'finished 1', 'finished 2']);
  });

  test('TERM with --grace abandons them once that is over', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-n', '2', '--grace', '200ms', '--', '5'], env: gate.env });
    await gate.arrived(2);
    run.kill('SIGTERM');
    const { signal, stdout, stderr } = await run.ended();
    expect(signal).toBe('SIGTERM');
    expect(stdout).toBe('');
    expect(stderr).toMatch('): 2 items in progress will be unfinished');
  });

  test('TERM to all processes at once, as service managers send it, with --grace lets them finish', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-n', '2', '--grace', '1m', '--', '5'], env: gate.env });
    await gate.arrived(2);
    run.killGroup('SIGTERM');
    await run.said(/waiting for 2 items/);
    gate.open();
    const { signal, stdout, stderr } = await run.ended();
    expect(signal).toBe('SIGTERM');
    expect(stdout.split('\n').sort()).toEqual(['', 'finished 1', 'finished 2']);
    expect(stderr).not.toMatch('died');
  });

  test('a second INT is ignored until --force-after, and said to be', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-n', '1', '--', '5'], env: gate.env });
    await gate.arrived(1);
    run.kill('SIGINT');
    await run.said(/Stopping \(SIG\w+\): waiting for 1 item/);
    run.kill('SIGINT');
    await run.said(/Already stopping: waiting for 1 item\. In [\d.]+ s, Ctrl\+C again abandons it\./);
    run.kill('SIGQUIT');
    await run.said(/Already stopping: .* SIGQUIT again/);
    gate.open();
    expect(await run.ended()).toMatchObject({ signal: 'SIGINT', stdout: 'finished 1\n' });
  });

  test.each(['SIGINT', 'SIGQUIT', 'SIGTERM'] as const)(
    '%s after INT, and after --force-after, abandons them',
    async (signal) => {
      const gate = await makeGate();
      const run = runTask('gated', { args: ['-n', '1', '--force-after', '0', '--', '5'], env: gate.env });
      await gate.arrived(1);
      run.kill('SIGINT');
      await run.said(/Stopping \(SIG\w+\): waiting for 1 item/);
      run.kill(signal);
      const ended = await run.ended();
      // The first signal is what the run was stopped by.
      expect(ended).toMatchObject({ signal: 'SIGINT', stdout: '' });
      expect(ended.stderr).toMatch('): 1 item in progress will be unfinished');
    },
  );

  test('HUP with --ignore-hup changes nothing', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-n', '1', '--ignore-hup', '--', '3'], env: gate.env });
    await gate.arrived(1);
    run.killGroup('SIGHUP'); // as a terminal does
    await run.said(/SIGHUP is ignored \(--ignore-hup\)/);
    gate.open();
    expect(await run.ended()).toMatchObject({ status: 0, stdout: 'finished 1\nfinished 2\nfinished 3\n' });
  });

  test('Ctrl+C reaches the workers, too, and they finish what they are at', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-n', '2', '--', '5'], env: gate.env });
    await gate.arrived(2);
    run.killGroup('SIGINT');
    await run.said(/waiting for 2 items/);
    run.killGroup('SIGQUIT');
    await run.said(/Already stopping: .* SIGQUIT again/);
    gate.open();
    const ended = await run.ended();
    expect(ended.signal).toBe('SIGINT');
    expect(ended.stdout.split('\n').sort()).toEqual(['', 'finished 1', 'finished 2']);
    expect(ended.stderr).not.toMatch('died');
  });

  test('Ctrl+C ends workers that do not listen yet, and none of them has crashed', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-v', '-n', '8', '--', '8'], env: gate.env });
    await run.said(/worker 8 is process/);
    run.killGroup('SIGINT');
    gate.open(); // one of them may have been quick, and is at an item
    const { signal, stderr } = await run.ended();
    expect(signal).toBe('SIGINT');
    expect(stderr).not.toMatch(/died|tried/);
  });

  test('Ctrl+C under npm run, where it comes twice', async () => {
    const gate = await makeGate();
    const project = mkdtempSync(join(tmpdir(), 'divvy-npm-'));
    onTestFinished(() => rmSync(project, { recursive: true }));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ scripts: { task: 'env' } }));
    const by = ['npm', '--prefix', project, 'run', 'task', '--'];
    const run = runTask('gated', { by, args: ['-n', '2', '--', '5'], env: gate.env });
    await gate.arrived(2);
    run.killGroup('SIGINT');
    await run.said(/waiting for 2 items/);
    gate.open();
    const { stdout, stderr } = await run.ended();
    expect(stdout).toMatch('finished 1\n');
    expect(stdout).toMatch('finished 2\n');
    expect(stdout).not.toMatch('finished 3\n');
    expect(stderr).toMatch('Stopped by SIGINT. 2 items: 2 done');
  });
});

describe('no item in progress, and a dispatch that waits', () => {
  test.each([...GRACEFUL, 'SIGTERM'] as const)('%s ends the run, and dispatch is not waited for', async (signal) => {
    const gate = await makeGate();
    const run = runTask('waiting-dispatch', { args: ['-v', '-n', '2', '--kill-after', '100ms'], env: gate.env });
    await run.said(/item 1 .*is done/);
    await gate.arrived(1);
    run.kill(signal);
    const ended = await run.ended();
    expect(ended).toMatchObject({ signal, stdout: 'processed 1\n' });
    expect(ended.stderr).toMatch(`Stopped by ${signal}. 1 item: 1 done`);
  });

  test('HUP with --ignore-hup changes nothing', async () => {
    const gate = await makeGate();
    const run = runTask('waiting-dispatch', { args: ['-n', '2', '--ignore-hup'], env: gate.env });
    await run.said(/processed 1/);
    run.killGroup('SIGHUP');
    await run.said(/SIGHUP is ignored/);
    gate.open();
    expect(await run.ended()).toMatchObject({ status: 0, stdout: 'processed 1\nprocessed 2\n' });
  });
});

describe('the exit status that a shell sees', () => {
  test.each(Object.keys(STATUS) as (keyof typeof STATUS)[])('%s', async (signal) => {
    const gate = await makeGate();
    const by = ['sh', '-c', '"$@"; echo "status $?"', 'sh'];
    const run = runTask('gated', { by, args: ['-v', '-n', '1', '--', '1'], env: gate.env });
    const [, master = ''] = await run.said(/: master (\d+),/);
    await gate.arrived(1);
    process.kill(Number(master), signal);
    await run.said(/: Stopping /);
    gate.open();
    const { stdout } = await run.ended();
    expect(stdout).toMatch(`status ${STATUS[signal]}\n`);
  });
});

describe('--inline', () => {
  test('INT lets the item in progress finish', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['--inline', '--', '3'], env: gate.env });
    await gate.arrived(1);
    run.kill('SIGINT');
    await run.said(/waiting for 1 item/);
    gate.open();
    expect(await run.ended()).toMatchObject({ signal: 'SIGINT', stdout: 'finished 1\n' });
  });

  test('TERM aborts it; until then the process stays, though nothing is open in it', async () => {
    const run = runTask('waits-for-abort', { args: ['--inline'] });
    await run.said(/waits/);
    run.kill('SIGTERM');
    expect(await run.ended()).toMatchObject({ signal: 'SIGTERM', stdout: 'waits\naborted\n' });
  });
});

test('a terminal that is closed is a hang-up, and what can no longer be said keeps nobody', async () => {
  const gate = await makeGate();
  const run = runTask('gated', { onTerminal: true, args: ['-v', '-n', '2', '--', '5'], env: gate.env });
  const [, master = ''] = await run.said(/: master (\d+),/);
  await gate.arrived(2);
  run.kill('SIGKILL'); // whoever held the terminal
  gate.open();
  await gone(Number(master), 30_000);
  expect(readdirSync(run.socketParent)).toEqual([]);
});

// Other systems have no PID namespaces. Where this one does not let us make one, these tests fail: nothing else is PID 1.
if (process.platform === 'linux') {
  describe('as PID 1, where the kernel ignores a signal that has no handler', () => {
    test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
      '%s: the exit code stands for it',
      async (signal) => {
        const gate = await makeGate();
        const run = runTask(taskApart('gated'), { by: AS_PID_1, args: ['-v', '-n', '2', '--', '3'], env: gate.env });
        await Promise.race([gate.arrived(2), run.said(/: Stopping /)]);
        expect(run.stderr).toMatch(': master 1,');
        process.kill(innermost(run.pid), signal);
        await run.said(/: Stopping /);
        gate.open();
        const { status } = await run.ended();
        expect(status).toBe(STATUS[signal]);
      },
    );
  });
}
