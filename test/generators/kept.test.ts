// A task file that was there and was kept: what the lock and the next steps say is of that file, and of no template.
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readLock } from '../../generators/project/lock.ts';
import { freshFolder } from './commands.ts';
import { divvyHere } from './in-process.ts';
import { packageJson } from './shapes/proof.ts';
import { contentOf, put, repositoryWith } from './shapes/repository.ts';

const skip = ['--on-conflict', 'skip', '--no-install'];
const file = 'tasks/nightly.ts';

async function repository(...tasks: readonly string[]): Promise<string> {
  const root = repositoryWith({ 'package.json': packageJson() });
  for (const task of tasks) expect((await divvyHere(['add', task], root)).code).toBe(0);
  return root;
}

describe('add --on-conflict skip', () => {
  test('keeps what the lock said of a task that its owner has edited', async () => {
    const root = await repository('nightly');
    const before = readLock(root)?.tasks['nightly'];
    appendFileSync(join(root, file), '// mine\n');
    const { code, stdout } = await divvyHere(['add', 'nightly', '-t', 'csv', ...skip], root);
    expect(code).toBe(0);
    expect(readLock(root)?.tasks['nightly']).toEqual({ ...before, dependencies: ['csv-parse'] });
    expect(stdout).toContain(`nightly is unchanged: ${file} was kept. From the template csv: 2 files, in`);
    expect(stdout).toContain('Next:\n  npm install\n  npm run divvy:nightly\n\n');
    expect((await divvyHere(['add', 'nightly', '-t', 'csv', ...skip, '--json'], root)).stdout).toContain(
      '"written": false',
    );
    // It is the same again of the template that it was made from.
    expect((await divvyHere(['add', 'nightly', '--on-conflict', 'overwrite', '--allow-dirty'], root)).stdout).toContain(
      'from the template basic',
    );
  });

  test('names no template for a task that divvy did not write, and takes out again what it put in', async () => {
    const root = await repository('weekly');
    put(root, { [file]: 'export default class Nightly {}\n' });
    const before = contentOf(root);
    const { code, stdout } = await divvyHere(['add', 'nightly', '-t', 'csv', ...skip, '--json'], root);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).nextSteps).toEqual(['npm install', 'npm run divvy:nightly']);
    const locked = readLock(root)?.tasks['nightly'];
    expect(locked).toEqual({
      answers: {},
      hooks: [],
      files: ['tasks/nightly.test.ts', file],
      dependencies: ['csv-parse'],
    });
    expect(await divvyHere(['remove', 'nightly', '--force'], root)).toMatchObject({ code: 0, stderr: '' });
    const { [file]: _, ...left } = before;
    expect(contentOf(root)).toEqual(left);
  });
});

test('create --on-conflict skip over a package.json that knows nothing of divvy says what is missing in it', async () => {
  const cwd = freshFolder();
  put(cwd, { 'my-task/package.json': packageJson() });
  const argv = ['create', 'my-task', '--force', ...skip, '--no-git'];
  expect((await divvyHere(argv, cwd)).stdout).toContain(
    'Next:\n  cd my-task\n  Write into package.json, which was kept: "imports": { "#divvy": "./vendor/divvy/index.ts" }\n' +
      '  node vendor/divvy/run.mjs tasks/my-task.ts\n',
  );
  writeFileSync(join(cwd, 'my-task/README.md'), 'mine');
  const text = packageJson({
    imports: { '#divvy': './vendor/divvy/index.ts' },
    scripts: { start: 'node vendor/divvy/run.mjs tasks/my-task.ts' },
  });
  put(cwd, { 'my-task/package.json': text, 'my-task/tasks/my-task.ts': '// mine\n' });
  const again = await divvyHere([...argv, '-t', 'files', '--json'], cwd);
  expect(JSON.parse(again.stdout).nextSteps).toEqual(['cd my-task', 'npm start']);
});
