// What goes with a task, and what its owner has made beside it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { divvy } from './commands.ts';
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
      'csv-parse is no longer in package.json: install once more to have it out of your lock file, too.\n',
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
