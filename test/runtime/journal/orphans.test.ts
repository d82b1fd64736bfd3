// What a master that was killed leaves: its workers, and what their items had started, are gone before a resume does anything.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { machineHere, startOf } from '../../../runtime/journal/processes.ts';
import type { JournalRecord } from '../../../runtime/journal/records.ts';
import { gone, isAlive, makeGate, suspend, taskFile } from '../run-task.ts';
import { openRun } from './journals.ts';
import { Project } from './ledger.ts';

const LINUX = process.platform === 'linux';

/** A process in the place of a worker that leads a group, and one that its items have started. */
interface Fake {
  readonly leader: ChildProcess;
  readonly pid: number;
  readonly started: string;
  /** What it has started. */
  readonly child: number;
}

async function fake(env: NodeJS.ProcessEnv = { DIVVY_WORKER: '1' }): Promise<Fake> {
  const { DIVVY_WORKER: _, ...rest } = process.env;
  const leader = spawn('sh', ['-c', 'sleep 1000 & echo $!; wait'], {
    ...{ detached: true, stdio: ['ignore', 'pipe', 'ignore'], env: { ...rest, ...env } },
  });
  const pid = leader.pid ?? 0;
  onTestFinished(() => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody is left in it.
    }
  });
  const [said] = await once(leader.stdout ?? process.stdin, 'data');
  return { leader, pid, started: startOf(pid) ?? '', child: Number(said) };
}

/** Kills the leader alone. */
async function behead({ leader }: Fake): Promise<void> {
  const exited = once(leader, 'exit');
  leader.kill('SIGKILL');
  await exited;
}

/** Goes on with a run whose journal has these lines behind its first. */
async function resumeAfter(
  records: readonly JournalRecord[],
  change: (head: string) => string = (head) => head,
): Promise<void> {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'divvy-orphans-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'j.ndjson');
  const request = { taskFile: taskFile('ledger'), args: [], runId: 'a-run', file, dryRun: false };
  const failed = (error: Error): void => expect.unreachable(error.message);
  const first = await openRun({ ...request, mode: 'new', failed });
  for (const record of records) first.journal?.add(record);
  first.journal?.write();
  await first.journal?.close();
  fs.writeFileSync(file, change(fs.readFileSync(file, 'utf8')));
  const { journal } = await openRun({ ...request, mode: 'resume', failed });
  await journal?.close();
}

const workerOf = ({ pid, started }: Pick<Fake, 'pid' | 'started'>): JournalRecord => ({
  ...{ type: 'worker', worker: 1, pid, started },
});

describe('a worker that its lifeline did not end', () => {
  test('is killed with what its items had started', async () => {
    const worker = await fake();
    const exited = once(worker.leader, 'exit');
    await resumeAfter([workerOf(worker)]);
    expect(await exited).toEqual([null, 'SIGKILL']);
    await gone(worker.child);
  });

  test('is somebody else’s process where it is of another host, boot or container: it is not looked for', async () => {
    const worker = await fake();
    for (const [field, value] of [
      ['host', 'elsewhere'],
      ...(LINUX ? [['boot', 'another'] as const, ['namespace', 'pid:[1]'] as const] : []),
    ] as const) {
      await resumeAfter([workerOf(worker)], (head) =>
        head.replace(`"${field}":${JSON.stringify(machineHere()[field])}`, `"${field}":"${value}"`),
      );
      expect([field, isAlive(worker.pid), isAlive(worker.child)]).toEqual([field, true, true]);
    }
  });
});

describe.runIf(LINUX)('what the items of a worker that is gone had started', () => {
  test('is killed', async () => {
    const worker = await fake();
    await behead(worker);
    expect(isAlive(worker.child)).toBe(true);
    await resumeAfter([workerOf(worker)]);
    expect(isAlive(worker.child)).toBe(false);
  });

  test.each([
    [
      'where the worker had left in good order',
      (worker: Fake) => [
        workerOf(worker),
        { type: 'exit', worker: 1, pid: worker.pid, code: 0, signal: null, inOrder: true },
      ],
      {},
    ],
    ['where the run had ended', (worker: Fake) => [workerOf(worker), END], {}],
    ['where it is not of a worker', (worker: Fake) => [workerOf(worker)], { DIVVY_WORKER: undefined }],
    [
      'where it is older than the worker',
      (worker: Fake) => [workerOf({ ...worker, started: later(worker.started) })],
      {},
    ],
  ] as const)('is left alone %s', async (_, lines, env) => {
    const worker = await fake({ DIVVY_WORKER: '1', ...env });
    await behead(worker);
    await resumeAfter(lines(worker) as JournalRecord[]);
    expect(isAlive(worker.child)).toBe(true);
  });

  test('is left alone where the worker’s id is another process’s by now', async () => {
    const worker = await fake();
    await resumeAfter([workerOf({ ...worker, started: `${worker.started.split(' ')[0]} 1` })]);
    expect([isAlive(worker.pid), isAlive(worker.child)]).toEqual([true, true]);
  });
});

const counts = { dispatched: 0, done: 0, failed: 0, unfinished: 0, skipped: 0, retried: 0, spawned: 1, crashed: 0 };
const END: JournalRecord = { type: 'end', number: 1, at: '', complete: false, counts, exitCode: 130 };

/** A start that is after that of anything here. */
const later = (started: string): string => `${started.split(' ')[0]} ${Number(started.split(' ')[1]) + 1e9}`;

test('a run that was killed before anything was done has its workers gone, too, before the same run begins anew', async () => {
  const project = new Project(['gate 1', 'gate 2']);
  const gate = await makeGate();
  const killed = project.run(['-n', '2'], { env: gate.env });
  await gate.arrived(2);
  const workers = project.entries().map(({ pid }) => pid);
  for (const worker of workers) await suspend(worker);
  killed.kill('SIGKILL');
  await killed.closed;
  gate.open();
  const seen = project.entered;
  expect((await project.run(['-n', '1'], { env: gate.env }).ended()).status).toBe(0);
  for (const worker of workers) expect(isAlive(worker)).toBe(false);
  expect(project.entries(seen).filter(({ pid }) => workers.includes(pid))).toEqual([]);
});
