// `divvy undo`: what the last command wrote is taken back, to the byte, and what was edited since is kept.
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reversalOfLast } from '../../generators/change-set/reversal.ts';
import { survey } from '../../generators/change-set/survey.ts';
import { write } from '../../generators/change-set/write.ts';
import { Refusal } from '../../generators/terminal/refusal.ts';
import { createDivvyTask, freshFolder, treeOf } from './commands.ts';
import { divvyHere } from './in-process.ts';
import { projectWith } from './project.ts';

const undo = (cwd: string, ...argv: string[]) => divvyHere(['undo', ...argv], cwd);

/** Writes files, null for one that goes, as a command would; and the folders that go with them. */
function writeFiles(root: string, files: Record<string, string | null>, goneFolders: string[] = []): void {
  const wanted = Object.entries(files).map(([path, text]) => ({
    path,
    after: text === null ? undefined : Buffer.from(text),
  }));
  const { added, differing } = survey(root, wanted);
  write({ root, changes: [...added, ...differing], goneFolders }, 'divvy test');
}

/** What undo does, without the process. */
function undoHere(root: string): { kept: string[] } {
  const reversal = reversalOfLast(root);
  if (reversal === undefined) throw new Error('there is nothing to undo');
  write(reversal, 'divvy undo');
  return { kept: reversal.kept.map(({ path, reason }) => `${path}: ${reason}`) };
}

describe('the tree is as it was before', () => {
  test('create, with the folders above the project', async () => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, 'mine.txt'), 'mine');
    const before = treeOf(cwd);
    await createDivvyTask(['deep/er/nightly', '--yes', '--no-git'], { cwd });
    const { code, stdout, stderr } = await undo(join(cwd, 'deep/er/nightly'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /Undone: \d+ removed\.\nThe folder .*nightly is gone\.\nWhat was undone: create-divvy-task deep/,
    );
    expect(treeOf(cwd)).toEqual(before);
  });

  test('create into a folder with files, some of them overwritten', async () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, 'nightly/tasks'), { recursive: true });
    writeFileSync(join(cwd, 'nightly/README.md'), 'mine\r\n', { mode: 0o600 });
    const before = treeOf(cwd);
    const argv = ['nightly', '--yes', '--no-git', '--force', '--on-conflict', 'overwrite'];
    expect(await createDivvyTask(argv, { cwd })).toMatchObject({ code: 0 });
    expect(await undo(join(cwd, 'nightly'))).toMatchObject({ code: 0, stderr: '' });
    expect(treeOf(cwd)).toEqual(before);
  });

  test('hook add and hook remove, from a folder of the project', async () => {
    const cwd = projectWith();
    const first = treeOf(cwd, ['.divvy']);
    await divvyHere(['hook', 'add', 'beforeRun', 'key'], cwd);
    const second = treeOf(cwd, ['.divvy']);
    await divvyHere(['hook', 'remove', 'key'], cwd);
    const { code, stdout } = await undo(join(cwd, 'tasks'));
    expect(code).toBe(0);
    expect(stdout).toContain('Undone: 2 files restored.\n  edit       tasks/nightly.ts\n');
    expect(stdout).toContain('What was undone: divvy hook remove key');
    expect(treeOf(cwd, ['.divvy'])).toEqual(second);
    // Only the last command is known; what it was made of is not taken back a second time.
    expect(await undo(cwd)).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Nothing to undo') });
    expect(treeOf(cwd, ['.divvy'])).toEqual(second);
    expect(second).not.toEqual(first);
  });

  test('files and folders that went are there again, with their modes', () => {
    const root = freshFolder();
    mkdirSync(join(root, 'a/b'), { recursive: true });
    writeFileSync(join(root, 'a/b/gone'), 'gone', { mode: 0o640 });
    writeFileSync(join(root, 'edited'), 'old', { mode: 0o755 });
    const before = treeOf(root);
    writeFiles(root, { 'a/b/gone': null, edited: 'new', 'c/new': 'new' }, ['a/b', 'a']);
    expect(Object.keys(treeOf(root, ['.divvy']))).toEqual(['c/', 'c/new', 'edited']);
    expect(undoHere(root)).toEqual({ kept: [] });
    expect(treeOf(root)).toEqual(before);
  });
});

describe('what is there since is kept, and named:', () => {
  const made = () => {
    const root = freshFolder();
    mkdirSync(join(root, 'a'));
    for (const name of ['edited', 'a/gone']) writeFileSync(join(root, name), 'old');
    writeFiles(root, { edited: 'new', 'a/gone': null, 'b/added': 'new' }, ['a']);
    return root;
  };

  test.each([
    ['an edited file', 'edited: it was edited since', (root: string) => appendFileSync(join(root, 'edited'), '!')],
    ['a removed one', 'edited: it was removed since', (root: string) => rmSync(join(root, 'edited'))],
    [
      'an added one that was edited',
      'b/added: it was edited since',
      (root: string) => appendFileSync(join(root, 'b/added'), '!'),
    ],
    [
      'one in the place of one that went',
      'a/gone: another one is there now',
      (root: string) => {
        mkdirSync(join(root, 'a'));
        writeFileSync(join(root, 'a/gone'), 'mine');
      },
    ],
    [
      'a file in the place of its folder',
      'a/gone: what is on the way to it is no folder now',
      (root: string) => writeFileSync(join(root, 'a'), 'mine'),
    ],
    [
      'a link in the place of a file',
      'edited: something other than a file is there now',
      (root: string) => {
        rmSync(join(root, 'edited'));
        symlinkSync('b/added', join(root, 'edited'));
      },
    ],
  ])('%s', (_, kept, since) => {
    const root = made();
    since(root);
    const before = treeOf(root, ['.divvy']);
    expect(undoHere(root)).toEqual({ kept: [kept] });
    const path = kept.split(':')[0] ?? '';
    expect(treeOf(root, ['.divvy'])[path]).toBe(before[path]);
  });

  test('the rest is taken back; and that too once it is put right', async () => {
    const cwd = projectWith();
    const before = treeOf(cwd);
    await divvyHere(['hook', 'add', 'key'], cwd);
    const file = join(cwd, 'tasks/nightly.ts');
    const added = readFileSync(file);
    appendFileSync(file, '// Mine.\n');
    const { code, stdout, stderr } = await undo(cwd, '--json');
    expect(code).toBe(3);
    expect(stderr).toContain('error: left as it is:\n  tasks/nightly.ts: it was edited since\n');
    expect(JSON.parse(stdout)).toMatchObject({
      written: true,
      undone: 'divvy hook add key',
      files: [{ path: 'divvy.lock.json', action: 'edit' }],
      kept: [{ path: 'tasks/nightly.ts', reason: 'it was edited since' }],
    });
    expect(treeOf(cwd)['divvy.lock.json']).toBe(before['divvy.lock.json']);
    writeFileSync(file, added);
    expect(await undo(cwd)).toMatchObject({ code: 0, stderr: '' });
    expect(treeOf(cwd)).toEqual(before);
  });

  test('what the command had not written stays in the folder that it had made, and is named', async () => {
    const cwd = freshFolder();
    await createDivvyTask(['nightly', '--yes'], { cwd });
    mkdirSync(join(cwd, 'nightly/.divvy/nightly'));
    const { code, stdout } = await undo(join(cwd, 'nightly'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/The folder .*nightly stays: there is still \.divvy, \.git in it\./);
    expect(Object.keys(treeOf(join(cwd, 'nightly')))).toEqual(['.divvy/', '.divvy/.gitignore', '.divvy/nightly/']);
  });

  test('a mode that was changed since stays', () => {
    const root = freshFolder();
    writeFileSync(join(root, 'edited'), 'old', { mode: 0o644 });
    writeFiles(root, { edited: 'new' });
    chmodSync(join(root, 'edited'), 0o700);
    undoHere(root);
    expect(treeOf(root)).toEqual({ edited: '700 old' });
  });
});

test.each([[['--dry-run']], [['--diff']], [['--json', '--diff']]])('with %j nothing is written', async (flags) => {
  const cwd = projectWith();
  await divvyHere(['hook', 'add', 'key'], cwd);
  const before = treeOf(cwd);
  const { code, stdout } = await undo(cwd, ...flags);
  expect(code).toBe(0);
  expect(stdout).toContain('tasks/nightly.ts');
  expect(treeOf(cwd)).toEqual(before);
});

test('a command that was cut short is taken back, and not the one before it', async () => {
  const cwd = projectWith();
  await divvyHere(['hook', 'add', 'key'], cwd);
  // What is known of sums outlives the command: it does no harm.
  const before = treeOf(cwd, ['.divvy/left.sums']);
  await divvyHere(['hook', 'add', 'total'], cwd);
  // As if that command had been killed before its last step, with the record of the one before it still there.
  const last = join(cwd, '.divvy/last');
  cpSync(last, join(cwd, '.divvy/pending'), { recursive: true });
  rmSync(last, { recursive: true });
  mkdirSync(last);
  for (const [path, content] of Object.entries(before)) {
    const name = /^\.divvy\/last\/(.*[^/])$/.exec(path)?.[1];
    if (name?.includes('/')) mkdirSync(join(last, name, '..'), { recursive: true });
    if (name !== undefined) writeFileSync(join(last, name), content.slice(4), 'latin1');
  }
  const cut = treeOf(cwd);
  expect((await undo(cwd, '--dry-run')).stdout).toContain('would be taken back:\n  divvy hook add total\n');
  expect(treeOf(cwd)).toEqual(cut);
  const { code, stdout } = await undo(cwd);
  expect(code).toBe(0);
  expect(stdout).toMatch(/was cut short here, and has been taken back:\n {2}divvy hook add total\nNothing else was/);
  expect(treeOf(cwd, ['.divvy/left.sums'])).toEqual(before);
});

describe('a record that came with somebody else’s repository', () => {
  const sum = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const change = { path: 'a', before: null, after: { sha256: sum } };
  const record = { version: 1, command: 'x', madeAbove: 0, madeFolders: [], goneFolders: [], changes: [change] };
  const planted = (text: unknown) => {
    const folder = freshFolder();
    const root = join(folder, 'project');
    mkdirSync(join(root, '.divvy/last/before'), { recursive: true });
    writeFileSync(join(root, '.divvy/last/record'), JSON.stringify(text));
    writeFileSync(join(folder, 'outside'), '');
    writeFileSync(join(root, 'a'), '');
    return root;
  };

  test.each([
    ['removes a file outside', { ...record, changes: [{ ...change, path: '../outside' }] }],
    ['removes git’s', { ...record, changes: [{ ...change, path: '.git/config' }] }],
    ['removes a folder outside', { ...record, madeFolders: ['../empty'] }],
    ['makes one', { ...record, goneFolders: ['../new'] }],
    [
      'has a copy elsewhere',
      { ...record, changes: [{ ...change, before: { sha256: sum, mode: 420, file: '../../x' } }] },
    ],
    [
      'has a copy that is not there',
      { ...record, changes: [{ ...change, before: { sha256: sum, mode: 420, file: '0' } }] },
    ],
    [
      'has a mode that is none',
      { ...record, changes: [{ ...change, before: { sha256: sum, mode: 0o4755, file: '0' } }] },
    ],
    ['is none', { hello: 'there' }],
  ])('and %s is refused, and nothing is touched', (_, text) => {
    const root = planted(text);
    const before = treeOf(join(root, '..'));
    expect(() => undoHere(root)).toThrow(Refusal);
    expect(treeOf(join(root, '..'))).toEqual(before);
  });

  test('and has escape sequences in it cannot play with the terminal', async () => {
    const root = planted({ ...record, command: '\u001b[2J\u202e' });
    const { stdout } = await undo(root);
    expect(stdout).toContain('\\u001b[2J\\u202e');
  });

  test('and names folders above as made removes only empty ones', () => {
    const root = planted({ ...record, madeAbove: 9 });
    undoHere(root);
    expect(treeOf(join(root, '..'))).toEqual({ outside: '644 ' });
  });
});

test('where nothing was written there is nothing to do, and no project is needed', async () => {
  const cwd = freshFolder();
  expect(await undo(cwd)).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Nothing to undo') });
  expect(JSON.parse((await undo(cwd, '--json')).stdout)).toMatchObject({ written: false, undone: null });
});
