// The command to repeat, run in a copy of what was there: without a question it makes the same bytes.
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { putFiles, templateFolder } from './attacks/hostile.ts';
import { freshFolder, treeOf } from './commands.ts';
import { divvyHere } from './in-process.ts';
import { commitAll } from './project.ts';

/** What was there before, and what is typed. */
interface Scene {
  readonly before?: (cwd: string) => Promise<void> | void;
  readonly argv: readonly string[];
}

const WITH_SECRET = {
  prompts: [
    { name: 'table', type: 'name', message: 'Which table?' },
    { name: 'token', type: 'text', message: 'Which token?', secret: true },
  ],
};

/** A template in the folder itself, with a secret in a file. */
function withTemplate(cwd: string): void {
  templateFolder(WITH_SECRET, { 'tasks/notes.txt': 'example-table example-token' }, join(cwd, 'team'));
  writeFileSync(join(cwd, 'answers.json'), JSON.stringify({ table: 'users', token: 'hunter2' }));
}

const host = (cwd: string): void => putFiles(cwd, { 'package.json': '{\n  "name": "host",\n  "type": "module"\n}\n' });

const run = async (cwd: string, argv: readonly string[]): Promise<void> => {
  const { code, stderr } = await divvyHere(argv, cwd);
  expect(code, stderr).toBe(0);
};

const projectWithOwnReadme = async (cwd: string): Promise<void> => {
  await run(cwd, ['create', 'my-task', '--no-git']);
  writeFileSync(join(cwd, 'my-task/README.md'), 'mine');
};

const taskThere = async (cwd: string): Promise<void> => {
  host(cwd);
  await run(cwd, ['add', 'nightly']);
};

const edited = async (cwd: string): Promise<void> => {
  await taskThere(cwd);
  appendFileSync(join(cwd, 'tasks/nightly.ts'), '// Mine.\n');
};

/** Its arguments, as a shell reads them. */
function argumentsOf(replay: string): string[] {
  const words = execFileSync('sh', ['-c', `printf '%s\\0' ${replay}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);
  const at = words.findIndex((word) => word.startsWith('create-divvy-task@'));
  return at < 0 ? words.slice(words.indexOf('divvy') + 1) : ['create', ...words.slice(at + 1)];
}

/** Everything but the records of what was written, in which the command line stands. */
const treeIn = (cwd: string): Record<string, string> =>
  Object.fromEntries(Object.entries(treeOf(cwd)).filter(([path]) => !/(^|\/)\.divvy\//.test(path)));

async function isRepeated({ before, argv }: Scene): Promise<string> {
  const [cwd, copy] = [freshFolder(), freshFolder()];
  await before?.(cwd);
  await before?.(copy);
  const untouched = treeIn(cwd);
  const { code, stdout, stderr } = await divvyHere([...argv, '--json'], cwd);
  expect(code, stderr).toBe(0);
  expect(treeIn(cwd)).not.toEqual(untouched);
  const { replay } = JSON.parse(stdout) as { replay: string };
  await run(copy, argumentsOf(replay));
  expect(treeIn(copy)).toEqual(treeIn(cwd));
  return replay;
}

describe('create', () => {
  const forced = ['create', 'my-task', '-t', 'files', '--no-git', '--force', '--on-conflict'];
  test.each<[string, Scene]>([
    [
      'with all that it can be told',
      {
        argv: ['create', 'a b/-x', '--name', 'x', '--runtime-dir', 'lib/divvy', '--no-install'],
      },
    ],
    [
      'where files are kept',
      {
        before: async (cwd) => {
          await projectWithOwnReadme(cwd);
          rmSync(join(cwd, 'my-task/.gitignore'));
        },
        argv: [...forced, 'skip'],
      },
    ],
    ['where files are overwritten', { before: projectWithOwnReadme, argv: [...forced, 'overwrite'] }],
    [
      'over changes that git does not have',
      {
        before: async (cwd) => {
          await projectWithOwnReadme(cwd);
          commitAll(cwd);
          appendFileSync(join(cwd, 'my-task/README.md'), '!');
        },
        argv: [...forced, 'overwrite', '--allow-dirty'],
      },
    ],
    [
      'beside what is there',
      { before: (cwd) => putFiles(cwd, { 'my-task/own': '' }), argv: ['create', 'my-task', '-f'] },
    ],
  ])('%s', async (_, scene) => {
    await isRepeated(scene);
  });

  test('with a secret, which stays in its file', async () => {
    const argv = ['create', 'my-task', '-t', './team', '--data-file', 'answers.json', '-d', 'table=orders', '--no-git'];
    const replay = await isRepeated({ before: withTemplate, argv });
    expect(replay).not.toContain('hunter2');
    expect(replay).toContain('--data-file answers.json --data table=orders');
  });
});

describe('add', () => {
  test.each<[string, Scene]>([
    [
      'with all that it can be told',
      {
        before: host,
        argv: ['add', 'nightly', '-t', 'csv', '--runtime-dir', 'lib/divvy', '--no-install', '--pm', 'pnpm'],
      },
    ],
    [
      'with a secret, which stays in its file',
      {
        before: (cwd) => {
          host(cwd);
          withTemplate(cwd);
        },
        argv: ['add', 'nightly', '-t', './team', '--data-file', 'answers.json'],
      },
    ],
    [
      'in a package that is named',
      {
        before: (cwd) => {
          putFiles(cwd, {
            'package.json': '{ "name": "all", "workspaces": ["packages/*"] }\n',
            'packages/one/package.json': '{ "name": "one", "type": "module" }\n',
            'packages/two/package.json': '{ "name": "two", "type": "module" }\n',
          });
        },
        argv: ['add', 'nightly', '-C', 'packages/two'],
      },
    ],
    [
      'where a task is overwritten',
      { before: edited, argv: ['add', 'nightly', '-t', 'files', '--on-conflict', 'overwrite'] },
    ],
    [
      'where a task is kept',
      { before: edited, argv: ['add', 'nightly', '-t', 'csv', '--no-install', '--on-conflict', 'skip'] },
    ],
    [
      'where a task is there, and a file of the runtime is not',
      {
        before: async (cwd) => {
          await taskThere(cwd);
          rmSync(join(cwd, 'vendor/divvy/index.ts'));
        },
        argv: ['add', 'nightly'],
      },
    ],
  ])('%s', async (_, scene) => {
    await isRepeated(scene);
  });

  test('shows it', async () => {
    const cwd = freshFolder();
    host(cwd);
    const { stdout } = await divvyHere(['add', 'nightly', '--no-install'], cwd);
    expect(stdout).toContain(
      'To do the same again:\n  divvy add nightly --template basic --pm npm --no-install --yes\nTo undo it: ',
    );
    expect(readFileSync(join(cwd, 'tasks/nightly.ts'), 'utf8')).toContain('class Nightly');
  });
});
