// A program takes long, git or a formatter: divvy says once what it waits for.
import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createDivvyTask, divvy, freshFolder } from './commands.ts';
import { commitAll, projectWith } from './project.ts';
import { packageJson } from './shapes/proof.ts';
import { put, repositoryWith } from './shapes/repository.ts';

/** An environment in which a program takes longer than two seconds, and then does what it does otherwise. */
function slowly(name: string): NodeJS.ProcessEnv {
  const folder = freshFolder();
  const path = process.env['PATH'] ?? '';
  const script = `#!/bin/sh\nsleep 2.5\nPATH='${path}'\nexec ${name} "$@"\n`;
  writeFileSync(join(folder, name), script, { mode: 0o755 });
  return { PATH: [folder, dirname(process.execPath), path].join(delimiter) };
}

const notes = (stderr: string): string[] => stderr.split('\n').filter((line) => line.startsWith('note:'));

describe('git', () => {
  test('that says what it has', async () => {
    const cwd = projectWith();
    appendFileSync(join(cwd, 'tasks/nightly.ts'), '// mine\n');
    commitAll(cwd);
    const { code, stderr } = await divvy(['hook', 'add', 'key'], { cwd, env: slowly('git'), waits: true });
    expect({ code, notes: notes(stderr) }).toEqual({
      code: 0,
      notes: ['note: Still looking whether git has what would be changed: waiting for git.'],
    });
  });

  test('that says what it ignores', async () => {
    const cwd = repositoryWith({ 'package.json': packageJson() });
    const { code, stderr } = await divvy(['add', 'nightly', '--dry-run'], { cwd, env: slowly('git'), waits: true });
    expect(code).toBe(0);
    expect(notes(stderr).slice(0, 2)).toEqual([
      'note: Still looking whether git ignores tasks/: waiting for git.',
      'note: Still looking whether git ignores vendor/divvy/: waiting for git.',
    ]);
  });

  test('that makes a repository', async () => {
    const { code, stderr } = await createDivvyTask(['nightly'], {
      cwd: freshFolder(),
      env: slowly('git'),
      waits: true,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'note: Still making a repository: waiting for git.\n' });
  });
});

test('a formatter: its files together', async () => {
  const cwd = repositoryWith({ 'package.json': packageJson({ devDependencies: { prettier: '*' } }) });
  const program = join(cwd, 'node_modules/.bin/prettier');
  mkdirSync(dirname(program), { recursive: true });
  writeFileSync(program, '#!/bin/sh\nsleep 0.8\ncat\n');
  chmodSync(program, 0o755);
  const { code, stderr } = await divvy(['add', 'nightly'], { cwd, waits: true });
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'note: Still formatting what is written: waiting for prettier.\n',
  });
});

test('an install that prints nothing', async () => {
  const cwd = freshFolder();
  const env = slowly('true');
  put(cwd, { 'package.json': packageJson(), npm: '#!/bin/sh\nexec true\n' });
  chmodSync(join(cwd, 'npm'), 0o755);
  const PATH = [cwd, env['PATH']].join(delimiter);
  const { code, stderr } = await divvy(['add', 'nightly', '--install', '--pm', 'npm'], {
    cwd,
    env: { PATH },
    waits: true,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'note: Still waiting for npm install.\n' });
});

test('the runtime that says how runs stand, of all tasks together', async () => {
  const cwd = projectWith();
  put(cwd, { 'vendor/divvy/run.mjs': "setTimeout(() => console.log('null'), 2500);\n" });
  for (const command of ['list', 'status']) {
    const { code, stderr } = await divvy([command], { cwd, waits: true });
    const waited = 'note: Still looking how the last runs stand: waiting for the runtime.\n';
    expect({ code, stderr }).toEqual({ code: 0, stderr: waited });
  }
});
