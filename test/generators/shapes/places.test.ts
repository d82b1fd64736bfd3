// Which folders are taken where the usual ones are in use; and repositories that no task can be put into.
import { chmodSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { divvy } from '../commands.ts';
import { IMPORTS, packageJson, prove, SCRIPT } from './proof.ts';
import { contentOf, repositoryWith, type Tree } from './repository.ts';

const ELSEWHERE = {
  argv: ['--runtime-dir', 'third-party/divvy'],
  runtime: 'third-party/divvy',
  edited: { 'package.json': [IMPORTS.replace('vendor', 'third-party'), SCRIPT.replace('vendor', 'third-party')] },
};

describe('another place is taken', () => {
  test('for the runtime, where git ignores vendor/', async () => {
    const files = { 'package.json': packageJson(), '.gitignore': 'node_modules/\nvendor/\n' };
    await expectRefused(
      files,
      2,
      'the runtime cannot be in "vendor/divvy": git ignores it',
      '--runtime-dir third-party/divvy',
    );
    await prove({ files, ...ELSEWHERE });
  });

  test('for the runtime, where vendor/divvy is in use', async () => {
    const files = { 'package.json': packageJson(), 'vendor/divvy/other.js': '' };
    await expectRefused(
      files,
      2,
      'the runtime cannot be in "vendor/divvy": there are other files in it',
      '--runtime-dir',
    );
    await prove({ files, ...ELSEWHERE });
  });

  test.each<[string, Tree, string]>([
    ['vendor is a file', { vendor: '' }, 'vendor is not a folder'],
    ['vendor is a link', { 'third/file': '', vendor: { link: 'third' } }, 'vendor is a symbolic link'],
    ['there is a Vendor/', { 'Vendor/file': '' }, 'Vendor is there, which is the same name'],
    [
      'git ignores some of its files',
      { '.gitignore': 'journal/\n' },
      'git ignores vendor/divvy/journal/append-file.ts, so that',
    ],
  ])('for the runtime, where %s', (_, files, reason) =>
    expectRefused({ 'package.json': packageJson(), ...files }, 2, reason, '--runtime-dir third-party/divvy'),
  );

  test('but not the one for tasks', () =>
    expectRefused(
      { 'package.json': packageJson(), 'tasks/build.js': '' },
      2,
      '--runtime-dir "divvy-tasks": divvy-tasks/ is for your own files',
      'vendor/divvy',
      { argv: ['--runtime-dir', 'divvy-tasks'] },
    ));

  test.each<[string, Tree]>([
    ['git ignores its files', { '.gitignore': 'node_modules/\ntasks/*.test.*\n' }],
    ['it is a link', { 'third/file': '', tasks: { link: 'third' } }],
    ['there is a Tasks/', { 'Tasks/build.js': '' }],
  ])('for tasks, where %s', async (_, files) => {
    const root = repositoryWith({ 'package.json': packageJson(), ...files });
    expect(await divvy(['add', 'nightly'], { cwd: root })).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(root, 'divvy-tasks/nightly.ts'))).toBe(true);
  });

  test('for tasks, and that and why is said, in what was done and in what would be', async () => {
    const why = 'The task goes to divvy-tasks/, not to tasks/: there are other files in it.\n';
    const root = repositoryWith({ 'package.json': packageJson(), 'tasks/nightly.ts': '// mine\n' });
    for (const flags of [['--dry-run'], ['--plan', 'plan.json'], []])
      expect(await divvy(['add', 'nightly', ...flags], { cwd: root })).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(why),
      });
    // From then on divvy.json says so.
    expect((await divvy(['add', 'weekly'], { cwd: root })).stdout).not.toContain('not to tasks/');
  });

  test('for tasks, where tasks/ is in use', () =>
    prove({
      files: { 'package.json': packageJson(), 'tasks/build.js': '' },
      tasks: 'divvy-tasks',
      edited: { 'package.json': [IMPORTS, SCRIPT.replace(' tasks/', ' divvy-tasks/')] },
    }));

  test('for neither, where both are', () =>
    expectRefused(
      { 'package.json': packageJson(), 'tasks/build.js': '', '.gitignore': 'divvy-tasks/\n' },
      3,
      'there is no folder for tasks:\n  tasks: there are other files in it\n  divvy-tasks: git ignores it, so that',
      'Make a divvy.json that names one',
    ));

  test('the one that divvy.json names', () =>
    prove({
      files: {
        'package.json': packageJson(),
        'tasks/build.js': '',
        'divvy.json': '{ "tasks": "jobs", "tests": "jobs", "runtime": "third-party/divvy" }\n',
      },
      tasks: 'jobs',
      runtime: 'third-party/divvy',
      edited: {
        'package.json': [
          IMPORTS.replace('vendor', 'third-party'),
          SCRIPT.replace('vendor', 'third-party').replace(' tasks/', ' jobs/'),
        ],
      },
    }));
});

/** Nothing is changed, and it is said what to do. */
async function expectRefused(
  files: Tree,
  exit: number,
  message: string,
  remedy: string,
  { within = '', argv = [] as string[] } = {},
): Promise<void> {
  const root = repositoryWith(files);
  const before = contentOf(root);
  const { code, stdout, stderr } = await divvy(['add', 'nightly', ...argv], { cwd: join(root, within) });
  expect({ code, stdout, stderr }).toEqual({ code: exit, stdout: '', stderr: expect.stringContaining(message) });
  expect(stderr).toContain(remedy);
  expect(contentOf(root)).toEqual(before);
}

describe('refused, with what to do, is', () => {
  test('a folder without a package.json', () =>
    expectRefused({ 'README.md': '' }, 3, 'there is no package.json, here or above in the repository', 'npm init'));
  test('a project of Deno', () =>
    expectRefused({ 'deno.json': '{}' }, 3, 'this is a project of Deno', 'npm create divvy-task'));
  test('the root of a Rush repository', () =>
    expectRefused(
      { 'package.json': packageJson(), 'rush.json': '{}' },
      3,
      'this is the root of a Rush repository',
      '--cwd',
    ));
  test('the same, as Rush has it, without a package.json', () =>
    expectRefused({ 'rush.json': '{}' }, 3, 'this is the root of a Rush repository', '--cwd'));
  test('what projen writes, by its program', () =>
    expectRefused(
      { 'package.json': packageJson(), '.projenrc.ts': '' },
      3,
      'projen writes the package.json here',
      'beside it',
    ));
  test('what projen writes, by its remark', () =>
    expectRefused(
      { 'package.json': packageJson({ '//': '~~ Generated by projen. To modify, edit .projenrc.js' }) },
      3,
      'projen writes the package.json here',
      'beside it',
    ));
  test('a package in node_modules', () =>
    expectRefused(
      { 'package.json': packageJson(), 'node_modules/other/package.json': packageJson() },
      3,
      'Node.js runs no TypeScript that is under node_modules',
      'Go into your own repository',
      { within: 'node_modules/other' },
    ));
  test('a divvy.json with one folder for tasks and runtime', () =>
    expectRefused(
      { 'package.json': packageJson(), 'divvy.json': '{ "tasks": "jobs", "tests": "jobs", "runtime": "jobs" }\n' },
      2,
      'divvy.json: tasks and runtime are one folder: "jobs"',
      'Fix it by hand',
    ));
  test('a file in the place of .divvy/', () =>
    expectRefused({ 'package.json': packageJson(), '.divvy': '' }, 1, '.divvy": it is not a folder', 'remove'));
  test('a folder that is not there', () =>
    expectRefused(
      { 'package.json': packageJson() },
      2,
      '--cwd "nowhere": there is no such folder',
      'a folder that exists',
      {
        argv: ['-C', 'nowhere'],
      },
    ));

  test('a file that must not be written', async () => {
    const root = repositoryWith({ 'package.json': packageJson() });
    chmodSync(root, 0o777);
    chmodSync(join(root, 'package.json'), 0o444);
    const before = contentOf(root);
    const { code, stderr } = await divvy(['add', 'nightly'], { cwd: root, unprivileged: true });
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: expect.stringContaining('"package.json" is not written: it, or its folder, is read-only'),
    });
    expect(contentOf(root)).toEqual(before);
  });

  test.each(['package.json', 'tsconfig.json'])('a %s that must not be read', async (path) => {
    const root = repositoryWith({ 'package.json': packageJson(), 'tsconfig.json': '{}' });
    chmodSync(root, 0o777);
    chmodSync(join(root, 'package.json'), 0o666);
    chmodSync(join(root, path), 0o000);
    const { code, stderr } = await divvy(['add', 'nightly'], { cwd: root, unprivileged: true });
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: expect.stringContaining(`${path}:1: it cannot be read: EACCES`),
    });
  });

  test('but not a package with a folder that must not be read', async () => {
    const root = repositoryWith({ 'package.json': packageJson(), 'data/tsconfig.json': '{ "include": [".."] }' });
    chmodSync(root, 0o777);
    chmodSync(join(root, 'package.json'), 0o666);
    chmodSync(join(root, 'data'), 0o000);
    // The repository is somebody else's, which git asks to be told of.
    const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' };
    const { code, stderr } = await divvy(['add', 'nightly'], { cwd: root, unprivileged: true, env });
    chmodSync(join(root, 'data'), 0o755);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('a package.json that is a link', async () => {
    const root = repositoryWith({ 'real/package.json': packageJson(), 'linked/README.md': '' });
    symlinkSync('../real/package.json', join(root, 'linked/package.json'));
    const before = contentOf(root);
    const { code, stderr } = await divvy(['add', 'nightly'], { cwd: join(root, 'linked') });
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('is a symbolic link') });
    expect(contentOf(root)).toEqual(before);
  });
});
