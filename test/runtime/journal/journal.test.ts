// The journal as a file: what is in it, how it is read after any cut, and who may have it. In this process, for speed.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { DivvyError } from '../../../runtime/errors.ts';
import { Journal } from '../../../runtime/journal/journal.ts';
import { KeySet } from '../../../runtime/journal/key-set.ts';
import { readJournal } from '../../../runtime/journal/reading.ts';
import { contentKey } from '../../../runtime/key.ts';
import { cutEverywhere } from './cuts.ts';
import { endedRun, openRun } from './journals.ts';
import { requestFor, scratch } from './requests.ts';

describe('reading', () => {
  test('a journal that is cut at any byte goes on with what is whole', async () => {
    await cutEverywhere(scratch(), 16);
  });

  async function damaged(at: number, change: (line: string) => string): Promise<DivvyError> {
    const file = path.join(scratch(), 'j.ndjson');
    const { journal } = await openRun(requestFor(file));
    for (let number = 1; number <= 5; number++) journal?.done(endedRun(number, `key ${number}`));
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
    ['a done item without its key', 2, (line: string) => line.replace('"keys"', '"kezs"'), 'line 3 of'],
    ['a count that is none', 2, (line: string) => line.replace('"number"', '"occurrence":"2","number"'), 'line 3 of'],
    ['a worker that is every process', 1, () => '{"type":"worker","worker":1,"pid":-1}', 'line 2 of'],
    ['a first line that begins no run', 0, (line: string) => line.replace('"run"', '"end"'), 'does not begin a run'],
  ])('%s where a line should be is refused, with its number', async (_, at, change, message) => {
    const refused = await damaged(at, change);
    expect(refused.message).toContain(message);
    expect(refused.exitCode).toBe(74);
  });

  test('a later format is refused, with the release that wrote it', async () => {
    const refused = await damaged(0, (line) =>
      line.replace('"format":1', '"format":2').replace(/"release":"[^"]*"/, '"release":"7.8.9"'),
    );
    expect(refused.message).toContain('is a journal of format 2, and this release can read only 1; ');
    expect(refused.message).toContain("use the release that wrote it ('7.8.9')");
    expect(refused.exitCode).toBe(2);
  });

  test('a line of a type that is not known, as a later release may write it, is skipped', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const { journal } = await openRun(requestFor(file));
    journal?.done(endedRun(1, 'one'));
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
    journal?.done({ ...endedRun(10, [contentKey('an item'), contentKey('another')]), starts: 2, durationMs: 345.6 });
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
          (record) => {
            if (record.type === 'done') for (const key of record.keys) keys.ended(key, record.occurrence, 'done');
          },
          byBytes
            ? (bytes, from) => {
                keys.endedHashed(bytes, from, 'done');
                seen += 1;
              }
            : undefined,
        );
        keys.isRead();
      } catch (error) {
        return (error as Error).message;
      }
      const named = [...(/"keys":\[([^\]]*)/.exec(text)?.[1] ?? '').matchAll(/"([^"]*)"/g)].map(([, key = '']) => key);
      const known = [contentKey('an item'), contentKey('another'), ...named];
      return `${keys.done} ${known.map((key) => keys.count(key).ended)}`;
    };
    expect(ended(line, true)).toBe('2 done,done,,');
    expect(seen).toBe(2);
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
    for (const [index, key] of keys.entries()) journal?.done(endedRun(index, key));
    journal?.write();
    await journal?.close();
    const read: string[] = [];
    const whole = readJournal(file, (record) => void (record.type === 'done' && read.push(...record.keys)));
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
    journal.done(endedRun(1, 'one'));
    journal.write();
    await vi.waitFor(() => expect(sync).toHaveBeenCalledTimes(1), 60_000);
    journal.done(endedRun(2, 'two'));
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
    journal.done(endedRun(1, 'one'));
    journal.write();
    const { message, exitCode } = await failure.promise;
    expect(message).toContain('EIO');
    expect(exitCode).toBe(74);
    journal.done(endedRun(2, 'two'));
    expect(() => journal.write()).toThrow('EIO');
    await journal.close();
    expect(fs.readFileSync(file, 'utf8')).toContain('"one"');
    expect(fs.readFileSync(file, 'utf8')).not.toContain('"two"');
  });

  test('a journal that was removed is not written on', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const journal = new Journal(file, () => {});
    fs.rmSync(file);
    journal.done(endedRun(1, 'one'));
    expect(() => journal.write()).toThrow('it has been removed');
    await journal.close();
  });

  test('a journal that something else has changed is not written on', async () => {
    for (const change of [fs.truncateSync, (file: string) => fs.appendFileSync(file, 'x')]) {
      const file = path.join(scratch(), 'j.ndjson');
      const journal = new Journal(file, () => {});
      for (const number of [1, 2]) {
        journal.done(endedRun(number, `${number}`));
        journal.write();
      }
      change(file);
      const before = fs.readFileSync(file);
      journal.done(endedRun(3, 'three'));
      expect(() => journal.write()).toThrow('something else has changed it');
      expect(fs.readFileSync(file)).toEqual(before);
      await journal.close();
    }
  });

  test('says when it was written, at most every 100 ms, and only before what is written', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    const clock = vi.spyOn(performance, 'now').mockReturnValue(5000);
    onTestFinished(() => clock.mockRestore());
    const { journal } = await openRun(requestFor(file));
    for (const [number, now] of [5050, 5099, 5350.4, 5400, 9999].entries()) {
      clock.mockReturnValue(now);
      if (now < 9999) journal?.done(endedRun(number, `${now}`));
      journal?.write();
    }
    await journal?.close();
    const lines = fs
      .readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type, ms, keys }) => (type === 'tick' ? ms : keys[0]))).toEqual([
      '5050',
      '5099',
      350,
      '5350.4',
      '5400',
    ]);
  });

  test('no time is written before the line of the run, even if the process stood still in between', async () => {
    const file = path.join(scratch(), 'j.ndjson');
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 150));
    onTestFinished(() => clock.mockRestore());
    const { journal } = await openRun(requestFor(file));
    journal?.done(endedRun(1, 'a'));
    journal?.write();
    await journal?.close();
    const types = fs
      .readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(['run', 'tick', 'done']);
  });

  test('one that cannot be opened leaves no lock behind', () => {
    const folder = scratch();
    const file = path.join(folder, 'a-folder');
    fs.mkdirSync(file);
    expect(() => new Journal(file, () => {})).toThrow(expect.objectContaining({ exitCode: 74 }));
    expect(fs.readdirSync(folder)).toEqual(['a-folder']);
  });
});
