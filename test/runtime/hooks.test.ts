// The members of a task: in which process each runs, when, how often and with what, and what becomes of one that throws.
import { describe, expect, onTestFinished, test } from 'vitest';
import { runTask } from './run-task.ts';

const lines = (text: string): string[] => text.trimEnd().split('\n');

test.each(['sync', 'async'])('each runs in its process, in its order, with its arguments (%s)', async (how) => {
  const { status, stdout, stderr } = await runTask('hooks', { args: ['-n', '1', '--', 'none', how] }).ended();
  expect(status, stderr).toBe(1);
  const said = lines(stdout);
  // The output of a worker comes by a pipe of its own, so only lines of one process have an order.
  const master = said.filter((line) => line.startsWith('master'));
  // A worker that has nothing left exits, whether or not the hooks of its last items have run.
  const isExit = (line: string): boolean => line.startsWith('master afterExit');
  expect(master.filter((line) => !isExit(line))).toEqual([
    'master beforeRun true 1 true',
    'master total ',
    'master dispatch ',
    'master beforeFork 1 undefined false undefined',
    'master afterProcess good good result 1 1 0 1 true',
    'master afterFailure bad PermanentError bad indeed true 42 TypeError the cause E_CAUSE 2 1',
    'master afterProcess last last result 3 1 0 1 true',
    'master afterRun 2 1 1',
  ]);
  expect(master.filter(isExit)).toEqual(['master afterExit 1 undefined false 0 null']);
  expect(isExit(master.at(-1) ?? '')).toBe(false);
  expect(said.filter((line) => line.startsWith('worker'))).toEqual([
    'worker afterFork 1 true for worker 1 1',
    'worker process good 1 1 1',
    'worker process last 1 3 1',
    'worker beforeExit 1 true',
  ]);
  expect(lines(stderr).slice(0, 3)).toEqual([
    expect.stringMatching(
      /^divvy: item 2 \(key .{8}…\) failed: PermanentError \[42\]: bad indeed, caused by TypeError \[E_CAUSE\]: the cause$/,
    ),
    expect.stringMatching(/^divvy: {3}at .*tasks\/hooks\.ts:\d+:\d+\)?$/),
    expect.stringMatching(/^divvy: 3 items: 2 done, 1 failed\. Took /),
  ]);
});

/** What throws, the exit code, whether the run is stopped by it, and what is done by then. */
const THROWING = [
  ['beforeRun', 70, { dispatch: 0, process: 0, afterRun: 1 }],
  ['total', 70, { dispatch: 0, process: 0, afterRun: 1 }],
  ['beforeFork', 70, { process: 0, afterRun: 1 }],
  ['afterProcess', 70, { afterRun: 1, afterExit: 1 }],
  ['afterFailure', 70, { afterFailure: 1, afterRun: 1, afterExit: 1 }],
  ['afterFork', 69, { process: 0, beforeExit: 0, afterRun: 1, afterExit: 1 }],
  ['beforeExit', 1, { process: 2, afterRun: 1, afterExit: 1 }],
  ['afterExit', 1, { process: 2, afterRun: 1 }],
  ['afterRun', 1, { process: 2, afterRun: 1 }],
] as const;

test.each(THROWING.flatMap((row) => [[...row, 'sync'] as const, [...row, 'async'] as const]))(
  '%s that throws: exit %i, %o (%s)',
  async (hook, exitCode, times, how) => {
    const { status, stdout, stderr } = await runTask('hooks', { args: ['-n', '1', '--', hook, how] }).ended();
    expect(status, stderr).toBe(exitCode);
    for (const [member, expected] of Object.entries(times)) {
      const found = lines(stdout).filter((line) => line.split(' ')[1] === member);
      expect(found, member).toHaveLength(expected);
    }
    const error = `RangeError: ${hook} is broken`;
    const said =
      exitCode === 70
        ? `divvy: the hook ${hook} threw: ${error}; the run was stopped, and items in progress were finished`
        : error;
    expect(lines(stderr).filter((line) => line.includes(said))).toHaveLength(1);
    expect(stderr).toMatch(/ {2}at .*hooks\.ts/);
    expect(stderr).not.toMatch(/node:internal|runtime\/\w+\.ts/);
  },
);

test.each(THROWING)('%s that throws null: exit %i', async (hook, exitCode) => {
  const { status, stderr } = await runTask('hooks', { args: ['-n', '1', '--', hook, 'null'] }).ended();
  expect(status, stderr).toBe(exitCode);
  expect(stderr).toMatch(/: NonError: null/);
  // The item that fails in every run has a stack, and a cause.
  const told = stderr.replace(/^divvy: item 2 .*\n(divvy: {3}at .*\n)?/m, '').replace(/^divvy: {3}1 item: .*\n/m, '');
  expect(told).not.toMatch(/bug|TypeError| at /);
});

test('items in progress are finished and counted when a hook throws', async () => {
  const { status, stderr } = await runTask('hooks', { args: ['-n', '1', '-c', '3', '--', 'afterProcess'] }).ended();
  expect(status).toBe(70);
  // Whether any is still in progress when the hook throws is a matter of time; all count as they ended.
  expect(stderr).toMatch(/divvy: 3 items: 0 done, 1 failed, 2 unfinished\. Took /);
});

test('--retries tries again what threw, and not what is permanent', async () => {
  const args = ['-n', '2', '--retries', '2', '--backoff', '10ms'];
  const { status, stdout, stderr } = await runTask('retries', { args }).ended();
  expect(status).toBe(1);
  expect(lines(stdout).sort()).toEqual([
    'attempt 1 at PermanentError',
    'attempt 1 at fails always',
    'attempt 1 at fails once',
    'attempt 1 at permanent: true',
    'attempt 1 at throws text',
    'attempt 1 at throws what cannot be read',
    'attempt 2 at fails always',
    'attempt 2 at fails once',
    'attempt 2 at throws text',
    'attempt 2 at throws what cannot be read',
    'attempt 3 at fails always',
    'attempt 3 at throws text',
    'attempt 3 at throws what cannot be read',
    'gave up 2 (fails always) after 3: Error: again',
    'gave up 3 (PermanentError) after 1: PermanentError: never',
    'gave up 4 (permanent: true) after 1: Error: never',
    "gave up 5 (throws text) after 3: NonError: 'just text'",
    'gave up 6 (throws what cannot be read) after 3: Error: what was thrown cannot be shown, since it throws when it is looked at',
  ]);
  expect(stderr).toMatch(/divvy: item 2 \(key .{8}…\) failed after 3 attempts: Error: again\n/);
  expect(stderr).toMatch('divvy: 6 items: 1 done, 5 failed. 7 retried. Took ');
});

test.each([[[]], [['--inline']]])('whatever is thrown fails its item alone, and ends no process (%j)', async (how) => {
  const { status, stderr } = await runTask('throws-anything', { args: ['-n', '1', ...how] }).ended();
  expect(status).toBe(1);
  const said = lines(stderr)
    .filter((line) => !/^divvy: ( {2}|journal|to try)/.test(line))
    .map((line) => line.replace(/ \(key .{8}…\)/, '').replace(/ Took .*/, ''));
  expect(said.filter((line) => /item \d+ failed/.test(line))).toHaveLength(23);
  const unreadable = 'NonError: what was thrown cannot be shown, since it throws when it is looked at';
  expect(said.slice(-3)).toEqual([
    'divvy: the hook afterExit (worker 1) threw: NonError: undefined',
    "divvy: the hook afterRun threw: NonError: 'just text'",
    'divvy: 25 items: 2 done, 23 failed.',
  ]);
  expect(said).toEqual(
    expect.arrayContaining([
      'divvy: item 23 failed: Error: looked at',
      `divvy: the hook beforeExit (worker 1) threw: ${unreadable}`,
      'divvy: item 1 failed: NonError: undefined',
      'divvy: item 6 failed: TypeError: of another realm',
      'divvy: item 7 failed: AggregateError: several (1 error: Error: one)',
      'divvy: item 9 failed: Error: cyclic',
      'divvy: item 10 failed: Error: no prototype',
      'divvy: item 18 failed: Error: of its own',
      `divvy: item 20 failed: ${unreadable}`,
      `divvy: item 22 failed: Error: with a cause, caused by ${unreadable}`,
    ]),
  );
});

test('all of it --inline: the same members, in one process', async () => {
  const { status, stdout } = await runTask('hooks', { args: ['--inline'] }).ended();
  expect(status).toBe(1);
  const called = lines(stdout).map((line) => line.split(' ').slice(0, 2).join(' '));
  // The next item may be processed before or after the hook for the one before.
  expect(called.filter((line) => line === 'master process').length).toBe(2);
  expect(called.filter((line) => line !== 'master process')).toEqual([
    'master beforeRun',
    'master total',
    'master dispatch',
    'master beforeFork',
    'master afterFork',
    'master afterProcess',
    'master afterFailure',
    'master afterProcess',
    'master beforeExit',
    'master afterExit',
    'master afterRun',
  ]);
});

test.each(THROWING)('--inline, %s that throws: exit %i', async (hook, exitCode) => {
  const { status, stderr } = await runTask('hooks', { args: ['--inline', '--', hook] }).ended();
  expect(status, stderr).toBe(exitCode);
  expect(stderr).toContain(`RangeError: ${hook} is broken`);
});

test.each([
  ['beforeRun', 0, 0],
  ['beforeFork', 0, 2],
  ['afterProcess', 0, 2],
  ['afterRun', 2, 0],
])('a hook that hangs does not outlive TERM (%s)', async (hook, done, unfinished) => {
  const run = runTask('hangs', { args: ['-n', '1', '-c', '2', '--kill-after', '100ms', '--', hook] });
  await run.said(/hangs\n/);
  process.kill(run.pid, 'SIGTERM');
  const { signal, stderr } = await run.ended();
  expect(signal).toBe('SIGTERM');
  const items = done + unfinished;
  const counts = items === 0 ? '' : `: ${done} done${unfinished > 0 ? `, ${unfinished} unfinished` : ''}`;
  expect(stderr).toContain(`divvy: Stopped by SIGTERM. ${items} items${counts}. Took `);
});

test('whoever presses Ctrl+C again while a hook hangs is told from when on that helps', async () => {
  const run = runTask('hangs', { args: ['-n', '1', '--kill-after', '100ms', '--', 'beforeRun'] });
  await run.said(/hangs\n/);
  run.kill('SIGINT');
  await run.said(/Stopping \(SIGINT\): nothing is in progress/);
  const again = setInterval(() => run.kill('SIGINT'), 100); // at once it may be the same keypress
  onTestFinished(() => clearInterval(again));
  await run.said(/Already stopping: waiting for a hook, or dispatch\. In [\d.]+ s, Ctrl\+C again abandons it\./);
  clearInterval(again);
  run.kill('SIGTERM');
  expect(await run.ended()).toMatchObject({ signal: 'SIGINT' });
});

describe('a beforeExit that is cut short is told of: exit 1 at least', () => {
  test.each([
    ['hangs', 'was killed by SIGKILL before it had come to its end (--kill-after)'],
    ['is stuck', 'was killed by SIGKILL before it had come to its end (--kill-after)'],
    ['exits', 'exited with status 3 before it had come to its end'],
  ])('it %s', async (how, told) => {
    // One that exits is given the time that it takes.
    const args = ['-n', '1', '--kill-after', how === 'exits' ? '1m' : '100ms', '--', 'with hook'];
    const run = runTask('leaves', { args, env: { BEFORE_EXIT: how } });
    const { status, stdout, stderr } = await run.ended();
    expect({ status, stdout }).toEqual({ status: 1, stdout: 'processed\n' });
    expect(lines(stderr)).toEqual([
      `divvy: the hook beforeExit (worker 1) threw: WorkerDied: the worker ${told}`,
      expect.stringMatching(/^divvy: 1 item: 1 done\. Took /),
    ]);
  });

  test('--inline, too', async () => {
    const args = ['--inline', '--kill-after', '100ms', '--', 'with hook'];
    const { status, stderr } = await runTask('leaves', { args, env: { BEFORE_EXIT: 'hangs' } }).ended();
    expect(status).toBe(1);
    expect(stderr).toMatch('the hook beforeExit (worker 1) threw: WorkerDied: the worker was killed by SIGKILL');
  });

  test('--inline: where it comes to its end after all, it takes nobody else with it', async () => {
    const args = ['--inline', '--recycle-after', '1', '--kill-after', '100ms', '--', 'with hook'];
    const { status, stdout, stderr } = await runTask('leaves', { args, env: { BEFORE_EXIT: 'is slow' } }).ended();
    expect({ status, stdout }).toEqual({ status: 1, stdout: 'processed\n'.repeat(4) });
    expect(stderr).toMatch(/: 4 items: 4 done\. Took .*\n$/);
  });

  test('without the hook, a worker that ends badly on its way out is told of, and every item is done', async () => {
    const { status, stderr } = await runTask('leaves').ended();
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^divvy: worker 1 exited with status 4 \(on its way out\)\ndivvy: 1 item: 1 done\. Took .*\n$/,
    );
  });
});
