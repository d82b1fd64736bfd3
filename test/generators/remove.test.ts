// What goes with a task, and what its owner has made beside it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { templateFolder } from './attacks/hostile.ts';
import { divvy, freshFolder } from './commands.ts';
import { divvyHere } from './in-process.ts';
import { packageJson } from './shapes/proof.ts';
import { contentOf, put, repositoryWith } from './shapes/repository.ts';

test('a file that tasks share, and that is none, does not keep the runtime', async () => {
  const root = repositoryWith({ 'package.json': packageJson() });
  const before = contentOf(root);
  await divvy(['add', 'nightly'], { cwd: root });
  put(root, { 'tasks/shared.ts': 'export const table = 1;\n' });
  expect(await divvy(['remove', 'nightly'], { cwd: root })).toMatchObject({ code: 0, stderr: '' });
  const { 'tasks/': _, 'tasks/shared.ts': shared, ...after } = contentOf(root);
  expect(after).toEqual(before);
  expect(shared).toContain('table');
});

test('a task that somebody has written by hand keeps the runtime', async () => {
  const root = repositoryWith({ 'package.json': packageJson() });
  await divvy(['add', 'nightly'], { cwd: root });
  put(root, { 'tasks/own.ts': 'export default class Own {}\n' });
  expect(await divvy(['remove', 'nightly'], { cwd: root })).toMatchObject({ code: 0, stderr: '' });
  expect(existsSync(join(root, 'vendor/divvy/run.mjs'))).toBe(true);
});

test('what a package manager has installed is its own to take out: it is said', async () => {
  const root = repositoryWith({ 'package.json': packageJson(), 'pnpm-lock.yaml': '' });
  const before = contentOf(root);
  await divvy(['add', 'nightly', '-t', 'csv', '--no-install'], { cwd: root });
  const { code, stdout } = await divvy(['remove', 'nightly'], { cwd: root });
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringContaining(
      'csv-parse is no longer in package.json: install again to remove it from your lock file, too.\n',
    ),
  });
  expect(contentOf(root)).toEqual(before);
});

test('Knip’s list in package.json is as it was', async () => {
  const settings = { knip: { ignore: ['a/**', 'b/**'] }, devDependencies: { knip: '*' } };
  const root = repositoryWith({ 'package.json': packageJson(settings) });
  const before = contentOf(root);
  await divvy(['add', 'nightly'], { cwd: root });
  expect(contentOf(root)['package.json']).toContain('vendor/divvy');
  expect(await divvy(['remove', 'nightly'], { cwd: root })).toMatchObject({ code: 0, stderr: '' });
  expect(contentOf(root)).toEqual(before);
});

describe('a script that the template has put into package.json', () => {
  const lint = { 'lint:tasks': 'lint tasks' };
  const template = () => templateFolder({ permissions: { packageJson: { scripts: lint } } });
  const withTasks = async (own: object, ...tasks: readonly string[]) => {
    const root = repositoryWith({ 'package.json': packageJson(own) });
    const before = contentOf(root);
    const from = template();
    for (const task of tasks) {
      const { code, stderr } = await divvyHere(['add', task, '-t', from, '--trust', '--no-install'], root);
      expect(code, stderr).toBe(0);
    }
    return { root, before };
  };
  const scriptsOf = (root: string) => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts;
  const edit = (file: string, from: string, to: string) =>
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));

  test('goes with the last task that has it', async () => {
    const { root, before } = await withTasks({}, 'nightly', 'weekly');
    expect(scriptsOf(root)).toMatchObject(lint);
    expect(await divvyHere(['remove', 'nightly'], root)).toMatchObject({ code: 0, stderr: '' });
    expect(scriptsOf(root)).toMatchObject(lint);
    expect(await divvyHere(['remove', 'weekly'], root)).toMatchObject({ code: 0, stderr: '' });
    expect(contentOf(root)).toEqual(before);
  });

  test('stays where its owner had it before', async () => {
    const { root, before } = await withTasks({ scripts: lint }, 'nightly');
    expect(await divvyHere(['remove', 'nightly'], root)).toMatchObject({ code: 0, stderr: '' });
    expect(contentOf(root)).toEqual(before);
  });

  test('stays, and is named, where its owner has changed it', async () => {
    const { root } = await withTasks({}, 'nightly');
    edit(join(root, 'package.json'), 'lint tasks', 'lint --all');
    const { code, stderr } = await divvyHere(['remove', 'nightly', '--allow-dirty'], root);
    expect([code, stderr]).toEqual([3, expect.stringContaining('package.json: scripts.lint:tasks was edited since')]);
    expect(scriptsOf(root)).toMatchObject({ 'lint:tasks': 'lint --all' });
  });

  test('goes from a project that was made with it: with the whole file, or out of one that its owner has edited', async () => {
    for (const isEdited of [false, true]) {
      const cwd = freshFolder();
      const made = await divvyHere(['create', 'my-task', '-t', template(), '--trust', '--no-git', '--no-install'], cwd);
      expect(made.code, made.stderr).toBe(0);
      const file = join(cwd, 'my-task/package.json');
      if (isEdited) edit(file, '"private": true', '"private": false');
      await divvyHere(['remove', 'my-task'], join(cwd, 'my-task'));
      expect(existsSync(file)).toBe(isEdited);
      if (isEdited) expect(scriptsOf(join(cwd, 'my-task'))).not.toHaveProperty('lint:tasks');
    }
  });
});

describe('where the runtime goes, what no longer runs without it is named, and how to have it back', () => {
  const note = (paths: string, back: string) =>
    `note: Without the runtime, which they import as #divvy, these files no longer run:\n${paths}      To bring it back: ${back}\n`;
  const added = async (...tasks: readonly string[]) => {
    const root = repositoryWith({ 'package.json': packageJson() });
    for (const task of tasks) await divvyHere(['add', task], root);
    put(root, {
      'tasks/nightly.ts': `${readFileSync(join(root, 'tasks/nightly.ts'), 'utf8')}// mine\n`,
      'tasks/shared.ts': "import type { Json } from '#divvy';\nexport type Mine = Json;\n",
      'tasks/alone.ts': 'export const alone = 1;\n',
      'tasks/lib/deep.mts': "export type { Item } from '#divvy';\n",
      'tasks/node_modules/x/index.js': "import '#divvy';\n",
    });
    return root;
  };
  const all = '        tasks/lib/deep.mts\n        tasks/nightly.ts\n        tasks/shared.ts\n';

  test('by remove: what was edited, and what tasks share', async () => {
    const root = await added('nightly');
    const shown = await divvyHere(['remove', 'nightly', '--dry-run'], root);
    const { code, stderr } = await divvyHere(['remove', 'nightly'], root);
    expect([code, stderr]).toEqual([3, expect.stringContaining(note(all, 'divvy undo'))]);
    expect(shown).toMatchObject({ code, stderr });
    expect(await divvyHere(['undo'], root)).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(root, 'vendor/divvy/run.mjs'))).toBe(true);
  });

  test('by undo', async () => {
    const root = await added('nightly');
    const { code, stdout, stderr } = await divvyHere(['undo', '--json'], root);
    expect([code, stderr]).toEqual([3, expect.stringContaining(note(all, 'divvy add'))]);
    expect(JSON.parse(stdout)).toMatchObject({
      withoutRuntime: ['tasks/lib/deep.mts', 'tasks/nightly.ts', 'tasks/shared.ts'],
    });
    expect(await divvyHere(['add', 'weekly'], root)).toMatchObject({ code: 0 });
    expect(await divvy(['tasks/nightly.ts', '-n', '1'], { cwd: root })).toMatchObject({ code: 0 });
  });

  test('not where it stays', async () => {
    const root = await added('nightly', 'weekly');
    expect((await divvyHere(['remove', 'nightly'], root)).stderr).not.toContain('runtime');
  });
});

describe('a package.json that divvy made, and its owner has edited, has nothing of it in it once the last task is gone:', () => {
  test.each([
    ['an object that is empty then', { private: false }, {}],
    [
      'one that its owner has emptied',
      { scripts: {}, devDependencies: {} },
      { scripts: undefined, devDependencies: undefined },
    ],
    ['not one with something in it', { imports: { '#mine': './mine.js' } }, { imports: { '#mine': './mine.js' } }],
  ])('%s', async (_, mine, left) => {
    const cwd = freshFolder();
    await divvyHere(['create', 'my-task', '--no-git'], cwd);
    const file = join(cwd, 'my-task/package.json');
    const json = () => JSON.parse(readFileSync(file, 'utf8'));
    const { imports, ...made } = json();
    writeFileSync(
      file,
      JSON.stringify({ ...made, ...mine, imports: { ...imports, ...('imports' in mine && mine.imports) } }),
    );
    const { test, typecheck } = made.scripts;
    await divvyHere(['remove', 'my-task'], join(cwd, 'my-task'));
    const { imports: _i, ...others } = { ...made, scripts: { test, typecheck }, ...mine };
    expect(json()).toEqual(JSON.parse(JSON.stringify({ ...others, ...left })));
  });
});
