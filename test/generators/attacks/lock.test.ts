// A repository whose lock, or record, an enemy has written: remove and add believe none of it that divvy cannot have done.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lockToEdit } from '../../../generators/project/lock.ts';
import { Refusal } from '../../../generators/terminal/refusal.ts';
import { freshFolder, treeOf } from '../commands.ts';
import { divvyHere } from '../in-process.ts';
import { commitAll } from '../project.ts';
import { expectRefused, packageFolder, putFiles, textOf } from './hostile.ts';

const THEIRS = {
  'src/index.ts': 'export const precious = 1;\n',
  'docs/notes.md': 'precious\n',
  '.env': 'KEY=1\n',
  '.prettierignore': 'secret/\nvendor/divvy/mine\n',
  'tsconfig.json': '{\n  "exclude": ["dist"]\n}\n',
};
const PACKAGE = `${JSON.stringify(
  {
    name: 'mine',
    type: 'module',
    scripts: { build: 'tsc', test: 'vitest' },
    dependencies: { lodash: '^4.0.0' },
    overrides: { a: '1' },
  },
  null,
  2,
)}\n`;

const sum = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

/** Where a task has been added, and the lock says more than is so. */
async function added(lie: (lock: Record<string, never>, folder: string) => unknown): Promise<string> {
  const cwd = packageFolder({ ...THEIRS, 'package.json': PACKAGE });
  const { code, stderr } = await divvyHere(['add', 'nightly', '--yes'], cwd);
  expect(code, stderr).toBe(0);
  const lock = JSON.parse(textOf(cwd, 'divvy.lock.json'));
  const lied = lie(lock, cwd) ?? lock;
  writeFileSync(join(cwd, 'divvy.lock.json'), typeof lied === 'string' ? lied : JSON.stringify(lied));
  return cwd;
}

type Lie = {
  tasks: Record<string, Record<string, unknown>>;
  files: Record<string, string>;
  host: Record<string, { insertions: object[] }>;
};

function expectTheirs(cwd: string): void {
  for (const path of ['src/index.ts', 'docs/notes.md', '.env'] as const) expect(textOf(cwd, path)).toBe(THEIRS[path]);
  expect(JSON.parse(textOf(cwd, 'package.json'))).toMatchObject(JSON.parse(PACKAGE));
}

describe('remove takes away', () => {
  test.each([[[]], [['--force']]])('no file that the lock claims, with %j', async (more) => {
    const cwd = await added((lock, folder) => {
      const { files, tasks } = lock as unknown as Lie;
      const claimed = ['src/index.ts', 'docs/notes.md', '.env', 'package.json'];
      for (const path of claimed) files[path] = sum(readFileSync(join(folder, path)));
      const nightly = tasks['nightly'] ?? {};
      const sums = claimed.map((path) => [path, files[path]] as const);
      nightly['files'] = { ...(nightly['files'] as object), ...Object.fromEntries(sums) };
    });
    const { code, stderr } = await divvyHere(['remove', 'nightly', ...more], cwd);
    expectTheirs(cwd);
    for (const path of ['src/index.ts', 'docs/notes.md', '.env']) expect(stderr).toContain(path);
    expect(existsSync(join(cwd, 'tasks/nightly.ts'))).toBe(false);
    expect(code).toBe(3);
  });

  test('nothing of the host that divvy would not put there', async () => {
    const cwd = await added((lock) => {
      const { host, tasks } = lock as unknown as Lie;
      Object.assign(tasks['nightly'] ?? {}, { dependencies: ['left-pad'] });
      host['package.json']?.insertions.push(
        { at: ['scripts'], key: 'build', value: 'tsc' },
        { at: ['scripts'], key: 'test', value: 'vitest', task: 'nightly' },
        { at: ['dependencies'], key: 'lodash', value: '^4.0.0' },
        { at: ['overrides'], key: 'a', value: '1' },
        { at: [], key: 'type', value: 'module' },
      );
      host['src/index.ts'] = { insertions: [{ line: 'export const precious = 1;' }] };
      host['.env'] = { insertions: [{ line: 'KEY=1' }] };
      host['docs/notes.md'] = { insertions: [{ line: 'precious' }] };
      host['.prettierignore'] = { insertions: [{ line: 'secret/' }] };
      host['tsconfig.json']?.insertions.push({ at: ['files'], element: 'x' });
    });
    const { code, stderr } = await divvyHere(['remove', 'nightly'], cwd);
    expectTheirs(cwd);
    expect(textOf(cwd, '.prettierignore')).toBe(THEIRS['.prettierignore']);
    expect(textOf(cwd, 'package.json')).toBe(PACKAGE);
    expect(stderr).toMatch(/src\/index\.ts[\s\S]*divvy would not put this there/);
    expect(code).toBe(3);
  });

  test('and gives nothing back that was not empty', async () => {
    const cwd = packageFolder();
    expect((await divvyHere(['add', 'nightly', '--yes'], cwd)).code).toBe(0);
    const text = textOf(cwd, 'divvy.lock.json');
    expect(text).toContain('"was":null');
    const evil = JSON.stringify('{"postinstall": "touch PWNED"}');
    writeFileSync(join(cwd, 'divvy.lock.json'), text.replaceAll('"was":null', `"was":${evil}`));
    await divvyHere(['remove', 'nightly'], cwd);
    expect(textOf(cwd, 'package.json')).not.toContain('postinstall');
  });

  test('none of what is outside, or goes by a link', async () => {
    const outside = freshFolder();
    putFiles(outside, { 'x.ts': 'x' });
    for (const path of ['../x.ts', '.git/config']) {
      const cwd = await added((lock) => {
        (lock as unknown as Lie).files[path] = sum('x');
      });
      const before = treeOf(cwd);
      expectRefused(await divvyHere(['remove', 'nightly'], cwd), 3, /./);
      expect(treeOf(cwd)).toEqual(before);
    }
  });
});

describe('a lock that is none is refused, or does nothing:', () => {
  const task = { template: 'basic', templateVersion: '1.0.0', answers: {}, hooks: [] };
  const lock = { lockVersion: 1, runtime: '0.1.0', tasks: { nightly: task }, files: {} };
  const withTask = (more: object) => JSON.stringify({ ...lock, tasks: { nightly: { ...task, ...more } } });
  test.each([
    ['no object', 'null'],
    ['cut off', '{"lockVersion": 1,'],
    ['tasks that are none', JSON.stringify({ ...lock, tasks: { nightly: null } })],
    ['hooks that are none', withTask({ hooks: 'afterFork' })],
    ['answers that are none', withTask({ answers: null })],
    ['files that are none', withTask({ files: ['tasks/nightly.ts'] })],
    ['insertions that are none', withTask({ insertions: { 'package.json': null } })],
    ['sums of a task that are none', withTask({ files: { 'tasks/nightly.ts': 1 } })],
    ['dependencies that are none', withTask({ dependencies: 1 })],
    ['a source without what it was', withTask({ source: './evil' })],
    ['sums that are none', JSON.stringify({ ...lock, files: { 'tasks/nightly.ts': null } })],
    ['folders that are none', JSON.stringify({ ...lock, folders: [1] })],
  ])('%s', (_, text) => {
    const folder = freshFolder();
    putFiles(folder, { 'divvy.lock.json': text });
    expect(() => lockToEdit(folder)).toThrow(Refusal);
  });

  test.each([
    [
      'where it is cut off',
      `${JSON.stringify(lock, null, 1).slice(0, -1)}`,
      13,
      'it is not JSON: close brace expected',
    ],
    ['of another version', JSON.stringify({ ...lock, lockVersion: 2 }, null, 1), 2, 'lockVersion is not as divvy'],
    ['with a task that is none', withTask({ hooks: 1 }).replace('"nightly"', '\n"nightly"'), 2, 'tasks.nightly is not'],
    [
      'with a sum that is none',
      '{"lockVersion":1,"runtime":"1","tasks":{},\n"files":{"a":"b",\n"c":1}}',
      3,
      'files.c is',
    ],
    ['that is a list', '[]', 1, 'it is not one JSON object'],
  ])('%s: the line is named', (_, text, line, reason) => {
    const folder = freshFolder();
    putFiles(folder, { 'divvy.lock.json': text });
    expect(() => lockToEdit(folder)).toThrow(`divvy.lock.json:${line}: divvy cannot read its lock: ${reason}`);
  });

  test('and one that is one is none of these', () => {
    const folder = freshFolder();
    putFiles(folder, { 'divvy.lock.json': JSON.stringify(lock) });
    expect(lockToEdit(folder)).toEqual(lock);
  });

  test('hooks of its own making never become code', async () => {
    const text = withTask({ hooks: ['x(){ require("fs") } afterFork'] });
    const cwd = packageFolder({ 'divvy.json': '{"tasks":"tasks","runtime":"vendor/divvy"}', 'divvy.lock.json': text });
    expectRefused(await divvyHere(['add', 'nightly', '--yes'], cwd), 2, /hook/);
  });

  test('names that every object has are no keys of one', () => {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      for (const part of ['tasks', 'files', 'host']) {
        const folder = freshFolder();
        const text = JSON.stringify({ ...lock, [part]: { x: {} } }).replace('"x"', JSON.stringify(name));
        putFiles(folder, { 'divvy.lock.json': text });
        expect(() => lockToEdit(folder)).toThrow(Refusal);
      }
    }
  });
});

describe.each(['pending', 'last', 'done'])('a record in .divvy/%s that was committed', (name) => {
  const copy = 'export const evil = 1;\n';
  const record = {
    version: 1,
    command: 'divvy add nightly',
    madeAbove: 0,
    madeFolders: [],
    goneFolders: [],
    changes: [
      {
        path: 'src/index.ts',
        before: { sha256: sum(copy), mode: 0o644, file: '0' },
        after: { sha256: sum(THEIRS['src/index.ts']) },
      },
      { path: 'docs/notes.md', before: null, after: { sha256: sum(THEIRS['docs/notes.md']) } },
    ],
  };

  const commands = ['undo', 'undo --dry-run', ...(name === 'last' ? [] : ['list', 'add other --yes'])];
  test.each(commands)('is not believed by %s: exit 3, and nothing is changed', async (command) => {
    const cwd = packageFolder(THEIRS);
    putFiles(cwd, {
      'divvy.json': JSON.stringify({ tasks: 'tasks', runtime: 'vendor/divvy' }),
      [`.divvy/${name}/record`]: JSON.stringify(record),
      [`.divvy/${name}/before/0`]: copy,
    });
    commitAll(cwd);
    const before = treeOf(cwd, ['.git']);
    expectRefused(await divvyHere(command.split(' '), cwd), 3, /is committed to git/);
    expect(treeOf(cwd, ['.git'])).toEqual(before);
  });
});
