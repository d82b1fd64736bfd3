// --results: each done item has exactly one line, whatever is killed; with --ordered the lines are in order.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeGate, RUNNER, runTask } from '../run-task.ts';
import { cutResultsEverywhere } from './cuts.ts';
import { items } from './ledger.ts';
import { scratch } from './requests.ts';
import { linesOf, ResultsProject } from './results-project.ts';

describe('what process returned', () => {
  test.each([[['--inline']], [['-n', '2']]])('is a line of JSON for each item that is done: %j', async (how) => {
    const results = join(scratch(), 'r.ndjson');
    const args = [
      '--no-journal',
      ...how,
      '--results',
      results,
      '--',
      'nothing',
      'text',
      'date',
      'map',
      'infinite',
      'bigint',
      'circle',
    ];
    const { status, stderr } = await runTask('returns', { args }).ended();
    expect(status).toBe(1);
    expect(linesOf(results).sort((one, other) => one.number - other.number)).toEqual([
      { key: 'own nothing', number: 1, result: null },
      { key: 'own text', number: 2, result: 'a\nb "c" é \u2028' },
      { key: 'own date', number: 3, result: { at: '1970-01-01T00:00:00.000Z' } },
    ]);
    expect(statSync(results).mode & 0o777).toBe(0o600);
    for (const why of [
      'the result of item 4: .deep.1.found is a Map, which JSON cannot carry',
      'the result of item 5: .rate is Infinity, which JSON cannot carry',
      'the result of item 6: .0 is a bigint, which JSON cannot carry',
      'the result of item 7: .self contains itself, which JSON cannot carry',
    ])
      expect(stderr).toContain(why);
  });

  test('reaches afterProcess as a value, and the file as JSON', async () => {
    const results = join(scratch(), 'r.ndjson');
    const args = ['--no-journal', '-n', '1', '--results', results, '--', 'date', 'text', 'nothing'];
    const { status, stdout } = await runTask('returns', { args, env: { HOOK: '1' } }).ended();
    expect(status).toBe(0);
    expect(stdout).toBe(
      'date { at: 1970-01-01T00:00:00.000Z, left: undefined }\ntext a\nb "c" é \u2028\nnothing undefined\n',
    );
    expect(linesOf(results).map(({ result }) => result)).toEqual([
      { at: '1970-01-01T00:00:00.000Z' },
      'a\nb "c" é \u2028',
      null,
    ]);
  });

  test('that is almost as large as may be carried reaches the file and afterProcess', async () => {
    const results = join(scratch(), 'r.ndjson');
    const args = ['--no-journal', '-n', '1', '--max-item-size', '3', '--results', results, '--', 'large'];
    const { status, stderr } = await runTask('returns', { args, env: { HOOK: '1' } }).ended();
    expect(status, stderr).toBe(0);
    expect(statSync(results).size).toBeGreaterThan(2 * 1024 * 1024);
  });

  test('is larger than may be carried: the item fails, and the error says what to do', async () => {
    const results = join(scratch(), 'r.ndjson');
    const args = ['--no-journal', '-n', '1', '--max-item-size', '1', '--results', results, '--', 'large', 'nothing'];
    const { status, stderr } = await runTask('returns', { args }).ended();
    expect([status, linesOf(results).length]).toEqual([1, 1]);
    expect(stderr).toContain(
      'the result of item 1 comes to 2097154 bytes of JSON, more than the 1048576 that are allowed',
    );
  });
});

describe('a run whose master is killed', () => {
  test.each([[[]], [['--ordered']]])('leaves a file that a resume goes on with: %j', async (how) => {
    const all = ['brief 1', 'gate 2', ...items(20, 'brief')];
    const project = new ResultsProject(all);
    const gate = await makeGate();
    const run = project.run([...project.args, ...how, '-n', '2', '-v'], { env: gate.env });
    await gate.arrived(1);
    // In order, nothing behind the item that waits is done.
    await run.said(/ is done/, how.length > 0 ? 1 : 12);
    run.kill('SIGKILL');
    await run.closed;
    await run.gone();
    const before = project.lines.length;
    const resumed = project.run(['--resume', '-n', '2'], { env: gate.env });
    gate.open();
    const { status, stderr } = await resumed.ended();
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(how.length > 0 ? /--results .* --ordered/ : /--results /);
    expect(before).toBeGreaterThan(0);
    project.expectOneLineEach(all);
    if (how.length > 0) expect(project.lines.map(({ number }) => number)).toEqual(all.map((_, index) => index + 1));
  });

  test('before anything was done: a line that is left is cut off', async () => {
    const project = new ResultsProject(['one', 'two']);
    expect((await project.run([...project.args, '-n', '1']).ended()).status).toBe(0);
    // As it is when the master is killed between the sync of the results and the write of the journal.
    const journal = join(project.journals, project.files().at(-1) ?? '');
    const text = readFileSync(journal, 'utf8');
    writeFileSync(journal, text.slice(0, text.indexOf('{"type":"done"')));
    const { status, stderr } = await project.run(['--resume', '-n', '1']).ended();
    expect(status, stderr).toBe(0);
    project.expectOneLineEach(['one', 'two']);
  });
});

describe('--ordered', () => {
  test('writes in the order of dispatch, with a gap where an item failed, and counts an item when its line is written', async () => {
    const project = new ResultsProject(['gate 1', 'fails 2', 'item 3', 'item 4']);
    const gate = await makeGate();
    const run = project.run([...project.args, '--ordered', '-n', '2', '-v'], { env: gate.env });
    await gate.arrived(1);
    await run.said(/item 2 \(.*failed/);
    // The journal is written in turns: that of item 2 would have those of 3 and 4, if they counted.
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 200);
    await promise;
    expect(project.lines).toEqual([]);
    gate.open();
    const { status, stderr } = await run.ended();
    expect(status).toBe(1);
    expect(project.lines.map(({ number }) => number)).toEqual([1, 3, 4]);
    // What has failed cannot be put into its place later.
    expect(stderr).not.toContain('--retry-failed');
    const retried = await project.run(['--retry-failed']).ended();
    expect([retried.status, retried.stderr]).toEqual([
      2,
      expect.stringContaining('are in the order of dispatch (--ordered)'),
    ]);
  });

  test('after a stop, what is held back behind an unfinished item is unfinished, and a resume does it again', async () => {
    const project = new ResultsProject(['twice 1', ...items(5)]);
    const args = [
      ...project.args,
      '--ordered',
      '-n',
      '2',
      '-v',
      '--retries',
      '1',
      '--backoff',
      '1h',
      '--backoff-cap',
      '1h',
    ];
    const run = project.run(args);
    while (!project.processed().includes('item 5')) await new Promise((resolve) => setTimeout(resolve, 10));
    run.kill('SIGINT');
    const stopped = await run.ended();
    expect(stopped.stderr).toMatch(/0 done, \d unfinished/);
    expect(stopped.status ?? stopped.signal).toBe('SIGINT');
    expect(project.lines).toEqual([]);
    const resumed = await project.run([...args, '--resume', '--backoff', '1ms']).ended();
    expect(resumed.status, resumed.stderr).toBe(0);
    project.expectOneLineEach(['twice 1', ...items(5)]);
    expect(project.lines.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe('--retry-failed', () => {
  test('adds the lines of what is done now', async () => {
    const project = new ResultsProject(['item 1', 'fails 2']);
    expect((await project.run(project.args).ended()).status).toBe(1);
    const { status, stderr } = await project.run(['--retry-failed'], { env: { MENDED: '1' } }).ended();
    expect(status, stderr).toBe(0);
    project.expectOneLineEach(['item 1', 'fails 2']);
  });
});

test('a stop that is abandoned while the disk is slow: what is synced meanwhile counts, in all three places', async () => {
  const project = new ResultsProject(items(3));
  // A sync takes longer than the stop waits for, and dispatch is waited for after that.
  const slow = `import fs from "node:fs"; const real = fs.fdatasync;
    fs.fdatasync = (fd, done) => setTimeout(real, 1500, fd, done);`;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(slow)}` };
  const run = project.run([...project.args, '-n', '1', '--kill-after', '10ms'], { env });
  while (project.processed().length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
  run.kill('SIGTERM');
  const { stderr } = await run.ended();
  const done = project.records().filter(({ type }) => type === 'done').length;
  expect(project.lines).toHaveLength(done);
  expect(Number(/(\d) done/.exec(stderr)?.[1])).toBe(done);
  expect(await project.run(['--resume']).ended()).toMatchObject({ status: 0 });
  project.expectOneLineEach(items(3));
});

test('a journal and its results that are cut anywhere: a resume gives each item one line', async () => {
  await cutResultsEverywhere(scratch(), 'at the ends of lines');
});

test('a resume of a run that has recorded nothing begins again, with its options', async () => {
  const project = new ResultsProject(['gate 1', 'item 2']);
  const gate = await makeGate();
  const run = project.run([...project.args, '--ordered', '-n', '2', '-v'], { env: gate.env });
  await gate.arrived(1);
  while (!project.processed().includes('item 2')) await new Promise((resolve) => setTimeout(resolve, 10));
  run.kill('SIGKILL');
  await run.closed;
  await run.gone();
  const resumed = project.run(['--resume'], { env: gate.env });
  gate.open();
  const { status, stderr } = await resumed.ended();
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(
    /Run \S+ of .* has recorded nothing: starting again\n.*Using its options: .*--results .* --ordered/,
  );
  project.expectOneLineEach(['gate 1', 'item 2']);
});

test('a status by --journal, and the failed items, end in commands that name that journal', async () => {
  const project = new ResultsProject(['item 1', 'fails 2', 'item 3']);
  const journal = join(project.folder, 'j.ndjson');
  expect((await project.run([...project.args, '--journal', journal, '--limit', '2', '-n', '1']).ended()).status).toBe(
    1,
  );
  for (const what of ['--status', '--failures']) {
    const { stdout } = spawnSync(process.execPath, [RUNNER, what, '--journal', journal, project.task], {
      encoding: 'utf8',
    });
    const [, command = ''] = /to go on: (.*)/.exec(stdout) ?? [];
    expect(command).toMatch(/--resume --journal .*j\.ndjson'? .*--results /);
    if (what === '--failures') {
      const ended = spawnSync('sh', ['-c', command], { encoding: 'utf8', env: { ...process.env, ...project.env } });
      expect([ended.status, ended.stderr]).toEqual([1, expect.stringContaining('1 done, 2 skipped')]);
    }
  }
  expect(project.lines).toHaveLength(2);
});

test('a dry run leaves the file alone', async () => {
  const project = new ResultsProject(['one']);
  expect((await project.run([...project.args, '--dry-run']).ended()).status).toBe(0);
  expect(existsSync(project.results)).toBe(false);
});
