// Which package of a workspace a task is for: the one that somebody is in, or names, or is asked for. And a new project in one.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packagesOf } from '../../generators/host/workspaces.ts';
import { needs } from '../needs.ts';
import { createDivvyTask, divvy } from './commands.ts';
import { packageJson } from './shapes/proof.ts';
import { contentOf, repositoryWith, type Tree } from './shapes/repository.ts';
import { session } from './terminal-session.ts';

const PACKAGES = {
  'packages/one/package.json': packageJson({ name: 'one' }),
  'packages/two/package.json': packageJson({ name: 'two' }),
  'docs/README.md': '',
};
const WORKSPACE = { 'package.json': packageJson({ workspaces: ['packages/*'] }), ...PACKAGES };

describe('the packages of a workspace', () => {
  const files = {
    ...PACKAGES,
    'packages/group/three/package.json': '{}',
    'packages/one/node_modules/four/package.json': '{}',
    ...Object.fromEntries(
      ['package.json', 'run.mjs', 'SHA256SUMS'].map((name) => [`packages/one/vendor/divvy/${name}`, '{}']),
    ),
    'packages/empty/README.md': '',
    'other/package.json': '{}',
  };
  const inPnpm = (text: string) => ({ 'package.json': '{}', 'pnpm-workspace.yaml': text });
  test.each<[string, Record<string, string>, string[]]>([
    ['one level', { 'package.json': '{ "workspaces": ["packages/*"] }' }, ['packages/one', 'packages/two']],
    [
      "yarn's own form",
      { 'package.json': '{ "workspaces": { "packages": ["./packages/*/"] } }' },
      ['packages/one', 'packages/two'],
    ],
    [
      'all levels',
      { 'package.json': '{ "workspaces": ["packages/**"] }' },
      ['packages/group/three', 'packages/one', 'packages/two'],
    ],
    [
      'some left out',
      { 'package.json': '{ "workspaces": ["packages/*", "other", "!packages/one"] }' },
      ['other', 'packages/two'],
    ],
    ['pnpm', inPnpm("packages:\n  - 'packages/*'\n  - '!**/two'\n  - .\n"), ['packages/one']],
    ['settings of pnpm only', inPnpm('onlyBuiltDependencies:\n  - esbuild\n'), []],
    ['what is outside', { 'package.json': '{ "workspaces": ["../*"] }' }, []],
    ['nothing', { 'package.json': '{ "workspaces": [] }' }, []],
  ])('of %s', (_, more, expected) => {
    expect(packagesOf(repositoryWith({ ...files, ...more }))).toEqual(expected);
  });

  test('of a pnpm-workspace.yaml that is not YAML are refused, with the line', async () => {
    const root = repositoryWith({ ...PACKAGES, ...inPnpm('packages:\n  - "a\n') });
    const { code, stderr } = await divvy(['add', 'nightly'], { cwd: root });
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: expect.stringMatching(/pnpm-workspace\.yaml:\d: it is not YAML/),
    });
  });
});

describe('a new project in a workspace', () => {
  const made = async (files: Tree, ...flags: string[]) => {
    const root = repositoryWith({ ...PACKAGES, ...files });
    const { code, stdout, stderr } = await createDivvyTask(['apps/nightly', '--no-install', '--json', ...flags], {
      cwd: root,
    });
    expect(code, stderr).toBe(0);
    const { byHand }: { byHand: { file: string; line: string }[] } = JSON.parse(stdout);
    return byHand.map(({ file, line }) => `${file}: ${line}`);
  };
  const line = '../../package.json: "workspaces": [..., "!**/vendor/divvy"]';

  test.each<[string, Tree, string[]]>([
    ['that takes in everything', { 'package.json': '{ "workspaces": ["**"] }' }, [line]],
    ['that takes in everything but that', { 'package.json': '{ "workspaces": ["**", "!**/vendor/divvy"] }' }, []],
    ['that takes in one level', { 'package.json': '{ "workspaces": ["apps/*"] }' }, []],
    [
      'of pnpm',
      { 'package.json': '{}', 'pnpm-workspace.yaml': "packages:\n  - '**'\n" },
      ["../../pnpm-workspace.yaml:   - '!**/vendor/divvy'"],
    ],
    ['that cannot be read', { 'package.json': '{ "workspaces": ["**"' }, []],
  ])('%s: the line that leaves its runtime out is shown', async (_, files, lines) => {
    expect(await made(files, '--dry-run')).toEqual(lines);
    expect(await made(files)).toEqual(lines);
  });

  test('is told of it in words, too', async () => {
    const root = repositoryWith({ 'package.json': '{ "workspaces": ["**"] }' });
    const { stdout } = await createDivvyTask(['nightly', '--no-install'], { cwd: root });
    expect(stdout).toMatch(/^To be written by hand.*\n *\.\.\/package\.json +"workspaces": \[\.{3}, "!\*\*\/vendor/m);
  });
});

describe('nobody is there to be asked:', () => {
  test.each([
    ['.', '"packages/one", "packages/two"'],
    ['docs', '"../packages/one", "../packages/two"'],
    ['packages', '"one", "two"'],
  ])('in %s it is exit 2, with their names as they are given to --cwd there', async (below, names) => {
    const root = repositoryWith(WORKSPACE);
    const before = contentOf(root);
    const { code, stdout, stderr } = await divvy(['add', 'nightly'], { cwd: join(root, below) });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('is the root of a workspace that has several packages');
    expect(stderr).toContain(`Name one with --cwd: ${names}.`);
    expect(contentOf(root)).toEqual(before);
  });

  test.each([
    ['the package that somebody is in', [], 'packages/one', 'packages/one'],
    ['a package that is named', ['-C', 'packages/two'], '.', 'packages/two'],
    ['a folder of a package that is named', ['-C', 'packages/two/src'], '.', 'packages/two'],
    ['the root, where it is named', ['-C', '.'], '.', '.'],
    ['the root, named from a package', ['-C', '../..'], 'packages/one', '.'],
  ])('it is %s', async (_, argv, below, expected) => {
    const root = repositoryWith({ ...WORKSPACE, 'packages/two/src/index.js': '' });
    const { code, stderr } = await divvy(['add', 'nightly', ...argv], { cwd: join(root, below) });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(existsSync(join(root, expected, 'tasks/nightly.ts'))).toBe(true);
  });

  test('what takes it back is a line that holds where the person is', async () => {
    const root = repositoryWith(WORKSPACE);
    const hint = /^To (?:undo it|bring it back): divvy (undo.*?)(?:, or later: divvy (remove.*))?$/m;
    const added = await divvy(['add', 'nightly', '-C', 'packages/two'], { cwd: root });
    const [, undo = '', remove = ''] = hint.exec(added.stdout) ?? [];
    expect([undo, remove]).toEqual(['undo -C packages/two', 'remove nightly -C packages/two']);
    const removed = await divvy([...remove.split(' '), '--allow-dirty'], { cwd: root });
    expect(removed).toMatchObject({ code: 0, stderr: '' });
    const [, back = ''] = hint.exec(removed.stdout) ?? [];
    expect((await divvy(back.split(' '), { cwd: root })).stdout).toContain('Undone');
    expect(existsSync(join(root, 'packages/two/tasks/nightly.ts'))).toBe(true);
  });

  test('where the root has tasks already it is the root', async () => {
    const root = repositoryWith(WORKSPACE);
    await divvy(['add', 'nightly', '-C', '.'], { cwd: root });
    expect((await divvy(['add', 'weekly'], { cwd: root })).code).toBe(0);
    expect(existsSync(join(root, 'tasks/weekly.ts'))).toBe(true);
  });
});

describe('on a terminal it is asked,', () => {
  needs('tmux');

  const QUESTION = 'Which package is the task for?';

  test('and the answer is where it goes', async () => {
    const root = repositoryWith(WORKSPACE);
    const { shows, keys } = session(['add', 'nightly', '-t', 'basic'], root);
    await shows(QUESTION);
    keys('Down', 'Enter');
    await shows('Which hooks should be in the task?');
    keys('Enter');
    const screen = await shows(/exit \d/);
    expect(screen).toContain('exit 0');
    expect(screen).toContain('cd packages/two');
    expect(existsSync(join(root, 'packages/two/tasks/nightly.ts'))).toBe(true);
    expect(existsSync(join(root, 'packages/one/tasks'))).toBe(false);
  });

  test('and Ctrl+C there changes nothing', async () => {
    const root = repositoryWith(WORKSPACE);
    const before = contentOf(root);
    const { shows, keys } = session(['add', 'nightly'], root);
    await shows(QUESTION);
    keys('C-c');
    expect(await shows('exit 1')).toContain('cancelled: nothing was written');
    expect(contentOf(root)).toEqual(before);
    expect(existsSync(join(root, 'packages/one/.divvy'))).toBe(false);
  });
});
