// Items that are sent ahead: by real processes here, in every other way by the simulator.
import { expect, test } from 'vitest';
import { batchesAcks, paceAfter, prefetchAt, UNKNOWN_PACE } from '../../../runtime/master/pace.ts';
import { makeGate, runTask } from '../run-task.ts';

test('nothing is sent prefetch before it is known how long items take, and nothing where they take long', () => {
  expect(prefetchAt(UNKNOWN_PACE, 1)).toBe(0);
  expect(prefetchAt(5, 1)).toBe(0);
  expect(prefetchAt(5, 250)).toBe(100);
});

test('of short items so many as take two milliseconds, and 1,024 at most', () => {
  expect(prefetchAt(0.5, 1)).toBe(4);
  expect(prefetchAt(0.001, 1)).toBe(1024);
});

test('the pace follows what items take lately', () => {
  let pace = paceAfter(UNKNOWN_PACE, 8);
  expect(pace).toBe(8);
  for (let item = 0; item < 60; item++) pace = paceAfter(pace, 0.001);
  expect(batchesAcks(pace)).toBe(true);
  pace = paceAfter(pace, 3000);
  expect(prefetchAt(pace, 1)).toBe(0);
});

test('no item waits behind one that takes long', async () => {
  const gate = await makeGate();
  const run = runTask('short', { args: ['-n', '2', '--', 'waits'], env: gate.env });
  await run.said(/the others are done/);
  gate.open();
  expect((await run.ended()).status).toBe(0);
});

/** The items that were begun, in order. */
const begunIn = (stdout: string): number[] =>
  Array.from(stdout.matchAll(/^begun (\d+)$/gm), ([, item]) => Number(item)).sort((a, b) => a - b);
const each = Array.from({ length: 5000 }, (_, index) => index + 1);

test('nor behind one that blocks its worker: what waits there is taken back, and done once', async () => {
  const gate = await makeGate();
  const run = runTask('short', { args: ['-n', '2', '--', 'blocks'], env: gate.env });
  await run.said(/the others are done/);
  gate.open();
  const { status, stdout } = await run.ended();
  expect(begunIn(stdout)).toEqual(each);
  expect(status).toBe(0);
});

test('workers that are blocked again and again: each item is begun once, whoever it was taken back from', async () => {
  const args = ['--json', '-v', '-n', '3', '--', 'stumbles'];
  const { status, stdout, stderr } = await runTask('short', { args }).ended();
  expect(begunIn(stdout)).toEqual(each);
  const events = stderr.split('\n').filter((line) => line.includes('"type":"items handed"'));
  const handed = events.flatMap((line): number[] => JSON.parse(line).numbers);
  expect(handed.length).toBeGreaterThan(5000);
  expect(status).toBe(0);
});

test('the worker that is blocked dies: the item that blocked it reserved was in progress', async () => {
  const gate = await makeGate();
  const run = runTask('short', { args: ['-n', '2', '--max-crashes', '1', '--', 'blocks'], env: gate.env });
  await run.said(/the others are done/);
  const [pid] = await gate.arrived(1);
  process.kill(Number(pid), 'SIGKILL');
  const { status, stdout, stderr } = await run.ended();
  expect(begunIn(stdout)).toEqual(each);
  expect(stderr).toMatch(/^divvy: 5,000 items: 4,999 done, 1 failed\./m);
  expect(status).toBe(1);
});

test.each(['kills', 'exits'])(
  'of many that may have been in progress only the one that %s its worker fails',
  async (way) => {
    const args = ['-n', '2', '--max-crashes', '2', '--', way];
    const { status, stderr } = await runTask('short', { args }).ended();
    expect(stderr).toMatch(/^divvy: 5,000 items: 4,999 done, 1 failed\./m);
    expect(stderr).toMatch(/^divvy: item 2500 .*failed/m);
    expect(status).toBe(1);
  },
);
