// What holds a run back: --rate, `throttle`, RateLimited. By the rules alone, and to the millisecond, the simulator sees to it.
import { expect, test } from 'vitest';
import { type RunOptions, runTask, type TaskRun } from './run-task.ts';

/** What the task's lines say, in their order, and when each was written, in milliseconds. */
function said(stdout: string): { what: string; at: number }[] {
  return [...stdout.matchAll(/^(.*) at (\d+)$/gm)].map(([, what = '', at]) => ({ what, at: Number(at) }));
}

const heldBack = (how: string, { args = [], ...options }: RunOptions = {}): TaskRun =>
  runTask('held-back', { ...options, args: ['-n', '2', ...args, '--', ...how.split(' ')] });

/** Six items at ten in a second take half a second at least, whatever the machine does; at the usual pace a fraction of that. */
test.each(['10/s', '600/m', '36000/h', '10'])('with --rate %s items begin one after another', async (rate) => {
  const { status, stdout, stderr } = await heldBack('none', { args: ['--rate', rate] }).ended();
  expect(status, stderr).toBe(0);
  const times = said(stdout).map(({ at }) => at);
  expect(times).toHaveLength(6);
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(250);
});

test.each(['5/d', 'fast', '-1', '1e3', 'Infinity'])('--rate %s is refused, with what it takes', async (rate) => {
  const { status, stderr } = await heldBack('none', { args: [`--rate=${rate}`] }).ended();
  expect(status).toBe(2);
  expect(stderr).toContain(
    `--rate must be a number of items in a second, minute or hour, such as 100/s, 30/m or 1000/h, and is '${rate}'`,
  );
});

test.each([[], ['--inline']])('throttle holds items back before the first and is asked again %s', async (...args) => {
  const { status, stdout, stderr } = await heldBack('throttle 1200 0', { args }).ended();
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(/^divvy: no item starts for 1\.2 s: throttle asked for it \(later waits only with -v\)$/m);
  const lines = said(stdout);
  const [first, second, ...items] = lines.map(({ what }) => what);
  expect([first, second]).toEqual(['throttle 1200', 'throttle 0']);
  expect(items.filter((what) => what.startsWith('item'))).toHaveLength(6);
  expect((lines[1]?.at ?? 0) - (lines[0]?.at ?? 0)).toBeGreaterThanOrEqual(1199);
});

test.each([
  ['throws', /the hook throttle threw: Error: the replica is gone/],
  ['"soon"', /throttle .*it must return how many milliseconds to wait \(0: don't wait\), and returned 'soon'/],
  ['-1', /and returned -1/],
  ['null', /and returned null/],
])('a throttle that answers %s stops the run', async (answer, message) => {
  const { status, stdout, stderr } = await heldBack(`throttle ${answer}`).ended();
  expect(status, stderr).toBe(70);
  expect(stderr).toMatch(message);
  expect(stdout).not.toContain('item');
});

test.each([
  ['throttle never', 'throttle to answer'],
  ['throttle 3600000', /waits for [\d.]+ (min|h) more, because of throttle/],
])('a run that is held back (%s) says so, and a stop does not wait for it', async (how, waits) => {
  const run = heldBack(how);
  await run.said(how === 'throttle never' ? /throttle never/ : /no item starts for/);
  run.kill('SIGUSR2');
  const [state = ''] = await run.said(/waits for .*/);
  expect(state).toMatch(waits);
  run.kill('SIGINT');
  const { signal, stdout } = await run.ended();
  expect(signal).toBe('SIGINT');
  expect(stdout).not.toContain('item');
});

test.each([[], ['--inline']])('RateLimited holds back everything, and is no attempt %s', async (...args) => {
  const { status, stdout, stderr } = await heldBack('limited 1000', { args: ['-n', '1', ...args] }).ended();
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(
    /^divvy: no item starts for [\d.]+ (s|ms): item 1 threw RateLimited: wait 1000 ms \(later waits only with -v\)$/m,
  );
  const lines = said(stdout);
  expect(lines.slice(0, 2).map(({ what }) => what)).toEqual(['item 1 attempt 1', 'item 1 attempt 1']);
  expect((lines[1]?.at ?? 0) - (lines[0]?.at ?? 0)).toBeGreaterThanOrEqual(999);
  expect(lines).toHaveLength(7);
  expect(stderr).toMatch(/^divvy: 6 items: 6 done\. Took/m);
});

test('a throttle that takes its time to answer is not asked again at once', async () => {
  const { status, stdout, stderr } = await heldBack('slow-throttle 1200').ended();
  expect(status, stderr).toBe(0);
  expect(stdout.match(/^item/gm)).toHaveLength(6); // it would be asked for ever
});

test('throttle is asked before a retry, too', async () => {
  const { status, stdout, stderr } = await heldBack('retried', { args: ['--retries', '1'] }).ended();
  expect(status, stderr).toBe(0);
  const at = (line: string): number => said(stdout).find(({ what }) => what === line)?.at ?? 0;
  const asked = said(stdout).filter(({ what }) => what === 'throttle 0');
  // Once more, a second after the first time; more often where the items take that long.
  expect(asked.some((each) => each.at > at('item 1 attempt 1') && each.at <= at('item 1 attempt 2'))).toBe(true);
});

test('with a low rate the end of the items is noticed at once', async () => {
  const { status, stderr } = await heldBack('one', { args: ['--rate', '1/h'] }).ended();
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(/^divvy: 1 item: 1 done\. Took [\d.]+ (ms|s)\.$/m);
});

test('a run that waits for --rate says so', async () => {
  const run = heldBack('none', { args: ['--rate', '1/h'] });
  await run.said(/^item 1 /m);
  run.kill('SIGUSR2');
  await run.said(/waits for (59 min|1 h|60 min|[\d.]+ min) more, because of --rate/);
  run.kill('SIGINT');
  expect((await run.ended()).signal).toBe('SIGINT');
});

test('--rate 0 is no limit', async () => {
  expect((await heldBack('none', { args: ['--rate', '0'] }).ended()).status).toBe(0);
});

test('an error with retryAfterMs is tried again after that long, whatever the backoff', async () => {
  const { status, stdout, stderr } = await heldBack('asks 10', { args: ['--retries', '1', '--backoff', '1h'] }).ended();
  expect(status, stderr).toBe(0);
  const attempts = said(stdout).filter(({ what }) => what.startsWith('item 1 '));
  expect(attempts.map(({ what }) => what)).toEqual(['item 1 attempt 1', 'item 1 attempt 2']);
});
