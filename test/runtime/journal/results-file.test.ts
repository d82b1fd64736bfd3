// The file of --results: whose it is, what is wrong with it, and what a run makes of that.
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
import { makeGate } from '../run-task.ts';
import { items } from './ledger.ts';
import { linesOf, ResultsProject } from './results-project.ts';

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
