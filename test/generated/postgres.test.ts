// A generated `postgres` project: what it changes, what it refuses, and what it says.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test, vi } from 'vitest';
import { cleanEnvironment } from '../generators/commands.ts';
import { needs } from '../needs.ts';
import { startPostgres } from './postgres.ts';
import { changeRows } from './postgres-story.ts';
import { makeProject } from './projects.ts';

// Many programs one after another: a busy machine takes its time.
vi.setConfig({ testTimeout: 600_000 });
needs('postgres');

test(
  'each row is changed once, though masters and workers are killed and the server restarts',
  () => changeRows(20_000, 100, 3, 3),
  600_000,
);

test('its own tests change rows where they are given a database, and are passed over where not', async () => {
  const [project, { url }] = await Promise.all([makeProject('postgres'), startPostgres()]);
  const tested = (env: NodeJS.ProcessEnv) =>
    execa(process.execPath, ['--test', '--test-reporter=tap', 'test/my-task.test.ts'], {
      ...{ cwd: project, extendEnv: false, reject: false, env: cleanEnvironment(env) },
    });
  expect((await tested({ TEST_DATABASE_URL: url })).stdout).toMatch(
    /^# pass 5\n# fail 0\n# cancelled 0\n# skipped 0$/m,
  );
  expect((await tested({})).stdout).toMatch(/^# pass 2\n# fail 0\n# cancelled 0\n# skipped 3$/m);
});

test('dry=true counts; a wrong database, password or table ends it before anything is changed, and no password is shown', async () => {
  const [project, postgres] = await Promise.all([makeProject('postgres'), startPostgres()]);
  const run = (words: string[], DATABASE_URL: string | undefined = postgres.url) =>
    execa(process.execPath, ['vendor/divvy/run.mjs', '-n', '2', 'tasks/my-task.ts', ...words], {
      ...{ cwd: project, extendEnv: false, reject: false },
      env: cleanEnvironment({ DATABASE_URL, PGPASSWORD: undefined }),
    });
  const database = `database=${postgres.name}`;
  expect(await run([database])).toMatchObject({
    exitCode: 70,
    stderr: expect.stringContaining('relation "users" does not exist') as string,
  });
  await postgres.query('create table users (id bigint primary key, email text, email_lower text)');
  await postgres.query("insert into users select n, 'A' || n, null from generate_series(1, 250) n");
  expect(await run([database, 'batch=100', 'dry=true'])).toMatchObject({
    exitCode: 0,
    stdout: '250 rows would be changed',
    stderr: expect.stringContaining('3 items: 3 done') as string,
  });
  const unchanged = 'select count(email_lower)::int as changed from users';
  expect(await run(['database=db.example.org/shop'])).toMatchObject({
    exitCode: 70,
    stderr: expect.stringContaining(
      `the url leads to ${postgres.name}, and database says db.example.org/shop`,
    ) as string,
  });
  expect(await run([])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('database is missing') as string,
  });
  const other = postgres.url.replace('postgres@', 'nobody:open-sesame@');
  const refused = await run([database], other);
  expect(refused).toMatchObject({
    exitCode: 70,
    stderr: expect.stringContaining('role "nobody" does not exist') as string,
  });
  expect(refused.stderr).not.toContain('open-sesame');
  expect(await postgres.query(unchanged)).toEqual([{ changed: 0 }]);

  expect(await run([database, 'batch=100'])).toMatchObject({ exitCode: 0, stdout: '250 rows were changed' });
  expect(await postgres.query(unchanged)).toEqual([{ changed: 250 }]);
  expect(await run([database, 'batch=100'])).toMatchObject({ exitCode: 0, stdout: '0 rows were changed' });
});

test('the run holds back while a replica lags behind', async () => {
  const [project, postgres] = await Promise.all([makeProject('postgres'), startPostgres()]);
  const replica = await postgres.replica();
  await postgres.query('create table users (id bigint primary key, email text, email_lower text)');
  await postgres.query("insert into users select n, 'A' || n, null from generate_series(1, 1000) n");
  await replica.query('select pg_wal_replay_pause()');
  const run = execa(
    process.execPath,
    [
      'vendor/divvy/run.mjs',
      '-n',
      '1',
      '--json',
      'tasks/my-task.ts',
      `database=${postgres.name}`,
      'batch=1',
      'lag=0.2',
    ],
    { cwd: project, extendEnv: false, reject: false, env: cleanEnvironment({ DATABASE_URL: postgres.url }) },
  );
  for await (const line of run.iterable({ from: 'stderr' })) {
    if (!line.includes('"held back"')) continue;
    expect(JSON.parse(line)).toMatchObject({ by: 'throttle', ms: 1000 });
    await replica.query('select pg_wal_replay_resume()');
    break;
  }
  expect(await run).toMatchObject({ exitCode: 0, stdout: '1000 rows were changed' });
  expect(existsSync(join(project, '.divvy'))).toBe(true);
});
