import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, beforeEach, test } from 'node:test';
import { Master, runInline } from '#divvy';
import ExampleTask from '../tasks/example-task.ts';

// The database and the batches are made here. The task's own `dispatch` does not run.
const taskFile = new URL('../tasks/example-task.ts', import.meta.url);
const batches = [
  { after: '0', to: '2' },
  { after: '2', to: '3' },
];
let folder = '';
let file = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'example-task-'));
  file = join(folder, 'test.db');
});
after(() => rm(folder, { recursive: true }));

beforeEach(() => {
  onDatabase((database) => {
    database.exec(
      'drop table if exists users; create table users (id integer primary key, email text, email_lower text)',
    );
    database.exec("insert into users values (1, 'A@B.C', null), (2, 'd@e.f', 'd@e.f'), (3, 'G@H.I', null)");
  });
});

test('a batch changes its rows, and changes nothing the second time, here in the test process', async () => {
  const items = [...batches, ...batches];
  const outcomes = await runInline(ExampleTask, { items, args: { file } });

  assert.deepEqual(
    outcomes.map((outcome) => outcome.done && outcome.result),
    [1, 1, 0, 0],
  );
  assert.deepEqual(changed(), ['a@b.c', 'd@e.f', 'g@h.i']);
});

test('dry=true counts, and changes nothing', async () => {
  const outcomes = await runInline(ExampleTask, { items: batches, args: { file, dry: true } });

  assert.deepEqual(
    outcomes.map((outcome) => outcome.done && outcome.result),
    [1, 1],
  );
  assert.deepEqual(changed(), [null, 'd@e.f', null]);
});

test('two workers change the rows', async () => {
  const run = new Master(taskFile, { workers: 2, items: batches, args: [`file=${file}`], signals: false });

  assert.equal((await run.run()).counts.done, 2);
  assert.deepEqual(changed(), ['a@b.c', 'd@e.f', 'g@h.i']);
});

test('a file that is not there is an error, and stays so', async () => {
  const run = runInline(ExampleTask, { items: batches, args: { file: join(folder, 'gone.db') } });

  await assert.rejects(run, /gone\.db: unable to open database file/);
});

function changed(): unknown[] {
  return onDatabase((database) => database.prepare('select email_lower from users order by id').all()).map(
    (row) => row['email_lower'],
  );
}

function onDatabase<T>(act: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file);
  try {
    return act(database);
  } finally {
    database.close();
  }
}
