// Items that take longer than --warn-after, and workers that are older than --recycle-older.
import { expect, test } from 'vitest';
import { runTask } from '../run-task.ts';

test.each([[], ['--inline']])(
  'an item that takes longer than --warn-after is reported once, with its stack %s',
  async (...args) => {
    const run = runTask('held-back', { args: ['-n', '1', '--warn-after', '150ms', ...args, '--', 'slow', '600'] });
    const { status, stderr } = await run.ended();
    expect(status, stderr).toBe(0);
    expect(stderr.match(/--warn-after/g)).toHaveLength(1);
    expect(stderr).toMatch(/^divvy: item 1 \(key .{8}…\) has been in worker 1 for [\d.]+ (ms|s) \(--warn-after\)$/m);
    expect(stderr).toMatch(args.length > 0 ? /runs in the master \(--inline\)/ : /^divvy: {5}at /m);
  },
);

test('an event of it has the key, the worker and the stack', async () => {
  const run = runTask('held-back', { args: ['-n', '1', '--warn-after', '150ms', '--json', '--', 'blocks', '600'] });
  const { status, stderr } = await run.ended();
  expect(status, stderr).toBe(0);
  const events = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const slow = events.filter(({ type }) => type === 'item slow');
  expect(slow).toMatchObject([{ number: 1, worker: 1, key: expect.stringMatching(/^[\w-]{22}$/) }]);
  expect(JSON.stringify(slow[0]?.['stack'])).toContain('held-back.ts');
});

test('a worker that is older than --recycle-older finishes its item, and another takes its place', async () => {
  const run = runTask('held-back', { args: ['-n', '1', '--recycle-older', '50ms', '--json', '--', 'slow', '300'] });
  const { status, stderr, stdout } = await run.ended();
  expect(status, stderr).toBe(0);
  const events = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events.filter(({ type }) => type === 'worker forked').length).toBeGreaterThan(1);
  expect(events.filter(({ type }) => type === 'worker died')).toEqual([]);
  expect(stdout.match(/^item 1 attempt/gm)).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({ result: { counts: { done: 6, failed: 0, crashed: 0, retried: 0 } } });
});
