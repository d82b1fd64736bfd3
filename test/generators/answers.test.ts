// What create is made from, and what it refuses before it asks, renders or writes anything.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Answers, settleAnswers } from '../../generators/create/answers.ts';
import type { Call } from '../../generators/terminal/command.ts';
import { parse } from '../../generators/terminal/flags.ts';
import { Refusal } from '../../generators/terminal/refusal.ts';
import { terminal } from '../../generators/terminal/terminal.ts';
import { freshFolder, treeOf } from './commands.ts';

/** As the command line would settle it, with nobody to ask. */
async function settled(argv: readonly string[], cwd: string, environment: NodeJS.ProcessEnv = {}): Promise<Answers> {
  const takes = { shown: 'create-divvy-task', name: 'create', words: { most: 1, what: 'one folder' } };
  const { values, words } = parse(argv, takes);
  const call: Call = {
    shown: takes.shown,
    values,
    words,
    argv,
    cwd,
    environment,
    terminal: terminal({ json: false, quiet: true }),
  };
  return settleAnswers(call, false, () => {
    throw new Error('it asked');
  });
}

async function refusal(argv: readonly string[], cwd: string): Promise<Refusal> {
  try {
    await settled(argv, cwd);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

test('what is not given has a default', async () => {
  const cwd = freshFolder();
  expect(await settled(['sub/my-task'], cwd)).toMatchObject({
    folder: 'sub/my-task',
    root: join(cwd, 'sub/my-task'),
    task: 'my-task',
    template: { manifest: { name: 'basic' } },
    hooks: [],
    runtimeDir: 'vendor/divvy',
  });
});

describe('hostile folders and names are exit 2, with a reason and what to do:', () => {
  test.each([
    [["a';process.exit()//"]],
    [['`touch PWNED`']],
    [['$(touch PWNED)']],
    [['a\nb']],
    [['a\u2028b']],
    [['\u001b[2J']],
    [['class']],
    [['default']],
    [['__proto__']],
    [['CON']],
    [['nul']],
    [['']],
    [[' ']],
    [['x'.repeat(300)]],
    [[`${'x/'.repeat(3000)}y`]],
    [['node_modules/my-task']],
    [['my-task', '--name', '../outside']],
    [['my-task', '--name', 'My Task']],
    [['my-task', '--name', '__proto__']],
    [['my-task', '--runtime-dir', '../outside']],
    [['my-task', '--runtime-dir', '/tmp/outside']],
    [['my-task', '--runtime-dir', '.git/hooks']],
    [['my-task', '--runtime-dir', 'node_modules/divvy']],
    [['my-task', '--runtime-dir', 'tasks']],
    [['my-task', '--runtime-dir', 'a b; rm -rf ~']],
    [['my-task', '--runtime-dir', '%PATH%']],
    [['my-task', '--template', '_project']],
    [['my-task', '--hooks', 'constructor']],
    [['my-task', '--data', '__proto__=1']],
    [['my-task', '--data', 'no-value']],
    [['my-task', '--data-file', 'missing.json']],
  ])('%j', async (argv) => {
    const cwd = freshFolder();
    const { exitCode, message, remedy } = await refusal([...argv, '--yes'], cwd);
    expect(exitCode).toBe(2);
    expect(message.length).toBeGreaterThan(10);
    expect(remedy).not.toBe('');
    expect(treeOf(cwd)).toEqual({});
  });

  test('the root, and the folder above', async () => {
    const cwd = join(freshFolder(), 'Above It', 'inside');
    mkdirSync(cwd, { recursive: true });
    expect((await refusal(['/'], cwd)).exitCode).toBe(2);
    expect((await refusal(['..'], cwd)).message).toContain('"Above It"');
  });

  test('a folder that is a file, or a link to nothing', async () => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, 'my-task'), 'mine');
    symlinkSync('nowhere', join(cwd, 'dangling'));
    const before = treeOf(cwd);
    for (const folder of ['my-task', 'my-task/below', 'dangling', 'dangling/below']) {
      expect((await refusal([folder], cwd)).exitCode).toBe(2);
    }
    expect(treeOf(cwd)).toEqual(before);
  });
});

describe('a folder counts as empty', () => {
  test.each([
    ['with nothing in it', []],
    ['with an empty repository', ['.git/']],
    ['with what systems leave behind', ['.DS_Store', 'Thumbs.db']],
  ])('%s', async (_, entries) => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, 'my-task'));
    for (const entry of entries) {
      if (entry.endsWith('/')) mkdirSync(join(cwd, 'my-task', entry));
      else writeFileSync(join(cwd, 'my-task', entry), '');
    }
    expect(await settled(['my-task'], cwd)).toMatchObject({ task: 'my-task' });
  });

  test('and with anything else it does not: exit 3', async () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, 'my-task'));
    writeFileSync(join(cwd, 'my-task', 'notes.txt'), '');
    expect(await refusal(['my-task'], cwd)).toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('notes.txt'),
    });
    expect(await settled(['my-task', '--force'], cwd)).toMatchObject({ task: 'my-task' });
  });
});

describe('the package manager', () => {
  const saved = process.env['npm_config_user_agent'];
  test.each([
    ['npm by default', {}, undefined, [], 'npm'],
    ['the one that runs this command', {}, 'pnpm/10.0.0 npm/? node/v26', [], 'pnpm'],
    ['a lock file above before that', { 'yarn.lock': '' }, 'pnpm/10.0.0', [], 'yarn'],
    ['packageManager above', { 'package.json': '{"packageManager":"bun@1.0.0"}' }, undefined, [], 'bun'],
    [
      'devEngines above',
      { 'package.json': '{"devEngines":{"packageManager":{"name":"pnpm"}}}' },
      undefined,
      [],
      'pnpm',
    ],
    ['--pm before all', { 'yarn.lock': '' }, 'pnpm/10.0.0', ['--pm', 'bun'], 'bun'],
  ])('is %s', async (_, files, agent, argv, expected) => {
    const cwd = freshFolder();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text as string);
    try {
      if (agent === undefined) delete process.env['npm_config_user_agent'];
      else process.env['npm_config_user_agent'] = agent;
      expect(await settled(['my-task', ...argv], cwd)).toMatchObject({ packageManager: expected });
    } finally {
      if (saved === undefined) delete process.env['npm_config_user_agent'];
      else process.env['npm_config_user_agent'] = saved;
    }
  });
});
