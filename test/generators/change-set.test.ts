// Every way in which a change set could write where it must not, or write a part of itself.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { recover } from '../../generators/change-set/recovery.ts';
import { realRoot, survey } from '../../generators/change-set/survey.ts';
import { write } from '../../generators/change-set/write.ts';
import { Refusal } from '../../generators/terminal/refusal.ts';
import { freshFolder, treeOf } from './commands.ts';

const wanted = (path: string, text = 'new') => ({ path, after: Buffer.from(text) });

function refusal(act: () => unknown): Refusal {
  try {
    act();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** Surveys and writes files over whatever is there. */
function writeAll(root: string, files: ReturnType<typeof wanted>[]): void {
  const { added, differing } = survey(root, files);
  write({ root, changes: [...added, ...differing] }, 'a test');
}

describe('a path is refused, and nothing is written:', () => {
  test.each([
    '',
    '.',
    '..',
    '../outside',
    'a/../../outside',
    'a/./b',
    'a//b',
    '/etc/passwd',
    'a\\b',
    '..\\outside',
    'C:/windows',
    'c:x',
    'a\0b',
    'a\nb',
    'a:stream',
    'what?',
    '.git/hooks/pre-commit',
    '.GIT/config',
    'a/.git/config',
    '.git./config',
    '.git /config',
    'git~1/config',
    '.g\u200cit/config',
    '.ｇｉｔ/config',
    'node_modules/x/index.js',
    'Node_Modules/x',
    '.divvy/last/record',
    'con',
    'a/NUL.txt',
    'com1.ts',
    'a.',
    'a /b',
    'x'.repeat(256),
    'ü'.repeat(128),
  ])('%j', (path) => {
    const root = join(freshFolder(), 'project');
    expect(refusal(() => survey(root, [wanted('fine'), wanted(path)])).exitCode).toBe(3);
    expect(existsSync(root)).toBe(false);
  });

  test.each([
    [['README.md', 'readme.md']],
    [['a/b', 'A/b']],
    [['\u00fc.txt', 'u\u0308.txt']],
    [['straße', 'STRASSE']],
    [['a', 'a/b']],
    [['x', 'x']],
  ])('%j beside each other', (paths) => {
    const root = freshFolder();
    const refused = refusal(() =>
      survey(
        root,
        paths.map((path) => wanted(path)),
      ),
    );
    expect(refused.exitCode).toBe(3);
    expect(treeOf(root)).toEqual({});
  });
});

describe('what is there on the disk is a reason to refuse:', () => {
  test.each([
    ['a symbolic link in the way', (root: string) => symlinkSync('../outside', join(root, 'a'))],
    ['a symbolic link in the way, to a folder inside', (root: string) => symlinkSync('b', join(root, 'a'))],
    ['a symbolic link as the file', (root: string) => linkAs(root, 'a/file', '../../outside/file')],
    ['a dangling link as the file', (root: string) => linkAs(root, 'a/file', 'nowhere')],
    ['a file where a folder has to be', (root: string) => writeFileSync(join(root, 'a'), '')],
    ['a folder where the file has to be', (root: string) => mkdirSync(join(root, 'a/file'), { recursive: true })],
    ['the same name in another case', (root: string) => linkless(root, 'A/FILE')],
    ['the same file in another case', (root: string) => linkless(root, 'a/FILE')],
  ])('%s', (what, prepare) => {
    const folder = freshFolder();
    const root = join(folder, 'project');
    mkdirSync(join(root, 'b'), { recursive: true });
    mkdirSync(join(folder, 'outside'));
    writeFileSync(join(folder, 'outside/file'), 'theirs');
    prepare(root);
    const before = treeOf(folder);
    const { exitCode, message } = refusal(() => survey(root, [wanted('fine'), wanted('a/file')]));
    expect(exitCode).toBe(3);
    expect(message).toMatch(/link/.test(what) ? /is a symbolic link/ : /not a folder|other than a file|same name/);
    expect(treeOf(folder)).toEqual(before);
  });

  const linkAs = (root: string, path: string, target: string) => {
    mkdirSync(join(root, 'a'));
    symlinkSync(target, join(root, path));
  };
  const linkless = (root: string, path: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), 'theirs');
  };
});

describe('a change between the survey and the write is noticed, and all is as it was then:', () => {
  test.each([
    ['a file was saved', (root: string) => writeFileSync(join(root, 'old'), 'saved meanwhile')],
    ['a file has come', (root: string) => writeFileSync(join(root, 'new'), 'came meanwhile')],
    ['a file has gone', (root: string) => rmSync(join(root, 'old'))],
    ['a file was saved as it is to be', (root: string) => writeFileSync(join(root, 'old'), 'new')],
    ['a file has come as it is to be', (root: string) => writeFileSync(join(root, 'new'), 'new')],
    [
      'a folder has become a link',
      (root: string) => {
        renameSync(join(root, 'a'), join(root, '..', 'moved'));
        symlinkSync('../moved', join(root, 'a'));
      },
    ],
  ])('%s', (_, meanwhile) => {
    const root = join(freshFolder(), 'project');
    mkdirSync(join(root, 'a'), { recursive: true });
    writeFileSync(join(root, 'old'), 'old');
    const { added, differing } = survey(root, [wanted('first'), wanted('old'), wanted('new'), wanted('a/file')]);
    meanwhile(root);
    const before = treeOf(join(root, '..'));
    const refused = refusal(() => write({ root, changes: [...added, ...differing] }, 'a test'));
    expect([1, 3]).toContain(refused.exitCode);
    expect(treeOf(join(root, '..'))).toEqual(before);
  });
});

test('a file that is no longer what the new one was made of is refused, unless it is as it is to be', () => {
  const root = freshFolder();
  const file = { ...wanted('a'), from: Buffer.from('old') };
  expect(refusal(() => survey(root, [file])).message).toContain('it was changed while this command ran');
  writeFileSync(join(root, 'a'), 'saved meanwhile');
  expect(refusal(() => survey(root, [file])).message).toContain('it was changed while this command ran');
  writeFileSync(join(root, 'a'), 'old');
  expect(survey(root, [file]).differing).toHaveLength(1);
  writeFileSync(join(root, 'a'), 'new');
  expect(survey(root, [file]).unchanged).toHaveLength(1);
});

describe('a write', () => {
  test('keeps the mode of a file that it replaces, and the bytes that it had', () => {
    const root = freshFolder();
    writeFileSync(join(root, 'script'), 'old');
    chmodSync(join(root, 'script'), 0o750);
    writeAll(root, [wanted('script'), wanted('deep/er/file')]);
    expect(statSync(join(root, 'script')).mode & 0o777).toBe(0o750);
    expect(treeOf(root, ['.divvy'])).toEqual({
      'deep/': 'folder',
      'deep/er/': 'folder',
      'deep/er/file': '644 new',
      script: '750 new',
    });
    expect(treeOf(join(root, '.divvy/last/before'))).toEqual({ '1': '644 old' });
    expect(readFileSync(join(root, '.divvy/.gitignore'), 'utf8')).toBe('*\n');
  });

  test('keeps the owner of a file that it replaces, as far as it may', () => {
    const root = freshFolder();
    writeFileSync(join(root, 'theirs'), 'old');
    // Only root can give a file away; for anybody else this changes nothing.
    const isRoot = process.getuid?.() === 0;
    const { uid, gid } = isRoot ? { uid: 12345, gid: 23456 } : statSync(root);
    chownSync(join(root, 'theirs'), uid, gid);
    writeAll(root, [wanted('theirs')]);
    expect(statSync(join(root, 'theirs'))).toMatchObject({ uid, gid });
  });

  test('of nothing touches nothing', () => {
    const root = join(freshFolder(), 'project');
    write({ root, changes: [] }, 'a test');
    expect(existsSync(root)).toBe(false);
  });

  test('that fails in the middle leaves no trace, not even the folders that it made', () => {
    const folder = freshFolder();
    const root = join(folder, 'above/project');
    const { added } = survey(root, [wanted('a'), wanted('b/c')]);
    // A path that no survey lets through: making its folder fails.
    const changes = [...added, { ...wanted('a/below-a-file'), before: undefined }];
    const refused = refusal(() => write({ root, changes }, 'a test'));
    expect(refused.exitCode).toBe(1);
    expect(refused.message).toContain('"a');
    expect(treeOf(folder)).toEqual({});
  });

  test('while another process writes is refused, and leaves its record alone', () => {
    const root = freshFolder();
    mkdirSync(join(root, '.divvy/pending'), { recursive: true });
    writeFileSync(join(root, '.divvy/pending/pid'), String(process.ppid));
    const before = treeOf(root);
    expect(refusal(() => recover(root)).message).toContain(`process ${process.ppid}`);
    expect(refusal(() => writeAll(root, [wanted('a')])).message).toContain(`process ${process.ppid}`);
    expect(treeOf(root, ['.divvy/.gitignore'])).toEqual(before);
  });

  test('while another process comes to its end is refused, and leaves that alone', () => {
    const root = freshFolder();
    mkdirSync(join(root, '.divvy/done'), { recursive: true });
    writeFileSync(join(root, '.divvy/done/pid'), String(process.ppid));
    const before = treeOf(root);
    expect(refusal(() => writeAll(root, [wanted('a')])).message).toContain('another divvy command was writing here');
    expect(treeOf(root, ['.divvy/.gitignore'])).toEqual(before);
  });

  test('takes no folder away that is behind a link', () => {
    const folder = freshFolder();
    const root = join(folder, 'project');
    mkdirSync(root);
    mkdirSync(join(folder, 'outside/empty'), { recursive: true });
    symlinkSync('../outside', join(root, 'link'));
    const { added } = survey(root, [wanted('a')]);
    write({ root, changes: added, goneFolders: ['link/empty', 'link'] }, 'a test');
    expect(treeOf(folder, ['project/.divvy'])).toEqual({
      'outside/': 'folder',
      'outside/empty/': 'folder',
      'project/': 'folder',
      'project/a': '644 new',
      'project/link': '-> ../outside',
    });
  });

  test.each(['.divvy', '.divvy/pending', '.divvy/last'])('is refused where %s is a symbolic link', (link) => {
    const folder = freshFolder();
    const root = join(folder, 'project');
    mkdirSync(join(root, link, '..'), { recursive: true });
    mkdirSync(join(folder, 'outside'));
    symlinkSync(join(folder, 'outside'), join(root, link));
    refusal(() => {
      recover(root);
      writeAll(root, [wanted('a')]);
    });
    expect(treeOf(join(folder, 'outside'))).toEqual({});
    expect(existsSync(join(root, 'a'))).toBe(false);
  });
});

describe('what a process has left that is gone', () => {
  // No process has a number as large as this.
  const GONE = 2 ** 30;
  const left = (path: string, pid: number): string => {
    const root = freshFolder();
    mkdirSync(join(root, '.divvy', path), { recursive: true });
    writeFileSync(join(root, '.divvy/pending/pid'), String(GONE));
    writeFileSync(join(root, '.divvy', path, 'pid'), String(pid));
    return root;
  };

  test.each(['pending', 'pending/recovery', 'pending/recovery/recovery'])('is put right: %s', (path) => {
    const root = left(path, GONE);
    recover(root);
    expect(treeOf(root)).toEqual({});
  });

  test.each(['pending/recovery', 'pending/recovery/recovery'])('is left to the one that puts it right: %s', (path) => {
    const root = left(path, process.ppid);
    const before = treeOf(root);
    expect(refusal(() => recover(root)).message).toContain(`process ${process.ppid}`);
    expect(treeOf(root)).toEqual(before);
  });

  test('goes, where it lay aside; what another process has there stays', () => {
    const root = freshFolder();
    for (const pid of [GONE, process.ppid]) mkdirSync(join(root, `.divvy/aside.${pid}/before`), { recursive: true });
    recover(root);
    expect(Object.keys(treeOf(join(root, '.divvy')))).toEqual([
      `aside.${process.ppid}/`,
      `aside.${process.ppid}/before/`,
    ]);
  });
});

describe('a record that came with somebody else’s repository', () => {
  const plant = (root: string, record: unknown) => {
    mkdirSync(join(root, '.divvy/pending/before'), { recursive: true });
    writeFileSync(join(root, '.divvy/pending/record'), typeof record === 'string' ? record : JSON.stringify(record));
  };
  const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const change = (path: string) => ({ path, before: null, after: { sha256: EMPTY } });
  const record = { version: 1, command: 'x', madeAbove: 0, madeFolders: [], goneFolders: [], changes: [] };

  test.each([
    ['names a path outside', { ...record, changes: [change('../outside')] }],
    ['names a folder outside', { ...record, madeFolders: ['../empty'] }],
    ['is of another version', { ...record, version: 2 }],
    ['is no record', []],
    [
      'has a copy elsewhere',
      { ...record, changes: [{ ...change('a'), before: { sha256: '', mode: 420, file: '../../x' } }] },
    ],
    ['is no JSON', '{'],
  ])('and %s deletes nothing, and says what to do', (_, planted) => {
    const folder = freshFolder();
    const root = join(folder, 'project');
    mkdirSync(join(folder, 'empty'));
    mkdirSync(root);
    writeFileSync(join(folder, 'outside'), '');
    symlinkSync('..', join(root, 'link'));
    plant(root, planted);
    const before = treeOf(folder);
    const { exitCode, remedy } = refusal(() => recover(root));
    expect(exitCode).toBe(1);
    expect(remedy).not.toBe('');
    expect(treeOf(folder)).toEqual(before);
  });

  test('and goes through a link is taken away, and what is behind the link stays', () => {
    const folder = freshFolder();
    const root = join(folder, 'project');
    mkdirSync(root);
    mkdirSync(join(folder, 'empty'));
    writeFileSync(join(folder, 'outside'), '');
    symlinkSync('..', join(root, 'link'));
    const before = treeOf(folder);
    plant(root, { ...record, madeFolders: ['link/empty'], changes: [change('link/outside')] });
    expect(recover(root)).toBe('x');
    expect(treeOf(folder, ['project/.divvy'])).toEqual(before);
  });

  test('and whose copy is not the bytes that it names replaces nothing', () => {
    const root = freshFolder();
    writeFileSync(join(root, 'a'), '');
    plant(root, {
      ...record,
      changes: [{ ...change('a'), before: { sha256: '0'.repeat(64), mode: 0o644, file: '0' } }],
    });
    writeFileSync(join(root, '.divvy/pending/before/0'), 'something else');
    expect(refusal(() => recover(root)).message).toContain('not whole');
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('');
  });

  test('and whose copy is a link to a secret brings nothing of it in', () => {
    const folder = freshFolder();
    const root = join(folder, 'project');
    mkdirSync(root);
    writeFileSync(join(folder, 'secret'), 'secret');
    writeFileSync(join(root, 'a'), '');
    const before = { sha256: '0'.repeat(64), mode: 0o644, file: '0' };
    plant(root, { ...record, changes: [{ ...change('a'), before }] });
    symlinkSync('../../../../secret', join(root, '.divvy/pending/before/0'));
    refusal(() => recover(root));
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('');
  });
});

test('the root is real: links that lead to it are followed once, and none is inside it', () => {
  const folder = freshFolder();
  mkdirSync(join(folder, 'real'));
  symlinkSync('real', join(folder, 'link'));
  expect(realRoot(join(folder, 'link/a/b'))).toBe(join(folder, 'real/a/b'));
});
