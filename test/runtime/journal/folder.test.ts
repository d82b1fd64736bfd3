import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { statusOf } from '../../../runtime/cli/status.ts';
import { journalFolder, makeJournalFolder, pruneJournals, standingsOf } from '../../../runtime/journal/folder.ts';
import { startOf } from '../../../runtime/journal/processes.ts';
import { endedRun, openRun, type RunRequest } from './journals.ts';
import { heldBy, requestFor, scratch } from './requests.ts';

const counts = {
  ...{ dispatched: 1, done: 1, failed: 0, unfinished: 0, skipped: 0, retried: 0, spawned: 1, crashed: 0 },
};

describe('the place', () => {
  test('is beside divvy.json, else package.json, else the task file', () => {
    const folder = scratch();
    const tasks = path.join(folder, 'a/b/tasks');
    fs.mkdirSync(tasks, { recursive: true });
    const task = path.join(tasks, 'my-task.ts');
    fs.writeFileSync(path.join(folder, 'a/b/package.json'), '{}');
    expect(journalFolder(task)).toBe(path.join(folder, 'a/b/.divvy/my-task'));
    fs.writeFileSync(path.join(folder, 'a/divvy.json'), '{}');
    expect(journalFolder(task)).toBe(path.join(folder, 'a/.divvy/my-task'));
  });

  /** Journals of a task, the oldest first. Returns their names, and those that are left once there is room for one more. */
  async function pruned(
    count: number,
    how: (index: number) => { args?: string[]; complete: boolean; done: boolean },
    before: (file: (index: number) => string) => void = () => {},
  ): Promise<{ left: number[]; names: string[] }> {
    const project = scratch();
    fs.writeFileSync(path.join(project, 'divvy.json'), '{}');
    const task = path.join(project, 't.ts');
    fs.writeFileSync(task, '');
    const folder = journalFolder(task);
    // By their names the newest would be the oldest.
    const file = (index: number): string => path.join(folder, `run${String(count - index).padStart(2, '0')}.ndjson`);
    makeJournalFolder(folder);
    for (let index = 0; index < count; index++) {
      const { args = [], complete, done } = how(index);
      const { journal } = await openRun({ ...requestFor(file(index), { args }), taskFile: task });
      if (done) journal?.done(endedRun(1, 'key'));
      journal?.write();
      if (complete) await journal?.end({ counts, exitCode: 0, runId: 'a-run' }, true);
      else await journal?.close();
    }
    before(file);
    pruneJournals(standingsOf(task));
    expect(fs.readFileSync(path.join(folder, '../.gitignore'), 'utf8')).toBe('*\n');
    const left = Array.from({ length: count }, (_, index) => index).filter((index) => fs.existsSync(file(index)));
    return { left, names: fs.readdirSync(folder) };
  }

  test('keeps ten, but none goes whose run goes on, or may go on', async () => {
    const complete = { complete: true, done: true };
    const { left, names } = await pruned(
      15,
      () => complete,
      (file) => {
        fs.writeFileSync(`${file(1)}.lock`, heldBy(process.pid, startOf(process.pid)));
        fs.writeFileSync(`${file(2)}.lock`, heldBy(process.pid, 'before'));
        fs.writeFileSync(`${file(2)}.lock.7-7.1`, '');
        fs.writeFileSync(`${file(3)}.lock`, JSON.stringify({ ...JSON.parse(heldBy(7, 'then')), host: 'elsewhere' }));
      },
    );
    expect(left).toEqual([1, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    expect(names.filter((name) => name.includes('.lock'))).toHaveLength(2);
  });

  test('keeps what --resume would go on with, of each of the arguments that there are', async () => {
    // Of the first of each three the newest is not complete.
    const how = (index: number) => ({ args: [`${index % 3}`], complete: index % 3 > 0, done: true });
    const { left } = await pruned(16, (index) => (index < 4 ? how(index) : { complete: true, done: true }));
    expect(left).toEqual([3, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  });

  test('keeps as many runs without outcomes, and these push out no other', async () => {
    const { left } = await pruned(25, (index) => ({ complete: true, done: index < 5 }));
    expect(left).toEqual([0, 1, 2, 3, 4, ...Array.from({ length: 9 }, (_, index) => 16 + index)]);
  });
});

describe('two tasks of one name, in two folders of a project', () => {
  function twins(): { folder: string; one: string; other: string } {
    const folder = scratch();
    fs.writeFileSync(path.join(folder, 'divvy.json'), '{}');
    const [one = '', other = ''] = ['tasks/same.ts', 'tasks/more/same.ts'].map((name) => {
      const file = path.join(folder, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, 'export default class {}');
      return file;
    });
    return { folder, one, other };
  }

  /** Runs a task as far as its first item. Returns the run's id, and what `key` is known to have ended as. */
  async function begin(task: string, runId: string, more: Partial<RunRequest> = {}) {
    const request = { ...requestFor(''), taskFile: task, runId, file: true as const, ...more };
    const { journal, keys, runId: id, notes } = await openRun(request);
    journal?.done(endedRun(1, 'key'));
    journal?.write();
    await journal?.close();
    return { id, ended: keys.count('key').ended, notes };
  }

  test('each goes on with its own run, is asked about its own, and keeps ten of its own', async () => {
    const { one, other } = twins();
    await begin(one, '20260101-a');
    const first = await begin(other, '20260102-b', { mode: 'resume' });
    expect(first).toMatchObject({ id: '20260102-b', ended: undefined });
    expect(first.notes).toEqual(['There is no unfinished run without arguments: starting a new one']);
    expect(await begin(one, 'c', { mode: 'resume' })).toMatchObject({ id: '20260101-a', ended: 'done' });
    expect(await begin(other, 'd', { mode: 'resume' })).toMatchObject({ id: '20260102-b', ended: 'done' });
    expect(statusOf(one, [])?.runId).toBe('20260101-a');
    expect(statusOf(other, [])?.runId).toBe('20260102-b');
    for (let at = 10; at < 25; at++) await begin(other, `202602${at}-e`);
    expect(statusOf(one, [])?.runId).toBe('20260101-a');
    expect(fs.readdirSync(journalFolder(one))).toHaveLength(1 + 10);
  });

  test('runs that begin in the same moment, and have the same id, have a journal each', async () => {
    const { one } = twins();
    const request = { ...requestFor(''), taskFile: one, file: true as const };
    const first = await openRun(request);
    expect(await begin(one, 'a-run')).toMatchObject({ id: 'a-runa', ended: undefined });
    await first.journal?.close();
    expect(await begin(one, 'a-run')).toMatchObject({ id: 'a-runaa', ended: undefined });
    expect(statusOf(one, [])?.runId).toBe('a-runaa');
  });

  test.each(['writeFileSync', 'writeSync'] as const)(
    'a run that could not begin, as on a full disk, is not what a resume goes on with: %s fails',
    async (call) => {
      const { one } = twins();
      await begin(one, 'a-run');
      const full = vi.spyOn(fs, call).mockImplementation(() => {
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      });
      await expect(begin(one, 'b-run')).rejects.toMatchObject({ exitCode: 74 });
      full.mockRestore();
      expect(fs.readdirSync(journalFolder(one))).toEqual(['a-run.ndjson']);
      expect(await begin(one, 'c-run', { mode: 'resume' })).toMatchObject({ id: 'a-run', ended: 'done' });
    },
  );

  test('the journal of the other one, by name, is refused', async () => {
    const { folder, one, other } = twins();
    await begin(one, 'a-run');
    const file = path.join(folder, '.divvy/same/a-run.ndjson');
    const before = fs.readFileSync(file);
    const refused = begin(other, 'b', { mode: 'resume', file });
    await expect(refused).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(`is a journal of another task, ${one}, and not of ${other}; .* begin a new run`),
    });
    expect(fs.readFileSync(file)).toEqual(before);
    expect(fs.readdirSync(path.dirname(file))).toEqual(['a-run.ndjson']);
  });

  test('a project that was moved, or copied, goes on where it stood', async () => {
    const { folder, one, other } = twins();
    await begin(one, 'a-run');
    await begin(other, 'b-run');
    const copy = scratch();
    fs.cpSync(folder, copy, { recursive: true });
    const there = (task: string): string => path.join(copy, path.relative(folder, task));
    expect(await begin(there(one), 'c', { mode: 'resume' })).toMatchObject({ id: 'a-run', ended: 'done' });
    expect(await begin(there(other), 'd', { mode: 'resume' })).toMatchObject({ id: 'b-run', ended: 'done' });
  });

  test('a journal that is damaged keeps nobody from a new run', async () => {
    const { folder, one } = twins();
    await begin(one, 'a-run');
    fs.writeFileSync(path.join(folder, '.divvy/same/a-run.ndjson'), 'no record\n');
    expect(await begin(one, 'b-run')).toMatchObject({ id: 'b-run' });
  });
});
