// How runs stand, asked of the project's own runner: the real one, over journals that real runs have left.
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { version } from '../../generators/package.ts';
import { cleanEnvironment, divvy, freshFolder, home } from './commands.ts';

const TASK = `export default class Nightly {
  *dispatch() { yield* [1, 2, 3]; }
  process(item) {
    if (item === Number(process.argv[2])) throw new Error('not this one');
    if (process.argv[2] === 'wait') return new Promise((resolve) => {
      console.log('waits');
      setTimeout(resolve, 600_000);
    });
  }
}
`;

/** A project of two tasks, with the runtime of this repository. */
function project(): string {
  const cwd = freshFolder();
  mkdirSync(join(cwd, 'tasks'));
  writeFileSync(join(cwd, 'divvy.json'), JSON.stringify({ tasks: 'tasks', runtime: 'runtime' }));
  symlinkSync(join(home, 'runtime'), join(cwd, 'runtime'));
  for (const name of ['nightly.ts', 'weekly.ts']) writeFileSync(join(cwd, 'tasks', name), TASK);
  return cwd;
}

const run = (cwd: string, ...args: string[]) =>
  execa(process.execPath, ['runtime/run.mjs', '-n', '1', 'tasks/nightly.ts', ...args], {
    cwd,
    env: cleanEnvironment(),
    extendEnv: false,
    reject: false,
  });

async function json(argv: readonly string[], cwd: string): Promise<{ tasks: { name: string; lastRun: unknown }[] }> {
  const { code, stdout } = await divvy([...argv, '--json'], { cwd });
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe('divvy status says of', () => {
  test('a task of a project whose divvy.json an editor has given a byte order mark', async () => {
    const cwd = project();
    const file = join(cwd, 'divvy.json');
    writeFileSync(file, `\ufeff${readFileSync(file, 'utf8')}`);
    expect(await divvy(['status', 'nightly'], { cwd })).toMatchObject({ code: 0, stdout: 'nightly: no run yet\n' });
  });

  test('a task that never ran just that', async () => {
    const cwd = project();
    expect(await divvy(['status', 'nightly'], { cwd })).toMatchObject({ code: 0, stdout: 'nightly: no run yet\n' });
    expect(await json(['status', 'nightly'], cwd)).toEqual({
      command: 'status',
      folder: cwd,
      tasks: [{ name: 'nightly', lastRun: null }],
    });
  });

  test('a run with failed items how many, and how to try them again; and of each task where none is named', async () => {
    const cwd = project();
    expect((await run(cwd, '2')).exitCode).toBe(1);
    const { stdout } = await divvy(['status'], { cwd });
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('nightly: complete: 2 done, 1 failed');
    expect(lines[1]).toMatch(/^ {2}began 2\d{3}-.*Z, ended 2\d{3}-.*Z$/);
    expect(lines[2]).toMatch(/^ {2}journal \.divvy\/nightly\/.+\.ndjson$/);
    expect(lines.slice(3)).toEqual([
      '  to try what failed again: divvy run nightly --retry-failed --workers 1 -- 2',
      'weekly: no run yet',
      '',
    ]);
    const { tasks } = await json(['status'], cwd);
    expect(tasks).toEqual([
      { name: 'nightly', lastRun: expect.objectContaining({ state: 'complete', done: 2, failed: 1 }) },
      { name: 'weekly', lastRun: null },
    ]);
    expect(await json(['status', '../tasks/nightly.ts'], join(cwd, 'tasks'))).toMatchObject({
      tasks: [{ name: '../tasks/nightly.ts', lastRun: { done: 2 } }],
    });
    expect((await json(['list'], cwd)).tasks).toEqual(tasks);
    expect((await divvy(['list'], { cwd })).stdout).toMatch(
      /^ {2}nightly {2}complete: 2 done, 1 failed, began 2.*\n {2}weekly {3}no run yet$/m,
    );
  });

  test('a run that goes on that it does; and once it is killed, how to go on', async () => {
    const cwd = project();
    const running = run(cwd, 'wait', '--', 'for', 'two words');
    await once(running.stdout, 'data'); // The item is in progress.
    const { stdout } = await divvy(['status', 'nightly'], { cwd });
    expect(stdout).toContain(`nightly: runs now, as process ${running.pid}: 0 done\n`);
    expect(stdout).not.toContain('to go on');
    running.kill('SIGKILL');
    await running;
    const after = await divvy(['status', 'nightly'], { cwd });
    expect(after.stdout).toMatch(/^nightly: cut short: 0 done\n/);
    // Nothing is done: it is begun anew.
    expect(after.stdout).not.toContain('to go on');
  });
});

describe('the command that goes on with a run', () => {
  const left = ['--limit', '1', '--retries', '2', '--timeout', '90s', '--', 'for', 'two words'];

  test('has all that the run was given, and works where the person is', async () => {
    const cwd = project();
    expect((await run(cwd, ...left)).exitCode).toBe(0);
    const words = "nightly --resume --workers 1 --retries 2 --timeout 90s -- for 'two words'";
    const here = await divvy(['status', 'nightly'], { cwd });
    expect(here.stdout).toContain(`\n  to go on: divvy run ${words}\n`);
    const elsewhere = freshFolder();
    const there = await divvy(['status', '-C', cwd, 'nightly'], { cwd: elsewhere });
    expect(there.stdout).toContain(`\n  to go on: divvy -C ${relative(elsewhere, cwd)} run ${words}\n`);
    expect(there.stdout).toMatch(/^ {2}journal \.\.\/.*\.ndjson$/m);
    const argv = ['-C', relative(elsewhere, cwd), 'run', 'nightly', '--resume', '--', 'for', 'two words'];
    const went = await divvy(argv, { cwd: elsewhere });
    expect([went.code, went.stderr]).toEqual([
      0,
      expect.stringContaining('Using its options: --workers 1 --retries 2 --timeout 90s'),
    ]);
  });

  test.each([
    ['data', 'data', 'nightly'],
    ['..', '..', (cwd: string) => join(basename(cwd), 'tasks/nightly.ts')],
  ])('goes to the folder in which the run was started: %s', async (from, to, task) => {
    const cwd = project();
    mkdirSync(join(cwd, 'data'));
    const argv = [join(cwd, 'runtime/run.mjs'), '-n', '1', '--limit', '1', join(cwd, 'tasks/nightly.ts'), './list.csv'];
    const options = { cwd: join(cwd, from), env: cleanEnvironment(), extendEnv: false };
    await execa(process.execPath, argv, options);
    const { stdout } = await divvy(['status', 'nightly'], { cwd });
    const word = typeof task === 'string' ? task : task(cwd);
    expect(stdout).toContain(`\n  to go on: divvy -C ${to} run ${word} --resume --workers 1 -- ./list.csv\n`);
    const went = await divvy(['-C', to, 'run', word, '--resume', '--', './list.csv'], { cwd });
    expect([went.code, went.stderr]).toEqual([0, expect.stringContaining('skipping 1 item')]);
  });

  test('is of the same release where npm had fetched it', async () => {
    const cwd = project();
    await run(cwd, ...left);
    const { stdout } = await divvy(['status', 'nightly'], { cwd, env: cleanEnvironment({ npm_command: 'exec' }) });
    expect(stdout).toContain(
      `\n  to go on: npx -p create-divvy-task@${version} divvy run nightly --resume --workers 1 `,
    );
  });
});

describe('what cannot be told is said, with what to do:', () => {
  test.each([
    [['status', 'nigthly'], 2, /there is no task "nigthly"\nDid you mean nightly\? There are: nightly, weekly\./],
    [['status', 'tasks/gone.ts'], 2, /there is no task "tasks\/gone\.ts"/],
    [['runs', 'nightly', 'weekly'], 2, /"weekly" is one argument too many/],
    [['status', '--engine'], 2, /none is named\nWrite `divvy status <task> --engine`\./],
    [['status', 'nightly', '--engine', 'kafka'], 2, /--engine "kafka" is not known\nUse one of: bullmq\./],
    [
      ['status', 'nightly', '--engine'],
      1,
      /runs of tasks\/nightly\.ts: .*DIVVY_ENGINE_URL[\s\S]*node runtime\/run\.mjs --status --engine bullmq tasks\/nightly\.ts/,
    ],
  ])('%j', async (argv, code, message) => {
    const ended = await divvy(argv, { cwd: project() });
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(message);
  });

  test('no project', async () => {
    const ended = await divvy(['status'], { cwd: freshFolder() });
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('there is no divvy.json');
  });

  test('a runtime that is older, or broken: exit 1, and `divvy list` goes on', async () => {
    const cwd = project();
    rmSync(join(cwd, 'runtime'));
    mkdirSync(join(cwd, 'runtime'));
    writeFileSync(join(cwd, 'runtime/run.mjs'), "console.error('there is no option --status'); process.exitCode = 2;");
    const ended = await divvy(['status', 'nightly'], { cwd });
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain("can't tell about the runs of tasks/nightly.ts: there is no option --status\n");
    expect(ended.stderr).toContain('node runtime/run.mjs --status tasks/nightly.ts');
    expect((await json(['list'], cwd)).tasks[0]).toEqual({
      name: 'nightly',
      error: expect.stringContaining('there is no option --status'),
    });
  });

  test('a journal that could play with the terminal: what it would do is shown', async () => {
    const cwd = project();
    await run(cwd, '\u001b[2J', '--limit', '1');
    const ended = await divvy(['status', 'nightly'], { cwd });
    expect(ended.stdout).toContain('began');
    const [journal = ''] = readdirSync(join(cwd, '.divvy/nightly')).filter((file) => file.endsWith('.ndjson'));
    const file = join(cwd, '.divvy/nightly', journal);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"complete":true', '"complete":false'));
    const { stdout } = await divvy(['status', 'nightly'], { cwd });
    expect(stdout).toMatch(/to go on: divvy run nightly --resume --workers 1 -- .*\\u001b\[2J/);
    expect(stdout).not.toContain('\u001b');
  });

  test('one task, whose journal is damaged: exit 1, and the others are said all the same', async () => {
    const cwd = project();
    await run(cwd);
    mkdirSync(join(cwd, '.divvy/weekly'));
    writeFileSync(join(cwd, '.divvy/weekly/20260101-000000-aaaa.ndjson'), 'not a journal\n');
    const ended = await divvy(['status'], { cwd });
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/^nightly: complete/m);
    expect(ended.stdout).toMatch(/^weekly: the runtime can't tell about the runs of tasks\/weekly\.ts: .*line 1 of/m);
    const { code, stdout } = await divvy(['status', '--json'], { cwd });
    expect([code, JSON.parse(stdout).tasks.map((task: object) => Object.keys(task).join())]).toEqual([
      1,
      ['name,lastRun', 'name,error'],
    ]);
  });

  test('a runtime that is missing: exit 2, and `divvy list` goes on', async () => {
    const cwd = project();
    rmSync(join(cwd, 'runtime'));
    expect(await divvy(['status'], { cwd })).toMatchObject({ code: 2, stdout: '' });
    expect((await divvy(['list'], { cwd })).stdout).toContain('nightly  the runtime is not where divvy.json says');
  });
});

describe('several runs of a task', () => {
  test('are told apart by their arguments or their ids', async () => {
    const cwd = project();
    await run(cwd, '2');
    await run(cwd, '7');
    const { tasks } = await json(['status', 'nightly', '2'], cwd);
    expect(tasks).toMatchObject([{ name: 'nightly', lastRun: { failed: 1, args: ['2'] } }]);
    const [first = { lastRun: undefined }] = tasks;
    const { runId } = first.lastRun as { runId: string };
    for (const which of ['2', runId]) {
      const { stdout } = await divvy(['status', 'nightly', which], { cwd });
      expect(stdout).toMatch(/^nightly: complete: 2 done, 1 failed\n/);
      expect((await divvy(['failures', 'nightly', which], { cwd })).stdout).toContain(`${runId}: 1 item failed\n`);
    }
    expect((await divvy(['status', 'nightly'], { cwd })).stdout).toMatch(/^nightly: complete: 3 done\n/);
    expect((await divvy(['failures', 'nightly'], { cwd })).stdout).toMatch(/: no item has failed\n$/);
  });

  test('none has these arguments', async () => {
    const cwd = project();
    await run(cwd, '2');
    const status = await divvy(['status', 'nightly', '5'], { cwd });
    expect(status).toMatchObject({
      code: 0,
      stdout: 'nightly: no run with these arguments; divvy runs nightly lists those that there are\n',
    });
    expect(await divvy(['failures', 'nightly', '5'], { cwd })).toMatchObject({
      code: 0,
      stdout: 'no run with these arguments; --runs without any lists those that there are\n',
    });
    const { stdout } = await divvy(['failures', 'nightly', '5', '--json'], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({ failed: [] });
  });
});

test('a run whose journal is elsewhere is found by it', async () => {
  const cwd = project();
  mkdirSync(join(cwd, 'elsewhere'));
  await run(cwd, '--journal', 'elsewhere/journal', '2');
  for (const word of ['status', 'runs', 'failures', 'report']) {
    const there = await divvy([word, 'nightly', '--journal', '../elsewhere/journal', '-C', 'tasks'], { cwd });
    expect([word, there.code, there.stderr]).toEqual([word, 0, '']);
    expect(there.stdout).toMatch(/2 done, 1 failed|1 item failed/);
  }
  expect((await divvy(['status', '--journal', 'elsewhere/journal'], { cwd })).stderr).toMatch(
    /--journal is that of one task, and none is named\nWrite `divvy status <task> --journal FILE`\./,
  );
  const control = await divvy(['pause', 'nightly', '--journal', 'elsewhere/journal'], { cwd });
  expect(control).toMatchObject({ code: 1, stdout: '' });
  expect(control.stderr).toMatch(/no run of it goes on|has ended|goes on/);
});

describe('divvy runs and divvy failures say of', () => {
  test('a task that never ran just that', async () => {
    const cwd = project();
    expect(await divvy(['runs', 'nightly'], { cwd })).toMatchObject({ code: 0, stdout: 'nightly:\n  no run yet\n' });
    expect(await divvy(['failures', 'nightly'], { cwd })).toMatchObject({ code: 0, stdout: 'no run yet\n' });
  });

  test('runs: the newest first, with how each ended, by whom, and its arguments', async () => {
    const cwd = project();
    await run(cwd, '7');
    await run(cwd, '2');
    const { code, stdout } = await divvy(['runs'], { cwd });
    expect(code).toBe(0);
    const line = (counts: string, arg: string): RegExp =>
      new RegExp(
        `^  [\\d-]+-\\w+: complete: ${counts}; began \\S+Z, ended [\\d.]+ (ms|s) later, by \\S+ on \\S+, with ${arg}$`,
      );
    expect(stdout.split('\n')).toEqual([
      'nightly:',
      expect.stringMatching(line('2 done, 1 failed', '2')),
      expect.stringMatching(line('3 done', '7')),
      'weekly:',
      '  no run yet',
      '',
    ]);
    const { tasks } = await json(['runs', 'nightly'], cwd);
    expect(tasks).toMatchObject([
      {
        name: 'nightly',
        runs: [
          { failed: 1, args: ['2'] },
          { failed: 0, args: ['7'] },
        ],
      },
    ]);
  });

  test('failures: the item, its error, where it was thrown, and the command that tries it again', async () => {
    const cwd = project();
    await run(cwd, '2');
    const { code, stdout } = await divvy(['failures', 'nightly'], { cwd });
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    // A hash is shown with its beginning, which is enough to find the journal's line.
    expect(lines[0]).toMatch(/^item 2 \(key [\w-]{8}…\) failed: Error: not this one$/);
    expect(lines[1]).toMatch(/^ {2}at Nightly\.process \(tasks\/nightly\.ts:4:\d+\)$/);
    expect(lines[2]).toMatch(/^[\d-]+-\w+: 1 item failed$/);
    expect(lines[3]).toMatch(
      /^to try what failed again: node \S*runtime\/run\.mjs --retry-failed .*tasks\/nightly\.ts -- 2$/,
    );
    const answer = (await json(['failures', 'nightly'], cwd)) as unknown as { failed: unknown };
    expect(answer.failed).toMatchObject([
      { number: 2, attempts: 1, error: { name: 'Error', message: 'not this one' } },
    ]);
  });

  test('failures of items with keys of their own: the keys, and what joins emoji stays in them', async () => {
    const cwd = project();
    const family = '👩🏽\u200d🚀 🏳️\u200d🌈';
    const key = `  key(item) { return ${JSON.stringify(`${family} a\u200db \u202e`)} + item; }\n`;
    writeFileSync(join(cwd, 'tasks/nightly.ts'), TASK.replace('  process(', `${key}  process(`));
    await run(cwd, '2');
    const { stdout } = await divvy(['failures', 'nightly'], { cwd });
    expect(stdout.split('\n')[0]).toBe(`item 2 (${family} a\\u{200d}b \\u{202e}2) failed: Error: not this one`);
  });

  test('failures that a retry has done away with: none', async () => {
    const cwd = project();
    await run(cwd, '2');
    writeFileSync(join(cwd, 'tasks/nightly.ts'), TASK.replace('throw new', 'new'));
    await run(cwd, '--retry-failed', '2');
    expect((await divvy(['failures', 'nightly'], { cwd })).stdout).toMatch(/^[\d-]+-\w+: no item has failed\n$/);
  });

  test('several tasks of which none is named: which there are', async () => {
    const { code, stderr } = await divvy(['failures'], { cwd: project() });
    expect(code).toBe(2);
    expect(stderr).toContain('Name one of them: nightly, weekly.');
  });
});
