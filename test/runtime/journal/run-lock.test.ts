// The same run goes on once at a time, also without a journal; and whose a lock is.
import fs from 'node:fs';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Lock } from '../../../runtime/journal/lock.ts';
import { machineHere, startOf } from '../../../runtime/journal/processes.ts';
import { Master } from '../../../runtime/master/master.ts';
import { makeGate, RUNNER, taskFile } from '../run-task.ts';
import { items, Project } from './ledger.ts';

/** The locks in a folder. */
const locksIn = (folder: string): string[] =>
  fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith('.lock')) : [];

const DATE = String.raw`\d+ \w+ 20\d\d, \d\d:\d\d`;

describe('the same task started twice', () => {
  test.each([
    ['with journals', []],
    ['without', ['--no-journal']],
  ])('%s is refused, with whom it goes on by; beside it what is not the same goes on', async (_, args) => {
    const project = new Project(['gate', 'last']);
    const gate = await makeGate();
    const running = project.run([...args, '-n', '1', 'an argument'], { env: gate.env });
    await gate.arrived(1);
    for (const more of [
      [],
      ['--resume'],
      ['--no-journal'],
      ['--journal', path.join(project.folder, 'j.ndjson')],
      ['--inline'],
    ]) {
      if (args.length > 0 && more[0] === '--resume') continue;
      const { status, stdout, stderr } = await project.run([...more, '-n', '1', 'an argument']).ended();
      expect([more, status, stdout]).toEqual([more, 75, '']);
      expect(stderr).toMatch(
        new RegExp(
          `^divvy: this run is already going on: process ${running.pid} on ${os.hostname()}, since ${DATE}\\. Wait until it has ended, or start another with --concurrent-run\\n$`,
        ),
      );
    }
    expect(project.entered).toBe(1);
    expect((await project.run(['--dry-run', 'an argument']).ended()).status).toBe(0);
    const others = [
      project.run([...args, '-n', '1', 'another'], { env: gate.env }),
      project.run([...args, '-n', '1', '--concurrent-run', 'an argument'], { env: gate.env }),
    ];
    await gate.arrived(3);
    gate.open();
    for (const each of [running, ...others]) expect((await each.ended()).status).toBe(0);
    expect(project.processed()).toEqual(['gate', 'gate', 'gate', 'last', 'last', 'last']);
    expect(locksIn(project.journals)).toEqual([]);
    // Without a journal nothing is left.
    expect(fs.existsSync(path.join(project.folder, '.divvy'))).toBe(args.length === 0);
  });

  test('at the very same time: one of them goes on, and the others are refused', async () => {
    const project = new Project(['gate']);
    const gate = await makeGate();
    const runs = Array.from({ length: 4 }, () => project.run(['--no-journal', '-n', '1'], { env: gate.env }));
    await new Promise<void>((resolve) => {
      let over = 0;
      for (const run of runs) void run.closed.then(() => ++over === runs.length - 1 && resolve());
    });
    gate.open();
    expect((await Promise.all(runs.map((run) => run.closed))).map(({ status }) => status).sort()).toEqual([
      0, 75, 75, 75,
    ]);
    expect(project.processed()).toEqual(['gate']);
  });

  test('after the first was killed, is not refused: its lock is nobody’s', async () => {
    const project = new Project(['gate']);
    const gate = await makeGate();
    const killed = project.run(['--no-journal', '-n', '1'], { env: gate.env });
    await gate.arrived(1);
    killed.kill('SIGKILL');
    await killed.closed;
    expect(locksIn(project.journals)).toHaveLength(1);
    gate.open();
    expect((await project.run(['--no-journal'], { env: gate.env }).ended()).status).toBe(0);
    expect(fs.existsSync(project.journals)).toBe(false);
  });

  test('leaves no lock behind, however it ends', async () => {
    const project = new Project(['fails', 'gate']);
    const gate = await makeGate();
    const stopped = project.run(['-n', '1'], { env: gate.env });
    await gate.arrived(1);
    expect(locksIn(project.journals)).toHaveLength(2);
    stopped.kill('SIGTERM');
    expect((await stopped.ended()).signal).toBe('SIGTERM');
    for (const [program, status] of [
      ['throw 1', 70],
      ['process.exit(5)', 5],
      ['export default class Task { *dispatch() { process.exit(6); } process() {} }', 6],
    ] as const) {
      const task = path.join(project.folder, 'tasks', 'ledger.ts');
      fs.rmSync(task);
      fs.writeFileSync(task, program);
      expect((await project.run().closed).status).toBe(status);
      expect(locksIn(project.journals)).toEqual([]);
    }
    const missing = await project
      .run([], { by: ['sh', '-c', `"$1" "$2" '${project.folder}/tasks/mistyped.ts'`, 'sh'] })
      .ended();
    expect(missing.status).toBe(2);
    expect(fs.readdirSync(path.join(project.folder, '.divvy')).sort()).toEqual(['.gitignore', 'ledger']);
  });
});

describe('a lock of a process that cannot be looked into', () => {
  const here = machineHere();

  /** The text of a lock, held in another place by a process whose id here is somebody else's, or nobody's. */
  const lockOf = (place: object): string =>
    JSON.stringify({
      pid: process.pid,
      started: startOf(process.pid),
      ...here,
      at: '2026-11-28T13:34:00.000Z',
      ...place,
    });

  test.each([
    ['host', { host: 'elsewhere' }],
    ['boot', { boot: 'ffffffff-0000-0000-0000-000000000000' }],
    ['container', { namespace: 'pid:[1]' }],
  ])('of another %s: refused, and taken over by whoever knows that its run has ended', async (_, place) => {
    const project = new Project(['gate', ...items(2)]);
    const gate = await makeGate();
    const running = project.run(['-n', '1'], { env: gate.env });
    await gate.arrived(1);
    const [lock = ''] = locksIn(project.journals).filter((name) => !name.includes('ndjson'));
    running.kill('SIGINT');
    await running.said(/SIGINT/);
    gate.open();
    await running.ended();
    const [journal = ''] = project.files();

    for (const name of [lock, `${journal}.lock`]) {
      fs.writeFileSync(path.join(project.journals, name), lockOf(place));
      const refused = await project.run(['--resume']).ended();
      expect([name, refused.status]).toEqual([name, 75]);
      expect(refused.stderr).toContain(`process ${process.pid} on ${{ ...here, ...place }.host}, since 28 Nov 2026, `);
      expect(refused.stderr).toMatch(/on another host, in another container.* if it has ended, add --take-over\n$/);
      expect(fs.readFileSync(path.join(project.journals, name), 'utf8')).toBe(lockOf(place));
      if (name === lock) fs.rmSync(path.join(project.journals, name));
    }
    fs.writeFileSync(path.join(project.journals, lock), lockOf(place));
    fs.writeFileSync(path.join(project.journals, 'folder.lock'), lockOf(place));
    const taken = await project.run(['--resume', '--take-over', '-n', '1']).ended();
    expect(taken.status).toBe(0);
    expect(project.processed()).toEqual(['gate', ...items(2)]);
    expect(locksIn(project.journals)).toEqual([]);
  });

  test('--status says that it may go on, and where', async () => {
    const project = new Project(items(2));
    await project.run(['--limit', '1', '-n', '1']).ended();
    const file = path.join(project.journals, project.files()[0] ?? '');
    const lines = fs.readFileSync(file, 'utf8').split('\n').slice(0, -2);
    fs.writeFileSync(file, `${lines.join('\n').replace(/"host":"[^"]*"/, '"host":"elsewhere"')}\n`);
    expect((await project.run(['--status']).ended()).stdout).toContain('unfinished: 1 item done');
    fs.writeFileSync(`${file}.lock`, lockOf({ host: 'elsewhere' }));
    expect((await project.run(['--status']).ended()).stdout).toMatch(/: runs, master \d+ on elsewhere: 1 item done/);
  });

  test('--take-over takes no lock of a run that is known to go on', async () => {
    const project = new Project(['gate']);
    const gate = await makeGate();
    const running = project.run(['-n', '1'], { env: gate.env });
    await gate.arrived(1);
    expect((await project.run(['--take-over']).ended()).status).toBe(75);
    gate.open();
    expect((await running.ended()).status).toBe(0);
  });

  test('one that was taken over is not released by whom it was taken from', () => {
    const folder = fs.mkdtempSync(path.join(tmpdir(), 'divvy-lock-'));
    onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'a.lock');
    const lock = new Lock(file, { takeOver: false, refuse: () => expect.unreachable() });
    fs.writeFileSync(file, lockOf({ host: 'elsewhere' }));
    lock.release();
    expect(fs.readFileSync(file, 'utf8')).toBe(lockOf({ host: 'elsewhere' }));
  });
});

describe('in the library', () => {
  const folder = (): string => {
    const made = fs.mkdtempSync(path.join(tmpdir(), 'divvy-lock-'));
    onTestFinished(() => fs.rmSync(made, { recursive: true, force: true }));
    fs.cpSync(taskFile('echo'), path.join(made, 'echo.ts'));
    fs.symlinkSync(path.join(path.dirname(RUNNER), '../node_modules'), path.join(made, 'node_modules'));
    fs.writeFileSync(path.join(made, 'package.json'), '{"type": "module"}');
    return made;
  };
  const options = { workers: 1, args: [], signals: false, observe: () => {}, inline: true };

  test('a run without a journal takes no lock, and leaves nothing', async () => {
    const made = folder();
    const seen: boolean[] = [];
    function* items(): Generator<string> {
      seen.push(fs.existsSync(path.join(made, '.divvy')));
      yield 'an item';
    }
    const masters = [1, 2].map(() => new Master(path.join(made, 'echo.ts'), { ...options, items: items() }));
    await Promise.all(masters.map((master) => master.run()));
    expect(seen).toEqual([false, false]);
    expect(fs.existsSync(path.join(made, '.divvy'))).toBe(false);
  });

  test('a run with one does', async () => {
    const made = folder();
    const hold = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const held = {
      async *[Symbol.asyncIterator](): AsyncGenerator<string> {
        begun.resolve();
        await hold.promise;
        yield 'an item';
      },
    };
    const first = new Master(path.join(made, 'echo.ts'), { ...options, journal: true, items: held }).run();
    await begun.promise;
    const second = new Master(path.join(made, 'echo.ts'), { ...options, journal: true, items: [] }).run();
    await expect(second).rejects.toMatchObject({ exitCode: 75 });
    const third = new Master(path.join(made, 'echo.ts'), { ...options, journal: true, concurrentRun: true, items: [] });
    expect((await third.run()).exitCode).toBe(0);
    hold.resolve();
    expect((await first).exitCode).toBe(0);
    expect(locksIn(path.join(made, '.divvy/echo'))).toEqual([]);
  });
});
