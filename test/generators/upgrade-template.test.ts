// `divvy upgrade --template`: a team's template has a newer version, and tasks were made from the older one.
import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageFolder, putFiles, taskText, textOf } from './attacks/hostile.ts';
import { createDivvyTask, divvy, type Ended, freshFolder, treeOf } from './commands.ts';
import { commitAll, git } from './project.ts';

const TEST = "import { test } from 'node:test';\n\ntest('nothing', () => {});\n";

interface Version {
  readonly version: string;
  readonly manifest?: object;
  readonly files?: Readonly<Record<string, string>>;
}

const first: Version = {
  version: '1.0.0',
  files: { 'tasks/example-task.ts': taskText('  // middle\n', '\n// Table example-table.\n') },
  manifest: { prompts: [{ name: 'table', type: 'name', message: 'Which table?' }] },
};

/** Writes a version of the template, whole, and commits it. Returns the source. */
function release(repository: string, { version, manifest = {}, files = {} }: Version): string {
  for (const path of Object.keys(treeOf(repository)).filter((path) => !path.endsWith('/')))
    unlinkSync(join(repository, path));
  const all = { 'tasks/example-task.ts': taskText(), 'test/example-task.test.ts': TEST, ...files };
  const text = { schemaVersion: 1, name: 'backfill', description: 'A backfill', version, ...manifest };
  putFiles(repository, {
    'divvy.template.json': JSON.stringify(text),
    ...Object.fromEntries(Object.entries(all).map(([path, each]) => [`files/${path}`, each])),
  });
  if (existsSync(join(repository, '.git'))) {
    git(repository, 'add', '--all');
    git(repository, 'commit', '--quiet', '--message', version);
  } else commitAll(repository);
  return `git+file://${repository}`;
}

/** A project with the task nightly, made from the first version by create, and the repository of the template. */
async function made(version: Version = first, ...more: string[]): Promise<{ cwd: string; repository: string }> {
  const repository = freshFolder();
  const source = release(repository, version);
  const cwd = join(freshFolder(), 'nightly');
  const answers = version.manifest === first.manifest ? ['-d', 'table=users'] : [];
  const argv = [cwd, '-t', source, '--yes', '--no-git', '--no-install', ...answers, ...more];
  const ended = await createDivvyTask(argv);
  expect(ended.code, ended.stderr).toBe(0);
  return { cwd, repository };
}

const upgrade = (cwd: string, ...more: string[]): Promise<Ended> => divvy(['upgrade', '--template', ...more], { cwd });

const withoutDivvy = (tree: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(tree).filter(([path]) => !path.startsWith('.divvy')));

const edit = (cwd: string, path: string, from: string, to: string): void => {
  const text = textOf(cwd, path);
  expect(text).toContain(from);
  writeFileSync(
    join(cwd, path),
    text.replace(from, () => to),
  );
};

const second: Version = {
  version: '1.1.0',
  manifest: {
    prompts: [
      { name: 'table', type: 'name', message: 'Which table?' },
      { name: 'size', type: 'number', message: 'How many?', default: 500 },
    ],
  },
  files: {
    'tasks/example-task.ts': taskText('  // middle\n', '\n// Table example-table, newer: "example-size".\n').replace(
      'yield 1;',
      "yield Number('example-size');",
    ),
    'tasks/words.txt': 'new in 1.1.0\n',
  },
};

test('an untouched task becomes what the newest version would make; only what is new is asked for', async () => {
  const { cwd, repository } = await made();
  release(repository, {
    ...second,
    files: {
      ...second.files,
      'tasks/example-task.ts': taskText('', '\n// Table example-table.\nexport const size = "example-size";\n'),
    },
  });
  const before = withoutDivvy(treeOf(cwd));
  expect(await upgrade(cwd, '--check')).toMatchObject({
    code: 10,
    stdout: expect.stringContaining('from backfill 1.0.0 to backfill 1.1.0'),
  });
  expect(await upgrade(cwd, '-d', 'size=7')).toMatchObject({ code: 0, stderr: '' });
  const fresh = join(freshFolder(), 'nightly');
  const argv = [fresh, '-t', `git+file://${repository}`, '-d', 'table=users', '-d', 'size=7', '--yes', '--no-git'];
  expect((await createDivvyTask(argv)).code).toBe(0);
  expect(withoutDivvy(treeOf(cwd))).toEqual(withoutDivvy(treeOf(fresh)));
  expect(await upgrade(cwd)).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
  expect(await upgrade(cwd, '--check')).toMatchObject({ code: 0 });
  expect((await divvy(['undo'], { cwd })).code).toBe(0);
  expect(withoutDivvy(treeOf(cwd))).toEqual(before);
});

test('edits of its owner are merged; a conflict leaves the task as it is until it is resolved', async () => {
  const { cwd, repository } = await made();
  release(repository, {
    ...second,
    files: { 'tasks/example-task.ts': taskText('  // middle\n', '\n// Newer, for example-table.\n') },
  });
  edit(cwd, 'tasks/nightly.ts', '// middle', '// mine');
  expect(await upgrade(cwd)).toMatchObject({ code: 0, stdout: expect.stringContaining('1 merged with your changes') });
  expect(textOf(cwd, 'tasks/nightly.ts')).toMatch(/Newer, for users\.[\s\S]*\/\/ mine/);

  release(repository, {
    version: '1.2.0',
    manifest: second.manifest ?? {},
    files: { 'tasks/example-task.ts': taskText('  // theirs\n', '\n// Newer, for example-table.\n') },
  });
  const before = withoutDivvy(treeOf(cwd));
  expect(await upgrade(cwd)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('by you and by backfill 1.2.0'),
  });
  expect(withoutDivvy(treeOf(cwd))).toEqual(before);
  // Meanwhile there is a version that this upgrade is not about.
  release(repository, {
    version: '1.3.0',
    manifest: second.manifest ?? {},
    files: { 'tasks/example-task.ts': taskText('  // even newer\n') },
  });
  const merged = '.divvy/upgrade/merged/tasks/nightly.ts';
  expect(textOf(cwd, merged)).toMatch(
    /<<<<<<< yours\n {2}\/\/ mine\n\|\|\|\|\|\|\| backfill 1\.1\.0\n[\s\S]*>>>>>>> backfill 1\.2\.0\n/,
  );
  writeFileSync(join(cwd, merged), textOf(cwd, merged).replace(/<<<<<<<[\s\S]*>>>>>>> .*\n/, '  // both\n'));
  expect(await divvy(['upgrade', '--continue'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  expect(textOf(cwd, 'tasks/nightly.ts')).toContain('// both');
  expect(textOf(cwd, 'divvy.lock.json')).toContain('"templateVersion":"1.2.0"');
  expect(existsSync(join(cwd, '.divvy/upgrade'))).toBe(false);
});

test('an answer that is new and has no default is missing where nobody can be asked', async () => {
  const { cwd, repository } = await made();
  const prompts = [
    { name: 'table', type: 'name', message: 'Which table?' },
    { name: 'owner', type: 'text', message: 'Whose?' },
  ];
  release(repository, { version: '2.0.0', manifest: { prompts } });
  const before = treeOf(cwd);
  expect(await upgrade(cwd)).toMatchObject({ code: 2, stderr: expect.stringContaining('--data owner=') });
  expect(treeOf(cwd)).toEqual(before);
  expect((await upgrade(cwd, '-d', 'owner=me')).code).toBe(0);
});

test('permissions that widen are asked for again', async () => {
  const home = freshFolder();
  const env = { XDG_CONFIG_HOME: home, HOME: home };
  const { cwd, repository } = await made();
  release(repository, { version: '2.0.0', manifest: { ...first.manifest, dependencies: { 'left-pad': '^1.3.0' } } });
  const before = treeOf(cwd);
  const argv = ['upgrade', '--template'];
  expect(await divvy(argv, { cwd, env })).toMatchObject({ code: 4, stderr: expect.stringContaining('left-pad') });
  expect(treeOf(cwd)).toEqual(before);
  expect((await divvy([...argv, '--trust'], { cwd, env })).code).toBe(0);
  expect(JSON.parse(textOf(cwd, 'package.json')).dependencies).toEqual({ 'left-pad': '^1.3.0' });
  expect((await divvy(['doctor'], { cwd })).code).toBe(0);
});

describe('packages and scripts', () => {
  const asks = (dependencies: object, scripts: object) => ({
    dependencies,
    permissions: { packageJson: { scripts } },
  });

  test('are renewed and taken out where they are as the template wrote them, and left where they are not', async () => {
    const version = (version: string, manifest: object): Version => ({ version, manifest, files: {} });
    const old = asks(
      { alpha: '^1.0.0', beta: '^1.0.0', gamma: '^1.0.0', delta: '^1.0.0' },
      { load: 'node load.js', drop: 'node drop.js' },
    );
    const now = asks(
      { alpha: '^2.0.0', beta: '^2.0.0', epsilon: '^1.0.0' },
      { load: 'node load.js --fast', more: 'node more.js' },
    );
    for (const isAdded of [false, true]) {
      const repository = freshFolder();
      const source = release(repository, version('1.0.0', old));
      const cwd = isAdded ? packageFolder() : join(freshFolder(), 'nightly');
      const making = ['-t', source, '--yes', '--trust', '--no-install'];
      const ended = isAdded
        ? await divvy(['add', 'nightly', ...making], { cwd })
        : await createDivvyTask([cwd, ...making, '--no-git']);
      expect(ended.code, ended.stderr).toBe(0);
      edit(cwd, 'package.json', '"beta": "^1.0.0"', '"beta": "1.2.3"');
      edit(cwd, 'package.json', '"delta": "^1.0.0"', '"delta": "1.0.7"');
      release(repository, version('2.0.0', now));
      const { code, stderr } = await upgrade(cwd, '--trust');
      expect(code, stderr).toBe(0);
      const { dependencies, scripts } = JSON.parse(textOf(cwd, 'package.json'));
      expect(dependencies).toEqual({ alpha: '^2.0.0', beta: '1.2.3', delta: '1.0.7', epsilon: '^1.0.0' });
      expect(scripts).toMatchObject({ load: 'node load.js --fast', more: 'node more.js' });
      expect(scripts).not.toHaveProperty('drop');
      expect(stderr).toContain(
        'dependencies.beta in package.json is yours, and stays: the template now wants "^2.0.0".',
      );
      expect(stderr).toContain(
        'dependencies.delta in package.json is yours, and stays: the template no longer needs it.',
      );
      // What divvy put in comes out again with the task.
      await divvy(['remove', 'nightly'], { cwd });
      if (isAdded) expect(JSON.parse(textOf(cwd, 'package.json')).dependencies).not.toHaveProperty('alpha');
    }
  });
});

test('a task in a CommonJS package, with hooks, from a folder in the same repository', async () => {
  const cwd = packageFolder({ 'package.json': '{\n  "name": "mine"\n}\n' });
  const templates = join(cwd, 'templates');
  const put = (middle: string, version: string) =>
    putFiles(templates, {
      'divvy.template.json': JSON.stringify({ schemaVersion: 1, name: 'ours', description: 'Ours', version }),
      'files/tasks/example-task.ts': taskText(middle),
      'files/test/example-task.test.ts': TEST,
    });
  put('  // one\n', '1.0.0');
  const added = await divvy(['add', 'nightly', '-t', './templates', '--hooks', 'beforeRun', '--yes'], { cwd });
  expect(added.code, added.stderr).toBe(0);
  commitAll(cwd);
  edit(cwd, 'tasks/nightly.mts', 'yield 1;', 'yield 2;');
  git(cwd, 'commit', '--quiet', '--all', '--message', 'mine');
  // The old version is in no place but in what git has of the task.
  put('  // two\n', '2.0.0');
  expect(await upgrade(cwd)).toMatchObject({ code: 0, stderr: '' });
  const text = textOf(cwd, 'tasks/nightly.mts');
  expect(text).toContain('// two');
  expect(text).toContain('yield 2;');
  expect(text).toContain('beforeRun');
  // The hook is still known to be divvy's.
  expect((await divvy(['hook', 'remove', 'beforeRun', '--allow-dirty'], { cwd })).code).toBe(0);
  expect(readFileSync(join(cwd, 'tasks/nightly.mts'), 'utf8')).not.toContain('beforeRun');
});

test.each([
  [['--template', 'other'], 'no task here was made from the template "other"', 'There are tasks from: backfill.'],
  [['--template', '--to', '0.2.0'], '--to is for the runtime', '--ref'],
  [['--template', '--ref', 'nowhere'], 'nowhere', ''],
])('%j is exit 2', async (more, message, remedy) => {
  const { cwd } = await made();
  const before = treeOf(cwd);
  const ended = await divvy(['upgrade', ...more], { cwd });
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  expect(ended.stderr).toContain(remedy);
  expect(treeOf(cwd)).toEqual(before);
});

test("a task from a template of this package is its owner's", async () => {
  const cwd = join(freshFolder(), 'nightly');
  await createDivvyTask([cwd, '--yes', '--no-git']);
  expect(await upgrade(cwd)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Templates of this package have no versions of their own'),
  });
});

describe('a file that several tasks have', () => {
  const shared = (text: string, version: string): Version => ({
    version,
    files: { 'tasks/shared.ts': `export const shared = '${text}';\n` },
  });

  test('of one template is renewed once, with all of them', async () => {
    const repository = freshFolder();
    const source = release(repository, shared('one', '1.0.0'));
    const cwd = packageFolder();
    for (const task of ['first', 'second'])
      expect((await divvy(['add', task, '-t', source, '--yes'], { cwd })).code).toBe(0);
    release(repository, shared('two', '2.0.0'));
    expect(await upgrade(cwd)).toMatchObject({ code: 0, stderr: '' });
    expect(textOf(cwd, 'tasks/shared.ts')).toContain('two');
    expect(await upgrade(cwd)).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
    release(repository, { version: '3.0.0' });
    expect((await upgrade(cwd)).code).toBe(0);
    expect(existsSync(join(cwd, 'tasks/shared.ts'))).toBe(false);
  });

  test('of two templates stays as it is, and a line says so', async () => {
    const [one, other] = [freshFolder(), freshFolder()];
    const cwd = packageFolder();
    for (const [task, repository] of [
      ['first', one],
      ['second', other],
    ] as const) {
      const source = release(repository, { ...shared('one', '1.0.0'), manifest: { name: task } });
      expect((await divvy(['add', task, '-t', source, '--yes'], { cwd })).code).toBe(0);
    }
    for (const version of [
      { ...shared('two', '2.0.0'), manifest: { name: 'first' } },
      { version: '3.0.0', manifest: { name: 'first' } },
    ]) {
      release(one, version);
      expect(await upgrade(cwd, 'first')).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('tasks/shared.ts belongs to other tasks too'),
      });
      expect(textOf(cwd, 'tasks/shared.ts')).toContain('one');
    }
    expect((await divvy(['remove', 'first'], { cwd })).code).toBe(0);
    expect(textOf(cwd, 'tasks/shared.ts')).toContain('one');
  });
});
