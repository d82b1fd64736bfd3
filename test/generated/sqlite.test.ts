// A generated `sqlite` project over a file of many rows.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { countChanges, faultsOver, runThrough } from './databases.ts';
import { makeProject, node } from './projects.ts';

// Many programs one after another: a busy machine takes its time.
vi.setConfig({ testTimeout: 600_000 });

/** Makes the table with so many rows, with gaps and up to what does not fit into a number. */
function makeTable(file: string, rows: number): void {
  const database = new DatabaseSync(file);
  database.exec(`
    create table users (id integer primary key, email text, email_lower text, changes int default 0);
    with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${rows})
    insert into users select (n - 3) * (9000000000000000000 / ${rows}), 'User' || n || '@Example.org', null, 0 from numbers`);
  database.close();
}

function counted(file: string, where: string): unknown {
  const database = new DatabaseSync(file, { readOnly: true });
  const found = database.prepare(`select count(*) as count from users where ${where}`).get();
  database.close();
  return found?.['count'];
}

test('each row is changed once, though masters and workers are killed', async () => {
  const rows = 20_000;
  const project = await makeProject('sqlite');
  countChanges(project);
  makeTable(join(project, 'app.db'), rows);
  const ended = await runThrough(project, { args: ['file=app.db', 'batch=100'], faults: faultsOver(rows / 100, 3, 3) });
  expect(ended).toMatchObject({ exitCode: 0, resumes: 3 });
  expect(counted(join(project, 'app.db'), 'changes = 1 and email_lower = lower(email)')).toBe(rows);
}, 600_000);

test('dry=true counts; a file that is not there stays so, and a table that is not there is named', async () => {
  const project = await makeProject('sqlite');
  const file = join(project, 'app.db');
  const run = (...words: string[]) => node(project, 'vendor/divvy/run.mjs', '-n', '2', 'tasks/my-task.ts', ...words);
  expect(await run('file=app.db')).toMatchObject({
    exitCode: 70,
    stderr: expect.stringContaining('app.db: unable to open database file') as string,
  });
  makeTable(file, 250);
  expect(await run('file=app.db', 'batch=100', 'dry=true')).toMatchObject({
    exitCode: 0,
    stdout: '250 rows would be changed',
  });
  expect(counted(file, 'changes > 0 or email_lower is not null')).toBe(0);
  expect(await run('file=app.db', 'batch=100')).toMatchObject({ exitCode: 0, stdout: '250 rows were changed' });
  expect(await run('file=app.db')).toMatchObject({ exitCode: 0, stdout: '0 rows were changed' });
  new DatabaseSync(join(project, 'empty.db')).exec('create table others (id)');
  expect(await run('file=empty.db')).toMatchObject({
    exitCode: 70,
    stderr: expect.stringContaining('no such table: users') as string,
  });
});
