// One template, fetched: what it has to have, and what of its files stays as it was.
import { execFileSync } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { fetchTemplate } from '../../../generators/sources/template.ts';
import { putFiles, templateFolder } from '../attacks/hostile.ts';
import { cleanEnvironment, freshFolder, treeOf } from '../commands.ts';
import { divvyHere } from '../in-process.ts';
import { git } from '../project.ts';
import { MANIFEST } from './archives.ts';
import { refusal } from './refusal.ts';

const manifestWith = (write: readonly string[]): string => JSON.stringify({ ...MANIFEST, permissions: { write } });
const fetchFrom = (text: string) => fetchTemplate(text, { cwd: '/', environment: cleanEnvironment() }, undefined);

describe('a template is refused', () => {
  test('without a task: the test of one is none', async () => {
    const folder = freshFolder();
    putFiles(folder, {
      'divvy.template.json': manifestWith([]),
      'files/test/example-task.test.ts': "import { test } from 'node:test';\n",
    });
    const { exitCode, message, remedy } = await refusal(() => fetchFrom(folder));
    expect([exitCode, message]).toEqual([
      3,
      expect.stringMatching(/"files\/tasks\/example-task.ts" in .* is not there/),
    ]);
    expect(remedy).toContain('divvy template check');
    const cwd = freshFolder();
    expect(await divvyHere(['create', 'mine', '-t', folder, '--yes', '--no-git'], cwd)).toMatchObject({ code: 3 });
    expect(treeOf(cwd)).toEqual({});
  });

  test.each(['.gitignore', 'data/.npmrc'])(
    'where npm has left %s out, and it is said how that is called',
    async (path) => {
      const folder = templateFolder(manifestWith([path]));
      const { exitCode, message } = await refusal(() => fetchFrom(folder));
      const called = `files/${path.replace(/\.(?=\w+$)/, '_')}`;
      expect([exitCode, message]).toEqual([3, expect.stringContaining(`has to be called ${called}`)]);

      putFiles(folder, { [called]: 'x\n' });
      const cwd = freshFolder();
      const made = await divvyHere(['create', 'mine', '-t', folder, '--yes', '--no-git', '--trust'], cwd);
      expect(made).toMatchObject({ code: 0 });
      expect(treeOf(cwd)[`mine/${path}`]).toContain('x\n');
    },
  );
});

test('a script that may be run may be run afterwards, wherever it came from', async () => {
  const folder = templateFolder(manifestWith(['scripts/']), { 'scripts/run.js': '#!/usr/bin/env node\n' });
  for (const path of ['scripts/run.js', 'tasks/example-task.ts']) chmodSync(join(folder, 'files', path), 0o755);
  execFileSync('tar', ['czf', '../x.tgz', '.'], { cwd: folder });
  git(folder, 'init', '--quiet');
  git(folder, 'add', '--all');
  git(folder, 'commit', '--quiet', '--message', 'files');
  for (const source of [folder, join(folder, '../x.tgz'), `git+${pathToFileURL(folder).href}`]) {
    const { files } = await fetchFrom(source);
    const executable = files.filter(({ isExecutable }) => isExecutable).map(({ path }) => path);
    expect([source, executable]).toEqual([source, ['scripts/run.js']]);
  }

  const cwd = freshFolder();
  putFiles(cwd, { 'package.json': '{ "name": "mine", "type": "module" }\n' });
  expect(await divvyHere(['create', 'fresh', '-t', folder, '--yes', '--no-git', '--trust'], cwd)).toMatchObject({
    code: 0,
  });
  expect(await divvyHere(['add', 'nightly', '-t', folder, '--yes', '--trust'], cwd)).toMatchObject({ code: 0 });
  const mode = (path: string) => statSync(join(cwd, path)).mode & 0o111;
  for (const path of ['fresh/scripts/run.js', 'scripts/run.js']) expect([path, mode(path)]).toEqual([path, 0o111]);
  expect([mode('fresh/tasks/fresh.ts'), mode('tasks/nightly.ts')]).toEqual([0, 0]);
});
