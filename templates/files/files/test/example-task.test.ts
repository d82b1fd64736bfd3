import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Master, runInline } from '#divvy';
import ExampleTask, { checksumLine } from '../tasks/example-task.ts';

// The files are made here. The task's own `dispatch` does not run, so a test reads nothing else.
const files = [
  { name: 'empty', content: '', digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
  { name: 'abc', content: 'abc', digest: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  {
    name: 'zeros',
    content: Buffer.alloc(200_000),
    digest: '4cbbd9be0cba685835755f827758705db5a413c5494c34262cd25946a73e7582',
  },
];
let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'example-task-'));
  for (const { name, content } of files) await writeFile(join(folder, name), content);
});
after(() => rm(folder, { recursive: true }));

test('the line of each file is printed, here in the test process', async () => {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  const items = files.map(({ name }) => join(folder, name));

  const outcomes = await runInline(ExampleTask, { items }).finally(() => Object.assign(console, { log }));

  assert.ok(outcomes.every((outcome) => outcome.done));
  assert.deepEqual(
    lines,
    files.map(({ name, digest }) => `${digest}  ${join(folder, name)}`),
  );
});

test('a file that has gone is a failed item that names it', async () => {
  const gone = join(folder, 'gone');
  const [outcome] = await runInline(ExampleTask, { items: [gone] });

  assert.ok(outcome && !outcome.done);
  assert.equal(outcome.error.code, 'ENOENT');
  assert.ok(outcome.error.message.includes(gone));
});

test('two workers process the files, and go on after one that has gone', async () => {
  const taskFile = new URL('../tasks/example-task.ts', import.meta.url);
  const items = ['empty', 'gone', 'abc', 'zeros'].map((name) => join(folder, name));

  const { counts } = await new Master(taskFile, { workers: 2, items, signals: false }).run();

  assert.equal(counts.done, 3);
  assert.equal(counts.failed, 1);
});

test('a name with a backslash or a line break is escaped', () => {
  assert.equal(checksumLine('d1', 'plain name'), 'd1  plain name');
  assert.equal(checksumLine('d1', 'a\\b'), '\\d1  a\\\\b');
  assert.equal(checksumLine('d1', 'a\nb\r'), '\\d1  a\\nb\\r');
});
