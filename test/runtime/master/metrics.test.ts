// --metrics-file: its numbers are those of the run, however that ends, and Prometheus reads them.
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Master } from '../../../runtime/index.ts';
import { Metrics } from '../../../runtime/master/metrics.ts';
import { needs } from '../../needs.ts';
import { items, Project } from '../journal/ledger.ts';
import { scratch } from '../journal/requests.ts';
import { makeGate, runProgram, runTask, type TaskRun, taskFile } from '../run-task.ts';
import { complaints, leftBeside, metricsWith, readMetrics } from './read-metrics.ts';

needs('promtool');

/** A project whose run writes metrics. */
class Measured extends Project {
  readonly file: string = join(this.folder, 'nightly.prom');

  measured(args: readonly string[] = [], options: Parameters<Project['run']>[1] = {}): TaskRun {
    return this.run(['--metrics-file', this.file, ...args], options);
  }

  get metrics() {
    return readMetrics(this.file);
  }

  /** How many items the journal has with each outcome, how many retries, and how long each item took that is done. */
  get recorded() {
    const records = this.records();
    const done = records.flatMap((record) => (record.type === 'done' ? record.keys.map(() => record.ms) : []));
    const count = (type: string): number => records.filter((record) => record.type === type).length;
    return { done: done.length, failed: count('failed'), retries: count('retry'), ms: done };
  }
}

describe('the numbers of a run', () => {
  test.each([[['-n', '2']], [['--inline']]])('are those of its journal: %j', async (how) => {
    const all = ['fails', 'twice', ...items(30, 'slow'), ...items(200, 'quick'), 'permanent'];
    const project = new Measured(all);
    const before = Date.now() / 1000;
    const { status } = await project.measured([...how, '--retries', '1', '--backoff', '1ms']).ended();
    expect(status).toBe(1);
    const { metrics, recorded } = project;
    expect(recorded).toMatchObject({ done: 231, failed: 2, retries: 2 });
    expect(metrics.outcomes).toEqual({ done: 231, failed: 2, skipped: 0, unfinished: 0 });
    expect(metrics.value('item_retries_total')).toBe(recorded.retries);
    expect(metrics.values('items_in_progress', 'items_waiting', 'workers', 'run_in_progress')).toEqual([0, 0, 0, 0]);
    expect(metrics.values('run_exit_code', 'worker_crashes_total')).toEqual([1, 0]);
    const [start = 0, end = 0] = metrics.values('run_start_time_seconds', 'run_end_time_seconds');
    const times = [before, start, end, Date.now() / 1000];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    // The journal has three digits of each duration.
    const sum = recorded.ms.reduce((total, ms) => total + ms / 1000, 0);
    expect(metrics.value('item_duration_seconds_sum')).toBeGreaterThan(sum * 0.99);
    expect(metrics.value('item_duration_seconds_sum')).toBeLessThan(sum * 1.01);
    expect(metrics.value('item_duration_seconds_count')).toBe(recorded.done);
    expect(metrics.buckets.map(([bound]) => bound)).toEqual(
      metrics.buckets.map(([bound]) => bound).toSorted((a, b) => a - b),
    );
    for (const [bound, count] of metrics.buckets) {
      expect(count).toBeGreaterThanOrEqual(recorded.ms.filter((ms) => ms <= bound * 990).length);
      expect(count).toBeLessThanOrEqual(recorded.ms.filter((ms) => ms <= bound * 1010).length);
    }
    expect(metrics.buckets.at(-1)).toEqual([Infinity, recorded.done]);
    expect(metrics.common).toEqual(new Set(['[["task","ledger"],["file","nightly.prom"]]']));
    expect(complaints(metrics.text)).toBe('');
    expect(leftBeside(project.file)).toEqual([]);
  });

  test('are there while it goes on, and after INT say how it stopped', async () => {
    const gate = await makeGate();
    const project = new Measured(['quick', 'gate 1', 'gate 2', ...items(5, 'quick')]);
    const run = project.measured(['-n', '2'], { env: gate.env });
    await gate.arrived(2);
    const metrics = await metricsWith(project.file, (each) => each.value('items_in_progress') === 2);
    expect(complaints(metrics.text)).toBe('');
    expect(metrics.outcomes).toEqual({ done: 1, failed: 0, skipped: 0, unfinished: 0 });
    expect(metrics.values('workers', 'run_in_progress', 'run_exit_code')).toEqual([2, 1, undefined]);
    expect(metrics.value('run_end_time_seconds')).toBeUndefined();
    expect(metrics.value('items_waiting')).toBeGreaterThanOrEqual(0);
    run.kill('SIGINT');
    await run.said(/waiting for 2 items/i);
    gate.open();
    expect((await run.ended()).signal).toBe('SIGINT');
    const after = project.metrics;
    const end = project.records().at(-1);
    const unfinished = end?.type === 'end' ? end.counts.unfinished : undefined;
    expect(after.outcomes).toEqual({ done: 3, failed: 0, skipped: 0, unfinished });
    expect(after.values('run_exit_code', 'run_in_progress', 'items_in_progress', 'items_waiting')).toEqual([
      130, 0, 0, 0,
    ]);
    expect(complaints(after.text)).toBe('');
  });

  test('go on in a resume after a kill, wherever that is started; until then the run seems to go on', async () => {
    const gate = await makeGate();
    const all = [...items(10, 'quick'), 'fails', 'gate'];
    const project = new Measured(all);
    const shell = (folder: string, words: string) => ['sh', '-c', `cd '${folder}' && exec "$@" ${words}`, 'sh'];
    const by = shell(project.folder, '--metrics-file nightly.prom');
    const run = project.run(['-n', '1'], { by, env: gate.env });
    await gate.arrived(1);
    await metricsWith(project.file, (each) => each.value('items_total done') === 10);
    run.kill('SIGKILL');
    await run.closed;
    await run.gone();
    expect(project.metrics.values('run_in_progress', 'run_exit_code')).toEqual([1, undefined]);
    const resumed = project.run(['--resume'], { by: shell('/', ''), env: gate.env });
    gate.open();
    const { status, stderr } = await resumed.ended();
    expect(status).toBe(1);
    expect(stderr).toMatch(/^divvy: Using its options: .*--metrics-file '.*\/nightly\.prom'$/m);
    expect(project.metrics.outcomes).toEqual({ done: 1, failed: 0, skipped: 11, unfinished: 0 });
    expect(project.metrics.values('run_in_progress', 'run_exit_code')).toEqual([0, 1]);
    const again = await project.run(['--retry-failed'], { env: { MENDED: '1' } }).ended();
    expect(again.status).toBe(0);
    expect(project.metrics.outcomes).toMatchObject({ done: 1, failed: 0 });
    expect(project.metrics.value('run_exit_code')).toBe(0);
  });

  test('count crashes, and items that a crash or a timeout has ended have no duration', async () => {
    const file = join(scratch(), 'm.prom');
    const args = ['--no-journal', '--metrics-file', file, '-n', '1', '--max-crashes', '2', '--', 'SIGKILL'];
    expect((await runTask('deadly', { args }).ended()).status).toBe(1);
    const metrics = readMetrics(file);
    expect(metrics.outcomes).toEqual({ done: 5, failed: 1, skipped: 0, unfinished: 0 });
    expect(metrics.value('worker_crashes_total')).toBe(2);
    expect(metrics.value('item_retries_total')).toBeGreaterThan(0);
    expect(metrics.values('item_duration_seconds_count', 'item_duration_seconds_bucket 0.001')).toEqual([5, 0]);
  });
});

describe('the exit code', () => {
  const TASKS: Record<string, string> = {
    'the task file throws': 'throw new Error("broken"); export default class A {}',
    'the task sets one': 'export default class A { *dispatch() { process.exitCode = 3; yield 1; } process() {} }',
    'the task ends the process':
      'export default class A { *dispatch() { yield 1; } process() {} afterProcess() { process.exit(5); } }',
    'a hook throws':
      'export default class A { *dispatch() { yield 1; } process() {} afterProcess() { throw new Error("no"); } }',
    'nobody catches an error before it begins':
      'export default class A { beforeRun() { Promise.reject(new Error("no")); return new Promise(() => {}); } *dispatch() {} process() {} }',
    'all is well': 'export default class A { *dispatch() { yield 1; } process() {} }',
  };
  test.each([
    ['the task file throws', 70, 0],
    ['the task sets one', 3, 1],
    ['the task ends the process', 5, 0],
    ['a hook throws', 70, 0],
    ['nobody catches an error before it begins', 70, 0],
    ['all is well', 0, 1],
  ])('is that of the process: %s', async (how, code, done) => {
    const project = new Measured([]);
    const task = join(project.folder, 'tasks/own.ts');
    writeFileSync(task, TASKS[how] ?? '');
    const args = ['-n', '1', '--metrics-file', project.file];
    const { status } = await runTask(task, { args }).closed;
    expect(status).toBe(code);
    const { metrics } = project;
    expect(metrics.values('run_exit_code', 'run_in_progress', 'items_total done')).toEqual([code, 0, done]);
    expect(metrics.value('run_end_time_seconds')).toBeGreaterThan(0);
    expect(complaints(metrics.text)).toBe('');
  });

  test('is there where no worker boots, where the journal cannot be written, and after TERM', async () => {
    const [boot, journal, term] = ['boot', 'journal', 'term'].map(() => new Measured(['gate']));
    if (!boot || !journal || !term) throw new Error('three projects');
    const args = ['-n', '1', '--no-journal', '--metrics-file', boot.file, '--', 'afterFork throws'];
    expect((await runTask('boot', { args }).ended()).status).toBe(69);
    expect(boot.metrics.value('run_exit_code')).toBe(69);
    journal.dispatches(items(3));
    const fails = 'import fs from "node:fs"; fs.fdatasyncSync = () => { throw Error("EIO: i/o error"); };';
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fails)}` };
    expect((await journal.measured([], { env }).ended()).status).toBe(74);
    expect(journal.metrics.value('run_exit_code')).toBe(74);
    const gate = await makeGate();
    const run = term.measured(['-n', '1', '--kill-after', '100ms'], { env: gate.env });
    await gate.arrived(1);
    run.kill('SIGTERM');
    expect((await run.ended()).signal).toBe('SIGTERM');
    expect(term.metrics.value('run_exit_code')).toBe(143);
    expect(term.metrics.outcomes).toEqual({ done: 0, failed: 0, skipped: 0, unfinished: 1 });
  });

  test('of a start that is refused is not written: the file may be of the run that goes on', async () => {
    const gate = await makeGate();
    const project = new Measured(['quick', 'gate']);
    const run = project.measured(['-n', '1'], { env: gate.env });
    await gate.arrived(1);
    const before = await metricsWith(project.file, (each) => each.value('items_total done') === 1);
    expect((await project.measured().ended()).status).toBe(75);
    expect((await project.measured(['--retries', 'none']).ended()).status).toBe(2);
    expect(project.metrics.values('run_in_progress', 'run_start_time_seconds')).toEqual(
      before.values('run_in_progress', 'run_start_time_seconds'),
    );
    gate.open();
    expect((await run.ended()).status).toBe(0);
    expect(project.metrics.value('run_exit_code')).toBe(0);
    const text = readFileSync(project.file, 'utf8');
    const help = await runTask('declares', { args: ['--metrics-file', project.file, '--', '--help'] }).ended();
    expect([help.status, readFileSync(project.file, 'utf8')]).toEqual([0, text]);
    expect(readdirTemporary(project)).toEqual([]);
  });

  const readdirTemporary = ({ file }: Measured): string[] => leftBeside(file);
});

describe('the file', () => {
  test('has a mode by the umask, and is where a link leads', async () => {
    const project = new Measured(['quick']);
    const folder = join(project.folder, 'collector');
    mkdirSync(folder);
    symlinkSync(join(folder, 'real.prom'), project.file);
    const by = ['sh', '-c', 'umask 027; exec "$@"', 'sh'];
    expect((await project.measured([], { by }).ended()).status).toBe(0);
    expect(statSync(join(folder, 'real.prom')).mode & 0o777).toBe(0o640);
    expect(project.metrics.value('run_exit_code')).toBe(0);
    expect([leftBeside(project.file), leftBeside(join(folder, 'real.prom'))]).toEqual([[], []]);
  });

  test('of a task, in a folder, with any name is one that Prometheus reads', async () => {
    const name = 'a "b"\nc {d="e"} é'; // Node.js loads no file with a backslash in its path
    const folder = join(scratch(), name);
    mkdirSync(folder);
    const task = join(folder, `${name}.ts`);
    writeFileSync(task, 'export default class A { *dispatch() { yield 1; } process() {} }');
    const file = join(folder, `${name} \\f.prom`);
    expect((await runTask(task, { args: ['--metrics-file', file] }).ended()).status).toBe(0);
    const metrics = readMetrics(file);
    expect(metrics.common).toEqual(
      new Set([
        JSON.stringify([
          ['task', name],
          ['file', `${name} \\f.prom`],
        ]),
      ]),
    );
    expect(complaints(metrics.text)).toBe('');
    expect(leftBeside(file)).toEqual([]);
  });

  test('has the same texts in each run: the collector compares them', async () => {
    const texts = ['one', 'two'].map((name) => {
      const file = join(scratch(), `${name}.prom`);
      const metrics = new Metrics(file, `/tasks/${name}.ts`, () => {});
      metrics.begin(() => ({ counts: { ...COUNTS, done: name.length }, begun: 0, workers: 1 }));
      metrics.failed(new Error('over'));
      return readFileSync(file, 'utf8').match(/^#.*$/gm);
    });
    expect(texts[0]).toEqual(texts[1]);
    expect(texts[0]?.length).toBeGreaterThan(20);
  });

  test('is not written in a dry run', async () => {
    const project = new Measured(['quick']);
    expect((await project.measured(['--dry-run']).ended()).stdout).toBe('"quick"\n');
    expect(existsSync(project.file)).toBe(false);
    writeFileSync(project.file, 'mine\n');
    expect((await project.measured(['--dry-run']).ended()).status).toBe(0);
    expect(readFileSync(project.file, 'utf8')).toBe('mine\n');
  });
});

const COUNTS = { dispatched: 0, done: 0, failed: 0, unfinished: 0, skipped: 0, retried: 0, spawned: 0, crashed: 0 };

describe('what is counted', () => {
  test('each duration is in the bucket of its bound, and runs of items count as many', () => {
    const file = join(scratch(), 'm.prom');
    const metrics = new Metrics(file, '/tasks/a.ts', () => {});
    metrics.begin(() => ({ counts: COUNTS, begun: 0, workers: 1 }));
    for (const [count, ms] of [
      [1, 0],
      [2, 1],
      [3, 1.001],
      [256, 0.01],
      [1, 3_600_000],
      [1, 3_600_001],
    ] as const)
      metrics.done(count, ms);
    metrics.ended({ counts: { ...COUNTS, done: 264 }, exitCode: 0, runId: 'a' });
    const read = readMetrics(file);
    expect(read.values('item_duration_seconds_bucket 0.001', 'item_duration_seconds_bucket 0.0025')).toEqual([
      259, 262,
    ]);
    expect(read.values('item_duration_seconds_bucket 3600', 'item_duration_seconds_bucket +Inf')).toEqual([263, 264]);
    expect(read.value('item_duration_seconds_count')).toBe(264);
    expect(read.value('item_duration_seconds_sum')).toBeCloseTo(7200.001 + 0.002 + 0.003003 + 0.00256, 6);
  });

  test('a counter never goes down, as the count of retries does if a worker gives items back', () => {
    const file = join(scratch(), 'm.prom');
    const metrics = new Metrics(file, '/tasks/a.ts', () => {});
    metrics.begin(() => ({ counts: { ...COUNTS, retried: 5 }, begun: 0, workers: 1 }));
    expect(readMetrics(file).value('item_retries_total')).toBe(5);
    metrics.ended({ counts: { ...COUNTS, retried: 4 }, exitCode: 0, runId: 'a' });
    expect(readMetrics(file).value('item_retries_total')).toBe(5);
  });
});

describe('a program that uses the runtime', () => {
  test('has the whole file once the run resolves or rejects, and its own exit code is not taken for the run’s', async () => {
    const file = join(scratch(), 'm.prom');
    const quiet = { workers: 1, signals: false, observe: () => {}, metricsFile: file } as const;
    const before = process.exitCode;
    process.exitCode = 4;
    try {
      await new Master(taskFile('echo'), { ...quiet, items: [1, 2, 3] }).run();
    } finally {
      process.exitCode = before;
    }
    expect(readMetrics(file).values('items_total done', 'run_exit_code')).toEqual([3, 0]);
    const master = new Master(taskFile('echo'), { ...quiet, items: unending() });
    const running = master.run();
    await metricsWith(file, (each) => each.value('run_in_progress') === 1);
    master.shutdownNow();
    await expect(running).rejects.toThrow('stopped forcefully');
    expect(readMetrics(file).values('run_in_progress', 'run_exit_code')).toEqual([0, 1]);
  });

  test('is not kept alive by it', async () => {
    const file = join(scratch(), 'm.prom');
    const { status } = await runProgram('measured', { args: [file] }).ended();
    expect(status).toBe(0);
    expect(readMetrics(file).values('items_total done', 'run_exit_code')).toEqual([3, 0]);
  });
});

async function* unending(): AsyncGenerator<number> {
  yield 1;
  await new Promise(() => {});
}
