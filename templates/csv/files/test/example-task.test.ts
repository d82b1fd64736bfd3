import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Master, runInline } from '#divvy';
import ExampleTask, { rowsOf } from '../tasks/example-task.ts';

// The rows and files are made here. The task's own `dispatch` does not run, so a test reads and writes nothing else.
const taskFile = new URL('../tasks/example-task.ts', import.meta.url);
const row = (number: number, name: string) => ({ file: 'people.csv', number, values: { name } });
const wrongRow = { file: 'people.csv', number: 3, values: {}, wrong: 'people.csv, row 3: 2 values' };
let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'example-task-'));
});
after(() => rm(folder, { recursive: true }));

test('the values of a row are trimmed, here in the test process', async () => {
  const outcomes = await runInline(ExampleTask, { items: [row(1, ' Ada '), row(2, 'Grace')] });

  assert.deepEqual(
    outcomes.map((outcome) => outcome.done && outcome.result),
    [{ name: 'Ada' }, { name: 'Grace' }],
  );
});

test('a row that cannot be processed is a failed item, with the reason', async () => {
  const [outcome] = await runInline(ExampleTask, { items: [wrongRow], retries: 3 });

  assert.ok(outcome && !outcome.done);
  assert.equal(outcome.error.message, wrongRow.wrong);
  assert.equal(outcome.attempts, 1);
});

test('two workers process the rows, and what comes of each is in the results file', async () => {
  const results = join(folder, 'results.ndjson');
  const items = [row(1, 'Ada'), row(2, ' Grace'), wrongRow];

  const { counts } = await new Master(taskFile, {
    workers: 2,
    items,
    results,
    args: ['people.csv'],
    signals: false,
  }).run();

  assert.equal(counts.done, 2);
  assert.equal(counts.failed, 1);
  const lines = (await readFile(results, 'utf8')).trimEnd().split('\n');
  assert.deepEqual(lines.sort(), [
    '{"key":"people.csv:1","number":1,"result":{"name":"Ada"}}',
    '{"key":"people.csv:2","number":2,"result":{"name":"Grace"}}',
  ]);
});

/** The rows of a file with this text. */
async function rowsIn(text: string | Buffer) {
  const file = join(folder, 'input.csv');
  await writeFile(file, text);
  const rows = [];
  for await (const { number, values, wrong } of rowsOf(file))
    rows.push(wrong?.replace(folder, '') ?? { number, values });
  return rows;
}

test('rows may have quotes, a byte order mark, any line ends, and empty lines between them', async () => {
  assert.deepEqual(await rowsIn('\uFEFFid,note\r\n1,"a ""b"",\r\nc"\r\n\r\n2,\n3,é'), [
    { number: 1, values: { id: '1', note: 'a "b",\r\nc' } },
    { number: 2, values: { id: '2', note: '' } },
    { number: 3, values: { id: '3', note: 'é' } },
  ]);
});

test('a row of another length is wrong, and those behind it are not', async () => {
  assert.deepEqual(await rowsIn('id,note\n1\n2,b,c\n3,d\n'), [
    '/input.csv, row 1: 1 values under a header of 2',
    '/input.csv, row 2: 3 values under a header of 2',
    { number: 3, values: { id: '3', note: 'd' } },
  ]);
});

test('a row in another encoding is wrong, and a header in one throws', async () => {
  assert.deepEqual(await rowsIn(Buffer.from('id,note\n1,\u00e9\n2,e\n', 'latin1')), [
    '/input.csv, row 1: it is not UTF-8; convert the file, or give parse() its encoding',
    { number: 2, values: { id: '2', note: 'e' } },
  ]);
  await assert.rejects(rowsIn(Buffer.from('id,\u00e9\n1,e\n', 'latin1')), /input\.csv: it is not UTF-8/);
});

test('what cannot be read to its end throws, and names the file', async () => {
  await assert.rejects(rowsIn('id,note\n1,"a" b\n'), /input\.csv: Invalid Closing Quote: .* at line 2/);
  await assert.rejects(rowsIn(`id,note\n1,"${'a,b\n'.repeat(1_000_000)}`), /input\.csv: Max Record Size/);
  await assert.rejects(rowsIn('id,id\n1,2\n'), /input\.csv: two columns have the same name/);
  await assert.rejects(rowsOf(join(folder, 'gone.csv')).next(), /gone\.csv: ENOENT/);
});
