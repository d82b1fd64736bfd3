// `--plan` and `divvy apply`: a plan does what the command would have done, once, and nothing that a plan may not.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createDivvyTask, divvy, freshFolder, treeOf } from './commands.ts';
import { divvyHere } from './in-process.ts';
import { commitAll, git, projectWith } from './project.ts';

const withoutRecord = (cwd: string, ...leave: string[]) => treeOf(cwd, ['.divvy', ...leave]);
const apply = (cwd: string, ...argv: string[]) => divvyHere(['apply', ...argv], cwd);
const planOf = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

describe('a plan', () => {
  test('of create makes what create makes, in the folder that it names, and can be undone', async () => {
    const cwd = freshFolder();
    const argv = ['my/nightly', '--yes', '--no-git', '--hooks', 'key'];
    const planned = await createDivvyTask([...argv, '--plan', 'plan.json'], { cwd });
    expect(planned).toMatchObject({ code: 0, stderr: '' });
    expect(planned.stdout).toContain('To carry it out:\n  divvy apply plan.json');
    expect(Object.keys(treeOf(cwd))).toEqual(['plan.json']);
    expect(planOf(join(cwd, 'plan.json'))).toMatchObject({ planVersion: 1, in: { folder: 'my/nightly' } });

    const other = freshFolder();
    await createDivvyTask(argv, { cwd: other });
    expect(await apply(cwd, 'plan.json')).toMatchObject({ code: 0, stderr: '' });
    expect(treeOf(cwd, ['plan.json', 'my/nightly/.divvy'])).toEqual(treeOf(other, ['my/nightly/.divvy']));
    expect(await divvyHere(['undo'], join(cwd, 'my/nightly'))).toMatchObject({ code: 0, stderr: '' });
    expect(Object.keys(treeOf(cwd))).toEqual(['plan.json']);
  });

  test('of create elsewhere says where it is to be applied', async () => {
    const folder = freshFolder();
    const cwd = join(folder, 'here');
    mkdirSync(cwd);
    const { stdout } = await createDivvyTask(['../nightly', '--yes', '--no-git', '--plan', 'plan.json', '--json'], {
      cwd,
    });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ written: false, plan: join(cwd, 'plan.json') });
    expect(result.apply).toBe(`divvy apply -C ${folder} ${cwd}/plan.json`);
    expect(await apply('/', ...result.apply.split(' ').slice(2))).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(folder, 'nightly/divvy.json'))).toBe(true);
  });

  test('of create settles conflicts, or is refused', async () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, 'nightly'));
    writeFileSync(join(cwd, 'nightly/README.md'), 'mine');
    const argv = ['nightly', '--yes', '--no-git', '--force', '--plan', 'plan.json'];
    expect(await createDivvyTask(argv, { cwd })).toMatchObject({ code: 3, stdout: '' });
    expect(existsSync(join(cwd, 'plan.json'))).toBe(false);
    expect(await createDivvyTask([...argv, '--on-conflict', 'skip'], { cwd })).toMatchObject({ code: 0 });
    await apply(cwd, 'plan.json');
    expect(readFileSync(join(cwd, 'nightly/README.md'), 'utf8')).toBe('mine');
    expect(existsSync(join(cwd, 'nightly/divvy.json'))).toBe(true);
  });

  test('of hook and of undo does what they would have done; twice is once', async () => {
    const [cwd, other] = [projectWith(), projectWith()];
    const before = withoutRecord(cwd);
    expect(await divvyHere(['hook', 'add', 'key', '--plan', 'plan.json'], join(cwd, 'tasks'))).toMatchObject({
      code: 0,
    });
    expect(withoutRecord(cwd, 'tasks/plan.json')).toEqual(before);
    await divvyHere(['hook', 'add', 'key'], other);
    expect(await apply(join(cwd, 'tasks'), 'plan.json')).toMatchObject({ code: 0, stderr: '' });
    const after = withoutRecord(cwd, 'tasks/plan.json');
    expect(after).toEqual(withoutRecord(other));
    const again = await apply(join(cwd, 'tasks'), 'plan.json');
    expect(again).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Nothing to do') });
    expect(withoutRecord(cwd, 'tasks/plan.json')).toEqual(after);

    expect(await divvyHere(['undo', '--plan', 'back.json'], cwd)).toMatchObject({ code: 0, stderr: '' });
    expect(await apply(cwd, 'back.json')).toMatchObject({ code: 0, stderr: '' });
    expect(withoutRecord(cwd, 'tasks/plan.json', 'back.json')).toEqual(before);
  });

  test('is refused where a file has changed since, and nothing is written', async () => {
    const cwd = projectWith();
    await divvyHere(['hook', 'add', 'key', '--plan', 'plan.json'], cwd);
    appendFileSync(join(cwd, 'tasks/nightly.ts'), '\n');
    const before = treeOf(cwd);
    const refused = await apply(cwd, 'plan.json');
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(refused.stderr).toContain('a file is no longer as the plan found it:\n  tasks/nightly.ts\n');
    expect(treeOf(cwd)).toEqual(before);
  });

  test('is refused where git does not have a file as it is, without --allow-dirty', async () => {
    const cwd = projectWith();
    commitAll(cwd);
    appendFileSync(join(cwd, 'tasks/nightly.ts'), '\n');
    expect(await divvyHere(['hook', 'add', 'key', '--plan', 'p.json', '--allow-dirty'], cwd)).toMatchObject({
      code: 0,
    });
    expect(await apply(cwd, 'p.json')).toMatchObject({ code: 5, stdout: '' });
    expect(await apply(cwd, 'p.json', '--allow-dirty')).toMatchObject({ code: 0 });
    expect(git(cwd, 'status', '--porcelain')).toContain('tasks/nightly.ts');
  });

  test('is applied where what git does not have is divvy’s own, the lock among it', async () => {
    const cwd = projectWith();
    commitAll(cwd);
    expect(await divvyHere(['hook', 'add', 'key'], cwd)).toMatchObject({ code: 0 });
    expect(await divvyHere(['hook', 'add', 'total', '--plan', 'p.json'], cwd)).toMatchObject({ code: 0 });
    expect(await apply(cwd, 'p.json')).toMatchObject({ code: 0, stderr: '' });
  });

  test('can be looked at', async () => {
    const cwd = projectWith();
    await divvyHere(['hook', 'add', 'key', '--plan', 'plan.json'], cwd);
    const before = treeOf(cwd);
    expect((await apply(cwd, 'plan.json', '--diff')).stdout).toContain('\n+  key(item: number): string {\n');
    expect((await apply(cwd, 'plan.json', '--dry-run')).stdout).toContain('edit       tasks/nightly.ts');
    expect(JSON.parse((await apply(cwd, 'plan.json', '--dry-run', '--json')).stdout)).toMatchObject({
      command: 'apply',
      written: false,
      planned: 'divvy hook add key --plan plan.json',
      files: [{ path: 'tasks/nightly.ts' }, { path: 'divvy.lock.json' }],
    });
    expect(treeOf(cwd)).toEqual(before);
  });

  test('whose name could be a flag is named so that it is none', async () => {
    const cwd = projectWith();
    const { stdout } = await divvy(['hook', 'add', 'key', '--plan=-p.json'], { cwd });
    expect(stdout).toContain('To carry it out:\n  divvy apply ./-p.json\n');
    expect(await apply(cwd, './-p.json')).toMatchObject({ code: 0, stderr: '' });
  });

  test('does not take the place of another file; the same plan again is fine', async () => {
    const cwd = projectWith();
    expect(await divvyHere(['hook', 'add', 'key', '--plan', 'divvy.json'], cwd)).toMatchObject({ code: 3, stdout: '' });
    for (let time = 0; time < 2; time++) {
      expect(await divvyHere(['hook', 'add', 'key', '--plan', 'plan.json'], cwd)).toMatchObject({ code: 0 });
    }
    expect(await divvyHere(['hook', 'add', 'total', '--plan', 'plan.json'], cwd)).toMatchObject({ code: 3 });
    expect(await divvyHere(['hook', 'add', 'key', '--plan', 'no/where.json'], cwd)).toMatchObject({ code: 1 });
  });
});

describe('a hostile plan is refused, and nothing is written:', () => {
  const good = { path: 'a', before: null, after: { text: 'x' } };
  const plan = { planVersion: 1, divvy: '0', command: 'x', in: { folder: '.' }, goneFolders: [], changes: [good] };
  const withPath = (path: string) => ({ ...plan, changes: [good, { ...good, path }] });
  const inFolder = (folder: string) => ({ ...plan, in: { folder } });

  test.each<[string, unknown]>([
    ...[
      '../outside',
      '/etc/x',
      'a/../../x',
      'C:/x',
      'a\\..\\x',
      '.git/hooks/pre-commit',
      '.GIT/x',
      'node_modules/x/i.js',
    ].map((path): [string, unknown] => [`path ${path}`, withPath(path)]),
    ...['.divvy/last/record', 'a\0b', 'link/x', 'dangling', 'A', 'a/b', 'x'.repeat(300), ''].map(
      (path): [string, unknown] => [`path ${JSON.stringify(path).slice(0, 40)}`, withPath(path)],
    ),
    ...['..', '../..', '/tmp', 'link', 'link/deep', 'file', '.git', '', 'a/..'].map((folder): [string, unknown] => [
      `folder ${JSON.stringify(folder)}`,
      inFolder(folder),
    ]),
    ['a folder to remove that is outside', { ...plan, goneFolders: ['../empty'] }],
    ['the same path twice', withPath('a')],
    ['a mode with setuid', { ...plan, changes: [{ ...good, after: { text: 'x', mode: 0o4755 } }] }],
    ['content that is no base64', { ...plan, changes: [{ ...good, after: { base64: '%%%' } }] }],
    ['two contents', { ...plan, changes: [{ ...good, after: { base64: '', text: '' } }] }],
    ['an unknown key', { ...plan, run: 'rm -rf /' }],
    ['an unknown key of a change', { ...plan, changes: [{ ...good, link: '/etc/passwd' }] }],
    ['another version', { ...plan, planVersion: 2 }],
    ['a key __proto__', JSON.parse(`{ "__proto__": {}, ${JSON.stringify(plan).slice(1)}`)],
    ['no object', []],
    ['no JSON', 'x'],
    ['deep nesting', '['.repeat(200_000)],
  ])('%s', async (_, text) => {
    const folder = freshFolder();
    const cwd = join(folder, 'project');
    mkdirSync(join(folder, 'empty'));
    mkdirSync(join(folder, 'outside/deep'), { recursive: true });
    mkdirSync(cwd);
    writeFileSync(join(cwd, 'file'), '');
    symlinkSync('../outside', join(cwd, 'link'));
    symlinkSync('../nowhere', join(cwd, 'dangling'));
    writeFileSync(join(folder, 'plan.json'), typeof text === 'string' ? text : JSON.stringify(text));
    const before = treeOf(folder);
    const { code, stdout, stderr } = await apply(cwd, '../plan.json');
    expect([2, 3]).toContain(code);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: .+\n.+/);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(treeOf(folder)).toEqual(before);
  });

  test('a file that is too large, a folder, a pipe that nobody writes to', async () => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, 'large'), '');
    truncateSync(join(cwd, 'large'), 65 * 1024 * 1024);
    execFileSync('mkfifo', [join(cwd, 'pipe')]);
    mkdirSync(join(cwd, 'folder'));
    for (const [name, reason] of [
      ['large', '68157440 bytes'],
      ['folder', 'it is not a file'],
      ['pipe', 'it is not a file'],
      ['nowhere', 'ENOENT'],
    ] as const) {
      const refused = await apply(cwd, name);
      expect(refused).toMatchObject({ code: 2, stdout: '' });
      expect(refused.stderr).toContain(reason);
    }
    rmSync(join(cwd, 'pipe'));
  });

  test('one that is none of these is applied', async () => {
    const cwd = freshFolder();
    const changes = [{ ...good, after: { base64: 'AP8=', mode: 0o700 } }];
    writeFileSync(join(cwd, 'plan.json'), JSON.stringify({ ...plan, in: { folder: 'new' }, changes }));
    expect(await apply(cwd, 'plan.json')).toMatchObject({ code: 0, stderr: '' });
    expect(treeOf(join(cwd, 'new'), ['.divvy'])).toEqual({ a: '700 \0\u00ff' });
  });
});
