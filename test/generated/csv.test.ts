// A generated `csv` project: rows that are as they should be, and rows that are not.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDivvyTask, freshFolder } from '../generators/commands.ts';
import { killAndResume } from './csv-resume.ts';
import { makeProject, node } from './projects.ts';

const RUN = ['vendor/divvy/run.mjs', 'tasks/my-task.ts', '-n', '2'];
const RESULTS = ['--results', 'results.ndjson'];

test('each row has its result, after the master was killed half way', () => killAndResume(50_000), 600_000);

test('a row of another length fails, and is tried again once it has been mended; the others have their results', async () => {
  const project = await makeProject('csv');
  const results = () => readFileSync(join(project, 'results.ndjson'), 'utf8').trimEnd().split('\n').sort();
  writeFileSync(join(project, 'a.csv'), 'id,name\n1, Ada\n2\n3,Alan\n');
  writeFileSync(join(project, 'b.csv'), 'id\n7\n');
  const run = await node(project, ...RUN, ...RESULTS, 'a.csv', 'b.csv');
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain('a.csv, row 2: 1 values under a header of 2');
  const good = [
    '{"key":"a.csv:1","number":1,"result":{"id":"1","name":"Ada"}}',
    '{"key":"a.csv:3","number":3,"result":{"id":"3","name":"Alan"}}',
    '{"key":"b.csv:1","number":4,"result":{"id":"7"}}',
  ];
  expect(results()).toEqual(good);

  writeFileSync(join(project, 'a.csv'), 'id,name\n1, Ada\n2,Grace\n3,Alan\n');
  const retried = await node(project, ...RUN, ...RESULTS, '--retry-failed', 'a.csv', 'b.csv');
  expect(retried.stderr).toMatch(
    /^divvy: Retrying 1 failed item of run .*\ndivvy: \d items: \d done(, \d skipped .*)?\. Took [^\n]*$/,
  );
  expect(retried.exitCode).toBe(0);
  expect(results()).toEqual([...good, '{"key":"a.csv:2","number":2,"result":{"id":"2","name":"Grace"}}'].sort());
});

test('a quote out of place ends the run, with file and line; mended, it goes on', async () => {
  const project = await makeProject('csv');
  const file = join(project, 'a.csv');
  writeFileSync(file, 'id,name\n1,Ada\n2,"Grace" H.\n3,Alan\n');
  const run = await node(project, ...RUN, ...RESULTS, 'a.csv');
  expect(run.exitCode).toBe(70);
  expect(run.stderr).toMatch(/dispatch threw( after \d items?)?: Error: a\.csv: Invalid Closing Quote: .* at line 3/);

  writeFileSync(file, 'id,name\n1,Ada\n2,"Grace H."\n3,Alan\n');
  const resumed = await node(project, ...RUN, ...RESULTS, '--resume', 'a.csv');
  expect(resumed.stderr).toMatch(
    /^divvy: Run \S+ of .* has recorded nothing: starting again\ndivvy: \d items: \d done(, \d skipped .*)?\. Took [^\n]*$/,
  );
  expect(resumed.exitCode).toBe(0);
  const lines = readFileSync(join(project, 'results.ndjson'), 'utf8').trimEnd().split('\n').sort();
  expect(lines.map((line) => JSON.parse(line).result.name)).toEqual(['Ada', 'Grace H.', 'Alan']);
});

test('where the parser is not installed, that is the next step', async () => {
  const cwd = freshFolder();
  const argv = ['--template', 'csv', '--no-git', '--json'];
  const steps = (stdout: string): string[] => JSON.parse(stdout).nextSteps;
  const unwanted = await createDivvyTask(['unwanted', ...argv, '--no-install'], { cwd });
  expect(unwanted.code).toBe(0);
  expect(steps(unwanted.stdout).slice(0, 3)).toEqual([
    'cd unwanted',
    'npm install',
    'npm start -- --results people.ndjson people.csv',
  ]);

  // Nobody listens there.
  const env = {
    npm_config_registry: 'http://127.0.0.1:1',
    npm_config_fetch_retries: '0',
    npm_config_prefer_online: 'true',
  };
  const offline = await createDivvyTask(['offline', ...argv], {
    cwd,
    env: { ...env, npm_config_cache: join(cwd, 'cache') },
  });
  expect(offline.code).toBe(1);
  expect(offline.stderr).toContain('cd offline && npm install');
  expect(steps(offline.stdout).slice(0, 2)).toEqual(['cd offline', 'npm install']);
  expect(existsSync(join(cwd, 'offline/tasks/offline.ts'))).toBe(true);
});

test.each([
  { args: [], code: 2, says: 'files is missing (CSV files with a header, such as people.csv): write files …' },
  { args: ['gone.csv'], code: 70, says: "ENOENT: no such file or directory, open 'gone.csv'" },
  { args: ['a.csv', '--', '--result', 'x'], code: 2, says: 'there is no argument result' },
])('what $args lacks is said', async ({ args, code, says }) => {
  const project = await makeProject('csv');
  writeFileSync(join(project, 'a.csv'), 'id\n1\n');
  const { exitCode, stdout, stderr } = await node(project, ...RUN, ...args);
  expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
  expect(stderr).toContain(says);
});
