// The scripts that run a task: with `exec` where the package manager's shell has it, and recognised whoever changed that.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createDivvyTask, divvy, freshFolder, treeOf } from './commands.ts';
import { divvyHere } from './in-process.ts';
import { packageJson } from './shapes/proof.ts';
import { contentOf, repositoryWith } from './shapes/repository.ts';

const RUNS = 'node vendor/divvy/run.mjs tasks/nightly.ts';
const scriptsOf = (folder: string): Record<string, string> =>
  (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts;
const edit = (folder: string, from: string | RegExp, to: string): void => {
  const file = join(folder, 'package.json');
  const before = readFileSync(file, 'utf8');
  expect(before).toMatch(from);
  writeFileSync(file, before.replace(from, to));
};

const cases: [string, string, Record<string, string>][] = [
  ['npm', 'exec ', {}],
  ['pnpm', 'exec ', {}],
  ['pnpm', 'exec ', { 'pnpm-workspace.yaml': 'shellEmulator: false\n' }],
  ['pnpm', '', { 'pnpm-workspace.yaml': 'shellEmulator: true\n' }],
  ['pnpm', '', { '.npmrc': 'shell-emulator = true\n' }],
  ['yarn', '', {}],
  ['bun', '', {}],
];

describe.each(cases)('with %s the script begins with "%s", where %j says so', (pm, exec, settings) => {
  test('create', async () => {
    const cwd = freshFolder();
    for (const [path, text] of Object.entries(settings)) writeFileSync(join(cwd, path), text);
    expect(await createDivvyTask(['nightly', '--pm', pm, '--no-git'], { cwd })).toMatchObject({ code: 0, stderr: '' });
    const script = `${exec}${RUNS}`;
    expect(scriptsOf(join(cwd, 'nightly'))).toMatchObject({ start: script, 'divvy:nightly': script });
  });

  test('add', async () => {
    const cwd = repositoryWith({ 'package.json': packageJson(), ...settings });
    expect(await divvyHere(['add', 'nightly', '--pm', pm], cwd)).toMatchObject({ code: 0, stderr: '' });
    expect(scriptsOf(cwd)['divvy:nightly']).toBe(`${exec}${RUNS}`);
  });
});

describe.each([
  ['npm', 'yarn'],
  ['yarn', 'npm'],
])('a repository that goes from %s to %s', (before, after) => {
  const added = async (): Promise<{ cwd: string; original: Record<string, string> }> => {
    const cwd = repositoryWith({ 'package.json': packageJson() });
    const original = contentOf(cwd);
    expect(await divvyHere(['add', 'nightly', '--pm', before], cwd)).toMatchObject({ code: 0, stderr: '' });
    return { cwd, original };
  };

  test('adds the task again without a change, and removes it to the byte', async () => {
    const { cwd, original } = await added();
    const there = contentOf(cwd);
    const again = await divvyHere(['add', 'nightly', '--pm', after], cwd);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
    expect(contentOf(cwd)).toEqual(there);
    expect(await divvyHere(['remove', 'nightly'], cwd)).toMatchObject({ code: 0, stderr: '' });
    expect(contentOf(cwd)).toEqual(original);
  });

  test('the same where its owner has put exec in, or taken it out', async () => {
    const { cwd, original } = await added();
    if (before === 'npm') edit(cwd, `exec ${RUNS}`, RUNS);
    else edit(cwd, `"${RUNS}`, `"exec ${RUNS}`);
    const allowed = ['--allow-dirty'];
    const again = await divvyHere(['add', 'nightly', '--pm', after, ...allowed], cwd);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
    expect(await divvyHere(['remove', 'nightly', ...allowed], cwd)).toMatchObject({ code: 0, stderr: '' });
    expect(contentOf(cwd)).toEqual(original);
  });
});

test('remove hands start on to the next task as it was written', async () => {
  for (const [pm, exec] of [
    ['npm', 'exec '],
    ['bun', ''],
  ] as const) {
    const cwd = freshFolder();
    const project = join(cwd, 'nightly');
    await createDivvyTask(['nightly', '--pm', pm, '--no-git'], { cwd });
    const before = treeOf(project, ['.divvy']);
    await divvyHere(['add', 'weekly', '--pm', 'npm'], project);
    expect(await divvyHere(['remove', 'nightly'], project)).toMatchObject({ code: 0, stderr: '' });
    expect(scriptsOf(project)['start']).toBe(`${exec}node vendor/divvy/run.mjs tasks/weekly.ts`);
    expect(scriptsOf(project)).not.toHaveProperty('divvy:nightly');
    expect(await divvyHere(['undo'], project)).toMatchObject({ code: 0, stderr: '' });
    expect(await divvyHere(['remove', 'weekly'], project)).toMatchObject({ code: 0, stderr: '' });
    expect(treeOf(project, ['.divvy'])).toEqual(before);
  }
});

test('a script that does something else is refused, and stays', async () => {
  const cwd = repositoryWith({ 'package.json': packageJson({ scripts: { 'divvy:nightly': `exec ${RUNS} -v` } }) });
  const { code, stderr } = await divvy(['add', 'nightly'], { cwd });
  expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('is there already') });
});

test('the replay makes the same project where yarn 1 called, which has npx run it', async () => {
  const cwd = freshFolder();
  const env = { npm_config_user_agent: 'yarn/1.22.22 npm/? node/v26.0.0 linux x64' };
  const { stdout } = await createDivvyTask(['nightly', '--json', '--no-git'], { cwd, env });
  const { replay, packageManager } = JSON.parse(stdout) as { replay: string; packageManager: string };
  expect(packageManager).toBe('yarn');
  const again = freshFolder();
  const argv = replay.replace(/^.*create-divvy-task@\S+ /, '').split(' ');
  const asNpx = { npm_config_user_agent: 'npm/11.0.0 node/v26.0.0 linux x64 workspaces/false' };
  expect((await createDivvyTask(argv, { cwd: again, env: asNpx })).code).toBe(0);
  expect(treeOf(again, ['nightly/.divvy'])).toEqual(treeOf(cwd, ['nightly/.divvy']));
});
