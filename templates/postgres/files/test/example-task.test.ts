import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import pg from 'pg';
import { Master, runInline } from '#divvy';
import ExampleTask, { databaseOf } from '../tasks/example-task.ts';

// Tests of the work itself need a database that may be written to: TEST_DATABASE_URL=postgres://localhost/test npm test. They
// use a schema of their own there. The batches are made here, and the task's own `dispatch` does not run.
const SCHEMA = 'example_task_test';
const server = process.env['TEST_DATABASE_URL'];
const skip = server === undefined;
const options = `options=${encodeURIComponent(`-c search_path=${SCHEMA}`)}`;
const url = `${server ?? 'postgres://localhost/test'}${server?.includes('?') ? '&' : '?'}${options}`;
const taskFile = new URL('../tasks/example-task.ts', import.meta.url);
const batches = [
  { after: '0', to: '2' },
  { after: '2', to: '3' },
];
const client = new pg.Client(url);

before(async () => {
  if (!skip) await client.connect();
});
beforeEach(async () => {
  if (skip) return;
  await client.query(`drop schema if exists ${SCHEMA} cascade; create schema ${SCHEMA}`);
  await client.query('create table users (id bigint primary key, email text, email_lower text)');
  await client.query("insert into users values (1, 'A@B.C', null), (2, 'd@e.f', 'd@e.f'), (3, 'G@H.I', null)");
});
after(async () => {
  if (skip) return;
  await client.query(`drop schema ${SCHEMA} cascade`);
  await client.end();
});

test('where a url leads is host/name, with the port if that is another than usual', () => {
  assert.equal(databaseOf('postgres://me:secret@db.example.org/shop'), 'db.example.org/shop');
  assert.equal(databaseOf('postgres://localhost:5433/shop?sslmode=require'), 'localhost:5433/shop');
});

test('a batch changes its rows, and changes nothing the second time, here in the test process', { skip }, async () => {
  const items = [...batches, ...batches];
  const outcomes = await runInline(ExampleTask, { items, args: { url } });

  assert.deepEqual(
    outcomes.map((outcome) => outcome.done && outcome.result),
    [1, 1, 0, 0],
  );
  assert.deepEqual(await changed(), ['a@b.c', 'd@e.f', 'g@h.i']);
});

test('dry=true counts, and changes nothing', { skip }, async () => {
  const outcomes = await runInline(ExampleTask, { items: batches, args: { url, dry: true } });

  assert.deepEqual(
    outcomes.map((outcome) => outcome.done && outcome.result),
    [1, 1],
  );
  assert.deepEqual(await changed(), [null, 'd@e.f', null]);
});

test('two workers change the rows', { skip }, async () => {
  const args = [`url=${url}`, `database=${databaseOf(url)}`];
  const { counts } = await new Master(taskFile, { workers: 2, items: batches, args, signals: false }).run();

  assert.equal(counts.done, 2);
  assert.deepEqual(await changed(), ['a@b.c', 'd@e.f', 'g@h.i']);
});

test('a run in another database than was said is refused, before it connects', async () => {
  const args = [`url=${url}`, 'database=db.example.org/shop'];
  const run = new Master(taskFile, { workers: 1, items: batches, args, signals: false }).run();

  await assert.rejects(run, /the url leads to .*, and database says db\.example\.org\/shop/);
});

async function changed(): Promise<unknown[]> {
  const { rows } = await client.query<{ email_lower: string | null }>('select email_lower from users order by id');
  return rows.map((row) => row.email_lower);
}
