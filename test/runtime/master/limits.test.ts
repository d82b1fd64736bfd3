// What ends an item, a worker or a run before its time: --timeout, --recycle-after, --recycle-above, --halt.
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DivvyError, Master } from '#divvy';
import type { RunEvent } from '../../../runtime/events.ts';
import { items, Project } from '../journal/ledger.ts';
import { makeGate, runTask, taskFile } from '../run-task.ts';

describe('--timeout', () => {
  const timeout = ['--timeout', '1s', '--kill-after', '500ms'];

  test('an item that isAbortable its signal has failed, and its worker goes on', async () => {
    const project = new Project(['isAbortable', 'after']);
    // However late it may hear of its timeout, it is not to be killed.
    const { status, stderr } = await project.run(['--timeout', '1s', '--kill-after', '1m', '-n', '1', '-v']).ended();
    expect(status).toBe(1);
    expect(stderr).toMatch(/item 1 \(key .*\) failed: TimeoutError: took longer than 1000 ms \(--timeout\)/);
    expect(new Set(project.entries().map(({ pid }) => pid)).size).toBe(1);
    expect(project.records()).toContainEqual(
      expect.objectContaining({ type: 'failed', number: 1, error: expect.objectContaining({ name: 'TimeoutError' }) }),
    );
  });

  test('one that does not, or is stuck, takes its worker with it, each time that it is tried', async () => {
    const project = new Project(['ignores', 'loops', 'after']);
    const args = [...timeout, '-n', '1', '--retries', '1', '--backoff', '1ms'];
    const { status, stderr } = await project.run(args).ended();
    expect(status).toBe(1);
    expect(stderr).toMatch(/worker 1 was killed by SIGKILL while on item 1 .*\(it ran past its timeout\)/);
    for (const number of [1, 2])
      expect(stderr).toMatch(new RegExp(`item ${number} .*failed after 2 attempts: TimeoutError`));
    const tries = project.entries().filter(({ item, what }) => item !== 'after' && what === 'start');
    expect(tries.map(({ item, attempt }) => `${item} ${attempt}`).sort()).toEqual([
      'ignores 1',
      'ignores 2',
      'loops 1',
      'loops 2',
    ]);
    expect(new Set(tries.map(({ pid }) => pid)).size).toBe(4);
    expect(project.processed()).toEqual(['after']);
  });

  test('beside an innocent: the one that is stuck fails, and the other is done', async () => {
    const project = new Project(['slow', 'loops', 'slow 2', 'ignores']);
    const { status, stderr } = await project.run([...timeout, '-n', '1', '-c', '2']).ended();
    expect(status).toBe(1);
    expect(stderr).toContain('4 items: 2 done, 2 failed.');
    const failed = project.records().filter(({ type }) => type === 'failed');
    expect(failed.map((record) => 'number' in record && record.number).sort()).toEqual([2, 4]);
    expect([...new Set(project.processed())]).toEqual(['slow', 'slow 2']);
  });

  test('beside others, with retries: each that is too slow is tried as often as it may be, and nobody pays for it', async () => {
    const project = new Project(['slow', 'loops', 'isAbortable', 'slow 2', 'ignores', 'twice', 'slow 3']);
    const args = [...timeout, '-n', '1', '-c', '2', '--retries', '1', '--backoff', '1ms'];
    const { status, stderr } = await project.run(args).ended();
    expect(status).toBe(1);
    for (const number of [2, 3, 5]) expect(stderr).toMatch(new RegExp(`item ${number} .*failed after `));
    const outcomes = project.records().filter((record) => record.type === 'done' || record.type === 'failed');
    const ends = outcomes.map(({ type, number }) => `${number} ${type}`).sort();
    expect(ends).toEqual(['1 done', '2 failed', '3 failed', '4 done', '5 failed', '6 done', '7 done']);
    for (const outcome of outcomes) {
      if (outcome.type === 'failed') expect(outcome.error.name).toBe('TimeoutError');
    }
    // What is too slow was tried twice on its own account; the others were never counted, however often they began.
    const startsOf = (name: string): number =>
      project.entries().filter(({ what, item }) => what === 'start' && item === name).length;
    for (const name of ['loops', 'isAbortable', 'ignores', 'twice']) expect(startsOf(name)).toBeGreaterThanOrEqual(2);
    expect(project.processed()).toEqual(expect.arrayContaining(['slow', 'slow 2', 'slow 3', 'twice']));
  });

  test('an item that ended in time has not failed, nor has the next, where it was the master that was too busy to hear', async () => {
    const gate = await makeGate();
    const args = ['--timeout', '2s', '--kill-after', '100ms', '-n', '1', '-v'];
    const run = runTask('busy-master', { args, env: gate.env });
    await gate.arrived(1);
    run.kill('SIGWINCH');
    await run.said(/^busy$/m);
    gate.open();
    const { status, stdout, stderr } = await run.ended();
    expect(stdout).toBe('busy\nfinished 1\nfinished 2\n');
    expect(stderr).not.toMatch('killed');
    expect(status).toBe(0);
  });

  test('an item that a worker was handed when it had been killed already is not to blame', async () => {
    const gate = await makeGate();
    const options = {
      workers: 1,
      timeoutMs: 4000, // longer than the second item takes on a busy machine
      killAfterMs: 0,
      signals: false,
      verbose: true,
    } as const;
    const failed: RunEvent[] = [];
    const master: Master = new Master(taskFile('gated-and-late'), {
      ...options,
      observe: (event) => {
        if (event.type === 'item failed') failed.push(event);
        if (event.type !== 'items handed' || !event.numbers.includes(2) || kill === undefined) return;
        process.kill(worker.pid ?? 0, 'SIGKILL'); // it takes effect as late as that
        worker.kill = kill;
        kill = undefined;
      },
    });
    const [worker] = master.workers as unknown as [{ pid?: number; kill: (signal?: NodeJS.Signals) => boolean }];
    let kill: typeof worker.kill | undefined = worker.kill;
    worker.kill = () => {
      gate.open();
      return true;
    };
    process.env['GATE'] = gate.env.GATE;
    onTestFinished(() => void delete process.env['GATE']);
    const { counts } = await master.run();
    expect(failed).toMatchObject([{ outcome: { number: 1 }, error: { name: 'TimeoutError' } }]);
    expect(counts).toMatchObject({ done: 1, failed: 1 });
  });
});

describe('workers are replaced', () => {
  test('--recycle-after so many items, without an item lost or done twice', async () => {
    const project = new Project(items(10));
    const { status, stderr } = await project.run(['--recycle-after', '3', '-n', '1', '-v']).ended();
    expect(status).toBe(0);
    const of = Map.groupBy(project.entries(), ({ pid }) => pid);
    expect([...of.values()].map((entries) => entries.length / 2)).toEqual([3, 3, 3, 1]);
    expect(project.processed()).toEqual(items(10).sort());
    expect(stderr).not.toContain('died');
  });

  test('--recycle-above so much memory', async () => {
    // Each adds 32 MB: with 200 a worker ends after a few, and one item needs no second worker.
    const project = new Project(items(12, 'grows'));
    const { status } = await project.run(['--recycle-above', '200', '-n', '1']).ended();
    expect(status).toBe(0);
    const of = Map.groupBy(project.entries(), ({ pid }) => pid);
    expect(of.size).toBeGreaterThan(1);
    expect(of.size).toBeLessThan(12);
    expect(project.processed()).toHaveLength(12);
  });
});

describe('--halt', () => {
  test('stops once so many items have failed; a resume goes on behind them', async () => {
    const project = new Project(['fails 1', 'fine', 'fails 2', ...items(20)]);
    const { status, stderr } = await project.run(['--halt', '2', '-n', '1']).ended();
    expect(status).toBe(1);
    expect(stderr).toMatch(/Stopped by halt\. \d items: 1 done, 2 failed/);
    expect(stderr).toMatch(/2 items: Error: no: fails … \(1, 3\)/);
    expect(stderr).toMatch(/to go on: .* --resume /);
    expect(stderr).toMatch(/to try what failed again: .* --retry-failed /);
    expect(stderr).toMatch(/journal: .*\.ndjson/);
    const resumed = await project.run(['--resume']).ended();
    expect(resumed.status).toBe(1);
    expect(project.processed()).toEqual([...items(20), 'fine'].sort());
  });

  test('N%: the share of what has ended, once a hundred have', async () => {
    const few = new Project([...items(9, 'fails'), ...items(90)]);
    expect((await few.run(['--halt', '9%', '-n', '1', '-c', '10', '--no-journal']).ended()).stderr).not.toContain(
      'halt',
    );
    const many = new Project([...items(9, 'fails'), ...items(81), ...items(200, 'fails too')]);
    const { stderr, status } = await many.run(['--halt', '12%', '-n', '1', '--no-journal']).ended();
    expect(status).toBe(1);
    const [, done, failed] = /Stopped by halt\. \d+ items: (\d+) done, (\d+) failed/.exec(stderr) ?? [];
    expect([Number(done), Number(failed)]).toEqual([81, 19]);
  });
});

describe('--json', () => {
  const eventsOf = (stderr: string) =>
    stderr
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test('each line on stderr is an event, and the last is how the run ended', async () => {
    const project = new Project(['fails', 'fine', 'permanent']);
    const { status, stderr } = await project.run(['--json', '-v', '-n', '1']).ended();
    const events = eventsOf(stderr);
    const journal = join(project.journals, project.files()[0] ?? '');
    expect(events[0]).toMatchObject({ type: 'started', workers: 1, journal });
    expect(events.at(-1)).toMatchObject({
      type: 'ended',
      result: { exitCode: status, counts: { done: 1, failed: 2 }, journal },
    });
    const key = project.entries().find(({ item }) => item === 'fine')?.key;
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'item done', outcome: expect.objectContaining({ number: 2, key }) }),
    );
    expect(events.filter(({ type }) => type === 'item failed')).toHaveLength(2);
  });

  test('a run that is refused is an event, too', async () => {
    const { status, stderr } = await new Project([]).run(['--json', '-n', 'none']).ended();
    expect(status).toBe(2);
    expect(eventsOf(stderr)).toMatchObject([{ type: 'error', exitCode: 2 }]);
  });
});

describe('the library', () => {
  const options = { workers: 1, items: ['fine'], signals: false, observe: () => {} } as const;

  test('records nothing unless it is asked to; then the result says where', async () => {
    const { folder } = new Project([]);
    const task = join(folder, 'tasks/own-keys.ts');
    copyFileSync(taskFile('own-keys'), task);
    expect((await new Master(task, options).run()).journal).toBeUndefined();
    expect(existsSync(join(folder, '.divvy'))).toBe(false);

    const own = await new Master(task, { ...options, journal: true }).run();
    expect(own.journal).toBe(join(folder, '.divvy/own-keys', `${own.runId}.ndjson`));
    const journal = join(folder, 'named.ndjson');
    const named = await new Master(task, { ...options, journal }).run();
    expect(named.journal).toBe(journal);
    expect(readFileSync(journal, 'utf8')).toContain('"type":"end"');

    const resumed = new Master(task, { ...options, items: ['fine', 'new'], journal, resume: true });
    expect((await resumed.run()).counts).toMatchObject({ dispatched: 1, skipped: 1, done: 1 });
    const refused = new Master(task, { ...options, journal }).run();
    await expect(refused).rejects.toThrow('there is a journal at');
  });

  test.each([{ resume: true }, { retryFailed: true }, { resume: true, retryFailed: true, journal: true }])(
    'refuses %o',
    (wrong) => {
      expect(() => new Master(taskFile('ledger'), wrong)).toThrow(DivvyError);
    },
  );
});
