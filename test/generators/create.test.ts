// A new project, made by the command itself: what is in it, and what is refused before anything is written.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readLock } from '../../generators/project/lock.ts';
import { cleanEnvironment, commandFile, createDivvyTask, divvy, freshFolder, home, treeOf } from './commands.ts';

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
const json = (file: string): never => JSON.parse(readFileSync(file, 'utf8')) as never;
const read = (file: string): string => readFileSync(file, 'utf8');
const { version } = json(join(home, 'package.json')) as { version: string };

async function create(cwd: string, ...argv: string[]): Promise<void> {
  const { code, stderr } = await createDivvyTask(argv, { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

describe('a basic project', () => {
  test('has what the contract says, and its records agree with it', async () => {
    const cwd = freshFolder();
    await create(cwd, 'my-backfill');
    const project = join(cwd, 'my-backfill');
    const top = [
      '.divvy',
      '.git',
      '.gitignore',
      'AGENTS.md',
      'README.md',
      'divvy.json',
      'divvy.lock.json',
      'package.json',
    ];
    expect(readdirSync(project).sort()).toEqual([...top, 'tasks', 'test', 'tsconfig.json', 'vendor']);
    expect(read(join(project, 'tasks/my-backfill.ts'))).toContain('class MyBackfill implements Parallelizable<Item>');
    expect(read(join(project, 'test/my-backfill.test.ts'))).toContain("from '../tasks/my-backfill.ts'");
    expect(json(join(project, 'package.json'))).toMatchObject({
      name: 'my-backfill',
      type: 'module',
      imports: { '#divvy': './vendor/divvy/index.ts' },
      scripts: {
        start: 'exec node vendor/divvy/run.mjs tasks/my-backfill.ts',
        'divvy:my-backfill': 'exec node vendor/divvy/run.mjs tasks/my-backfill.ts',
        test: 'node --test "test/**/*.test.ts"',
        typecheck: 'tsc --noEmit',
        divvy: `npx --yes --package=create-divvy-task@${version} divvy`,
      },
    });
    expect(json(join(project, 'package.json'))).not.toHaveProperty('dependencies');

    const lock = readLock(project);
    const sums = lock?.files ?? {};
    const onDisk = Object.keys(treeOf(project, ['.divvy', 'divvy.lock.json'])).filter((path) => !path.endsWith('/'));
    expect(Object.keys(sums).sort()).toEqual(onDisk.sort());
    for (const [path, sum] of Object.entries(sums)) expect(sha256(join(project, path)), path).toBe(sum);
    expect(lock?.tasks).toEqual({
      'my-backfill': {
        template: 'basic',
        templateVersion: '1.0.0',
        answers: {},
        hooks: [],
        files: ['tasks/my-backfill.ts', 'test/my-backfill.test.ts'],
      },
    });
    const everything = Object.values(treeOf(project, ['vendor', '.divvy'])).join('\n');
    expect(everything).not.toMatch(/ExampleTask|example-task/);
  });

  test('has the runtime byte for byte, with the sums that sha256sum checks', async () => {
    const cwd = freshFolder();
    await create(cwd, 'sums', '--no-git');
    const vendored = join(cwd, 'sums/vendor/divvy');
    const beside = ['.gitattributes', 'LICENSE', 'SHA256SUMS', 'VERSION', 'package.json'];
    // Parts on demand are for those who ask.
    expect(treeOf(vendored, beside)).toEqual(treeOf(join(home, 'runtime'), ['telemetry.ts', 'engine', 'engines']));
    expect(read(join(vendored, '.gitattributes'))).toBe('* -text\n');
    expect(json(join(vendored, 'package.json'))).toEqual({ type: 'module' });
    expect(read(join(vendored, 'VERSION'))).toBe(`${version}\n`);
    expect(read(join(vendored, 'LICENSE'))).toBe(read(join(home, 'LICENSE')));
    const lines = read(join(vendored, 'SHA256SUMS')).trimEnd().split('\n');
    const files = Object.keys(treeOf(vendored, ['SHA256SUMS'])).filter((path) => !path.endsWith('/'));
    expect(lines.map((line) => line.slice(66)).sort()).toEqual(files.sort());
    for (const line of lines) expect(sha256(join(vendored, line.slice(66)))).toBe(line.slice(0, 64));
  });

  test('names a schema that an editor finds, and is as it says', async () => {
    const cwd = freshFolder();
    await create(cwd, 'a-task', '--runtime-dir', './lib/divvy/', '--no-git');
    const manifest = json(join(cwd, 'a-task/divvy.json')) as Record<string, string>;
    expect(manifest).toEqual({ $schema: './lib/divvy/divvy.schema.json', tasks: 'tasks', runtime: 'lib/divvy' });
    expect(json(join(cwd, 'a-task', manifest['$schema'] ?? ''))).toHaveProperty('title');
    expect(read(join(cwd, 'a-task/package.json'))).not.toContain('vendor/divvy');
    expect(json(join(cwd, 'a-task/tsconfig.json'))).toMatchObject({ include: ['tasks', 'test', 'lib/divvy'] });
    const { code, stdout } = await divvy(['run', 'a-task', '-n', '2'], { cwd: join(cwd, 'a-task') });
    expect(code).toBe(0);
    expect(stdout).toContain('item 12 ');
  });

  test('with hooks has them in its task, in the order of the contract, and in its lock', async () => {
    const cwd = freshFolder();
    await create(cwd, 'hooked', '--hooks', 'afterFork, beforeRun', '--no-git');
    const task = read(join(cwd, 'hooked/tasks/hooked.ts'));
    expect(task.indexOf('beforeRun(')).toBeGreaterThan(0);
    expect(task.indexOf('afterFork(')).toBeGreaterThan(task.indexOf('beforeRun('));
    expect(json(join(cwd, 'hooked/divvy.lock.json'))).toMatchObject({
      tasks: { hooked: { hooks: ['beforeRun', 'afterFork'] } },
    });
  });
});

describe('the folder may be', () => {
  test('the current one, in a repository that has nothing yet', async () => {
    const cwd = join(freshFolder(), 'here-it-is');
    mkdirSync(cwd);
    execFileSync('git', ['init', '-q'], { cwd, env: cleanEnvironment() });
    await create(cwd, '.');
    expect(existsSync(join(cwd, 'tasks/here-it-is.ts'))).toBe(true);
  });

  test('absolute, deep and with spaces, with a name of its own', async () => {
    const folder = join(freshFolder(), 'Some where', "it's", 'My Project');
    await create('/', folder, '--name', 'nightly', '--no-git');
    expect(readdirSync(join(folder, 'tasks'))).toEqual(['nightly.ts']);
  });

  test('reached by a symbolic link', async () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, 'real'));
    symlinkSync('real', join(cwd, 'link'));
    await create(cwd, 'link/my-task', '--no-git');
    expect(existsSync(join(cwd, 'real/my-task/tasks/my-task.ts'))).toBe(true);
  });

  test('named by --cwd', async () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, 'below'));
    const { code, stdout } = await createDivvyTask(['my-task', '-C', 'below', '--no-git'], { cwd });
    expect(code).toBe(0);
    expect(existsSync(join(cwd, 'below/my-task/divvy.json'))).toBe(true);
    // The next steps are for the folder that the command was typed in, as is the same again.
    expect(stdout).toContain('  cd below/my-task\n');
    expect(stdout).toContain(' my-task --template basic --no-git --cwd below --yes\n');
  });
});

test('a template of this package has no refs', async () => {
  const { code, stderr } = await createDivvyTask(['my-task', '-t', 'basic', '--ref', 'v1'], { cwd: freshFolder() });
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('the template basic is in this package'),
  });
});

describe('what is refused is exit 2, told without a control character, and writes nothing:', () => {
  test.each([[["a';process.exit()//\u001b[2J\u202e\n"]], [['my-task', '--runtime-dir', '../outside']]])(
    '%j',
    async (argv) => {
      const cwd = join(freshFolder(), 'inside');
      mkdirSync(cwd);
      const { code, stdout, stderr } = await createDivvyTask([...argv, '--yes'], { cwd });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^error: .+\n.+/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
      expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]/);
      expect(treeOf(join(cwd, '..'))).toEqual({ 'inside/': 'folder' });
    },
  );

  test('no folder, and nobody to ask', async () => {
    const cwd = freshFolder();
    const { code, stderr } = await createDivvyTask([], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('create-divvy-task <dir>');
    expect(treeOf(cwd)).toEqual({});
  });

  test('with --yes there is a default for the folder', async () => {
    const cwd = freshFolder();
    await create(cwd, '--yes', '--no-git');
    expect(readdirSync(cwd)).toEqual(['my-task']);
  });
});

describe('a folder that has something in it', () => {
  test('is exit 3 without --force, and what is in it is named', async () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, 'my-task'));
    writeFileSync(join(cwd, 'my-task/notes.txt'), 'mine');
    const before = treeOf(cwd);
    const { code, stderr } = await createDivvyTask(['my-task', '--yes'], { cwd });
    expect(code).toBe(3);
    expect(stderr).toContain('"notes.txt"');
    expect(treeOf(cwd)).toEqual(before);
  });

  test('run twice, the command changes nothing the second time', async () => {
    const cwd = freshFolder();
    await create(cwd, 'my-task', '--hooks', 'total');
    const before = treeOf(cwd);
    const { code, stdout } = await createDivvyTask(['my-task', '--hooks', 'total', '--force', '--json'], { cwd });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ written: false });
    expect(treeOf(cwd)).toEqual(before);
  });

  const withConflict = async () => {
    const cwd = freshFolder();
    await create(cwd, 'my-task', '--no-git');
    const task = join(cwd, 'my-task/tasks/my-task.ts');
    writeFileSync(task, '// mine\n');
    chmodSync(task, 0o600);
    return { cwd, task, before: treeOf(cwd) };
  };

  test('a file that differs is exit 3 by default, and nothing is written', async () => {
    const { cwd, before } = await withConflict();
    const { code, stderr } = await createDivvyTask(['my-task', '-t', 'files', '--force', '--yes'], { cwd });
    expect(code).toBe(3);
    expect(stderr).toContain('tasks/my-task.ts');
    expect(treeOf(cwd)).toEqual(before);
  });

  test('is kept with --on-conflict skip, and the lock keeps what it said of it', async () => {
    const { cwd, task } = await withConflict();
    const lockOf = () => readLock(join(cwd, 'my-task'))?.files ?? {};
    const before = lockOf();
    await create(cwd, 'my-task', '-t', 'files', '--force', '--on-conflict', 'skip', '--no-git');
    expect(read(task)).toBe('// mine\n');
    expect(lockOf()).toEqual(before);
    await create(cwd, 'my-task', '-t', 'files', '--name', 'other', '--force', '--on-conflict', 'overwrite', '--no-git');
    expect(readLock(join(cwd, 'my-task'))).toMatchObject({
      tasks: { 'my-task': { template: 'basic' }, other: { template: 'files' } },
      files: { 'tasks/my-task.ts': before['tasks/my-task.ts'], 'tasks/other.ts': expect.any(String) },
    });
  });

  test('is overwritten with --on-conflict overwrite, keeps its mode, and the old bytes are kept in .divvy', async () => {
    const { cwd, task } = await withConflict();
    await create(cwd, 'my-task', '--force', '--on-conflict', 'overwrite', '--no-git');
    expect(read(task)).toContain('class MyTask');
    expect(statSync(task).mode & 0o777).toBe(0o600);
    expect(Object.values(treeOf(join(cwd, 'my-task/.divvy/last/before')))).toContain('644 // mine\n');
  });

  test('--on-conflict ask is exit 2 with nobody to ask', async () => {
    const { cwd, before } = await withConflict();
    expect((await createDivvyTask(['my-task', '--force', '--on-conflict', 'ask'], { cwd })).code).toBe(2);
    expect(treeOf(cwd)).toEqual(before);
  });

  test('what git has not committed is exit 5, unless divvy wrote it, or with --allow-dirty', async () => {
    const cwd = freshFolder();
    await create(cwd, 'my-task');
    const again = ['my-task', '-t', 'dance-party', '--force', '--on-conflict', 'overwrite'];
    await create(cwd, ...again);
    writeFileSync(join(cwd, 'my-task/README.md'), 'mine');
    const before = treeOf(cwd);
    const refused = await createDivvyTask(again, { cwd });
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('README.md');
    expect(treeOf(cwd)).toEqual(before);
    await create(cwd, ...again, '--allow-dirty');
    expect(read(join(cwd, 'my-task/README.md'))).not.toBe('mine');
  });
});

describe('nothing is written', () => {
  test('where the folder above is read-only', async () => {
    const cwd = freshFolder();
    chmodSync(cwd, 0o755);
    mkdirSync(join(cwd, 'locked'));
    chmodSync(join(cwd, 'locked'), 0o555);
    const { code, stderr } = await createDivvyTask(['locked/my-task'], { cwd, unprivileged: true });
    expect(code).toBe(3);
    expect(stderr).toContain(`${join(cwd, 'locked')} cannot be written`);
    expect(treeOf(cwd)).toEqual({ 'locked/': 'folder' });
  });

  test('with --dry-run, which lists every file', async () => {
    const cwd = freshFolder();
    const { code, stdout } = await createDivvyTask(['my-task', '--dry-run'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/create +tasks\/my-task\.ts\n/);
    expect(stdout).toContain('Nothing was written.');
    expect(treeOf(cwd)).toEqual({});
  });

  test('with --diff, which git can apply, to the same project', async () => {
    const cwd = freshFolder();
    const { stdout } = await createDivvyTask(['my-task', '--diff', '--json', '--yes'], { cwd });
    expect(treeOf(cwd)).toEqual({});
    mkdirSync(join(cwd, 'applied'));
    const { diff } = JSON.parse(stdout) as { diff: string };
    execFileSync('git', ['apply', '-'], { cwd: join(cwd, 'applied'), input: `${diff}\n`, env: cleanEnvironment() });
    await create(cwd, 'my-task', '--no-git');
    expect(treeOf(join(cwd, 'applied'))).toEqual(treeOf(join(cwd, 'my-task'), ['.divvy']));
  });

  test('with --diff or --dry-run over conflicts, which are shown; it ends as it would in earnest', async () => {
    const cwd = freshFolder();
    await create(cwd, 'my-task', '--no-git');
    const before = treeOf(cwd);
    const argv = ['my-task', '-t', 'files', '--force'];
    const { code, stdout, stderr } = await createDivvyTask([...argv, '--diff'], { cwd });
    expect(code).toBe(3);
    expect(stdout).toContain('--- a/tasks/my-task.ts\n+++ b/tasks/my-task.ts\n');
    expect((await createDivvyTask(argv, { cwd })).stderr).toBe(stderr);
    const shown = await createDivvyTask([...argv, '--dry-run'], { cwd });
    expect(shown).toMatchObject({ code: 3, stdout: expect.stringContaining('in conflict'), stderr });
    expect(await createDivvyTask([...argv, '--dry-run', '--on-conflict', 'skip'], { cwd })).toMatchObject({ code: 0 });
    expect(treeOf(cwd)).toEqual(before);
  });
});

describe('--json', () => {
  test('is one object on stdout, and the text goes to stderr', async () => {
    const cwd = freshFolder();
    const { stdout, stderr } = await createDivvyTask(['my-task', '--json', '-t', 'files', '--no-git'], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({
      command: 'create',
      version,
      written: true,
      folder: join(cwd, 'my-task'),
      task: 'my-task',
      template: 'files',
      hooks: [],
      packageManager: 'npm',
      git: 'off',
      install: 'off',
      replay: `npx create-divvy-task@${version} my-task --template files --no-git --yes`,
    });
    const { files } = JSON.parse(stdout) as { files: { path: string; action: string; sha256: string }[] };
    for (const { path, action, sha256: sum } of files) {
      expect(action).toBe('create');
      expect(sha256(join(cwd, 'my-task', path))).toBe(sum);
    }
    expect(stderr).toContain('Created my-task: ');
  });

  test('of a refusal is one object with the error', async () => {
    const { code, stdout, stderr } = await createDivvyTask(['My Task', '--json'], { cwd: freshFolder() });
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: { exitCode: 2, message: expect.stringContaining('"My Task"'), remedy: expect.stringContaining('my-task') },
    });
    expect(stderr).toContain('error: "My Task"');
  });

  test.each([[['--quiet']], [['-q', '--dry-run']]])('%j says nothing', async (argv) => {
    const ended = await createDivvyTask(['my-task', '--no-git', ...argv], { cwd: freshFolder() });
    expect(ended).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
  });
});

test.each([
  [['my-task', '--no-git']],
  [['my-task', '-t', 'dance-party', '--hooks', 'total,beforeExit', '--no-git']],
  [["it's a folder/x", '--name', 'nightly', '--runtime-dir', 'lib/d', '--pm', 'pnpm', '--git']],
])('the replay of %j makes the same tree', async (argv) => {
  const cwd = freshFolder();
  const again = freshFolder();
  const { stdout } = await createDivvyTask([...argv, '--json'], { cwd });
  const { replay } = JSON.parse(stdout) as { replay: string };
  const command = `${process.execPath} ${commandFile('create-divvy-task')}`;
  const local = replay.replace(/^.*create-divvy-task@\S+/, command);
  execFileSync('sh', ['-c', local], { cwd: again, env: cleanEnvironment() });
  const leave = ['.divvy', 'my-task/.divvy', "it's a folder/x/.divvy"];
  expect(treeOf(again, leave)).toEqual(treeOf(cwd, leave));
});

describe('git', () => {
  test('is begun where there is none yet, and only there', async () => {
    const cwd = freshFolder();
    await create(cwd, 'outer');
    expect(existsSync(join(cwd, 'outer/.git'))).toBe(true);
    await create(join(cwd, 'outer'), 'inner');
    expect(existsSync(join(cwd, 'outer/inner/.git'))).toBe(false);
    await create(cwd, 'without', '--no-git');
    expect(existsSync(join(cwd, 'without/.git'))).toBe(false);
  });

  test('is not misled by the environment of a git hook', async () => {
    const cwd = freshFolder();
    execFileSync('git', ['init', '-q', 'other'], { cwd, env: cleanEnvironment() });
    const before = treeOf(join(cwd, 'other'));
    const env = { GIT_DIR: join(cwd, 'other/.git'), GIT_WORK_TREE: join(cwd, 'other') };
    expect((await createDivvyTask(['my-task'], { cwd, env })).code).toBe(0);
    expect(existsSync(join(cwd, 'my-task/.git/HEAD'))).toBe(true);
    expect(treeOf(join(cwd, 'other'))).toEqual(before);
  });

  test('that is not on the machine is nothing amiss, unless it was asked for', async () => {
    const cwd = freshFolder();
    const env = { PATH: join(cwd, 'no-programs-here') };
    expect((await createDivvyTask(['one'], { cwd, env })).code).toBe(0);
    const { code, stderr } = await createDivvyTask(['two', '--git'], { cwd, env });
    expect(code).toBe(1);
    expect(stderr).toContain('git init failed: git is not on this machine');
    expect(stderr).toContain('cd two && git init');
    expect(existsSync(join(cwd, 'two/divvy.json'))).toBe(true);
  });

  test('that fails says why in its own words', async () => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, 'git'), '#!/bin/sh\necho "fatal: no room" >&2\nexit 128\n', { mode: 0o755 });
    const { code, stderr } = await createDivvyTask(['my-task'], { cwd, env: { PATH: cwd } });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error: the project is there, but git init failed: fatal: no room\nDo it by hand:\n  cd my-task && git init\n',
    );
  });
});

test('an install that fails is exit 1; the project stays, and the command to repeat is shown', async () => {
  const cwd = freshFolder();
  const env = {
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_cache: join(cwd, 'cache'),
    npm_config_fetch_retries: '0',
  };
  const { code, stderr, stdout } = await createDivvyTask(['my-task', '--install', '--no-git', '--json'], { cwd, env });
  expect(code).toBe(1);
  expect(stderr).toContain('cd my-task && npm install');
  expect(JSON.parse(stdout)).toMatchObject({ written: true, install: 'failed', failed: { what: 'npm install' } });
  expect(existsSync(join(cwd, 'my-task/divvy.json'))).toBe(true);
});

test('colours are there where they are wanted, and only there', async () => {
  const cwd = freshFolder();
  const { stdout: plain } = await createDivvyTask(['my-task', '--dry-run'], { cwd });
  expect(plain).not.toContain('\u001b[');
  const { stdout: forced } = await createDivvyTask(['my-task', '--dry-run'], { cwd, env: { FORCE_COLOR: '1' } });
  expect(forced).toContain('\u001b[32m');
  const { stdout: off } = await createDivvyTask(['my-task', '--dry-run', '--no-color'], {
    cwd,
    env: { FORCE_COLOR: '1' },
  });
  expect(off).toBe(plain);
});
