// The questions, on a real terminal.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { needs } from '../needs.ts';
import { templateFolder } from './attacks/hostile.ts';
import { createDivvyTask, freshFolder, treeOf } from './commands.ts';
import { projectWith, TASK } from './project.ts';
import { session, shellSession } from './terminal-session.ts';

needs('tmux');

const FOLDER = 'Which folder should the project be in?';
const TEMPLATE = 'What should the task begin from?';
const HOOKS = 'Which hooks should be in the task?';

describe('Ctrl+C writes nothing, and is exit 1,', () => {
  test.each([
    ['at the folder', [FOLDER]],
    ['at the template', [FOLDER, TEMPLATE]],
    ['at the hooks', [FOLDER, TEMPLATE, HOOKS]],
  ])('%s', async (_, questions) => {
    const cwd = freshFolder();
    const terminal = session([], cwd);
    for (const [index, question] of questions.entries()) {
      await terminal.shows(question);
      terminal.keys(index === questions.length - 1 ? 'C-c' : 'Enter');
    }
    const screen = await terminal.shows('exit 1');
    expect(screen).toContain('error: cancelled: nothing was written');
    expect(treeOf(cwd)).toEqual({});
  });

  test('as does Ctrl+D, behind which nothing can be answered', async () => {
    const cwd = freshFolder();
    const terminal = session([], cwd);
    await terminal.shows(FOLDER);
    terminal.keys('C-d');
    expect(await terminal.shows('exit 1')).toContain('error: cancelled: nothing was written');
    expect(treeOf(cwd)).toEqual({});
  });

  test.each([
    ["at a template's own question", {}, 'Which table?'],
    ['at the question of trust', { dependencies: { 'csv-parse': '^7.0.0' } }, 'Do you trust it?'],
  ])('%s', async (_, more, question) => {
    const cwd = freshFolder();
    expect((await createDivvyTask(['template', 'new', 'backfill'], { cwd })).code).toBe(0);
    const manifest = join(cwd, 'backfill/divvy.template.json');
    writeFileSync(manifest, JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), ...more }));
    const before = treeOf(cwd);
    const terminal = session(['my-task', '-t', './backfill'], cwd);
    await terminal.shows(question);
    terminal.keys('C-c');
    expect(await terminal.shows('exit 1')).toContain('error: cancelled: nothing was written');
    expect(treeOf(cwd)).toEqual(before);
  });

  test('at a file that exists and differs', async () => {
    const cwd = freshFolder();
    await createDivvyTask(['my-task', '--no-git'], { cwd });
    writeFileSync(join(cwd, 'my-task/README.md'), 'mine');
    const before = treeOf(cwd);
    const terminal = session(['my-task', '-t', 'basic', '--force'], cwd);
    await terminal.shows(HOOKS);
    terminal.keys('Enter');
    await terminal.shows('README.md exists and differs. What now?');
    terminal.keys('C-c');
    await terminal.shows('exit 1');
    expect(treeOf(cwd)).toEqual(before);
  });
});

test('Ctrl+Z gives the terminal back to the shell, and fg asks again', async () => {
  const cwd = freshFolder();
  const terminal = shellSession(['-t', 'basic', '--no-git'], cwd);
  await terminal.shows(FOLDER);
  for (const round of ['first', 'second']) {
    terminal.keys('C-z');
    await terminal.shows(/Stopped|Suspended/);
    terminal.types(`clear; stty -a | grep -o '.icanon'; echo ${round}-''time`);
    terminal.keys('Enter');
    expect(await terminal.shows(`${round}-time`)).toMatch(/ icanon/);
    terminal.types('clear; fg');
    terminal.keys('Enter');
    await terminal.shows(FOLDER);
  }
  terminal.types('my-party');
  terminal.keys('Enter');
  await terminal.shows(HOOKS);
  terminal.keys('Enter');
  await terminal.shows('exit 0');
  expect(readdirSync(cwd)).toEqual(['my-party']);
});

test('Ctrl+Z where no shell could have it go on only asks again', async () => {
  const cwd = freshFolder();
  const terminal = session(['-t', 'basic', '--no-git'], cwd);
  await terminal.shows(FOLDER);
  terminal.keys('C-z');
  await terminal.shows(/Which folder[\s\S]*Which folder/);
  terminal.keys('Enter');
  await terminal.shows(HOOKS);
  terminal.keys('Enter');
  await terminal.shows('exit 0');
});

test('what is answered is what is made, as the replay makes it', async () => {
  const cwd = freshFolder();
  const terminal = session([], cwd);
  await terminal.shows(FOLDER);
  terminal.types('My Party');
  terminal.keys('Enter');
  await terminal.shows('Try my-party.');
  terminal.keys('C-u');
  terminal.types('my-party');
  terminal.keys('Enter');
  await terminal.shows(TEMPLATE);
  terminal.keys('Down', 'Enter');
  await terminal.shows(HOOKS);
  terminal.keys('Down', 'Space', 'Enter');
  const screen = await terminal.shows('exit 0');
  expect(screen).toContain('Created my-party: ');
  const replay = /create-divvy-task@\S+ (.*)/.exec(screen)?.[1] ?? '';
  expect(replay.trim()).toBe('my-party --template dance-party --hooks beforeRun --yes');

  const again = freshFolder();
  expect((await createDivvyTask(replay.trim().split(' '), { cwd: again })).code).toBe(0);
  expect(treeOf(again, ['my-party/.divvy'])).toEqual(treeOf(cwd, ['my-party/.divvy']));
});

test('a folder that is not empty is an answer only with --force', async () => {
  const cwd = freshFolder();
  mkdirSync(join(cwd, 'full/own'), { recursive: true });
  writeFileSync(join(cwd, 'full/own/file'), 'mine');
  const refused = session(['-t', 'basic', '--no-git'], cwd);
  await refused.shows(FOLDER);
  refused.types('full');
  refused.keys('Enter');
  await refused.shows('that folder is not empty');
  const forced = session(['-t', 'basic', '--no-git', '--force'], cwd);
  await forced.shows(FOLDER);
  forced.types('full');
  forced.keys('Enter');
  await forced.shows(HOOKS);
  forced.keys('Enter');
  await forced.shows('exit 0');
  expect(readdirSync(join(cwd, 'full/own'))).toEqual(['file']);
});

test('each file that differs is asked about: one kept, one shown and overwritten', async () => {
  const cwd = freshFolder();
  await createDivvyTask(['my-task', '--no-git'], { cwd });
  for (const name of ['README.md', '.gitignore']) writeFileSync(join(cwd, 'my-task', name), 'mine');
  const terminal = session(['my-task', '-t', 'basic', '--force', '--no-git'], cwd);
  await terminal.shows(HOOKS);
  terminal.keys('Enter');
  await terminal.shows('README.md exists and differs. What now?');
  terminal.keys('Enter');
  await terminal.shows('.gitignore exists and differs. What now?');
  terminal.keys('Down', 'Down', 'Enter');
  await terminal.shows(/-mine\n[\s\S]*\+node_modules\/[\s\S]*\.gitignore exists and differs\. What now\?/);
  terminal.keys('Down', 'Enter');
  const screen = await terminal.shows('exit 0');
  expect(screen).toContain(
    'Of the files that differed some were kept and some were overwritten: no one command does that again.',
  );
  expect(readFileSync(join(cwd, 'my-task/README.md'), 'utf8')).toBe('mine');
  expect(readFileSync(join(cwd, 'my-task/.gitignore'), 'utf8')).toBe('node_modules/\n');
});

describe('on a terminal nothing is asked', () => {
  test.each([
    ['with --yes', ['my-task', '--yes'], {}],
    ['with --no-input', ['my-task', '--no-input'], {}],
    ['in a CI', ['my-task'], { CI: 'true' }],
    ['with --json', ['my-task', '--json'], {}],
  ])('%s', async (_, argv, env) => {
    const cwd = freshFolder();
    await session([...argv, '--quiet'], cwd, env).shows('exit 0');
    expect(readdirSync(cwd)).toEqual(['my-task']);
  });
});

describe('a template that needs trust', () => {
  const asking = () =>
    templateFolder(
      {
        permissions: { write: ['docs/'] },
        prompts: [
          { name: 'token', type: 'text', message: 'Which token?', secret: true, default: 'usual', pattern: '.{5,}' },
          { name: 'mode', type: 'choice', message: 'Which mode?', choices: ['fast', 'slow'], default: 'slow' },
          { name: 'depth', type: 'number', message: 'How deep?', when: { mode: 'fast' } },
        ],
      },
      { 'docs/notes.txt': 'example-token example-mode' },
    );
  const TRUST = 'Do you trust it?';
  const argvOf = (template: string) => ['my-task', '-t', template, '--no-git', '--no-install'];

  test('is asked for: no is what it begins with, and writes nothing', async () => {
    const [cwd, config] = [freshFolder(), freshFolder()];
    const { shows, keys } = session(argvOf(asking()), cwd, { XDG_CONFIG_HOME: config });
    expect(await shows(TRUST)).toContain('write outside of tasks and tests: docs/');
    keys('Enter');
    expect(await shows('exit 1')).toContain('error: cancelled: nothing was written');
    expect([treeOf(cwd), treeOf(config)]).toEqual([{}, {}]);
  });

  test('is used after a yes, which is asked for once; what is secret is not shown, and nothing typed is its default', async () => {
    const [cwd, config, template] = [freshFolder(), freshFolder(), asking()];
    const first = session(argvOf(template), cwd, { XDG_CONFIG_HOME: config });
    await first.shows(TRUST);
    first.keys('Down', 'Enter');
    await first.shows('Which token?');
    first.types('hunter2');
    first.keys('Enter');
    await first.shows('Which mode?');
    first.keys('Enter');
    await first.shows(HOOKS);
    first.keys('Enter');
    expect(await first.shows('exit 0')).not.toContain('hunter2');
    expect(readFileSync(join(cwd, 'my-task/docs/notes.txt'), 'utf8')).toBe('hunter2 slow');

    const again = freshFolder();
    const second = session(argvOf(template), again, { XDG_CONFIG_HOME: config });
    expect(await second.shows('Which token?')).not.toContain(TRUST);
    second.keys('Enter');
    await second.shows('Which mode?');
    second.keys('Enter');
    await second.shows(HOOKS);
    second.keys('Enter');
    await second.shows('exit 0');
    expect(readFileSync(join(again, 'my-task/docs/notes.txt'), 'utf8')).toBe('usual slow');
  });
});

test('add asks for a name, and shows how to do it again without a question', async () => {
  const folderOf = () => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, 'package.json'), '{ "type": "module" }\n');
    return cwd;
  };
  const [cwd, again] = [folderOf(), folderOf()];
  const { shows, keys, types } = session(['add'], cwd);
  await shows('What should the task be called?');
  types('Nightly');
  keys('Enter');
  await shows('Try nightly.');
  keys('C-u');
  types('nightly');
  keys('Enter');
  await shows(TEMPLATE);
  keys('Enter');
  await shows(HOOKS);
  keys('Down', 'Space', 'Enter');
  const [, replay = ''] = /^ +divvy (add .*)$/m.exec(await shows('exit 0')) ?? [];
  expect(replay.trim()).toBe('add nightly --template basic --hooks beforeRun --pm npm --yes');
  expect((await createDivvyTask(replay.trim().split(' '), { cwd: again })).code).toBe(0);
  expect(treeOf(again, ['.divvy'])).toEqual(treeOf(cwd, ['.divvy']));
});

test('hook add asks which hooks, and of which task where there are several', async () => {
  const cwd = projectWith({ nightly: TASK, weekly: TASK });
  const { shows, keys } = session(['hook', 'add'], cwd);
  await shows('Which hooks do you want to add?');
  keys('Down', 'Space', 'Enter');
  await shows('Which task?');
  keys('Down', 'Enter');
  const screen = await shows('exit 0');
  expect(screen).toContain('Added a hook for you to fill in:\n  beforeRun  tasks/weekly.ts:13');
  expect(readFileSync(join(cwd, 'tasks/weekly.ts'), 'utf8')).toContain('beforeRun(');
  expect(readFileSync(join(cwd, 'tasks/nightly.ts'), 'utf8')).toBe(TASK);
});

describe('a name that is missing is asked for', () => {
  test('by remove, with the tasks that there are', async () => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, 'package.json'), '{ "type": "module" }\n');
    for (const task of ['nightly', 'weekly']) expect((await createDivvyTask(['add', task], { cwd })).code).toBe(0);
    const { shows, keys } = session(['remove'], cwd);
    expect(await shows('Which task do you want to remove?')).toMatch(/nightly[\s\S]*weekly/);
    keys('Down', 'Enter');
    expect(await shows('exit 0')).toContain('Removed weekly: ');
    expect(readdirSync(join(cwd, 'tasks')).filter((name) => /^(nightly|weekly)\.ts$/.test(name))).toEqual([
      'nightly.ts',
    ]);
    expect((await createDivvyTask(['undo'], { cwd })).stdout).toMatch(/What was undone: \S+ remove weekly\n/);
  });

  test('by template new', async () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, 'full/own'), { recursive: true });
    const { shows, keys, types } = session(['template', 'new'], cwd);
    await shows('Which folder should the template be in?');
    types('full');
    keys('Enter');
    await shows('that folder is not empty');
    keys('C-u');
    keys('Enter');
    expect(await shows('exit 0')).toContain('Created team-backfill: ');
    expect(readdirSync(cwd).sort()).toEqual(['full', 'team-backfill']);
  });

  test.each([[['remove']], [['template', 'new']]])('by %s, and with nobody to ask it is exit 2', async (argv) => {
    const cwd = projectWith();
    const before = treeOf(cwd);
    expect(await createDivvyTask(argv, { cwd })).toMatchObject({ code: 2, stdout: '' });
    expect(treeOf(cwd)).toEqual(before);
  });
});
