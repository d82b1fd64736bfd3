// The journal as a file: what is in it, how it is read after any cut, and who may have it. In this process, for speed.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { statusOf } from '../../../runtime/cli/status.ts';
import type { DivvyError } from '../../../runtime/errors.ts';
import { journalFolder, makeJournalFolder, pruneJournals, standingsOf } from '../../../runtime/journal/folder.ts';
import { Journal } from '../../../runtime/journal/journal.ts';
import { KeySet } from '../../../runtime/journal/key-set.ts';
import { placeHere, startOf } from '../../../runtime/journal/processes.ts';
import { type JournalRecord, readJournal } from '../../../runtime/journal/records.ts';
import { contentKey } from '../../../runtime/key.ts';
import { taskFile } from '../run-task.ts';
import { cutEverywhere } from './cuts.ts';
import { openRun, type RunRequest } from './journals.ts';

function scratch(): string {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'divvy-journal-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const requestFor = (file: string, more: Partial<RunRequest> = {}): RunRequest => ({
  taskFile: taskFile('ledger'),
  args: [],
  runId: 'a-run',
  file,
  mode: 'new',
  dryRun: false,
  failed: (error) => {
    throw error;
  },
  ...more,
});

const outcome = (number: number) => ({ number, key: '', attempts: 1, crashes: 0, worker: 1, durationMs: 1.4 });
const error = { name: 'Error', message: 'no' };
const counts = {
  ...{ dispatched: 1, done: 1, failed: 0, unfinished: 0, skipped: 0, retried: 0, spawned: 1, crashed: 0 },
};

describe('reading', () => {
  test('a journal that is cut at any byte goes on with what is whole', async () => {
    await cutEverywhere(scratch(), 40);
  });

  async function damaged(at: number, change: (line: string) => string): Promise<DivvyError> {
    const file = path.join(scratch(), 'j.ndjson');
    const { journal } = await openRun(requestFor(file));
    for (let number = 1; number <= 5; number++) journal?.done(`key ${number}`, 1, outcome(number));
    journal?.write();
    await journal?.close();
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    lines[at] = change(lines[at] ?? '');
    fs.writeFileSync(file, lines.join('\n'));
    const before = fs.readFileSync(file);
    const refused = await openRun(requestFor(file, { mode: 'resume' })).then(
      () => expect.unreachable(),
      (thrown: DivvyError) => thrown,
    );
    expect(fs.readFileSync(file)).toEqual(before);
    expect(fs.readdirSync(path.dirname(file))).toEqual(['j.ndjson']);
    return refused;
  }

  test.each([
    ['half a line', 2, (line: string) => line.slice(0, 20), 'line 3 of'],
    ['no line', 3, () => '', 'line 4 of'],
    ['no object', 1, () => '7', 'line 2 of'],
    ['no type', 1, () => '{}', 'line 2 of'],
    ['a type that is none', 2, (line: string) => line.replace('"done"', '7'), 'line 3 of'],
    ['a run without its number', 0, (line: string) => line.replace('"number":1,', ''), 'line 1 of'],
    ['a done item without its key', 2, (line: string) => line.replace('"key"', '"kez"'), 'line 3 of'],
    ['a count that is none', 2, (line: string) => line.replace('"number"', '"occurrence":"2","number"'), 'line 3 of'],
    ['a worker that is every process', 1, () => '{"type":"worker","worker":1,"pid":-1}', 'line 2 of'],
    ['a first line that begins no run', 0, (line: string) => line.replace('"run"', '"end"'), 'does not begin a run'],
    [
      'a later format',
      0,
      (line: string) => line.replace('"format":1', '"format":2'),
      'has the format 2, and this release reads 1: ',
    ],
  ])('%s where a line should be is refused, with its number', async (_, at, change, message) => {
    const refused = await damaged(at, change);
    expect(refused.message).toContain(message);
    expect(refused.exitCode).toBe(74);
  });

  test('a line of a type that is not known, as a later release may write it, is skipped', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const { journal } = await openRun(requestFor(file));
    journal?.done('one', 1, outcome(1));
    journal?.write();
    await journal?.close();
    fs.appendFileSync(file, '{"type":"later","pid":"no number"}\n{"type":"toString"}\n');
    const resumed = await openRun(requestFor(file, { mode: 'resume' }));
    await resumed.journal?.close();
    expect([resumed.keys.done, resumed.keys.count('one').ended]).toEqual([1, 'done']);
  });

  test('a done line of a default key is read from its bytes as it is from its record, whatever has become of it', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const { journal } = await openRun(requestFor(file));
    journal?.done(contentKey('an item'), 1, { ...outcome(10), attempts: 2, durationMs: 345 });
    journal?.write();
    await journal?.close();
    const [head = '', line = ''] = fs.readFileSync(file, 'utf8').split('\n');
    let seen = 0;
    const ended = (text: string, byBytes: boolean): string => {
      fs.writeFileSync(file, `${head}\n${text}\n`);
      const keys = new KeySet();
      try {
        readJournal(
          file,
          (record) => void (record.type === 'done' && keys.end(record.key, record.occurrence ?? 1, 'done')),
          (bytes, from) => {
            const taken = byBytes && keys.endHashed(bytes, from, 'done');
            if (taken) seen += 1;
            return taken;
          },
        );
      } catch (error) {
        return (error as Error).message;
      }
      return `${keys.count(contentKey('an item')).ended} ${keys.count(/"key":"([^"]*)/.exec(text)?.[1] ?? '').ended}`;
    };
    expect(ended(line, true)).toBe(`done ${undefined}`);
    expect(seen).toBe(1);
    for (let at = 0; at < line.length; at++) {
      for (const other of ['', 'B', 'Q', '7', '}', `${line[at]}${line[at]}`]) {
        const text = line.slice(0, at) + other + line.slice(at + 1);
        expect([text, ended(text, true)]).toEqual([text, ended(text, false)]);
      }
    }
    expect(seen).toBeGreaterThan(50);
  });

  test.each(['my notes', '{"name":"a-package"}', '{"type":"ruin"', '{"type":"run",'])(
    'a file that is one line without an end (%s) is only cut if it is the beginning of a journal',
    async (text) => {
      const file = path.join(scratch(), 'j.ndjson');
      fs.writeFileSync(file, text);
      const resumed = openRun(requestFor(file, { mode: 'resume' }));
      if (text.startsWith('{"type":"run",')) {
        await (await resumed).journal?.close();
        expect(fs.readFileSync(file, 'utf8')).toMatch(/^\{"type":"run","format":1,.*\}\n$/);
      } else {
        await expect(resumed).rejects.toMatchObject({ exitCode: 74, message: expect.stringContaining('line 1 of') });
        expect(fs.readFileSync(file, 'utf8')).toBe(text);
      }
    },
  );

  test.each(['new', 'resume', 'retry-failed'] as const)('what is no file is refused with 74 (%s)', async (mode) => {
    const folder = scratch();
    const pipe = path.join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    for (const file of [pipe, folder, '/dev/null']) {
      const refused = openRun(requestFor(file, { mode }));
      await expect(refused).rejects.toMatchObject({ exitCode: 74, message: expect.stringContaining(file) });
    }
  });

  test('records are read across the bounds of what is read at once, and of characters', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const { journal } = await openRun(requestFor(file));
    const keys = Array.from({ length: 6000 }, (_, index) => `${'€𝄞ä'.repeat(40)}${'x'.repeat(index % 7)}${index}`);
    keys.push('y'.repeat(3_000_000), 'z');
    for (const [index, key] of keys.entries()) journal?.done(key, 1, outcome(index));
    journal?.write();
    await journal?.close();
    const read: string[] = [];
    const whole = readJournal(file, (record) => void (record.type === 'done' && read.push(record.key)));
    expect(read).toEqual(keys);
    expect(whole).toBe(fs.statSync(file).size);
  });
});

describe('writing', () => {
  test('what is written during a sync is synced, too, though nothing more is written', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const synced: (() => void)[] = [];
    const sync = vi.spyOn(fs, 'fdatasync').mockImplementation(((_: number, done: (error: null) => void) => {
      synced.push(() => done(null));
    }) as typeof fs.fdatasync);
    onTestFinished(() => sync.mockRestore());
    const journal = new Journal(file, () => {});
    journal.done('one', 1, outcome(1));
    journal.write();
    await vi.waitFor(() => expect(sync).toHaveBeenCalledTimes(1), 60_000);
    journal.done('two', 1, outcome(2));
    journal.write();
    synced[0]?.();
    await vi.waitFor(() => expect(sync).toHaveBeenCalledTimes(2), 60_000);
    synced[1]?.();
    await journal.close();
  });

  test('a sync that fails is told, and nothing is written any more', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const sync = vi.spyOn(fs, 'fdatasync').mockImplementation(((_: number, done: (error: Error) => void) => {
      done(new Error('EIO: i/o error, fdatasync'));
    }) as typeof fs.fdatasync);
    onTestFinished(() => sync.mockRestore());
    const failure = Promise.withResolvers<DivvyError>();
    const journal = new Journal(file, failure.resolve);
    journal.done('one', 1, outcome(1));
    journal.write();
    const { message, exitCode } = await failure.promise;
    expect(message).toContain('EIO');
    expect(exitCode).toBe(74);
    journal.done('two', 1, outcome(2));
    expect(() => journal.write()).toThrow('EIO');
    await journal.close();
    expect(fs.readFileSync(file, 'utf8')).toContain('"one"');
    expect(fs.readFileSync(file, 'utf8')).not.toContain('"two"');
  });

  test('a journal that was removed is not written on', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const journal = new Journal(file, () => {});
    fs.rmSync(file);
    journal.done('one', 1, outcome(1));
    expect(() => journal.write()).toThrow('it has been removed');
    await journal.close();
  });

  test('a journal that something else has changed is not written on', async () => {
    for (const change of [fs.truncateSync, (file: string) => fs.appendFileSync(file, 'x')]) {
      const file = path.join(scratch(), 'j.ndjson');
      const journal = new Journal(file, () => {});
      for (const number of [1, 2]) {
        journal.done(`${number}`, 1, outcome(number));
        journal.write();
      }
      change(file);
      const before = fs.readFileSync(file);
      journal.done('three', 1, outcome(3));
      expect(() => journal.write()).toThrow('something else has changed it');
      expect(fs.readFileSync(file)).toEqual(before);
      await journal.close();
    }
  });

  test('one that cannot be opened leaves no lock behind', () => {
    const folder = scratch();
    const file = path.join(folder, 'a-folder');
    fs.mkdirSync(file);
    expect(() => new Journal(file, () => {})).toThrow(expect.objectContaining({ exitCode: 74 }));
    expect(fs.readdirSync(folder)).toEqual(['a-folder']);
  });
});

/** The text of a lock of a process here. */
const heldBy = (pid: number, started: string | undefined): string =>
  JSON.stringify({ pid, started, ...placeHere(), at: '2026-01-01T00:00:00.000Z' });

describe('the lock', () => {
  test('is one for all the names that symbolic links give a journal, also before it is there', async () => {
    const folder = scratch();
    const file = path.join(folder, 'real.ndjson');
    const link = path.join(folder, 'link.ndjson');
    fs.symlinkSync(file, link);
    const { journal } = await openRun(requestFor(link));
    for (const name of [file, link]) {
      await expect(openRun(requestFor(name, { mode: 'resume' }))).rejects.toMatchObject({ exitCode: 75 });
    }
    await journal?.close();
    expect(fs.readdirSync(folder).sort()).toEqual(['link.ndjson', 'real.ndjson']);
  });

  test('a second run on a journal is refused, also in the same process; after its end it is not', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const { journal } = await openRun(requestFor(file));
    const refused = openRun(requestFor(file, { mode: 'resume' }));
    await expect(refused).rejects.toMatchObject({ exitCode: 75, message: expect.stringContaining(`${process.pid}`) });
    await journal?.close();
    const again = await openRun(requestFor(file, { mode: 'resume' }));
    await again.journal?.close();
    expect(fs.readdirSync(path.dirname(file))).toEqual(['j.ndjson']);
  });

  test('the lock of a process that is gone is nobody’s, also where another has its id', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const { pid } = spawnSync('true');
    for (const holder of [
      { pid, started: 'then' },
      { pid: process.pid, started: 'before' },
    ]) {
      fs.writeFileSync(`${file}.lock`, heldBy(holder.pid, holder.started));
      const { journal } = await openRun(requestFor(file, { mode: 'resume' }));
      await journal?.close();
    }
    fs.writeFileSync(`${file}.lock`, ''); // what a power cut may leave
    const { journal } = await openRun(requestFor(file, { mode: 'resume' }));
    await journal?.close();
    expect(fs.readdirSync(path.dirname(file))).toEqual(['j.ndjson']);
  });

  /** Leaves the lock of a process that is gone. Returns the path of the `nth` right to remove it. */
  function deadLock(file: string): (nth: number) => string {
    const { pid } = spawnSync('true');
    fs.writeFileSync(`${file}.lock`, heldBy(pid, 'then'));
    const { ino, mtimeNs } = fs.statSync(`${file}.lock`, { bigint: true });
    return (nth) => `${file}.lock.${ino}-${mtimeNs}.${nth}`;
  }

  test('the right to remove a dead lock passes on where its owner is gone, and is refused where it lives, suspended or not', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const right = deadLock(file);
    const owner = spawn('sleep', ['1000']);
    onTestFinished(() => void owner.kill('SIGKILL'));
    const pid = owner.pid ?? 0;
    owner.kill('SIGSTOP');
    fs.writeFileSync(right(1), heldBy(pid, 'before'));
    fs.writeFileSync(right(2), ''); // what a power cut may leave
    fs.writeFileSync(right(3), heldBy(pid, startOf(pid)));
    const refused = openRun(requestFor(file));
    await expect(refused).rejects.toMatchObject({ exitCode: 75, message: expect.stringContaining(`process ${pid}`) });
    const left = fs.readdirSync(path.dirname(file));
    expect(left.sort()).toEqual([`${file}.lock`, ...[1, 2, 3].map(right)].map((each) => path.basename(each)));

    const gone = new Promise((resolve) => owner.on('exit', resolve));
    owner.kill('SIGKILL');
    await gone;
    const { journal } = await openRun(requestFor(file));
    expect(fs.readdirSync(path.dirname(file)).sort()).toEqual(['j.ndjson', 'j.ndjson.lock']);
    await journal?.close();
  });

  test('a lock that is no longer the dead one is not removed by who finds the right to that free', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const right = deadLock(file);
    const self = heldBy(process.pid, startOf(process.pid));
    // Between the look at the dead lock and the claim of its right, another has been through all of it.
    const link = fs.linkSync;
    const claim = vi.spyOn(fs, 'linkSync').mockImplementation((from, to) => {
      if (to === right(1)) {
        fs.rmSync(`${file}.lock`);
        fs.writeFileSync(`${file}.lock`, self);
      }
      link(from, to);
    });
    onTestFinished(() => claim.mockRestore());
    await expect(openRun(requestFor(file))).rejects.toMatchObject({ exitCode: 75 });
    expect(fs.readdirSync(path.dirname(file))).toEqual(['j.ndjson.lock']);
    expect(fs.readFileSync(`${file}.lock`, 'utf8')).toBe(self);
  });

  test.each([
    ['a dead lock', 0],
    ['a dead lock, and a dead right to it', 1],
  ])('of many processes that find %s, exactly one gets the journal', async (_, rights) => {
    const file = path.join(scratch(), 'j.ndjson');
    const module = path.join(import.meta.dirname, '../../../runtime/journal/journal.ts');
    // Each says when it is ready, and tries when it is told to.
    const program = `
      const { Journal } = await import(${JSON.stringify(module)});
      process.stdout.write('ready');
      await new Promise((resolve) => process.stdin.once('data', resolve));
      try { new Journal(${JSON.stringify(file)}, () => {}); process.stdout.write(' has it'); }
      catch (error) { process.stdout.write(' ' + error.exitCode); }
      process.stdin.resume();`;
    const racers = Array.from({ length: 4 }, () => {
      const racer = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      onTestFinished(() => void racer.kill('SIGKILL'));
      const said = { text: '' };
      racer.stdout.on('data', (chunk) => {
        said.text += chunk;
      });
      return { racer, said };
    });
    await vi.waitFor(() => expect(racers.map(({ said }) => said.text)).toEqual(racers.map(() => 'ready')), 60_000);
    const right = deadLock(file);
    if (rights > 0) fs.copyFileSync(`${file}.lock`, right(1));
    for (const { racer } of racers) racer.stdin.write('go');
    await vi.waitFor(() => expect(racers.every(({ said }) => /75|has it/.test(said.text))).toBe(true), 60_000);
    expect(racers.map(({ said }) => said.text).sort()).toEqual([
      ...racers.slice(1).map(() => 'ready 75'),
      'ready has it',
    ]);
  });
});

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
      if (done) journal?.done('key', 1, outcome(1));
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
    journal?.done('key', 1, outcome(1));
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
    expect(statusOf(one)?.runId).toBe('20260101-a');
    expect(statusOf(other)?.runId).toBe('20260102-b');
    for (let at = 10; at < 25; at++) await begin(other, `202602${at}-e`);
    expect(statusOf(one)?.runId).toBe('20260101-a');
    expect(fs.readdirSync(journalFolder(one))).toHaveLength(1 + 10);
  });

  test('runs that begin in the same moment, and have the same id, have a journal each', async () => {
    const { one } = twins();
    const request = { ...requestFor(''), taskFile: one, file: true as const };
    const first = await openRun(request);
    expect(await begin(one, 'a-run')).toMatchObject({ id: 'a-runa', ended: undefined });
    await first.journal?.close();
    expect(await begin(one, 'a-run')).toMatchObject({ id: 'a-runaa', ended: undefined });
    expect(statusOf(one)?.runId).toBe('a-runaa');
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
      message: expect.stringMatching(`of a run of another task, ${one}, and not of ${other}: .* begin a new run`),
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

test('a worker of a dead master that goes by itself at the last moment is no error', async () => {
  const file = path.join(scratch(), 'j.ndjson');
  const orphan = spawn('sleep', ['1000']);
  const first = await openRun(requestFor(file));
  const pid = orphan.pid ?? 0;
  first.journal?.add({ type: 'worker', worker: 1, pid, started: startOf(pid) ?? '' } satisfies JournalRecord);
  first.journal?.failed('key', 1, outcome(1), error);
  first.journal?.write();
  await first.journal?.close();
  const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
    orphan.kill('SIGKILL');
    throw Object.assign(new Error('kill ESRCH'), { code: 'ESRCH' });
  });
  onTestFinished(() => kill.mockRestore());
  const { journal } = await openRun(requestFor(file, { mode: 'resume' }));
  expect(kill).toHaveBeenCalledWith(pid, 'SIGKILL');
  await journal?.close();
});
