// Who may have a journal: its lock, and whose it is. In this process, for speed.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startOf } from '../../../runtime/journal/processes.ts';
import type { JournalRecord } from '../../../runtime/journal/records.ts';
import { endedRun, openRun } from './journals.ts';
import { heldBy, requestFor, scratch } from './requests.ts';

const error = { name: 'Error', message: 'no' };
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

test('a worker of a dead master that goes by itself at the last moment is no error', async () => {
  const file = path.join(scratch(), 'j.ndjson');
  const orphan = spawn('sleep', ['1000']);
  const first = await openRun(requestFor(file));
  const pid = orphan.pid ?? 0;
  first.journal?.add({ type: 'worker', worker: 1, pid, started: startOf(pid) ?? '' } satisfies JournalRecord);
  first.journal?.failed(endedRun(1, 'key'), error);
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
