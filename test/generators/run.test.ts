// `divvy run` stands in the place of the project's own runner. The runner here is one that tells what it was given.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WITH_VALUE } from '../../generators/run/values.ts';
import { flags as engineFlags } from '../../runtime/engine/cli.ts';
import { OPTIONS } from '../../runtime/options.ts';
import { ALL_WELL } from '../runtime/run-task.ts';
import { cleanEnvironment, commandFile, createDivvyTask, divvy, freshFolder } from './commands.ts';

const TELLS = `
const [, , ...argv] = process.argv;
const asked = argv.find((word) => word.startsWith('--exit='));
if (asked) process.exitCode = Number(asked.slice('--exit='.length));
if (argv.includes('--die')) process.kill(process.pid, 'SIGKILL');
if (argv.includes('--wait')) {
  const timer = setInterval(() => {}, 1000);
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      console.log(signal);
      if (signal === 'SIGTERM') clearInterval(timer);
    });
  }
}
console.log(JSON.stringify({ argv, cwd: process.cwd() }));
`;

function project(): string {
  const cwd = freshFolder();
  mkdirSync(join(cwd, 'lib/runtime'), { recursive: true });
  mkdirSync(join(cwd, 'jobs/deep'), { recursive: true });
  writeFileSync(join(cwd, 'divvy.json'), JSON.stringify({ tasks: 'jobs', runtime: 'lib/runtime' }));
  writeFileSync(join(cwd, 'lib/runtime/run.mjs'), TELLS);
  for (const name of ['dance-party.ts', 'nightly.ts', 'nightly.test.ts', 'types.d.ts', 'deep/other.ts']) {
    writeFileSync(join(cwd, 'jobs', name), '');
  }
  return cwd;
}

describe('the runner is given', () => {
  test.each([
    [['run', 'dance-party'], '.', ['jobs/dance-party.ts']],
    [['run', 'dance-party', '-n', '5', '--', '-x'], '.', ['jobs/dance-party.ts', '-n', '5', '--', '-x']],
    [['run', '-n', '5', 'nightly', 'dance-party'], '.', ['-n', '5', 'jobs/nightly.ts', 'dance-party']],
    [['run', 'jobs/deep/other.ts', '--json'], '.', ['jobs/deep/other.ts', '--json']],
    [['-n', '5', 'jobs/dance-party.ts', '--no-color'], '.', ['-n', '5', 'jobs/dance-party.ts', '--no-color']],
    [['./jobs/dance-party.ts'], '.', ['./jobs/dance-party.ts']],
    [['run', 'nightly'], 'jobs/deep', ['../nightly.ts']],
    [['run', '--help'], '.', ['--help']],
    // Its own -q, and all that the generator has, too, are the runner's here.
    [['run', 'nightly', '-q', '--verbose'], '.', ['jobs/nightly.ts', '-q', '--verbose']],
    [['-q', 'jobs/nightly.ts'], '.', ['-q', 'jobs/nightly.ts']],
    [
      ['run', '--events', 'e.ndjson', 'nightly', '--concurrent-run', '--take-over'],
      '.',
      ['--events', 'e.ndjson', 'jobs/nightly.ts', '--concurrent-run', '--take-over'],
    ],
    [['run', 'nightly', '--import', 'tsx'], '.', ['jobs/nightly.ts', '--import', 'tsx']],
    // What an option names is no task, be it a file or another task's name.
    [['run', '--import', './divvy.json', 'nightly'], '.', ['--import', './divvy.json', 'jobs/nightly.ts']],
    [
      ['run', '-vn', '5', '--journal', 'nightly', 'dance-party'],
      '.',
      ['-vn', '5', '--journal', 'nightly', 'jobs/dance-party.ts'],
    ],
    [
      ['run', '--journal=divvy.json', 'nightly', 'divvy.json'],
      '.',
      ['--journal=divvy.json', 'jobs/nightly.ts', 'divvy.json'],
    ],
    [['run', '-v', '--', 'nightly', '-q'], '.', ['-v', '--', 'jobs/nightly.ts', '-q']],
  ])('for %j in %s', async (argv, below, expected) => {
    const cwd = join(project(), below);
    const { code, stdout, stderr } = await divvy(argv, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ argv: expected, cwd });
  });

  test('what is in the folder that --cwd names', async () => {
    const cwd = project();
    const { stdout } = await divvy(['run', '-C', cwd, 'nightly'], { cwd: '/' });
    expect(JSON.parse(stdout)).toEqual({ argv: ['jobs/nightly.ts'], cwd });
  });

  test('a task file of a project that is elsewhere', async () => {
    const file = join(project(), 'jobs/nightly.ts');
    const cwd = freshFolder();
    const { stdout } = await divvy(['-v', file], { cwd });
    expect(JSON.parse(stdout)).toEqual({ argv: ['-v', file], cwd });
  });
});

test('what --import and divvy.json name is loaded by the real runner, and the generator leaves it in divvy.json', async () => {
  const cwd = join(freshFolder(), 'nightly');
  await createDivvyTask([cwd, '--no-git'], {});
  const manifest = readFileSync(join(cwd, 'divvy.json'), 'utf8').replace('{', '{\n  "import": ["./first.mjs"],');
  writeFileSync(join(cwd, 'divvy.json'), manifest);
  writeFileSync(join(cwd, 'first.mjs'), "console.log('first');");
  writeFileSync(join(cwd, 'tasks/second.mjs'), "console.log('second');");
  const { code, stdout, stderr } = await divvy(['run', 'nightly', '--inline', '--import', './second.mjs'], {
    cwd: join(cwd, 'tasks'),
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(ALL_WELL) });
  expect(stdout).toMatch(/^first\nsecond\nitem /);

  expect(await divvy(['add', 'weekly'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  expect(await divvy(['remove', 'weekly'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  expect(readFileSync(join(cwd, 'divvy.json'), 'utf8')).toBe(manifest);
});

test.each([['5'], ['[""]'], ['{ "tsx": true }']])('an "import" of divvy.json that is %s is refused', async (value) => {
  const cwd = project();
  writeFileSync(join(cwd, 'divvy.json'), `{ "tasks": "jobs", "runtime": "lib/runtime", "import": ${value} }`);
  const { code, stderr } = await divvy(['run', 'nightly'], { cwd });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('import') });
});

test('every option of the runner that takes a value is known to take one', () => {
  const names = OPTIONS.filter(({ kind }) => !kind.startsWith('flag') && kind !== 'off').flatMap(
    ({ usage }) => usage.match(/(?<![\w-])--?[a-z][a-z-]*/g) ?? [],
  );
  expect(names.length).toBeGreaterThan(15);
  expect(WITH_VALUE).toEqual(expect.arrayContaining(names));
});

test('so is every option of the engine', () => {
  const names = Object.entries(engineFlags).flatMap(([name, { type }]) => (type === 'string' ? [`--${name}`] : []));
  expect(names.length).toBeGreaterThan(2);
  expect(WITH_VALUE).toEqual(expect.arrayContaining(names));
});

describe('divvy join', () => {
  /** The project, with these engines. */
  const withEngines = (...names: string[]): string => {
    const cwd = project();
    for (const name of names) {
      mkdirSync(join(cwd, 'lib/runtime/engines', name), { recursive: true });
      writeFileSync(join(cwd, 'lib/runtime/engines', name, `${name}.ts`), '');
    }
    return cwd;
  };

  test.each([
    [
      ['join', 'nightly'],
      ['--engine', 'bullmq', '--join', 'jobs/nightly.ts'],
    ],
    [
      ['join', '-n', '8', 'nightly', '--stay'],
      ['--engine', 'bullmq', '--join', '-n', '8', 'jobs/nightly.ts', '--stay'],
    ],
    [
      ['join', '--engine', 'bullmq', 'nightly'],
      ['--engine', 'bullmq', '--join', '--engine', 'bullmq', 'jobs/nightly.ts'],
    ],
    [
      ['join', 'nightly', '--lock', '5s'],
      ['--engine', 'bullmq', '--join', 'jobs/nightly.ts', '--lock', '5s'],
    ],
    [['join', '--help'], ['--help']],
  ])('gives the runner for %j', async (argv, expected) => {
    const cwd = withEngines('bullmq');
    const { code, stdout, stderr } = await divvy(argv, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ argv: expected, cwd });
  });

  test.each([
    [['bullmq'], ['join', 'nightly', '--engine=kafka'], /--engine "kafka" is not known\nUse one of: bullmq\./],
    [
      ['bullmq', 'pgboss'],
      ['join', 'nightly'],
      /several engines\nName one of them: --engine bullmq or --engine pgboss/,
    ],
    [[], ['join', 'nightly'], /has no engine, so its runs stay on one machine\nAdd one: divvy add engine bullmq/],
    [['bullmq'], ['join', 'nigthly'], /Did you mean nightly\?/],
    [['bullmq'], ['join'], /no task is named/],
  ])('with the engines %j: %j is refused', async (engines, argv, says) => {
    const { code, stdout, stderr } = await divvy(argv, { cwd: withEngines(...engines) });
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(says) });
  });

  test('with several engines takes the one that is named, also where another word is like one', async () => {
    const cwd = withEngines('bullmq', 'pgboss');
    const { stdout } = await divvy(['join', 'nightly', '--engine=pgboss', '--', '--engine=kafka'], { cwd });
    const argv = ['--engine', 'pgboss', '--join', 'jobs/nightly.ts', '--engine=pgboss', '--', '--engine=kafka'];
    expect(JSON.parse(stdout)).toEqual({ argv, cwd });
  });
});

describe('exit 2, with what to do:', () => {
  test.each([
    [
      ['run', 'dance-prty'],
      /there is no task "dance-prty"\n.*Did you mean dance-party\? There are: dance-party, nightly\./,
    ],
    [['run'], /no task is named\n.*There are: dance-party, nightly\./],
    [['run', 'types.d'], /there is no task "types\.d"/],
    [['-n', '5', 'tasks/missing.ts', '--', 'x.ts'], /there is no task "tasks\/missing\.ts"/],
    [['run', '-n', '5'], /no task is named/],
    [['run', '--grace', '10s', 'nigtly'], /there is no task "nigtly"\nDid you mean nightly\?/],
    [['jobs/missing.ts'], /there is no task "jobs\/missing\.ts"/],
  ])('%j', async (argv, message) => {
    const { code, stdout, stderr } = await divvy(argv, { cwd: project() });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('no project', async () => {
    const { code, stderr } = await divvy(['run', 'nightly'], { cwd: freshFolder() });
    expect(code).toBe(2);
    expect(stderr).toContain('there is no divvy.json');
  });

  test.each([
    ['not JSON', '{'],
    ['a key too many', '{"tasks":"a","runtime":"b","x":1}'],
    ['a key missing', '{"tasks":"a"}'],
    ['a folder outside', '{"tasks":"../a","runtime":"b"}'],
    ['an absolute folder', '{"tasks":"a","runtime":"/b"}'],
  ])('a divvy.json with %s', async (_, text) => {
    const cwd = project();
    writeFileSync(join(cwd, 'divvy.json'), text);
    const { code, stderr } = await divvy(['run', 'nightly'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain(join(cwd, 'divvy.json'));
  });

  test('a runtime that is missing', async () => {
    const cwd = project();
    rmSync(join(cwd, 'lib'), { recursive: true });
    const { code, stderr } = await divvy(['run', 'nightly'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain(join(cwd, 'lib/runtime/run.mjs'));
  });
});

describe('its end is this process’s own:', () => {
  test.each([0, 1, 70, 75])('exit code %i', async (code) => {
    expect((await divvy(['run', 'nightly', `--exit=${code}`], { cwd: project() })).code).toBe(code);
  });

  test('a signal', async () => {
    expect(await divvy(['run', 'nightly', '--die'], { cwd: project() })).toMatchObject({
      code: null,
      signal: 'SIGKILL',
    });
  });
});

test('INT and QUIT are left to the runner, HUP and TERM are handed on', async () => {
  const argv = [commandFile('divvy'), 'run', 'nightly', '--wait'];
  const child = spawn(process.execPath, argv, {
    cwd: project(),
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
  await lines.next();
  child.kill('SIGINT');
  child.kill('SIGQUIT');
  child.kill('SIGHUP');
  expect(await lines.next()).toMatchObject({ value: 'SIGHUP\n' });
  child.kill('SIGTERM');
  expect(await lines.next()).toMatchObject({ value: 'SIGTERM\n' });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: 0, signal: null });
});

test('divvy list names the tasks, the templates and the hooks', async () => {
  const cwd = project();
  const { code, stdout, stderr } = await divvy(['list', '--json'], { cwd: join(cwd, 'jobs') });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    command: 'list',
    folder: cwd,
    tasks: [{ name: 'dance-party' }, { name: 'nightly' }],
    templates: ['basic', 'dance-party', 'files', 'http', 'csv', 'postgres', 'sqlite'].map((name) => ({ name })),
    hooks: expect.arrayContaining([{ name: 'beforeFork', summary: expect.stringContaining('master') }]),
  });
  expect(stderr).toContain('nightly');
});

test('--yes and --no-input may stand anywhere before the task’s own arguments: nothing is asked', async () => {
  const { code, stdout } = await divvy(['run', 'nightly', '--yes', '-v', '--no-input', '--', '--yes'], {
    cwd: project(),
  });
  expect(code).toBe(0);
  expect(JSON.parse(stdout).argv).toEqual(['jobs/nightly.ts', '-v', '--', '--yes']);
});
