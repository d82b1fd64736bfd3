// Each row of docs/signals.md while the workers boot, and while they drain: signals.test.ts has the states between.
import { describe, expect, test } from 'vitest';
import { type Gate, makeGate, runTask, type TaskRun } from './run-task.ts';

const ALL_DONE = ['', 'finished 1', 'finished 2', 'finished 3', 'finished 4'];

interface Held {
  readonly run: TaskRun;
  readonly gate: Gate;
  /** The process of a worker. */
  pidOf(worker: number): number;
}

/** A run whose workers are all held: two that boot, with items waiting for them; or one that drains, with every item done. */
async function held(state: 'booting' | 'draining', options: readonly string[] = []): Promise<Held> {
  const gate = await makeGate();
  const workers = state === 'booting' ? 2 : 1;
  const args = ['-v', '-n', `${workers}`, '--kill-after', '1m', ...options, '--', state];
  const run = runTask('held', { args, env: gate.env });
  await gate.arrived(workers);
  // The worker is told to exit when the master has its last ack; the item counts a moment later.
  if (state === 'draining') await run.said(/item \d+ .*is done/, 4);
  const pidOf = (worker: number): number =>
    Number(new RegExp(`worker ${worker} is process (\\d+)`).exec(run.stderr)?.[1]);
  return { run, gate, pidOf };
}

const finished = (stdout: string): string[] =>
  stdout
    .split('\n')
    .filter((line) => !line.startsWith('left'))
    .sort();
const left = (stdout: string): string[] =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith('left'))
    .sort();
const forked = (stderr: string): number => stderr.match(/is process/g)?.length ?? 0;

describe('while the workers boot', () => {
  test.each(['SIGINT', 'SIGQUIT', 'SIGHUP'] as const)(
    '%s: they leave as soon as they are ready, and no item is begun',
    async (signal) => {
      const { run, gate } = await held('booting');
      run.kill(signal);
      await run.said(new RegExp(`Stopping \\(${signal}\\): nothing is in progress`));
      gate.open();
      const { stdout, stderr, ...how } = await run.ended();
      expect(how).toEqual({ status: null, signal });
      expect([finished(stdout), left(stdout)]).toEqual([[''], ['left 1', 'left 2']]);
      expect(stderr).toMatch(new RegExp(`Stopped by ${signal}\\. \\d+ items: 0 done, `));
      expect(forked(stderr)).toBe(2);
    },
  );

  test('INT: one that does not become ready is killed after the kill delay', async () => {
    const { run } = await held('booting', ['--kill-after', '100ms']);
    run.kill('SIGINT');
    const { stdout, stderr, ...how } = await run.ended();
    expect(how).toEqual({ status: null, signal: 'SIGINT' });
    expect(stdout).toBe('');
    expect(stderr).toMatch('worker 1 was killed by SIGKILL');
    expect(stderr).toMatch('worker 2 was killed by SIGKILL');
  });

  test('a second INT changes nothing until --force-after', async () => {
    const { run, gate } = await held('booting');
    run.kill('SIGINT');
    await run.said(/Stopping \(SIGINT\): nothing/);
    run.kill('SIGINT');
    run.kill('SIGUSR2'); // which is answered behind it
    await run.said(/master \(\d+\)/);
    gate.open();
    const { stdout, stderr, signal } = await run.ended();
    expect(signal).toBe('SIGINT');
    expect(left(stdout)).toEqual(['left 1', 'left 2']);
    expect(stderr).not.toMatch('Stopping now');
  });

  test('a second INT after --force-after, or a TERM, kills them', async () => {
    for (const second of ['SIGINT', 'SIGTERM'] as const) {
      const { run } = await held('booting', ['--force-after', '0']);
      run.kill('SIGINT');
      await run.said(/Stopping \(SIGINT\): nothing/);
      run.kill(second);
      const { stdout, stderr, ...how } = await run.ended();
      expect(how).toEqual({ status: null, signal: 'SIGINT' });
      expect(stdout).toBe('');
      expect(stderr).toMatch(`Stopping now (${second}).`);
    }
  });

  test('TERM kills them', async () => {
    const { run } = await held('booting');
    run.kill('SIGTERM');
    const { stdout, stderr, ...how } = await run.ended();
    expect(how).toEqual({ status: null, signal: 'SIGTERM' });
    expect(stdout).toBe('');
    expect(stderr).toMatch('Stopping now (SIGTERM).');
    expect(stderr).toMatch('worker 1 was killed by SIGKILL');
    expect(stderr).toMatch('worker 2 was killed by SIGKILL');
  });

  test('TERM with --grace lets them leave', async () => {
    const { run, gate } = await held('booting', ['--grace', '1m']);
    run.kill('SIGTERM');
    await run.said(/Stopping \(SIGTERM\): nothing/);
    gate.open();
    const { stdout, ...how } = await run.ended();
    expect([how.signal, left(stdout)]).toEqual(['SIGTERM', ['left 1', 'left 2']]);
  });

  test('HUP with --ignore-hup changes nothing', async () => {
    const { run, gate } = await held('booting', ['--ignore-hup']);
    run.killGroup('SIGHUP');
    await run.said(/SIGHUP is ignored \(--ignore-hup\)/);
    gate.open();
    const { stdout, status } = await run.ended();
    expect([status, finished(stdout)]).toEqual([0, ALL_DONE]);
  });

  test('USR2 says that they have no item', async () => {
    const { run, gate, pidOf } = await held('booting');
    run.killGroup('SIGUSR2');
    await run.said(/master \(\d+\)/);
    for (const worker of [1, 2]) expect(run.stderr).toMatch(`worker ${worker} (${pidOf(worker)}): no item\n`);
    gate.open();
    const { stdout, status } = await run.ended();
    expect([status, finished(stdout)]).toEqual([0, ALL_DONE]);
  });

  test('TTIN boots one more', async () => {
    const { run, gate } = await held('booting');
    run.kill('SIGTTIN');
    await run.said(/up to 3 workers from now on/);
    await gate.arrived(3);
    gate.open();
    const { stdout, stderr, status } = await run.ended();
    expect([status, finished(stdout)]).toEqual([0, ALL_DONE]);
    expect(forked(stderr)).toBe(3);
  });

  test('TTOU: the one that is too many leaves when it is ready', async () => {
    const { run, gate } = await held('booting');
    run.kill('SIGTTOU');
    await run.said(/up to 1 worker from now on/);
    gate.open();
    const { stdout, stderr, status } = await run.ended();
    expect([status, finished(stdout), left(stdout)]).toEqual([0, ALL_DONE, ['left 1', 'left 2']]);
    expect(stderr).not.toMatch('worker 2 has item');
    expect(forked(stderr)).toBe(2);
  });

  test('TERM to a worker: it leaves when it is ready, and another is booted in its place', async () => {
    const { run, gate, pidOf } = await held('booting');
    process.kill(pidOf(1), 'SIGTERM');
    process.kill(pidOf(2), 'SIGTERM');
    gate.open();
    const { stdout, stderr, status } = await run.ended();
    expect([status, finished(stdout)]).toEqual([0, ALL_DONE]);
    expect(stderr).toMatch('worker 1 exited with status 0');
    expect(stderr).toMatch('worker 2 exited with status 0');
    expect(stderr).not.toMatch('died');
    expect(forked(stderr)).toBeGreaterThan(2);
  });

  test.each(['SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR2'] as const)('%s to a worker is ignored', async (signal) => {
    const { run, gate, pidOf } = await held('booting');
    process.kill(pidOf(1), signal);
    gate.open();
    const { stdout, stderr, status } = await run.ended();
    expect([status, finished(stdout)]).toEqual([0, ALL_DONE]);
    expect(forked(stderr)).toBe(2);
  });
});

describe('while the workers drain', () => {
  test.each(['SIGINT', 'SIGQUIT', 'SIGHUP'] as const)(
    '%s: they are waited for, and the run ends by the signal',
    async (signal) => {
      const { run, gate } = await held('draining');
      run.kill(signal);
      await run.said(new RegExp(`Stopping \\(${signal}\\): nothing is in progress`));
      gate.open();
      const { stdout, stderr, ...how } = await run.ended();
      expect(how).toEqual({ status: null, signal });
      expect([finished(stdout), left(stdout)]).toEqual([ALL_DONE, ['left 1']]);
      expect(stderr).toMatch(`Stopped by ${signal}. 4 items: 4 done`);
    },
  );

  test('INT: one that does not leave is killed after the kill delay', async () => {
    const { run } = await held('draining', ['--kill-after', '2s']);
    run.kill('SIGINT');
    const { stdout, stderr, signal } = await run.ended();
    expect([signal, finished(stdout), left(stdout)]).toEqual(['SIGINT', ALL_DONE, []]);
    expect(stderr).toMatch(/hook beforeExit \(worker 1\) threw: WorkerDied: the worker was killed by SIGKILL/);
  });

  test('a second INT changes nothing until --force-after', async () => {
    const { run, gate } = await held('draining');
    run.kill('SIGINT');
    await run.said(/Stopping \(SIGINT\): nothing/);
    run.kill('SIGINT');
    run.kill('SIGUSR2');
    await run.said(/master \(\d+\)/);
    gate.open();
    const { stdout, stderr, signal } = await run.ended();
    expect([signal, left(stdout)]).toEqual(['SIGINT', ['left 1']]);
    expect(stderr).not.toMatch('Stopping now');
  });

  test('a second INT after --force-after, or a TERM, kills them', async () => {
    for (const second of ['SIGINT', 'SIGTERM'] as const) {
      const { run } = await held('draining', ['--force-after', '0']);
      run.kill('SIGINT');
      await run.said(/Stopping \(SIGINT\): nothing/);
      run.kill(second);
      const { stdout, stderr, ...how } = await run.ended();
      expect(how).toEqual({ status: null, signal: 'SIGINT' });
      expect([finished(stdout), left(stdout)]).toEqual([ALL_DONE, []]);
      expect(stderr).toMatch(`Stopping now (${second}).`);
      expect(stderr).toMatch('Stopped by SIGINT. 4 items: 4 done');
    }
  });

  test('TERM kills them; what is done is done', async () => {
    const { run } = await held('draining');
    run.kill('SIGTERM');
    const { stdout, stderr, ...how } = await run.ended();
    expect(how).toEqual({ status: null, signal: 'SIGTERM' });
    expect([finished(stdout), left(stdout)]).toEqual([ALL_DONE, []]);
    expect(stderr).toMatch('worker 1 was killed by SIGKILL');
    expect(stderr).toMatch('Stopped by SIGTERM. 4 items: 4 done');
  });

  test('TERM with --grace waits for them', async () => {
    const { run, gate } = await held('draining', ['--grace', '1m']);
    run.kill('SIGTERM');
    await run.said(/Stopping \(SIGTERM\): nothing/);
    gate.open();
    const { stdout, signal } = await run.ended();
    expect([signal, left(stdout)]).toEqual(['SIGTERM', ['left 1']]);
  });

  test('HUP with --ignore-hup changes nothing', async () => {
    const { run, gate } = await held('draining', ['--ignore-hup']);
    run.killGroup('SIGHUP');
    await run.said(/SIGHUP is ignored \(--ignore-hup\)/);
    gate.open();
    const { stdout, status } = await run.ended();
    expect([status, left(stdout)]).toEqual([0, ['left 1']]);
  });

  test('USR2 says that they have no item, and that the master waits for them', async () => {
    const { run, gate, pidOf } = await held('draining');
    run.killGroup('SIGUSR2');
    await run.said(/master \(\d+\): 4 items dispatched, 4 done, 0 failed\n.*waits for its workers\n/);
    expect(run.stderr).toMatch(`worker 1 (${pidOf(1)}): no item\n`);
    gate.open();
    const { stdout, status } = await run.ended();
    expect([status, left(stdout)]).toEqual([0, ['left 1']]);
  });

  test('TTIN and TTOU boot none, and end none', async () => {
    const { run, gate } = await held('draining');
    run.kill('SIGTTIN');
    await run.said(/up to 2 workers from now on/);
    run.kill('SIGTTOU');
    await run.said(/up to 1 worker from now on/);
    gate.open();
    const { stdout, stderr, status } = await run.ended();
    expect([status, finished(stdout), left(stdout), forked(stderr)]).toEqual([0, ALL_DONE, ['left 1'], 1]);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR2'] as const)(
    '%s to a worker changes nothing',
    async (signal) => {
      const { run, gate, pidOf } = await held('draining');
      process.kill(pidOf(1), signal);
      gate.open();
      const { stdout, stderr, status } = await run.ended();
      expect([status, finished(stdout), left(stdout), forked(stderr)]).toEqual([0, ALL_DONE, ['left 1'], 1]);
      expect(stderr).toMatch('worker 1 exited with status 0');
    },
  );
});
