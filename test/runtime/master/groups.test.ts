// Each worker leads a process group of its own: what Ctrl+C reaches, and what goes with a worker that is killed.
import { execFileSync } from 'node:child_process';
import { describe, expect, onTestFinished, test } from 'vitest';
import { gone, isAlive, makeGate, runTask } from '../run-task.ts';

test('Ctrl+C does not reach what items have started: they finish, and are done', async () => {
  const gate = await makeGate();
  const run = runTask('starts', { args: ['-n', '2', '--no-journal', '--', 'awaits it', '2'], env: gate.env });
  await gate.arrived(2);
  run.killGroup('SIGINT');
  await run.said(/Stopping \(SIGINT\)/);
  gate.open();
  const { signal, stderr } = await run.ended();
  expect(signal).toBe('SIGINT');
  expect(stderr).toMatch(/\b2 done\b/);
});

describe('what an item has started goes with its worker', () => {
  test.each([
    ['that ran past its timeout', ['--timeout', '300ms', '--kill-after', '100ms'], 'hangs'],
    ['that is stuck, and ran past its timeout', ['--timeout', '300ms', '--kill-after', '100ms'], 'loops'],
    ['that exits in the middle of it', ['--max-crashes', '1'], 'exits'],
    ['that exits with 0 in the middle of it', ['--max-crashes', '1'], 'exits with 0'],
  ])('%s', async (_, options, way) => {
    const run = runTask('starts', { args: ['-n', '1', '--no-journal', ...options, '--', way] });
    const [, pid] = await run.said(/started (\d+)/);
    expect((await run.ended()).status).toBe(1);
    await gone(Number(pid));
  });

  test('that somebody kills', async () => {
    const gate = await makeGate();
    const args = ['-v', '-n', '1', '--max-crashes', '1', '--no-journal', '--', 'waits'];
    const run = runTask('starts', { args, env: gate.env });
    const [, worker] = await run.said(/worker 1 is process (\d+)/);
    const [, pid] = await run.said(/started (\d+)/);
    await gate.arrived(1);
    process.kill(Number(worker), 'SIGKILL');
    expect((await run.ended()).status).toBe(1);
    await gone(Number(pid));
  });

  test.each([['hangs'], ['isAbortable'], ['loops']])('at a forceful stop: %s', async (way) => {
    const run = runTask('starts', { args: ['-n', '1', '--no-journal', '--kill-after', '1s', '--', way] });
    const [, pid] = await run.said(/started (\d+)/);
    run.kill('SIGTERM');
    // One that obeyed its signal still belongs to an item that is unfinished.
    expect((await run.ended()).signal).toBe('SIGTERM');
    await gone(Number(pid));
  });

  test.each([['hangs'], ['loops']])('whose master is killed: %s', async (way) => {
    const run = runTask('starts', { args: ['-n', '1', '--no-journal', '--', way] });
    const [, pid] = await run.said(/started (\d+)/);
    run.kill('SIGKILL');
    await run.closed;
    await gone(Number(pid));
    await run.gone();
  });
});

test('a graceful exit leaves alone what items have started', async () => {
  const run = runTask('starts', { args: ['-n', '1', '--no-journal', '--', 'ends'] });
  const [, pid] = await run.said(/started (\d+)/);
  onTestFinished(() => void process.kill(Number(pid), 'SIGKILL'));
  expect((await run.closed).status).toBe(0);
  expect(isAlive(Number(pid))).toBe(true);
});

test('a worker has no terminal', async () => {
  const gate = await makeGate();
  const run = runTask('starts', {
    args: ['-v', '-n', '1', '--no-journal', '--', 'waits'],
    env: gate.env,
    onTerminal: true,
  });
  const [, worker] = await run.said(/worker 1 is process (\d+)/);
  await gate.arrived(1);
  const [tty, session] = execFileSync('ps', ['-o', 'tty=,sid=', '-p', `${worker}`], { encoding: 'utf8' })
    .trim()
    .split(/\s+/);
  expect([tty, session]).toEqual(['?', worker]);
  gate.open();
  await run.closed;
  for (const pid of run.alive()) process.kill(pid, 'SIGKILL');
});

describe('signals that the task itself listens to', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
    ['SIGHUP', 129],
  ] as const)('%s to the master ends the run as ever', async (signal, status) => {
    const gate = await makeGate();
    const by = ['bash', '-c', '"$@" & wait $!; echo "status $?"', 'bash'];
    const run = runTask('own-signals', { by, args: ['-v', '-n', '2'], env: gate.env });
    const [, pid] = await run.said(/: master (\d+),/);
    await gate.arrived(2);
    process.kill(Number(pid), signal);
    await run.said(new RegExp(`Stopping( now)? \\(${signal}\\)`));
    if (signal !== 'SIGTERM') gate.open();
    const { stdout, stderr } = await run.ended();
    expect(stdout).toMatch(`status ${status}\n`);
    expect(stderr).toMatch(signal === 'SIGTERM' ? /\d unfinished/ : /\b2 done\b/);
  });

  test('TERM while the task file loads ends the run as ever', async () => {
    const by = ['bash', '-c', '"$@" & echo "pid $!"; wait $!; echo "status $?"', 'bash'];
    const run = runTask('loads-slowly', { by, args: [] });
    const [, pid] = await run.said(/pid (\d+)\n/);
    await run.said(/loading\n/);
    process.kill(Number(pid), 'SIGTERM');
    expect((await run.ended()).stdout).toMatch('status 143\n');
  });

  test('a listener that is removed is not kept, and one that comes back is not called', async () => {
    const { status, stdout } = await runTask('listens-often', { args: ['-n', '1', '--no-journal'] }).ended();
    expect([status, stdout]).toEqual([0, 'worker: 0 left\nmaster: 0 left\n']);
  });

  test('removeAllListeners does not take the signals from the run', async () => {
    const gate = await makeGate();
    const run = runTask('removes-listeners', { args: ['-v', '-n', '1'], env: gate.env });
    const [, worker] = await run.said(/worker 1 is process (\d+)/);
    await gate.arrived(1);
    process.kill(Number(worker), 'SIGTERM');
    gate.open();
    await run.said(/worker 1 exited with status 0/);
    run.kill('SIGINT');
    expect((await run.ended()).signal).toBe('SIGINT');
    expect(run.stdout).toMatch('finished 1\n');
    expect(run.stderr).not.toMatch(/died/);
  });

  test.each(['SIGINT', 'SIGQUIT', 'SIGHUP'] as const)('%s to a worker does nothing', async (signal) => {
    const gate = await makeGate();
    const run = runTask('own-signals', { args: ['-v', '-n', '1', '--limit', '1'], env: gate.env });
    const [, worker] = await run.said(/worker 1 is process (\d+)/);
    await gate.arrived(1);
    process.kill(Number(worker), signal);
    gate.open();
    const { status, stdout, stderr } = await run.ended();
    expect([status, stdout]).toEqual([0, 'finished 1\n']);
    expect(stderr).not.toMatch(/died/);
  });

  test('TERM to a worker lets it finish what it has', async () => {
    const gate = await makeGate();
    const run = runTask('own-signals', { args: ['-v', '-n', '1', '--limit', '2'], env: gate.env });
    const [, worker] = await run.said(/worker 1 is process (\d+)/);
    await gate.arrived(1);
    process.kill(Number(worker), 'SIGTERM');
    gate.open();
    const { status, stdout, stderr } = await run.ended();
    expect([status, stdout]).toEqual([0, 'finished 1\nfinished 2\n']);
    expect(stderr).toMatch('worker 1 exited with status 0');
  });
});
