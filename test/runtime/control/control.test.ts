// A hand on a running run, from another terminal: pause, continue, workers, cancel, stop, and how it stands.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RunningStatus } from '../../../runtime/control/messages.ts';
import { type Gate, makeGate, RUNNER, runTask, suspend, type TaskRun, taskFile } from '../run-task.ts';

interface Controlled {
  readonly run: TaskRun;
  readonly gate: Gate;
  readonly journal: string;
  /** Asks with the runner, as from another terminal. */
  readonly ask: (...words: string[]) => { status: number | null; stdout: string; stderr: string };
  readonly status: () => RunningStatus | undefined;
}

/** A run of `controlled`; `task` are its arguments. */
async function controlled(args: readonly string[], task = '6'): Promise<Controlled> {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-control-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const journal = join(folder, 'journal.ndjson');
  const gate = await makeGate();
  const words = [...args, '-v', '--journal', journal, '--', ...task.split(' ')];
  const run = runTask('controlled', { args: words, env: gate.env });
  const ask = (...asked: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [RUNNER, ...asked, '--journal', journal, taskFile('controlled')],
      { encoding: 'utf8' },
    );
    return { status, stdout, stderr };
  };
  const status = () => (JSON.parse(ask('--status', '--json').stdout) as { now?: RunningStatus }).now;
  return { run, gate, journal, ask, status };
}

const said = (text: string): object => ({
  status: 0,
  stderr: '',
  stdout: expect.stringMatching(new RegExp(`^[\\w-]+: ${text}\n$`)),
});

describe.each([[['-n', '2']], [['-n', '1', '-c', '2']], [['--inline', '-c', '2']]])('%j', (args) => {
  test('a pause lets items in progress finish and starts none, until the run is continued', async () => {
    const { run, gate, ask, status } = await controlled(args);
    await gate.arrived(2);
    expect(ask('--control', 'pause')).toEqual(said('Paused. 2 items in progress will finish.'));
    expect(ask('--control', 'pause')).toEqual(said('It was paused already.'));
    gate.open();
    await run.said(/is done/, 2);
    expect(status()).toMatchObject({ state: 'paused', total: 6, counts: { done: 2, unfinished: 0 } });
    const lines = ask('--status').stdout;
    expect(lines).toMatch(/^ {2}paused: 2 of 6 items.*$/m);
    expect(lines).toMatch(/^ {2}worker 1 \(process \d+\): no item$/m);
    expect(run.stdout.match(/begun/g)).toHaveLength(2);
    expect(ask('--control', 'continue')).toEqual(said('It goes on.'));
    const { status: exitCode, stderr } = await run.ended();
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(
      /^divvy: Paused: no item starts until the run is continued. 2 items in progress will finish.$/m,
    );
    expect(stderr).toMatch(/^divvy: No longer paused: the run goes on.$/m);
    expect(stderr).toMatch(/6 items: 6 done/);
  });
});

test.each([
  ['SIGINT', { signal: 'SIGINT' }],
  ['SIGTERM', { signal: 'SIGTERM' }],
  ['stop', { status: 1 }],
  ['stop now', { status: 1 }],
])('a paused run can be stopped by %s', async (how, ended) => {
  const { run, gate, ask } = await controlled(['-n', '2']);
  await gate.arrived(2);
  ask('--control', 'pause');
  gate.open();
  await run.said(/is done/, 2);
  if (how.startsWith('SIG')) run.kill(how as NodeJS.Signals);
  else ask('--control', how);
  expect(await run.ended()).toMatchObject({ ...ended, stderr: expect.stringMatching(/2 done/) });
  expect(run.stdout.match(/begun/g)).toHaveLength(2);
});

test('a paused run whose items all have their outcomes ends', async () => {
  const { run, gate, ask } = await controlled(['-n', '2'], '2');
  await gate.arrived(2);
  ask('--control', 'pause');
  gate.open();
  expect(await run.ended()).toMatchObject({ status: 0 });
});

test('stop waits for the items in progress, stop now does not; both can be resumed', async () => {
  const { run, gate, ask } = await controlled(['-n', '2']);
  await gate.arrived(2);
  expect(ask('--control', 'stop')).toEqual(said('Stopping: it waits for 2 items\\.'));
  expect(ask('--control', 'stop')).toEqual(said('It is stopping already: it waits for 2 items\\.'));
  for (const what of ['pause', 'workers 3']) {
    const { status, stdout, stderr } = ask('--control', what);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^divvy: [\w-]+: The run is stopping: it waits for 2 items\.\n$/);
  }
  expect(ask('--control', 'stop now')).toEqual(said('Stopping: items in progress will be unfinished\\.'));
  const { status, stderr } = await run.ended();
  expect(status).toBe(1);
  expect(stderr).toMatch(/^divvy: Stopping \(divvy stop\): waiting for 2 items\.$/m);
  expect(stderr).toMatch(/^divvy: Stopped by divvy stop\. 2 items: 0 done, 2 unfinished\. Took/m);
  expect(stderr).toMatch(/^divvy: to go on: .* --resume /m);
});

test('from now on more workers, and fewer', async () => {
  const { run, gate, ask, status } = await controlled(['-n', '1'], '4');
  await gate.arrived(1);
  expect(ask('--control', 'workers 3')).toEqual(said('Up to 3 workers from now on\\.'));
  await gate.arrived(3);
  expect(
    status()
      ?.workers.flatMap(({ items }) => items.map(({ key }) => key))
      .sort(),
  ).toEqual(['key 1', 'key 2', 'key 3']);
  expect(ask('--control', 'workers 1')).toEqual(said('Up to 1 worker from now on\\.'));
  gate.open();
  expect(await run.ended()).toMatchObject({ status: 0 });
});

test('with --inline there is one process, and no number of workers', async () => {
  const { run, gate, ask } = await controlled(['--inline']);
  await gate.arrived(1);
  expect(ask('--control', 'workers 2')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/It runs with --inline: all its work is done in one process\.\n$/),
  });
  gate.open();
  expect(await run.ended()).toMatchObject({ status: 0 });
});

describe('cancel', () => {
  test.each([[['-n', '2']], [['--inline', '-c', '2']]])(
    'an item that obeys its signal fails, and is not tried again (%j)',
    async (args) => {
      const { run, gate, ask } = await controlled([...args, '--retries', '3', '--backoff', '1ms']);
      await gate.arrived(2);
      expect(ask('--control', 'cancel key 2')).toEqual(
        said(
          'Cancelled: item 2 \\(worker \\d\\)\\. (A worker whose item|With --inline it runs on if it) does not obey its signal.*',
        ),
      );
      await run.said(/item 2 \(key 2\) failed: Cancelled: somebody cancelled it/);
      gate.open();
      const { status, stdout, stderr } = await run.ended();
      expect(status).toBe(1);
      expect(stdout).toContain('2 is aborted: Cancelled');
      expect(stdout).not.toContain('attempt 2');
      expect(stderr).toMatch(/^divvy: somebody cancels item 2 \(key 2\) in worker \d$/m);
      expect(stderr).toMatch(/6 items: 5 done, 1 failed\./);
      expect(ask('--failures').stdout).toMatch(/item 2 \(key 2\) failed: Cancelled: somebody cancelled it/);
    },
  );

  test('an item that does not obey takes its worker with it, and nothing else', async () => {
    const { run, gate, ask } = await controlled(['-n', '1', '-c', '2', '--kill-after', '200ms'], '3 1');
    await gate.arrived(2);
    expect(ask('--control', 'cancel key 1')).toMatchObject({ status: 0, stderr: '' });
    await run.said(
      /worker 1 was killed by SIGKILL while on item 1 \(key 1\), item 2 \(key 2\) \(its item was cancelled\)/,
    );
    await gate.arrived(4);
    gate.open();
    const { status, stdout, stderr } = await run.ended();
    expect(status).toBe(1);
    // What stood beside it is handed out again, and that counts as no attempt.
    expect(stdout).toMatch(/(begun 2, attempt 1[\s\S]*){2}/);
    expect(stdout).not.toContain('attempt 2');
    expect(stderr).toMatch(/item 1 \(key 1\) failed: Cancelled: somebody cancelled it/);
    expect(stderr).toMatch(/3 items: 2 done, 1 failed\./);
  });

  test('an item that waits for its retry is refused, and the answer says so', async () => {
    const { run, gate, ask } = await controlled(
      ['-n', '1', '--retries', '1', '--backoff', '2h', '--backoff-cap', '2h', '--timeout', '200ms'],
      '1',
    );
    await gate.arrived(1);
    await run.said(/item 1 .*(again|retr)/);
    const { status, stderr } = ask('--control', 'cancel key 1');
    expect(status).toBe(1);
    expect(stderr).toMatch(/Item 1 waits for its retry, in \d.*: it can be cancelled once it is in progress\./);
    expect(ask('--control', 'stop').status).toBe(0);
    expect((await run.ended()).stderr).toMatch('1 unfinished');
  });

  test('what is not in progress is refused, with what is', async () => {
    const { run, gate, ask } = await controlled(['-n', '2']);
    await gate.arrived(2);
    for (const key of ['key 3', 'nobody']) {
      const { status, stdout, stderr } = ask('--control', `cancel ${key}`);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toMatch(`No item with the key '${key}' is in progress. In progress: 'key `);
      expect([...stderr.matchAll(/'(key [12])'/g)].map(([, each]) => each).sort()).toEqual(['key 1', 'key 2']);
    }
    gate.open();
    expect(await run.ended()).toMatchObject({ status: 0 });
  });
});

describe('the socket', () => {
  test.each([[[]], [['--inline']], [['--socket', 'SOCKET']]])(
    'is for the owner alone, and gone with the run (%j)',
    async (args) => {
      const folder = mkdtempSync(join(tmpdir(), 'divvy-socket-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const own = args.map((word) => (word === 'SOCKET' ? join(folder, 's') : word));
      const { run, gate, journal, status } = await controlled(['-n', '1', ...own], '1');
      await gate.arrived(1);
      expect(status()?.state).toBe('running');
      const { control } = JSON.parse(readFileSync(journal, 'utf8').split('\n')[0] ?? '') as { control: string };
      expect((statSync(control).mode & 0o777).toString(8)).toBe('600');
      expect((statSync(dirname(control)).mode & 0o777).toString(8)).toBe('700');
      gate.open();
      expect(await run.ended()).toMatchObject({ status: 0 }); // which looks for what is left behind
    },
  );

  test('a master that is suspended is said not to answer, and the journal is shown', async () => {
    const { run, gate, ask, status: running } = await controlled(['-n', '1'], '1');
    await gate.arrived(1);
    expect(running()?.state).toBe('running'); // its socket is there
    await suspend(run.pid);
    const { status, stdout } = ask('--status');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^[\w-]+: runs, master \d+ on .*: 0 items done/);
    expect(stdout).toMatch(
      /^ {2}the run does not answer at .*control\.sock \(no answer within 5 s\)\. If it is suspended or busy, it/m,
    );
    expect(ask('--control', 'pause')).toMatchObject({ status: 1, stdout: '' });
    run.kill('SIGCONT');
    gate.open();
    await run.closed;
  });

  test('when no run goes on, that is said', async () => {
    const { run, gate, ask } = await controlled(['-n', '1'], '1');
    await gate.arrived(1);
    gate.open();
    await run.ended();
    for (const what of ['pause', 'stop now', 'cancel x'])
      expect(ask('--control', what)).toEqual({
        status: 1,
        stdout: '',
        stderr: `divvy: no run of ${taskFile('controlled')} goes on; --runs lists its runs. If its journal was named by --journal FILE, add that; without a journal, use its terminal or kill\n`,
      });
  });
});

test.each(['', 'paus', 'pause 3', 'workers', 'workers 0', 'workers x', 'cancel', 'stop later', 'status'])(
  '--control %j is refused, with what can be asked',
  (what) => {
    const { status, stderr } = spawnSync(process.execPath, [RUNNER, '--control', what, taskFile('controlled')], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toContain(
      "must be pause, continue, 'workers N' (1 to 10000), 'cancel KEY', stop or 'stop now', and is",
    );
  },
);
