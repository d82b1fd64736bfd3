// The tests of Ruby divvy, each by its name there. docs/original.md says what became of each, and of its example.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BootFailure, isMasterProcess, isWorkerProcess, Master } from '#divvy';
import { installSignalTraps, resetSignalTraps, SIGNALS } from '../../runtime/signals.ts';
import { startServer } from '../../runtime/wire/server.ts';
import { socketPathFor } from '../../runtime/wire/socket-path.ts';
import { makeGate, RUNNER, taskFile } from './run-task.ts';
import { received } from './tasks/echo.ts';

const quiet = { observe: () => {}, signals: false } as const;

/** A run of two workers, each of which is at an item. */
async function twoAtWork(maxCrashes = 3) {
  const gate = await makeGate();
  process.env['GATE'] = gate.env.GATE;
  onTestFinished(() => void delete process.env['GATE']);
  const master = new Master(taskFile('gated'), { ...quiet, workers: 2, items: [1, 2], maxCrashes });
  const running = master.run();
  await gate.arrived(2);
  return { master, running, gate };
}

test('running the example program', () => {
  const example = join(import.meta.dirname, '../../templates/dance-party/files/tasks/example-task.ts');
  const { status, stdout } = spawnSync(process.execPath, [RUNNER, '-n', '2', example], { encoding: 'utf8' });
  expect(status).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(11);
  expect(lines[0]).toBe('10 ticket codes for the dance party:');
  const tickets = lines.slice(1).map((line) => /^ *(\d+) {1,6}(\d+) ([0-9a-f]{40})$/.exec(line)?.slice(1) ?? [line]);
  expect(new Set(tickets.map(([pid]) => pid)).size).toBeLessThanOrEqual(2);
  for (const [pid, ticket, code] of tickets) {
    expect(code).toBe(createHash('sha1').update(String(ticket)).digest('hex'));
    expect(lines).toContain(`${String(pid).padStart(5)} ${String(ticket).padStart(6)} ${code}`);
  }
  expect(tickets.map(([, ticket]) => Number(ticket)).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const known = new Map(tickets.map(([, ticket, code]) => [ticket, code]));
  expect(known.get('0')).toBe('b6589fc6ab0dc82cf12099d1c2d40ab994e8410c');
  expect(known.get('1')).toBe('356a192b7913b04c54574d18c28d46e6395428ab');
  expect(known.get('9')).toBe('0ade7c2cf97f75d009975f4d720d1fa6c19f4897');
});

test('worker object instantiation', () => {
  const { workers } = new Master(taskFile('gated'), { workers: 2 });
  expect(workers.map(({ number, pid, status }) => ({ number, pid, status }))).toEqual([
    { number: 1, pid: undefined, status: undefined },
    { number: 2, pid: undefined, status: undefined },
  ]);
});

test('workers running check', () => {
  expect(new Master(taskFile('gated'), { workers: 2 }).workersRunning).toBe(false);
});

test('master process check', () => {
  expect([isMasterProcess(), isWorkerProcess()]).toEqual([true, false]);
});

test('start server', async () => {
  const server = await startServer(socketPathFor(undefined), true, 1024);
  expect(statSync(server.path).isSocket()).toBe(true);
  await server.stopServer();
  expect(statSync(server.path, { throwIfNoEntry: false })).toBeUndefined();
});

test('boot workers', async () => {
  const { master, running, gate } = await twoAtWork();
  expect(master.workers.map((worker) => worker.running)).toEqual([true, true]);
  gate.open();
  await running;
});

test('reaping and killing workers', async () => {
  const { master, running } = await twoAtWork(1);
  expect(master.workers.map((worker) => worker.status)).toEqual([undefined, undefined]);
  for (const worker of master.workers) expect(worker.kill('SIGKILL')).toBe(true);
  expect((await running).counts).toMatchObject({ failed: 2, crashed: 2 });
  const reaped = { running: false, pid: undefined, status: { code: null, signal: 'SIGKILL' } };
  expect(master.workers).toMatchObject([reaped, reaped]);
  expect(master).toMatchObject({ failures: 2, workersRunning: false });
});

test('installing and uninstalling signal traps', () => {
  const count = (): number => SIGNALS.reduce((sum, { signal }) => sum + process.listenerCount(signal), 0);
  const before = count();
  const record = (): void => {};
  installSignalTraps(record);
  expect(SIGNALS.filter(({ signal }) => process.listenerCount(signal) === 1).length).toBeGreaterThanOrEqual(4);
  resetSignalTraps(record);
  expect(count()).toBe(before);
});

test('successful run', async () => {
  const item = ['one', 2, { three: 3 }];
  const result = await new Master(taskFile('echo'), { ...quiet, items: [item] }).run();
  expect(result).toMatchObject({ exitCode: 0, counts: { dispatched: 1, done: 1 } });
  expect(received.get(1)).toEqual(item);
});

test('stats', async () => {
  // On a busy machine a worker may take long to exit, and one that is killed for that is a failure.
  const master = new Master(taskFile('every-second-throws'), { ...quiet, workers: 5, killAfterMs: 60_000 });
  const { counts } = await master.run();
  // There: 5 failures, since an item that raised took its worker down. Here the worker lives on.
  expect([master.failures, master.tasksDistributed]).toEqual([0, 10]);
  expect(counts).toMatchObject({ dispatched: 10, done: 5, failed: 5, crashed: 0 });
});

test('flapping worker detection', async () => {
  const master = new Master(taskFile('exits-after-fork'), quiet);
  await expect(master.run()).rejects.toBeInstanceOf(BootFailure);
  expect(master.failures).toBe(1);
});
