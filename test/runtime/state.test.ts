// USR2 and the number of workers, and what becomes of the signal handlers of a program that uses the library.
import { describe, expect, test } from 'vitest';
import { makeGate, runProgram, runTask, taskFile } from './run-task.ts';

describe('USR2 says where each worker is', () => {
  test.each([
    ['a busy loop', 'loop', 'loop', '23|24'],
    ['Atomics.wait', 'wait', 'wait', '28|29'],
    ['a runaway regular expression', 'regex', 'regex', '33|34'],
  ])('in %s', async (_, way, name, line) => {
    const run = runTask('stuck', { args: ['-n', '2', '--kill-after', '100ms', '--', way] });
    const [, pid] = await run.said(/begun in (\d+)/);
    run.kill('SIGUSR2');
    await run.said(/master \(\d+\): 1 item dispatched, 0 done, 0 failed\n/);
    expect(run.stderr).toMatch(new RegExp(`worker 1 \\(${pid}\\): item 1 for [\\d.]+ m?s\\n`));
    expect(run.stderr).toMatch(new RegExp(`at ${name} \\(file://.*/test/runtime/tasks/stuck.ts:(${line}):\\d+\\)\\n`));
    expect(run.stderr).toMatch(/at process \(file:.*stuck.ts:\d+:\d+\)\n/);
    run.kill('SIGTERM');
    await run.ended();
  });

  test('in native code: that it does not answer', async () => {
    const run = runTask('stuck', { args: ['-n', '1', '--kill-after', '100ms', '--', 'native'] });
    await run.said(/begun in \d+/);
    run.kill('SIGUSR2');
    await run.said(
      /worker 1 \(\d+\): item 1 for .*\ndivvy: {5}does not answer \(it is in native code, or suspended\)\n/,
    );
    run.kill('SIGTERM');
    expect(await run.closed).toMatchObject({ signal: 'SIGTERM' }); // what the task has started is its own to end
  });

  test('in an await, at which it goes on', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-n', '1', '--', '2'], env: gate.env });
    await gate.arrived(1);
    run.kill('SIGUSR2');
    await run.said(/worker 1 \(\d+\): item 1 for [\s\S]*master /);
    run.kill('SIGUSR2');
    await run.said(/master [\s\S]*worker 1 \(\d+\): item 1 for [\s\S]*master /);
    gate.open();
    expect(await run.ended()).toMatchObject({ status: 0, stdout: 'finished 1\nfinished 2\n' });
  });

  test('idle, and that dispatch is waited for', async () => {
    const gate = await makeGate();
    const run = runTask('waiting-dispatch', { args: ['-n', '1'], env: gate.env });
    await gate.arrived(1);
    await run.said(/processed 1/);
    run.kill('SIGUSR2');
    await run.said(/waits for dispatch to give an item, for /);
    expect(run.stderr).toMatch(/worker 1 \(\d+\): no item\n/);
    expect(run.stderr).toMatch(/master \(\d+\): 1 item dispatched, 1 done, 0 failed\n/);
    gate.open();
    expect(await run.ended()).toMatchObject({ status: 0, stdout: 'processed 1\nprocessed 2\n' });
  });

  test('stopped by somebody: that it does not answer', async () => {
    const run = runTask('stuck', { args: ['-n', '1', '--kill-after', '100ms', '--', 'await'] });
    const [, pid] = await run.said(/begun in (\d+)/);
    process.kill(Number(pid), 'SIGSTOP');
    run.kill('SIGUSR2');
    await run.said(/worker 1 \(\d+\): item 1 for .*\ndivvy: {5}does not answer\n/);
    run.kill('SIGTERM');
    expect(await run.ended()).toMatchObject({ signal: 'SIGTERM' });
  });

  test('sent to a worker, it does nothing', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-n', '1', '--', '1'], env: gate.env });
    await gate.arrived(1);
    run.killGroup('SIGUSR2');
    await run.said(/master \(\d+\): 1 item /);
    gate.open();
    expect(await run.ended()).toMatchObject({ status: 0, stdout: 'finished 1\n' });
  });
});

describe('TTIN and TTOU', () => {
  test('one worker more, and one fewer, down to one', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-n', '1', '--', '6'], env: gate.env });
    await gate.arrived(1);
    run.kill('SIGTTIN');
    await run.said(/up to 2 workers from now on/);
    await gate.arrived(2);
    run.kill('SIGTTOU');
    await run.said(/up to 1 worker from now on/);
    run.kill('SIGTTOU'); // there is no fewer
    run.kill('SIGUSR2');
    await run.said(/master \(\d+\)/);
    run.kill('SIGTTIN');
    await run.said(/up to 1 worker from now on\ndivvy: worker[\s\S]*up to 2 workers from now on/);
    gate.open();
    const { status, stdout, stderr } = await run.ended();
    expect(status).toBe(0);
    expect(stdout.match(/finished \d\n/g)).toHaveLength(6);
    expect(stderr).not.toMatch(/died|up to 0/);
  });

  test('TTOU: the worker that goes finishes its item', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-v', '-n', '2', '--', '6'], env: gate.env });
    await gate.arrived(2);
    run.kill('SIGTTOU');
    await run.said(/up to 1 worker from now on/);
    gate.open();
    const { status, stderr } = await run.ended();
    expect(status).toBe(0);
    expect(stderr).toMatch('divvy: worker 2 exited with status 0');
    expect(stderr).toMatch('6 items: 6 done. Took ');
  });

  test('not on a terminal, where a job in the background would be sent them', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { onTerminal: true, args: ['-v', '-n', '1', '--', '2'], env: gate.env });
    const [, master = ''] = await run.said(/: master (\d+),/);
    await gate.arrived(1);
    // Nobody listens, so the process is stopped, as any other would be.
    process.kill(Number(master), 'SIGTTIN');
    process.kill(Number(master), 'SIGCONT');
    gate.open();
    const { status, stdout } = await run.ended();
    expect(status).toBe(0);
    expect(stdout).toMatch(/finished 1\r?\n/);
    expect(stdout).not.toMatch('from now on');
  });
});

describe('as a library', () => {
  test('handlers that stood before run() stand again after it', async () => {
    const gate = await makeGate();
    const run = runProgram('handlers', { args: [taskFile('gated')], env: gate.env });
    await gate.arrived(1);
    run.kill('SIGINT');
    await run.said(/Stopping/);
    gate.open();
    const { signal, stdout } = await run.ended();
    expect(stdout).toBe('finished 1\nrun: SIGINT 130\nINT: true\nTERM: 1, QUIT: 0\nmy own handler, once\n');
    expect(signal).toBe('SIGTERM');
  });

  test('signals: false leaves them alone, and an AbortSignal stops the run', async () => {
    const gate = await makeGate();
    const run = runProgram('no-signals', { args: [taskFile('gated')], env: gate.env });
    await gate.arrived(1);
    run.kill('SIGTTIN');
    await run.said(/mine, too/);
    run.kill('SIGINT');
    await run.said(/Stopping \(abort\): waiting for 1 item/);
    gate.open();
    const { status, stdout } = await run.ended();
    expect(stdout).toBe('mine, too\nmy own handler\nfinished 1\nrun: abort 1 1\n1 0 0\n');
    expect(status).toBe(0);
  });
});
