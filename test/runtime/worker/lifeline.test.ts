// What becomes of workers whose master is gone or held, and of a master whose workers are.
import { expect, test } from 'vitest';
import { ALL_WELL, gone, makeGate, runTask } from '../run-task.ts';

test.each([
  ['idle', 'idle'],
  ['in an await', 'await'],
  ['in a busy loop', 'loop'],
  ['in Atomics.wait', 'wait'],
  ['with timers, sockets and handlers of its own', 'open'],
  ['in a loop while the task file is loaded', 'import'],
  ['in a loop in afterFork', 'afterFork'],
])('a worker whose master was killed is gone within 2 s: %s', async (_, way) => {
  const run = runTask('orphaned', { args: ['-n', '1', '--', way] });
  const [, pid] = await run.said(/begun in (\d+)/);
  run.kill('SIGKILL');
  await gone(Number(pid));
  await run.gone();
  expect(await run.closed).toMatchObject({ signal: 'SIGKILL' });
});

test('many workers of a master that was killed while they boot are gone within 2 s', async () => {
  const run = runTask('orphaned', { args: ['-v', '-n', '8', '-c', '1', '--', 'await'] });
  await run.said(/worker 8 is process/);
  run.kill('SIGKILL');
  await run.gone();
});

test('nothing is lost while the master is suspended', async () => {
  const gate = await makeGate();
  const run = runTask('gated', { args: ['-n', '2', '-c', '2', '--', '8'], env: gate.env });
  await gate.arrived(4);
  run.kill('SIGSTOP');
  gate.open();
  run.kill('SIGCONT');
  const { status, stdout, stderr } = await run.ended();
  expect(status).toBe(0);
  expect(stdout.split('\n').sort()).toEqual(['', ...Array.from({ length: 8 }, (_, at) => `finished ${at + 1}`)]);
  expect(stderr).toMatch(ALL_WELL);
});

test('a graceful stop waits for the items of a worker that is suspended', async () => {
  const gate = await makeGate();
  const run = runTask('gated', { args: ['-v', '-n', '1', '--kill-after', '100ms', '--', '3'], env: gate.env });
  const [, pid] = await run.said(/worker 1 is process (\d+)/);
  await gate.arrived(1);
  process.kill(Number(pid), 'SIGSTOP');
  run.kill('SIGINT');
  await run.said(/waiting for 1 item/);
  gate.open();
  process.kill(Number(pid), 'SIGCONT');
  expect(await run.ended()).toMatchObject({ signal: 'SIGINT', stdout: 'finished 1\n' });
});

test('a forceful stop kills a worker that is suspended', async () => {
  const gate = await makeGate();
  const run = runTask('gated', { args: ['-v', '-n', '1', '--kill-after', '100ms', '--', '3'], env: gate.env });
  const [, pid] = await run.said(/worker 1 is process (\d+)/);
  await gate.arrived(1);
  process.kill(Number(pid), 'SIGSTOP');
  run.kill('SIGTERM');
  const { signal, stderr } = await run.ended();
  expect(signal).toBe('SIGTERM');
  expect(stderr).toMatch('worker 1 was killed by SIGKILL');
});

test('an idle worker that is suspended is killed after the kill delay', async () => {
  const gate = await makeGate();
  const run = runTask('waiting-dispatch', { args: ['-v', '-n', '1', '--kill-after', '100ms'], env: gate.env });
  const [, pid] = await run.said(/worker 1 is process (\d+)/);
  await run.said(/processed 1/);
  await run.said(/item 1 .*is done/);
  process.kill(Number(pid), 'SIGSTOP');
  run.kill('SIGINT');
  const { signal, stderr } = await run.ended();
  expect(signal).toBe('SIGINT');
  expect(stderr).toMatch('worker 1 was killed by SIGKILL');
});
