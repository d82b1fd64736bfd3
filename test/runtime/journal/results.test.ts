// The file of --results: exactly one line for each item that is done, whatever is killed, and in order where that is asked for.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeGate, RUNNER, runTask } from '../run-task.ts';
import { cutResultsEverywhere } from './cuts.ts';
import { items, Project } from './ledger.ts';
import { scratch } from './requests.ts';

interface Line {
  readonly key: string;
  readonly number: number;
  readonly result: unknown;
}

const linesOf = (file: string): Line[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

class ResultsProject extends Project {
  readonly results = join(this.folder, 'results.ndjson');

  get args(): string[] {
    return ['--results', this.results];
  }

  get lines(): Line[] {
    return linesOf(this.results);
  }

  /** Each of the items has one line, and nothing else has. */
  expectOneLineEach(all: readonly string[]): void {
    const made = this.lines.map(({ result }) => result).sort();
    expect(made).toEqual(all.map((item) => `made of ${item}`).sort());
    const done = this.records().flatMap((record) => (record.type === 'done' ? record.keys : []));
    expect(this.lines.map(({ key }) => key).sort()).toEqual(done.sort());
    const size = Math.max(...this.records().map((record) => (record.type === 'done' ? (record.results ?? 0) : 0)));
    expect(statSync(this.results).size).toBe(size);
    expect(existsSync(`${this.results}.lock`)).toBe(false);
  }
}

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

describe('a file', () => {
  test('that has something in it is left alone by a new run', async () => {
    const project = new ResultsProject(['one']);
    writeFileSync(project.results, 'mine\n');
    const { status, stderr } = await project.run(project.args).ended();
    expect([status, stderr]).toEqual([2, expect.stringContaining('has something in it already, and is left as it is')]);
    expect(readFileSync(project.results, 'utf8')).toBe('mine\n');
    expect(project.entries()).toEqual([]);
  });

  test.each([
    ['is another', (file: string) => writeFileSync(file, `${'mine\n'.repeat(100)}`), 'is not the file of this run'],
    [
      'has other lines',
      (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replace('"number":2', '"number":7')),
      'is not the file of this run',
    ],
    ['goes on with something else', (file: string) => appendFileSync(file, 'mine\n'), 'is not the file of this run'],
    ['is gone', (file: string) => rmSync(file), '2 items are done, and have no line there'],
    [
      'is a folder',
      (file: string) => {
        rmSync(file);
        spawnSync('mkdir', [file]);
      },
      'it is not a file',
    ],
  ])('that %s when the run is resumed: 2, and it is left as it is', async (_, change, why) => {
    const project = new ResultsProject(items(4));
    expect((await project.run([...project.args, '-n', '1', '--limit', '2']).ended()).status).toBe(0);
    change(project.results);
    const text = (): string =>
      existsSync(project.results) && statSync(project.results).isFile() ? readFileSync(project.results, 'utf8') : '';
    const before = text();
    const { status, stderr } = await project.run(['--resume', '-n', '1']).ended();
    expect([status, stderr]).toEqual([2, expect.stringContaining(why)]);
    expect([text(), project.entries().length]).toEqual([before, 4]);
    expect(existsSync(`${project.results}.lock`)).toBe(false);
  });

  test('whose end is missing: the items of those lines are done again, and stderr says so', async () => {
    const project = new ResultsProject(items(4));
    expect((await project.run([...project.args, '-n', '1', '--limit', '3']).ended()).status).toBe(0);
    truncateSync(project.results, statSync(project.results).size - 3);
    const { status, stderr } = await project.run(['--resume', '-n', '1']).ended();
    expect(status, stderr).toBe(0);
    expect(stderr).toContain(
      'the file of results ends before the lines of 1 item that are done: they are processed again',
    );
    expect(project.lines.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(project.processed()).toEqual(['item 1', 'item 2', 'item 3', 'item 3', 'item 4']);
    // That is over: what is not of this run would not be cut off now.
    const moved = join(project.folder, 'moved.ndjson');
    expect(spawnSync('cp', [project.results, moved]).status).toBe(0);
    appendFileSync(moved, '{"key":"mine"}\n');
    const shown = spawnSync(process.execPath, [
      join(import.meta.dirname, '../../../runtime/run.mjs'),
      '--status',
      project.task,
    ]);
    expect(`${shown.stdout}`).toContain('4 items done');
    const more = await project.run(['--retry-failed', '--results', moved]).ended();
    expect([more.status, more.stderr]).toEqual([2, expect.stringContaining('bytes more than the journal knows')]);
  });

  test('that was moved can be named', async () => {
    const project = new ResultsProject(items(4));
    expect((await project.run([...project.args, '-n', '1', '--limit', '2']).ended()).status).toBe(0);
    const moved = join(project.folder, 'moved.ndjson');
    expect(spawnSync('mv', [project.results, moved]).status).toBe(0);
    const other = await project.run(['--resume', '--results', join(project.folder, 'new.ndjson')]).ended();
    expect([other.status, other.stderr]).toEqual([
      2,
      expect.stringContaining('2 items are done, and have no line there; they were written to'),
    ]);
    expect(existsSync(join(project.folder, 'new.ndjson'))).toBe(false);
    const { status, stderr } = await project.run(['--resume', '--results', moved]).ended();
    expect(status, stderr).toBe(0);
    expect(linesOf(moved).map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  });

  test('of a run that was begun without: 2, and without it the run goes on', async () => {
    const project = new ResultsProject(items(3));
    expect((await project.run(['-n', '1', '--limit', '2']).ended()).status).toBe(0);
    const late = await project.run(['--resume', ...project.args]).ended();
    expect([late.status, late.stderr]).toEqual([2, expect.stringContaining('was begun without --results')]);
    expect(existsSync(project.results)).toBe(false);
    expect((await project.run(['--resume']).ended()).status).toBe(0);
  });

  test('of another run, which goes on where this one has nothing yet, is left as it is', async () => {
    const project = new ResultsProject(items(4));
    const precious = join(project.folder, 'precious.ndjson');
    expect((await project.run(['--results', precious, '--', 'one']).ended()).status).toBe(0);
    // This one is killed between the sync of its first result and the journal's line.
    expect((await project.run([...project.args, '-n', '1', '--limit', '1', '--', 'two']).ended()).status).toBe(0);
    const journal = join(project.journals, project.files().at(-1) ?? '');
    const text = readFileSync(journal, 'utf8');
    writeFileSync(journal, text.slice(0, text.indexOf('{"type":"done"')));
    const { status, stderr } = await project.run(['--resume', '--results', precious, '--', 'two']).ended();
    expect([status, stderr]).toEqual([2, expect.stringMatching(/has \d+ bytes more than the journal knows/)]);
    expect(linesOf(precious)).toHaveLength(4);
  });

  test('of another run with the same first lines is left as it is; a copy that goes on as far as the journal is taken', async () => {
    const project = new ResultsProject(items(6));
    const full = join(project.folder, 'full.ndjson');
    const ordered = ['-n', '1', '--ordered'];
    expect((await project.run([...ordered, '--results', full, '--', 'one']).ended()).status).toBe(0);
    expect((await project.run([...ordered, ...project.args, '--limit', '2', '--', 'two']).ended()).status).toBe(0);
    const refused = await project.run(['--resume', '--results', full, '--', 'two']).ended();
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringMatching(/if it is a copy .*truncate -s -\d+ /)]);
    expect(linesOf(full)).toHaveLength(6);
    const [, command = ''] = /\((truncate [^)]+)\)/.exec(refused.stderr) ?? [];
    expect(spawnSync('sh', ['-c', command]).status).toBe(0);
    expect((await project.run(['--resume', '--results', full, '--', 'two']).ended()).status).toBe(0);
    expect(linesOf(full).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('whose end is missing in a run that was resumed before goes on, too', async () => {
    const project = new ResultsProject(items(6));
    expect((await project.run([...project.args, '-n', '1', '--limit', '2']).ended()).status).toBe(0);
    expect((await project.run(['--resume', '-n', '1', '--limit', '2']).ended()).status).toBe(0);
    truncateSync(project.results, statSync(project.results).size / 4 + 10);
    const { status, stderr } = await project.run(['--resume', '-n', '1']).ended();
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('before the lines of 3 items that are done');
    expect(project.lines.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('that a refused run has made is removed, with its folders, and a symbolic link is left', async () => {
    const project = new ResultsProject(items(4));
    expect((await project.run([...project.args, '-n', '1', '--limit', '2']).ended()).status).toBe(0);
    const link = join(project.folder, 'link.ndjson');
    symlinkSync(join(project.folder, 'target.ndjson'), link);
    expect((await project.run(['--resume', '--results', link]).ended()).status).toBe(2);
    expect([readlinkSync(link), existsSync(link)]).toEqual([join(project.folder, 'target.ndjson'), false]);
    expect((await project.run(['--resume', '--results', join(project.folder, 'a/b/c')]).ended()).status).toBe(2);
    expect(existsSync(join(project.folder, 'a'))).toBe(false);
    const retried = await project.run(['--retry-failed', '--results', join(project.folder, 'd'), '--', 'x']).ended();
    expect([retried.status, existsSync(join(project.folder, 'd'))]).toEqual([0, false]);
  });

  test('to which the output goes is refused', async () => {
    const project = new ResultsProject(['one']);
    const by = ['sh', '-c', 'exec "$@" > "$0"', join(project.folder, 'out')];
    const { status, stderr } = await project.run(['--results', '/dev/stdout'], { by }).ended();
    expect([status, stderr]).toEqual([2, expect.stringContaining('/dev/stdout is where stdout goes')]);
  });

  test('that an other run has: 75', async () => {
    const project = new ResultsProject(['gate 1']);
    const gate = await makeGate();
    const first = project.run([...project.args, '--', 'one'], { env: gate.env });
    await gate.arrived(1);
    const { status, stderr } = await project.run([...project.args, '--', 'another']).ended();
    expect([status, stderr]).toEqual([75, expect.stringMatching(/the file of results .* is in use: process \d+/)]);
    gate.open();
    expect((await first.ended()).status).toBe(0);
    project.expectOneLineEach(['gate 1']);
  });

  test.each([
    ['is removed', (file: string) => rmSync(file), 'it has been removed'],
    ['is changed', (file: string) => appendFileSync(file, 'mine\n'), 'something else has changed it'],
  ])('that %s in the middle of a run: 74, and what it got is left there', async (_, change, why) => {
    const project = new ResultsProject(['one', 'gate 2', 'three']);
    const gate = await makeGate();
    const run = project.run([...project.args, '-n', '1', '-v'], { env: gate.env });
    await run.said(/item 1 .* is done/);
    await gate.arrived(1);
    change(project.results);
    gate.open();
    const { status, stderr } = await run.ended();
    expect([status, stderr]).toEqual([74, expect.stringMatching(`the results cannot be written: .*: ${why}`)]);
    expect(stderr).toMatch(/1 done, [12] unfinished/);
    if (existsSync(project.results)) expect(readFileSync(project.results, 'utf8')).toMatch(/mine\n$/);
  });

  test('on a disk that fills up: 74, whole lines of done items only, and a resume completes it', async ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), 'divvy-mount-'));
    const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', folder]).status === 0;
    onTestFinished(() => {
      if (isMounted) spawnSync('umount', ['-l', folder]);
      rmSync(folder, { recursive: true, force: true });
    });
    if (!isMounted) skip('file systems cannot be mounted here');
    const project = new ResultsProject(items(150, 'brief'));
    const results = join(folder, 'r.ndjson');
    const full = await project.run(['--results', results, '-n', '1']).ended();
    expect(full.stderr).toMatch(/the results cannot be written: .*ENOSPC.*run the same command with --resume/);
    expect(full.status).toBe(74);
    const done = project.records().filter(({ type }) => type === 'done').length;
    expect(linesOf(results)).toHaveLength(done);
    expect(done).toBeGreaterThan(0);
    expect(spawnSync('mount', ['-o', 'remount,size=1m', folder]).status).toBe(0);
    expect(await project.run(['--resume', '-n', '1']).ended()).toMatchObject({ status: 0 });
    expect(new Set(linesOf(results).map(({ number }) => number)).size).toBe(150);
    expect(linesOf(results)).toHaveLength(150);
  });

  test('that cannot be synced: 74, and none of its lines counts', async () => {
    const project = new ResultsProject(items(3));
    const fails =
      'import fs from "node:fs"; fs.fdatasync = (fd, done) => setImmediate(done, Error("EIO: i/o error, fdatasync"));';
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fails)}` };
    const { status, stderr } = await project.run([...project.args, '-n', '1'], { env }).ended();
    expect(stderr).toMatch(/the (results|journal) cannot be written: .*EIO/); // whichever is synced first
    expect([status, project.lines]).toEqual([74, []]);
    expect(await project.run(['--resume', '-n', '1']).ended()).toMatchObject({ status: 0 });
    project.expectOneLineEach(items(3));
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
