// A task of a template from elsewhere, added again: by what the lock says of it, wherever the command runs.
import { mkdirSync, renameSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { packageFolder, putFiles, taskText, templateFolder, textOf } from '../attacks/hostile.ts';
import { createDivvyTask, divvy, freshFolder, treeOf } from '../commands.ts';

const sourceIn = (cwd: string, task: string): unknown => JSON.parse(textOf(cwd, 'divvy.lock.json')).tasks[task].source;

test('a template named by a relative path is found again from any folder, also in a project that create made of it', async () => {
  const cwd = freshFolder();
  renameSync(templateFolder({}), join(cwd, 'ours'));
  const made = await createDivvyTask(['sub/nightly', '-t', './ours', '--yes', '--no-git'], { cwd });
  expect(made.code, made.stderr).toBe(0);
  const project = join(cwd, 'sub/nightly');
  expect(sourceIn(project, 'nightly')).toBe('../../ours');
  const before = treeOf(project);
  for (const from of [project, join(project, 'tasks'), cwd]) {
    const again = await divvy(['add', 'nightly', '-C', relative(from, project) || '.'], { cwd: from });
    expect(again, again.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
  }
  expect(treeOf(project)).toEqual(before);
});

test('and so is one in the package itself, which is named from a folder in it', async () => {
  const cwd = packageFolder();
  mkdirSync(join(cwd, 'templates'));
  renameSync(templateFolder({}), join(cwd, 'templates/ours'));
  const added = await divvy(['add', 'nightly', '-t', './ours'], { cwd: join(cwd, 'templates') });
  expect(added.code, added.stderr).toBe(0);
  expect(sourceIn(cwd, 'nightly')).toBe('./templates/ours');
  expect(await divvy(['add', 'nightly'], { cwd })).toMatchObject({ code: 0, stderr: '' });
});

test('what is secret is asked for once: not of a task that stands as it was left, but of one that has to be made again', async () => {
  const cwd = packageFolder();
  const template = templateFolder(
    { prompts: [{ name: 'token', type: 'text', message: 'Which?', secret: true }] },
    { 'tasks/example-task.ts': taskText() },
  );
  const added = await divvy(['add', 'nightly', '-t', template, '-d', 'token=hunter2'], { cwd });
  expect(added.code, added.stderr).toBe(0);
  const before = treeOf(cwd);
  const again = await divvy(['add', 'nightly'], { cwd });
  expect(again, again.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
  expect(treeOf(cwd)).toEqual(before);

  putFiles(cwd, { 'tasks/nightly.ts': `${textOf(cwd, 'tasks/nightly.ts')}// mine\n` });
  const refused = await divvy(['add', 'nightly'], { cwd });
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('token') });
});
