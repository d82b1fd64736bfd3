// `divvy hook add | remove`: what the codemods do not decide: which file, what is refused, the lock, and git.
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../generators/disk/line-ends.ts';
import { version } from '../../generators/package.ts';
import { readLock } from '../../generators/project/lock.ts';
import { createDivvyTask, divvy, freshFolder, treeOf } from './commands.ts';
import { divvyHere } from './in-process.ts';
import { commitAll, git, projectWith, TASK } from './project.ts';

const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');
const sumsOf = (cwd: string) => readLock(cwd)?.files ?? {};
const add = (cwd: string, ...argv: string[]) => divvyHere(['hook', 'add', ...argv], cwd);
const remove = (cwd: string, ...argv: string[]) => divvyHere(['hook', 'remove', ...argv], cwd);
const withoutRecord = (cwd: string) => treeOf(cwd, ['.divvy']);

describe('a hook', () => {
  test('is added, and only it, and removed to the byte: the lock too', async () => {
    const cwd = projectWith();
    const before = withoutRecord(cwd);
    const added = await add(cwd, 'beforeRun', 'key');
    expect(added).toMatchObject({ code: 0, stderr: '' });
    expect(added.stdout).toContain('beforeRun  tasks/nightly.ts:13');
    expect(added.stdout).toContain('key        tasks/nightly.ts:18');
    const changed = Object.entries(withoutRecord(cwd)).filter(([path, content]) => before[path] !== content);
    expect(changed.map(([path]) => path)).toEqual(['divvy.lock.json', 'tasks/nightly.ts']);
    expect(read(cwd, 'tasks/nightly.ts')).toContain("import type { Parallelizable, Run } from '#divvy';");

    expect(await remove(cwd, 'key')).toMatchObject({ code: 0, stderr: '' });
    expect(await remove(cwd, 'beforeRun')).toMatchObject({ code: 0, stderr: '' });
    expect(withoutRecord(cwd)).toEqual(before);
  });

  test('that is there is nothing to do, and nothing is touched; nor where one to be removed is not there', async () => {
    const cwd = projectWith();
    await add(cwd, 'total,key');
    const before = treeOf(cwd);
    expect(await add(cwd, 'key', 'total')).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/Nothing to do/),
    });
    expect(await remove(cwd, 'afterRun')).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/Nothing to do/),
    });
    expect(treeOf(cwd)).toEqual(before);
  });

  test('that create has put in is removed as one that was added', async () => {
    const cwd = freshFolder();
    for (const [name, hooks] of [
      ['with/nightly', ['--hooks', 'beforeRun,afterFork']],
      ['without/nightly', []],
    ] as const) {
      expect(await createDivvyTask([name, '--yes', '--no-git', ...hooks], { cwd })).toMatchObject({ code: 0 });
    }
    expect(await remove(join(cwd, 'with/nightly'), 'afterFork', 'beforeRun')).toMatchObject({ code: 0 });
    expect(read(cwd, 'with/nightly/tasks/nightly.ts')).toBe(read(cwd, 'without/nightly/tasks/nightly.ts'));
    expect(sumsOf(join(cwd, 'with/nightly'))).toEqual(sumsOf(join(cwd, 'without/nightly')));
  });

  test('that was changed since is kept, with its line; with --force it goes', async () => {
    const cwd = projectWith();
    await add(cwd, 'beforeRun');
    const text = read(cwd, 'tasks/nightly.ts').replace(/void run; .*/, 'console.log(run.runId);');
    writeFileSync(join(cwd, 'tasks/nightly.ts'), text);
    const before = treeOf(cwd);
    const refused = await remove(cwd, 'beforeRun');
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(refused.stderr).toMatch(/tasks\/nightly\.ts:13: beforeRun was changed since it was added\n.*--force/);
    expect(treeOf(cwd)).toEqual(before);
    expect(await remove(cwd, 'beforeRun', '--force')).toMatchObject({ code: 0, stderr: '' });
    expect(read(cwd, 'tasks/nightly.ts')).toBe(TASK);
  });

  test('has the signature, the comment and the place that the contract of the project gives it', async () => {
    const cwd = projectWith();
    const contract = 'vendor/divvy/parallelizable.ts';
    const own =
      'export interface Lease {}\n$&  /** Runs in the master, at a lease. More. */\n  onLease?(lease: Lease, item: Item): void;\n';
    writeFileSync(join(cwd, contract), read(cwd, contract).replace(/^export interface Parallelizable<.*\n/m, own));
    expect(await add(cwd, 'onLease')).toMatchObject({ code: 0, stderr: '' });
    const text = read(cwd, 'tasks/nightly.ts');
    expect(text).toContain('  /** Runs in the master, at a lease. */\n  onLease(lease: Lease, item: number): void {\n');
    expect(text).toContain("import type { Lease, Parallelizable } from '#divvy';");
    expect(text.indexOf('onLease(')).toBeLessThan(text.indexOf('dispatch('));
  });
});

describe.each([['--dry-run'], ['--diff'], ['--json', '--dry-run']])('with %s', (...flags) => {
  test('nothing is written', async () => {
    const cwd = projectWith();
    const before = treeOf(cwd);
    const { code, stdout } = await add(cwd, 'total', ...flags);
    expect(code).toBe(0);
    expect(stdout).toContain('tasks/nightly.ts');
    expect(treeOf(cwd)).toEqual(before);
  });
});

test('a dry run that npm was asked for is one here too', async () => {
  const cwd = projectWith();
  const before = treeOf(cwd);
  const { code, stdout } = await divvy(['hook', 'add', 'total'], { cwd, env: { npm_config_dry_run: 'true' } });
  expect(code).toBe(0);
  expect(stdout).toContain('Nothing was written');
  expect(treeOf(cwd)).toEqual(before);
});

test.each([
  [{}, 'divvy undo'],
  [{ npm_command: 'exec' }, `npx -p create-divvy-task@${version} divvy undo`],
])('the way back is a command that a shell finds (%j)', async (env, way) => {
  const { stdout } = await divvy(['hook', 'add', 'total'], { cwd: projectWith(), env });
  expect(stdout).toContain(`To undo it: ${way}\n`);
});

test('a file whose line ends git has changed since gives its hooks back all the same', async () => {
  const cwd = projectWith();
  await add(cwd, 'beforeRun', 'key');
  const file = join(cwd, 'tasks/nightly.ts');
  writeFileSync(file, read(file).replaceAll('\n', '\r\n'));
  expect(await remove(cwd, 'beforeRun', 'key')).toMatchObject({ code: 0, stderr: '' });
  expect(read(file)).toBe(TASK.replaceAll('\n', '\r\n'));
});

test('--json says what was done, where, and that is all there is on stdout', async () => {
  const cwd = projectWith();
  const { code, stdout, stderr } = await add(cwd, 'key', 'total', '--json', '--diff');
  expect(code).toBe(0);
  expect(stderr).toContain('+  key(');
  expect(JSON.parse(stdout)).toMatchObject({
    command: 'hook add',
    written: false,
    folder: cwd,
    task: 'tasks/nightly.ts',
    hooks: [
      { name: 'total', line: 13 },
      { name: 'key', line: 18 },
    ],
    files: [
      { path: 'tasks/nightly.ts', action: 'edit', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { path: 'divvy.lock.json', action: 'edit' },
    ],
    diff: expect.stringContaining('+++ b/tasks/nightly.ts'),
  });
  const refused = await add(cwd, 'keys', '--json');
  expect(refused.code).toBe(2);
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: { exitCode: 2, message: 'there is no hook "keys"' } });
});

describe('the task', () => {
  const two = () => projectWith({ nightly: TASK, weekly: TASK });

  test('has to be named where there are several: by its name, or by a path from anywhere in the project', async () => {
    const cwd = two();
    const refused = await add(cwd, 'key');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('Add --task, with one of: nightly, weekly.');
    expect(await add(cwd, 'key', '--task', 'weekly')).toMatchObject({ code: 0 });
    expect(await add(join(cwd, 'vendor'), 'total', '--task', '../tasks/weekly.ts')).toMatchObject({ code: 0 });
    expect(read(cwd, 'tasks/weekly.ts')).toMatch(/total\(.*key\(/s);
    expect(read(cwd, 'tasks/nightly.ts')).toBe(TASK);
    const nearest = await add(cwd, 'key', '--task', 'weakly');
    expect(nearest).toMatchObject({ code: 2, stderr: expect.stringMatching(/Did you mean weekly\?/) });
  });

  test.each([
    ['outside the project', '../outside.ts', /is outside the project/],
    ['a symbolic link', 'tasks/link.ts', /is a symbolic link, and nothing is written through one/],
    ['behind a symbolic link', 'linked/nightly.ts', /is a symbolic link, and nothing is written through one/],
    ['not UTF-8', 'tasks/latin.ts', /tasks\/latin\.ts:1: this is not UTF-8/],
    ['with a syntax error', 'tasks/broken.ts', /tasks\/broken\.ts:5: this is not valid TypeScript/],
    ['half-merged', 'tasks/merge.ts', /tasks\/merge\.ts:5: a merge is not finished here/],
    ['declarations only', 'tasks/types.d.ts', /tasks\/types\.d\.ts:1: this file declares types only/],
    ['JavaScript', 'tasks/plain.js', /tasks\/plain\.js:1: tasks\/plain\.js is not TypeScript by its name/],
    ['without a class', 'tasks/none.ts', /tasks\/none\.ts:1: there is no class here/],
    ['with several classes', 'tasks/several.ts', /tasks\/several\.ts:3: there are several tasks, at the lines 3, 15/],
    [
      'with a property of that name',
      'tasks/property.ts',
      /tasks\/property\.ts:4: key is there already, and is not a method/,
    ],
    [
      'with it in a base class of another file',
      'tasks/derived.ts',
      /tasks\/base\.ts:3: key is there already, in a class that this one extends/,
    ],
  ])('that is %s is refused, and nothing is written', async (_, task, message) => {
    const folder = projectWith({
      nightly: TASK,
      latin: Buffer.from(TASK.replace('console.log(item)', 'console.log("\u00fc", item)'), 'latin1'),
      broken: TASK.replace('yield 1;', 'yield 1 +;'),
      merge: TASK.replace('    yield 1;\n', '<<<<<<< ours\n    yield 1;\n=======\n    yield 2;\n>>>>>>> theirs\n'),
      none: 'export const a = 1;\n',
      'types.d': 'export default class Nightly {}\n',
      several: TASK.replace('export default ', '') + TASK.replace('export default ', '').replace(/^.*\n/, '\n\n'),
      property: TASK.replace('  *dispatch', '  key = (item: number): string => String(item);\n\n  *dispatch'),
      base: 'class Other {}\nexport class Base extends Other {\n  key(): string {\n    return "";\n  }\n}\n',
      derived: TASK.replace('Nightly', 'Nightly extends Middle').replace('\n', "\nimport Middle from './middle.js';\n"),
      middle: "import { Base as B } from './base.ts';\nexport default class Middle extends B {}\n",
    });
    const cwd = join(folder, '..', `${folder.split('/').at(-1)}-above/project`);
    mkdirSync(join(cwd, '..'));
    renameSync(folder, cwd);
    mkdirSync(folder); // It goes with the test; so does what is beside it.
    try {
      writeFileSync(join(cwd, '../outside.ts'), TASK);
      writeFileSync(join(cwd, 'tasks/plain.js'), TASK);
      symlinkSync('nightly.ts', join(cwd, 'tasks/link.ts'));
      symlinkSync('tasks', join(cwd, 'linked'));
      const before = treeOf(join(cwd, '..'));
      const refused = await add(cwd, 'key', '--task', task);
      expect(refused).toMatchObject({ code: 3, stdout: '' });
      expect(refused.stderr).toMatch(message);
      expect(refused.stderr.trim().split('\n').length).toBeGreaterThan(1);
      expect(treeOf(join(cwd, '..'))).toEqual(before);
    } finally {
      rmSync(join(cwd, '..'), { recursive: true });
    }
  });

  test('that is read-only is refused', async () => {
    const cwd = projectWith();
    chmodSync(cwd, 0o777);
    chmodSync(join(cwd, 'tasks'), 0o777);
    chmodSync(join(cwd, 'tasks/nightly.ts'), 0o444);
    const before = treeOf(cwd);
    const refused = await divvy(['hook', 'add', 'key'], { cwd, unprivileged: true });
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(refused.stderr).toContain('"tasks/nightly.ts" is not written: it, or its folder, is read-only');
    expect(treeOf(cwd)).toEqual(before);
  });
});

test('what was cut short and cannot be put right is told, with its reason, and stays for the next command', async () => {
  const cwd = projectWith();
  mkdirSync(join(cwd, '.divvy/pending'), { recursive: true });
  for (const folder of ['.divvy/pending', '.divvy']) chmodSync(join(cwd, folder), 0o555);
  chmodSync(cwd, 0o755);
  const before = treeOf(cwd);
  const refused = await divvy(['hook', 'add', 'key'], { cwd, unprivileged: true });
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^error: an earlier divvy command was cut short, .* EACCES.*\nFix that, and run any/);
  expect(treeOf(cwd)).toEqual(before);
});

describe('refused, with what to do:', () => {
  test.each([
    [['beforeFrok'], 2, /there is no hook "beforeFrok"\nDid you mean beforeFork\?/],
    [['process'], 2, /there is no hook "process"/],
    [[], 2, /no hook is named\nWrite `divvy hook add <hook…>`, with one or several of: total, beforeRun/],
  ])('%j', async (argv, code, message) => {
    expect(await add(projectWith(), ...argv)).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringMatching(message),
    });
  });

  test('a contract that is gone, or is none', async () => {
    const cwd = projectWith();
    writeFileSync(join(cwd, 'vendor/divvy/parallelizable.ts'), 'export {};\n');
    expect(await add(cwd, 'key')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/vendor\/divvy\/parallelizable\.ts:1: it has no/),
    });
    rmSync(join(cwd, 'vendor'), { recursive: true });
    expect(await add(cwd, 'key')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/parallelizable\.ts:1: it cannot be read: ENOENT/),
    });
  });

  test('a lock that is half-merged: what it knew would be lost', async () => {
    const cwd = projectWith();
    appendFileSync(join(cwd, 'divvy.lock.json'), '<<<<<<< ours\n');
    const before = treeOf(cwd);
    expect(await add(cwd, 'key')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        /divvy\.lock\.json:\d+: git could not merge it: lines \d+ to \d+ still have conflict markers/,
      ),
    });
    expect(treeOf(cwd)).toEqual(before);
  });
});

test('without a lock it works, and makes none', async () => {
  const cwd = projectWith();
  rmSync(join(cwd, 'divvy.lock.json'));
  const before = withoutRecord(cwd);
  expect(await add(cwd, 'afterRun')).toMatchObject({ code: 0, stderr: '' });
  expect(await remove(cwd, 'afterRun')).toMatchObject({ code: 0, stderr: '' });
  expect(withoutRecord(cwd)).toEqual(before);
});

describe('the sum that the lock has of the task', () => {
  test('follows where the file was as divvy had left it', async () => {
    const cwd = projectWith();
    await add(cwd, 'key');
    expect(sumsOf(cwd)['tasks/nightly.ts']).toBe(sha256(readFileSync(join(cwd, 'tasks/nightly.ts'))));
  });

  test('stays where somebody had edited it: it is not divvy’s to remove', async () => {
    const cwd = projectWith();
    const sum = sumsOf(cwd)['tasks/nightly.ts'];
    appendFileSync(join(cwd, 'tasks/nightly.ts'), '// Mine.\n');
    await add(cwd, 'key');
    expect(sumsOf(cwd)['tasks/nightly.ts']).toBe(sum);
    await remove(cwd, 'key');
    expect(read(cwd, 'tasks/nightly.ts')).toBe(`${TASK}// Mine.\n`);
  });
});

describe('in a repository', () => {
  test('a file that is saved while git is asked of it keeps what was saved', async () => {
    const cwd = projectWith();
    commitAll(cwd);
    appendFileSync(join(cwd, 'tasks/nightly.ts'), '// Mine.\n');
    git(cwd, 'commit', '--quiet', '--all', '--message', 'mine');
    const bin = freshFolder();
    const file = join(cwd, 'tasks/nightly.ts');
    const saves = `case "$*" in *cat-file*) cat '${file}'; echo "// Saved." >> '${file}';; esac`;
    writeFileSync(join(bin, 'git'), `#!/bin/sh\n${saves}\n`, { mode: 0o755 });
    const saved = `${read(cwd, 'tasks/nightly.ts')}// Saved.\n`;
    const refused = await divvy(['hook', 'add', 'key'], { cwd, env: { PATH: `${bin}:${process.env['PATH']}` } });
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(refused.stderr).toContain('"tasks/nightly.ts" is not written: it was changed while this command ran');
    expect(read(cwd, 'tasks/nightly.ts')).toBe(saved);
  });

  test('a file with changes that git does not have is refused; with --allow-dirty once, and not for good', async () => {
    const cwd = projectWith();
    commitAll(cwd);
    appendFileSync(join(cwd, 'tasks/nightly.ts'), '// Mine.\n');
    const before = withoutRecord(cwd);
    const refused = await add(cwd, 'key');
    expect(refused).toMatchObject({ code: 5, stdout: '' });
    expect(refused.stderr).toContain('\n  tasks/nightly.ts\n');
    expect(withoutRecord(cwd)).toEqual(before);
    expect(await add(cwd, 'key', '--allow-dirty')).toMatchObject({ code: 0 });
    expect(await add(cwd, 'total')).toMatchObject({ code: 5 });
    git(cwd, 'commit', '--quiet', '--all', '--message', 'mine');
    expect(await add(cwd, 'total')).toMatchObject({ code: 0 });
  });

  test('a file in a folder that git ignores, or with settings that hide it, is refused too', async () => {
    for (const hide of [
      (cwd: string) => writeFileSync(join(cwd, '.gitignore'), 'tasks/\n'),
      (cwd: string) => git(cwd, 'config', 'status.showUntrackedFiles', 'no'),
    ]) {
      const cwd = projectWith();
      git(cwd, 'init', '--quiet');
      hide(cwd);
      appendFileSync(join(cwd, 'tasks/nightly.ts'), '// Mine.\n');
      expect(await add(cwd, 'key')).toMatchObject({ code: 5, stdout: '' });
    }
  });

  test('a file is refused where git cannot tell, with what git says; with --allow-dirty it is as a changed one', async () => {
    const cwd = projectWith();
    commitAll(cwd);
    appendFileSync(join(cwd, 'tasks/nightly.ts'), '// Mine.\n');
    const before = treeOf(cwd);
    const without = await divvy(['hook', 'add', 'key'], { cwd, env: { PATH: freshFolder() } });
    expect(without).toMatchObject({
      code: 5,
      stdout: '',
      stderr: expect.stringContaining('git is not on this machine'),
    });
    writeFileSync(join(cwd, '.git/config'), '[');
    const broken = await add(cwd, 'key');
    expect(broken).toMatchObject({ code: 5, stdout: '', stderr: expect.stringMatching(/ \(.*\.git\/config\):\n/) });
    expect(broken.stderr).toContain(':\n  tasks/nightly.ts\nNothing was changed. Fix that, or add --allow-dirty.');
    expect(treeOf(cwd)).toEqual(before);
    expect(await add(cwd, 'key', '--allow-dirty')).toMatchObject({ code: 0 });
    // Its owner's changes are still in it, and git still has them not.
    expect(await add(cwd, 'total')).toMatchObject({ code: 5 });
  });

  test('what divvy itself has changed is no reason, nor is other dirt', async () => {
    const cwd = projectWith({ nightly: TASK, weekly: TASK });
    commitAll(cwd);
    writeFileSync(join(cwd, 'other.txt'), 'dirt');
    appendFileSync(join(cwd, 'divvy.json'), '\n');
    for (const [hook, task] of [
      ['key', 'nightly'],
      ['key', 'weekly'],
      ['total', 'nightly'],
      ['total', 'weekly'],
    ]) {
      expect(await add(cwd, hook ?? '', '--task', task ?? '')).toMatchObject({ code: 0, stderr: '' });
    }
    expect(git(cwd, 'status', '--porcelain')).not.toContain('.divvy');
  });

  test('a task that was never committed, but is as it was made, is no reason', async () => {
    const cwd = projectWith();
    git(cwd, 'init', '--quiet');
    expect(await add(cwd, 'key')).toMatchObject({ code: 0, stderr: '' });
  });
});

test('the mode of the file stays', async () => {
  const cwd = projectWith();
  chmodSync(join(cwd, 'tasks/nightly.ts'), 0o750);
  await add(cwd, 'key');
  expect(statSync(join(cwd, 'tasks/nightly.ts')).mode & 0o777).toBe(0o750);
});
