// A generated `postgres` project against a server of the test's own.
import { expect } from 'vitest';
import { countChanges, faultsOver, runThrough } from './databases.ts';
import { startPostgres } from './postgres.ts';
import { makeProject } from './projects.ts';

/** Changes so many rows in batches while masters and workers are killed and the server restarts; each must be changed once. */
export async function changeRows(rows: number, batch: number, masters: number, workers: number): Promise<void> {
  const [project, postgres] = await Promise.all([makeProject('postgres'), startPostgres()]);
  countChanges(project);
  await postgres.query(
    'create table users (id bigint primary key, email text, email_lower text, changes int default 0)',
  );
  // With gaps, and from below zero up to what does not fit into a number.
  await postgres.query(
    `insert into users select (n - 3) * (9000000000000000000 / ${rows}), 'User' || n || '@Example.org' from generate_series(1, ${rows}) n`,
  );
  const ended = await runThrough(project, {
    args: [`database=${postgres.name}`, `batch=${batch}`],
    env: { DATABASE_URL: postgres.url },
    faults: faultsOver(rows / batch, masters, workers, 1),
    restart: () => postgres.restart(),
  });
  expect(ended).toMatchObject({ exitCode: 0, resumes: masters });
  const once = 'changes = 1 and email_lower = lower(email)';
  const [counts] = await postgres.query(
    `select count(*)::int as rows, (count(*) filter (where ${once}))::int as once from users`,
  );
  expect(counts).toEqual({ rows, once: rows });
}
