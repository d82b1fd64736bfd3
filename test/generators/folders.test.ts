// Folders in which no project can be, and those that are meant by ~.
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withHome } from '../../generators/terminal/home.ts';
import { putFiles } from './attacks/hostile.ts';
import { freshFolder, treeOf } from './commands.ts';
import { divvyHere } from './in-process.ts';
import { git } from './project.ts';

describe('a project in a folder that the system does not make is refused at once', () => {
  test.each(['/proc/foo', '/proc/self/fd/foo', '/dev/null/foo'])('%s', async (folder) => {
    const { code, stderr } = await divvyHere(['create', folder, '--no-git', '--no-install'], freshFolder());
    // Where there is no /proc it is the system's own refusal.
    expect([1, 2, 3]).toContain(code);
    expect(stderr).toContain(folder.slice(0, 5));
    if (folder === '/proc/foo' && existsSync('/proc/self')) {
      expect(stderr).toBe(
        'error: "/proc/foo" cannot be the project\'s folder: the system makes no folders there\nGive another folder.\n',
      );
    }
  });
});

describe('a dry run is refused as the real one is', () => {
  const long = `no-such/${'x'.repeat(300)}`;
  test.each([
    ['/proc/foo'],
    ['/proc/self/fd/foo'],
    ['/sys/foo'],
    [long, '--name', 'nightly'],
    ['taken', '--force'],
    ['linked', '--force'],
  ])('%s %s', async (...argv) => {
    const cwd = freshFolder();
    putFiles(cwd, { 'taken/.divvy': 'a file' });
    mkdirSync(join(cwd, 'linked'));
    symlinkSync(cwd, join(cwd, 'linked/.divvy'));
    const before = treeOf(cwd);
    const commands = [['create', ...argv, '--no-git', '--no-install']];
    if (argv.length === 1) commands.push(['template', 'new', ...argv]);
    for (const command of commands) {
      const shown = await divvyHere([...command, '--dry-run'], cwd);
      expect(shown.code).toBeGreaterThan(0);
      expect(shown).toEqual(await divvyHere(command, cwd));
      expect(treeOf(cwd)).toEqual(before);
    }
  });

  test('where the name of the plan is taken', async () => {
    const cwd = freshFolder();
    putFiles(cwd, { 'plan.json': 'mine' });
    const argv = ['create', 'nightly', '--plan', 'plan.json'];
    const shown = await divvyHere([...argv, '--dry-run'], cwd);
    expect(shown).toEqual(await divvyHere(argv, cwd));
    expect([shown.code, shown.stderr]).toEqual([3, expect.stringContaining('is there already')]);
  });
});

describe("a folder of another program's is refused", () => {
  test.each([
    '.git/hooks/foo',
    '.GIT/foo',
    'git~1/foo',
    'node_modules/foo',
    'Node_Modules/a/foo',
    '.divvy/foo',
    'link/foo',
  ])('%s', async (folder) => {
    const cwd = freshFolder();
    git(cwd, 'init', '--quiet');
    symlinkSync(join(cwd, '.git'), join(cwd, 'link'));
    const before = treeOf(cwd);
    const created = await divvyHere(['create', folder], cwd);
    expect(created).toMatchObject({ code: 2, stdout: '' });
    expect(created.stderr).toMatch(/is not for projects|runs no TypeScript/);
    const template = await divvyHere(['template', 'new', folder], cwd);
    expect(template).toMatchObject({ code: 2, stdout: '' });
    expect(treeOf(cwd)).toEqual(before);
  });

  test('for a task too', async () => {
    const cwd = freshFolder();
    git(cwd, 'init', '--quiet');
    const hooks = join(cwd, '.git/hooks');
    mkdirSync(hooks, { recursive: true });
    writeFileSync(join(hooks, 'package.json'), '{}');
    const { code, stderr } = await divvyHere(['add', 'nightly'], hooks);
    expect([code, stderr]).toEqual([3, expect.stringContaining('.git is not for projects')]);
  });
});

describe('~', () => {
  test.each([
    ['~', homedir()],
    ['~/a/b', join(homedir(), 'a/b')],
    ['./~/a', './~/a'],
    ['a~/b', 'a~/b'],
  ])('%s is %s', (given, expected) => expect(withHome(given)).toBe(expected));

  test.each([
    ['create', '~nobody/my-task'],
    ['create', 'my-task', '--runtime-dir', '~nobody/divvy'],
    ['template', 'new', '~nobody/team'],
    ['list', '--cwd', '~nobody'],
  ])('the home of somebody else is refused: %s %s %s %s', async (...argv) => {
    const cwd = freshFolder();
    const { code, stderr } = await divvyHere(
      argv.filter((word) => word !== undefined),
      cwd,
    );
    expect([code, stderr]).toEqual([2, expect.stringContaining('only a shell knows whose home that is')]);
    expect(treeOf(cwd)).toEqual({});
  });

  test('on a command line is the home folder, not one that is called so', async () => {
    const cwd = freshFolder();
    const { code, stdout } = await divvyHere(['create', '~/no-such/my-task', '--dry-run', '--json'], cwd);
    expect([code, JSON.parse(stdout).folder]).toEqual([0, join(homedir(), 'no-such/my-task')]);
  });
});
