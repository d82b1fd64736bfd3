// A folder of this machine as a source.
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type Fetched, fetchSource } from '../../../generators/sources/fetch.ts';
import { LIMITS } from '../../../generators/sources/gathering.ts';
import { parseSource } from '../../../generators/sources/source.ts';
import { expectRefused, packageFolder, templateFolder } from '../attacks/hostile.ts';
import { cleanEnvironment, divvy, freshFolder } from '../commands.ts';
import { TEMPLATE } from './archives.ts';
import { mkfifo } from './fifo.ts';
import { refusal } from './refusal.ts';

const environment = cleanEnvironment();
const fetchFrom = (text: string, cwd = '/', expected?: string): Promise<Fetched> =>
  fetchSource(parseSource(text), { cwd, environment, expected });

function put(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = freshFolder();
  put(folder, files);
  return folder;
}

test('a folder is read from where the command runs, and by its own path', async () => {
  const folder = folderWith({ 'templates/a/file': 'text', 'templates/b': '' });
  const relative = await fetchFrom('./templates', folder);
  const absolute = await fetchFrom(join(folder, 'templates'));
  expect(relative.files).toEqual([
    { path: 'a/file', bytes: Buffer.from('text') },
    { path: 'b', bytes: Buffer.alloc(0) },
  ]);
  expect({ ...relative, exact: '' }).toEqual({ ...absolute, exact: '' });
  expect([relative.exact, relative.identity]).toEqual(['./templates', join(folder, 'templates')]);
});

test('it resolves to another thing when a byte, a name or a place changes, and to the same when nothing has', async () => {
  const folder = folderWith({ a: 'one', b: 'two' });
  const seen = [(await fetchFrom(folder)).resolved];
  for (const files of [{ a: 'onE' }, { c: '' }, { 'd/a': '' }]) {
    put(folder, files);
    seen.push((await fetchFrom(folder)).resolved);
  }
  expect(new Set(seen).size).toBe(4);
  expect(seen[0]).toMatch(/^sha512-[\w+/]{86}==$/);
  const same = folderWith({ b: 'two', a: 'one' });
  expect((await fetchFrom(same)).resolved).toBe(seen[0]);
  const moved = folderWith({ a: 'onetwo', b: '' });
  expect((await fetchFrom(moved)).resolved).not.toBe(seen[0]);
  const { exitCode, message } = await refusal(() => fetchFrom(folder, '/', seen[0]));
  expect([exitCode, message]).toEqual([3, expect.stringMatching(/no longer what it was/)]);
});

test('what belongs to other programs is left out, but not where a template would hand it on', async () => {
  const beside = { '.git/config': 'x', 'node_modules/x/index.js': 'x', 'a/node_modules/y': 'x', '.divvy/last/x': 'x' };
  const folder = folderWith({ ...beside, ...TEMPLATE });
  expect((await fetchFrom(folder)).files.map(({ path }) => path)).toEqual(Object.keys(TEMPLATE));
  put(folder, { 'files/node_modules/x/index.js': 'x' });
  const { exitCode, message } = await refusal(() => fetchFrom(folder));
  expect([exitCode, message]).toEqual([3, expect.stringMatching(/files\/node_modules.*another program/)]);
});

test('what systems and editors leave behind is left out, and does not change what it resolves to', async () => {
  const folder = folderWith(TEMPLATE);
  const { resolved } = await fetchFrom(folder);
  put(folder, { '.DS_Store': 'x', 'files/tasks/Thumbs.db': 'x', 'files/tasks/.example-task.ts.swp': 'x', 'a~': 'x' });
  // Emacs marks a file that is edited by a link to nothing.
  symlinkSync('me@host.1234', join(folder, 'files/tasks/.#example-task.ts'));
  const fetched = await fetchFrom(folder);
  expect([fetched.resolved, fetched.files.map(({ path }) => path)]).toEqual([resolved, Object.keys(TEMPLATE)]);
});

test('beside a template there may be a link, and in it there may be none', async () => {
  const folder = folderWith(TEMPLATE);
  symlinkSync('/etc', join(folder, 'link'));
  expect((await fetchFrom(folder)).files.map(({ path }) => path)).toEqual(Object.keys(TEMPLATE));
  symlinkSync('example-task.ts', join(folder, 'files/tasks/link'));
  expect((await refusal(() => fetchFrom(folder))).message).toMatch(/"files\/tasks\/link": it is a symbolic link/);
});

test.each([
  ['a link to a file outside', '/etc/passwd'],
  ['a link to a file inside', 'file'],
  ['a link to a folder', '/etc'],
  ['a link to nothing', 'nowhere'],
  ['a link to where it is', '.'],
])('%s is refused', async (_, target) => {
  const folder = folderWith({ file: 'x' });
  symlinkSync(target, join(folder, 'link'));
  const { exitCode, message } = await refusal(() => fetchFrom(folder));
  expect([exitCode, message]).toEqual([3, expect.stringMatching(/"link": it is a symbolic link/)]);
});

test('the link that a person names is followed', async () => {
  const folder = folderWith({ 'real/file': 'x' });
  symlinkSync('real', join(folder, 'named'));
  const { files, identity } = await fetchFrom('./named', folder);
  expect([files.length, identity]).toEqual([1, join(folder, 'real')]);
});

test('a pipe is refused, and not waited for', async () => {
  const folder = folderWith({ file: 'x' });
  mkfifo(join(folder, 'pipe'));
  expect((await refusal(() => fetchFrom(folder))).message).toMatch(/no plain file/);
});

test.each(['a\\b', 'a:b', 'a\nb', 'con', 'a.', '%2e%2e'])('a file called %j is refused', async (name) => {
  const folder = folderWith({ [name]: 'x' });
  expect((await refusal(() => fetchFrom(folder))).exitCode).toBe(3);
});

test.each(['a\xff', 'a\xff/b'])('a name that is no UTF-8 is refused, and not left out: %j', async (path) => {
  const folder = folderWith({ file: 'x' });
  const bytes = Buffer.from(`${folder}/${path}`, 'latin1');
  if (path.includes('/')) mkdirSync(bytes.subarray(0, bytes.lastIndexOf('/')));
  writeFileSync(bytes, 'x');
  const { exitCode, message } = await refusal(() => fetchFrom(folder));
  expect([exitCode, message]).toEqual([3, expect.stringMatching(/not UTF-8/)]);
});

test.each(['tasks/closed.ts', 'tasks/closed/a.ts'])('what may not be read is said, where it is %s', async (path) => {
  const template = templateFolder({}, { [path]: 'x' });
  const cwd = packageFolder();
  for (const folder of [template, cwd]) chmodSync(folder, 0o777);
  chmodSync(join(template, 'files', path.replace('/a.ts', '')), 0);
  const { code, stderr } = await divvy(['add', 'nightly', '-t', template, '--dry-run'], { cwd, unprivileged: true });
  expectRefused({ code, stderr }, 1, /EACCES.*\nLook whether you may read/s);
});

test('one that is too large is refused before it is read', async () => {
  const folder = folderWith({});
  writeFileSync(join(folder, 'large'), Buffer.alloc(LIMITS.fileBytes + 1));
  expect((await refusal(() => fetchFrom(folder))).message).toMatch(/larger than 8 MiB/);
});

test('folders too deep are refused', async () => {
  const folder = folderWith({ [`${'a/'.repeat(LIMITS.depth)}a`]: 'x' });
  expect((await refusal(() => fetchFrom(folder))).message).toMatch(/folders/);
});

test.each([
  ['./nowhere', /ENOENT|no such/],
  ['./file', /it is no folder/],
])('%s is none', async (text, reason) => {
  const folder = folderWith({ file: 'x' });
  const { exitCode, message } = await refusal(() => fetchFrom(text, folder));
  expect([exitCode, message]).toEqual([1, expect.stringMatching(reason)]);
});
