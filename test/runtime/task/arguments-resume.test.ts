// taskArguments: what a journal keeps of them, which runs are the same, and what a resume takes.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Ended, makeGate } from '../run-task.ts';
import { NEEDED, Project, said, TOKEN } from './arguments-project.ts';

describe('the same run', () => {
  test('goes by the arguments, however they are written, but not by secret and tuning ones', async () => {
    const project = new Project();
    const gate = await makeGate();
    const first = project.run(NEEDED, { env: gate.env });
    await gate.arrived(1);
    const same = [
      ['table=users', 'token=other1', 'batch=5'],
      ['--', '--table', 'users', '--token=other1'],
    ];
    for (const words of same) expect(await project.ended(words)).toMatchObject({ status: 75 });
    // `since` is from the environment.
    expect(await project.ended(NEEDED, { env: { SINCE: 'May' } })).toMatchObject({ status: 1 });
    expect(await project.ended(['table=orders', 'token=other1'])).toMatchObject({ status: 1 });
    expect(await project.ended([...NEEDED, 'a', 'b'])).toMatchObject({ status: 1 });
    gate.open();
    await first.ended();
  });

  /** A run that is killed when it has done one item. */
  async function killed(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Project> {
    const project = new Project();
    const gate = await makeGate();
    const run = project.run(words, { env: { ...env, ...gate.env }, before: ['-n', '1', '--limit', '1'] });
    await gate.arrived(1);
    gate.open();
    await run.ended();
    return project;
  }
  const resumed = (project: Project, words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
    project.ended(words, { before: ['--resume'], env });

  test('a resume without arguments takes those of the journal, and a secret from the environment', async () => {
    const project = await killed([...NEEDED, 'batch=7', 'x', 'ids=a=b']);
    const ended = await resumed(project, [], { TOKEN });
    expect(ended.stderr).toContain('Using its arguments: batch=7 dry=false table=users x ids=a=b\n');
    expect(said(ended, 'master')).toEqual([true, 'users', null, 7, null, false, ['x', 'a=b'], '11 letters']);
    expect(ended.stderr).toContain('1 skipped');
    expect(project.runs.map((runs) => runs.map(({ args }) => args))).toEqual([
      [
        ['batch=7', 'dry=false', 'table=users', 'x', 'ids=a=b'],
        ['batch=7', 'dry=false', 'table=users', 'x', 'ids=a=b'],
      ],
    ]);
  });

  test('a resume without the secret says where it may come from', async () => {
    const ended = await resumed(await killed(NEEDED), []);
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain('token is missing: set the variable TOKEN, or write token=TEXT');
  });

  test('a resume with only secret and tuning ones takes the others of the journal', async () => {
    const project = await killed([...NEEDED, 'batch=7']);
    const ended = await resumed(project, ['batch=9', '--', '--token', 'other']);
    expect(ended.stderr).toContain('Using its arguments: dry=false table=users\n');
    expect(said(ended, 'worker')).toEqual([false, 'users', null, 9, null, false, [], '5 letters']);
    expect(ended.stderr).toContain('1 skipped');
    expect(ended.stderr).toMatch(/--retry-failed .*declares\.ts batch=9 -- dry=false table=users\n/);
  });

  test('a resume with the same ones written otherwise goes on, with others it begins anew', async () => {
    const project = await killed(NEEDED);
    const ended = await resumed(project, ['batch=3', '--', '--token', 'other', '--table', 'orders']);
    expect(ended.stderr).toContain(
      'There is no unfinished run with the arguments batch=3 dry=false table=orders: starting a new one',
    );
    const same = await resumed(await killed(NEEDED), ['--', '--token', 'other', '--table', 'users']);
    expect(same.stderr).toContain('1 skipped');
  });

  test('a resume in whose environment there is another value is refused, with both', async () => {
    const project = await killed(NEEDED);
    for (const words of [[], ['batch=5']]) {
      const ended = await resumed(project, words, { TOKEN, SINCE: 'May' });
      expect(ended).toMatchObject({ status: 2, stdout: '' });
      expect(ended.stderr).toContain(
        'the run to resume has the task arguments "batch=1000" "dry=false" "table=users", and given are "since=May"',
      );
    }
    const since = await killed(NEEDED, { SINCE: 'May' });
    expect(await resumed(since, [], { TOKEN, SINCE: 'June' })).toMatchObject({ status: 2, stdout: '' });
    // The resume uses the recorded value, even if the variable is no longer set.
    const ended = await resumed(since, [], { TOKEN });
    expect(said(ended, 'worker')).toEqual([false, 'users', 'May', 1000, null, false, [], '11 letters']);
  });

  test('a resume takes what the last resume was tuned to', async () => {
    const project = await killed([...NEEDED, 'batch=7']);
    await project.ended(['batch=9', `token=${TOKEN}`], { before: ['--resume', '--limit', '1'] });
    const ended = await resumed(project, [], { TOKEN });
    expect(ended.stderr).toContain('Using its arguments: batch=9 dry=false table=users\n');
  });

  test('of several unfinished runs that one goes on which the environment names', async () => {
    const project = new Project();
    for (const SINCE of ['May', 'June'])
      await project.ended(NEEDED, { before: ['-n', '1', '--limit', '1'], env: { SINCE } });
    const ended = await resumed(project, [], { TOKEN, SINCE: 'May' });
    expect(said(ended, 'master')).toEqual([true, 'users', 'May', 1000, null, false, [], '11 letters']);
    expect(ended.stderr).toContain('1 skipped');
  });

  test('a default that is given, and another way to write a number, are the same run', async () => {
    const project = await killed([...NEEDED, 'ratio=1e3', 'dry=false']);
    expect((await resumed(project, [...NEEDED, 'ratio=1000', 'batch=1000'])).stderr).toContain('1 skipped');
  });

  test('a journal that is named goes by them, too', async () => {
    const project = await killed(NEEDED);
    const [name = ''] = readdirSync(join(project.folder, '.divvy/declares')).filter((each) => each.endsWith('.ndjson'));
    const journal = ['--journal', join(project.folder, '.divvy/declares', name), '--resume'];
    const other = await project.ended(['table=orders', 'token=other'], { before: journal });
    expect(other.stderr).toContain('and given are "batch=1000" "dry=false" "table=orders"');
    const ended = await project.ended(['--', '--token=other', '--table=users', '--batch=2'], { before: journal });
    expect(ended.stderr).toContain('1 skipped');
  });

  test('a status is found by them, however they are written, and without the secret', async () => {
    const project = await killed([...NEEDED, 'batch=7']);
    for (const words of [['table=users'], ['--', '--table', 'users', '--token', 'x', 'batch=4'], ['batch=4']]) {
      const ended = await project.ended(words, { before: ['--status'] });
      expect(ended.stdout).toContain('unfinished');
      expect(ended.stdout).toMatch(/--resume .*declares\.ts -- batch=7 dry=false table=users\n/);
    }
    expect((await project.ended(['table=orders'], { before: ['--status'] })).stdout).toMatch(
      /^no run with these arguments;/,
    );
  });
});
