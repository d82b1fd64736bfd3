// The options that a journal records: a resume goes on with them, and the commands to copy have them.
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readArguments } from '../../../runtime/cli/arguments.ts';
import { recordedOf, wordsOf } from '../../../runtime/journal/recorded.ts';
import { OPTIONS } from '../../../runtime/options.ts';
import { makeGate, RUNNER } from '../run-task.ts';
import { items, Project } from './ledger.ts';

const runs = (project: Project, file?: string) => project.records(file).filter((record) => record.type === 'run');

describe('the options of a run', () => {
  test('are recorded as they were given, but for those that are for one time only', async () => {
    const project = new Project(items(3));
    const shape =
      '-n 1 -c 2 --retries 3 --backoff 500ms --timeout 10s --max-crashes 2 --kill-after 2s --force-after 3s';
    const more = '--grace 1m --recycle-after 100 --recycle-above 500 --halt 5% --max-item-size 2 --ignore-hup';
    const once = ['--limit', '1', '-v', '--no-progress', '--json', '--take-over'];
    await project.run([...shape.split(' '), ...more.split(' '), ...once]).ended();
    expect(runs(project)[0]?.options).toEqual({
      ...{
        workers: 1,
        concurrency: 2,
        retries: 3,
        backoffMs: 500,
        timeoutMs: 10_000,
        maxCrashes: 2,
        killAfterMs: 2000,
      },
      ...{ forceAfterMs: 3000, graceMs: 60_000, recycleAfter: 100, recycleAboveBytes: 500 * 1024 * 1024, halt: '5%' },
      ...{ maxItemBytes: 2 * 1024 * 1024, ignoreHup: true },
    });
  });

  test('are those of a resume, and of a retry, unless others are given; that is said', async () => {
    const project = new Project([...items(2), 'fails', 'isAbortable']);
    const first = ['-n', '1', '--retries', '1', '--backoff', '1ms', '--timeout', '100ms', '--limit', '1'];
    await project.run(first).ended();
    const resumed = await project.run(['--resume', '--limit', '2', '--retries', '2']).ended();
    expect(resumed.stderr).toContain('divvy: Using its options: --workers 1 --backoff 1ms --timeout 100ms\n');
    expect(project.entries().filter(({ item }) => item === 'fails')).toHaveLength(3);
    // Without the timeout this would wait for ever: it is still there.
    const timedOut = await project.run(['--resume', '--retries', '0']).ended();
    expect(timedOut.stderr).toMatch(/TimeoutError/);
    const retried = await project
      .run(['--retry-failed', '--timeout', '0', '--limit', '1'], { env: { MENDED: '1' } })
      .ended();
    expect(retried.stderr).toContain('divvy: Using its options: --workers 1 --retries 0 --backoff 1ms\n');
    expect(runs(project).map(({ options }) => options)).toEqual([
      { workers: 1, retries: 1, backoffMs: 1, timeoutMs: 100 },
      { workers: 1, retries: 2, backoffMs: 1, timeoutMs: 100 },
      { workers: 1, retries: 0, backoffMs: 1, timeoutMs: 100 },
      { workers: 1, retries: 0, backoffMs: 1, timeoutMs: 0 },
    ]);
  });

  test('name files from wherever a resume is started', async () => {
    const project = new Project(items(3));
    const folder = path.join(project.folder, 'some where');
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, 'a.mjs'), "console.log('loaded a');");
    const shell = (cwd: string, line: string) =>
      project.run([], { by: ['sh', '-c', `cd '${cwd}' && "$1" "$2" ${line} '${project.task}'`, 'sh'] }).ended();
    const first = await shell(folder, '--import ./a.mjs --import node:os -n 1 --limit 1');
    expect([first.status, first.stdout]).toEqual([0, 'loaded a\nloaded a\n']);
    const { stdout } = await shell(project.folder, '--status');
    expect(stdout).toMatch(/to go on: \(cd 'some where' && node .* --import \.\/a\.mjs --import node:os /);
    const resumed = await shell(project.folder, '--resume');
    expect([resumed.status, resumed.stdout]).toEqual([0, 'loaded a\nloaded a\n']);
    expect(project.processed()).toEqual(items(3));
  });

  test('of a journal that a later release has written are taken as far as they are known', async () => {
    const project = new Project(items(2));
    await project.run(['-n', '1', '--limit', '1']).ended();
    const file = path.join(project.journals, project.files()[0] ?? '');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"options":{', '"options":{"later":"1","limit":1,'));
    const { status, stderr } = await project.run(['--resume']).ended();
    expect([status, project.processed()]).toEqual([0, items(2)]);
    expect(stderr).toContain('Using its options: --workers 1\n');
  });

  test('are said as words that the command line reads as the same options', () => {
    const value = (kind: string, least: number, most: number): fc.Arbitrary<unknown> => {
      if (kind === 'flag') return fc.constant(true);
      if (kind === 'share') return fc.oneof(fc.integer({ min: 1 }), fc.constantFrom('5%', '0.5%'));
      if (kind === 'rate')
        return fc
          .tuple(fc.integer({ min: 1, max: 100_000 }), fc.constantFrom(1, 60, 3600))
          .map(([count, seconds]) => count / seconds);
      if (kind === 'duration')
        return fc.oneof(
          fc.nat(2 ** 31 - 1),
          fc.nat(1000).map((count) => count * 1000),
          fc.nat(1000).map((count) => count * 60_000),
        );
      const count = fc.integer({ min: least, max: Math.min(most, 2 ** 31) });
      return kind === 'megabytes' ? count.map((megabytes) => megabytes * 1024 * 1024) : count;
    };
    // Modules and results have tests of their own: a path is written from where one is.
    const recorded = OPTIONS.filter(
      ({ isRecorded, kind, key }) => isRecorded && kind !== 'modules' && kind !== 'path' && key !== 'ordered',
    );
    const options = fc.record(
      Object.fromEntries(recorded.map(({ key, kind, least, most }) => [key, value(kind, least, most)])),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(options, (given) => {
        const read = readArguments([...wordsOf(given), 't.ts']);
        expect(read.want === 'run' && recordedOf(read.options)).toEqual({ ...given });
      }),
    );
  });
});

describe('the command to go on', () => {
  function scratch(): string {
    const folder = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), 'divvy-options-')));
    onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  const TASK = `
    import net from 'node:net';
    process.chdir('/');
    export default class Task {
      *dispatch() { yield* ['one', 'two', 'three']; }
      async process(item) {
        if (item === 'two' && process.env.GATE) await new Promise((resolve) => net.connect(process.env.GATE).end(item).on('close', resolve).resume());
        console.log(item, process.argv.slice(2).join());
      }
    }`;

  test('works in the folder in which the person is, whatever the task does to its own, and has all options', async () => {
    const folder = scratch();
    fs.mkdirSync(path.join(folder, '-a b', 'deep'), { recursive: true });
    fs.writeFileSync(path.join(folder, '-a b', '-task.ts'), TASK);
    const project = new Project([]);
    const gate = await makeGate();
    /** Runs a command line of a shell. */
    const shell = (cwd: string, line: string, env = {}) =>
      project.run([], { by: ['sh', '-c', `cd '${path.join(folder, cwd)}' && ${line}`, 'sh'], env });
    const args = "-n 1 --limit 2 --retries 2 --timeout 1m ./-task.ts -- 'two words' --resume";
    const stopped = shell('-a b', `exec "$1" "$2" ${args}`, gate.env);
    await gate.arrived(1);
    stopped.kill('SIGINT');
    await stopped.said(/SIGINT/);
    gate.open();
    const { stderr } = await stopped.ended();
    const said = /to go on: (.*)\n/.exec(stderr)?.[1] ?? '';
    expect(said).toBe(`node ${path.relative(path.join(folder, '-a b'), RUNNER)} --resume ${args}`);
    expect(stderr).toMatch(/journal: \.divvy\/-task\/\S+\.ndjson\n/);

    for (const [cwd, task] of [
      ['-a b', './-task.ts'],
      ['-a b/deep', '../-task.ts'],
      ['', './-a b/-task.ts'],
    ] as const) {
      const { stdout } = await shell(cwd, `"$1" "$2" --status -- '${task}'`).ended();
      const shown = /to go on: (.*)\n/.exec(stdout)?.[1] ?? '';
      const runner = path.relative(path.join(folder, '-a b'), RUNNER);
      const words = `node ${runner} --resume --workers 1 --retries 2 --timeout 1m ./-task.ts -- 'two words' --resume`;
      // The task's arguments are from the folder in which the run was started.
      const to = { '-a b': undefined, '-a b/deep': '..', '': "'./-a b'" }[cwd];
      expect(shown).toBe(to === undefined ? words : `(cd ${to} && ${words})`);
      const dry = await shell(cwd, `${shown.replace('--resume ', '--resume --dry-run ')} && exit 0`).ended();
      expect([dry.status, dry.stdout]).toEqual([0, '"three"\n']);
    }
    const elsewhere = await shell('', `"$1" "$2" --resume --dry-run -- '-a b/-task.ts'`).ended();
    const given = `Using its arguments: 'two words' --resume (they were given in ${path.join(folder, '-a b')})`;
    expect(elsewhere.stderr).toContain(given);
    const pasted = await shell('-a b', `${said} && exit 0`).ended();
    expect([pasted.status, pasted.stdout]).toEqual([0, 'three two words,--resume\n']);
  });

  test('names the same run also where a resume was given less than that', async () => {
    const project = new Project(items(3));
    await project.run(['-n', '1', '--timeout', '1m', '--limit', '1', 'a b']).ended();
    const { stderr } = await project.run(['--resume', '--timeout', '2m', '--limit', '1', '-v']).ended();
    const [, said = ''] = /to go on: (.*)\n/.exec(stderr) ?? [];
    expect(said).toMatch(/ --resume --workers 1 \S.* --timeout 2m --limit 1 -v -- 'a b'$/);
    // Another run without arguments would be meant without them.
    await project.run(['-n', '1', '--limit', '1']).ended();
    const pasted = await project.run([], { by: ['sh', '-c', `${said} && exit 0`] }).ended();
    expect(pasted.stderr).toContain('skipping 2 items');
    expect(project.files()).toHaveLength(2);
  });

  test('is not offered where the run was stopped, and came to its end all the same', async () => {
    const project = new Project(['gate']);
    const gate = await makeGate();
    // There is room for more items: dispatch is asked for them, and has none.
    const stopped = project.run(['-n', '1', '-c', '3'], { env: gate.env });
    await gate.arrived(1);
    stopped.kill('SIGINT');
    await stopped.said(/SIGINT/);
    gate.open();
    const { signal, stderr } = await stopped.ended();
    expect([signal, project.records().at(-1)]).toMatchObject(['SIGINT', { complete: true, stoppedBy: 'SIGINT' }]);
    expect(stderr).not.toContain('to go on');
  });

  test('--status of a run that never did anything offers none', async () => {
    const project = new Project(['gate']);
    const gate = await makeGate();
    const killed = project.run(['-n', '1'], { env: gate.env });
    await gate.arrived(1);
    killed.kill('SIGKILL');
    await killed.closed;
    expect((await project.run(['--status']).ended()).stdout).toMatch(/^\S+: unfinished: 0 items done; began \S+\n$/);
    const other = await project.run(['--status', '--json']).ended();
    expect(JSON.parse(other.stdout)).toMatchObject({ state: 'unfinished', optionWords: ['--workers', '1'] });
  });
});
