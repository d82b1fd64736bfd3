// A hand on a running run by divvy's commands: they find the task, and the project's own runner asks the run.
import { once } from 'node:events';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cleanEnvironment, divvy, freshFolder, home } from './commands.ts';

const TASK = `export default class Nightly {
  *dispatch() { yield* [1, 2, 3, 4]; }
  key(item) { return 'user ' + item; }
  process(item, { signal }) {
    console.log('begun', item);
    return new Promise((_, reject) => {
      const timer = setTimeout(() => {}, 600_000);
      signal.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); });
    });
  }
}
`;

/** A project of these tasks, with the runtime of this repository. */
function project(...tasks: string[]): string {
  const cwd = freshFolder();
  mkdirSync(join(cwd, 'tasks'));
  writeFileSync(join(cwd, 'divvy.json'), JSON.stringify({ tasks: 'tasks', runtime: 'runtime' }));
  symlinkSync(join(home, 'runtime'), join(cwd, 'runtime'));
  for (const name of tasks) writeFileSync(join(cwd, 'tasks', `${name}.ts`), TASK);
  return cwd;
}

/** A run of nightly, with one worker and an item in progress. */
async function running(cwd: string, ...args: string[]) {
  const run = execa(process.execPath, ['runtime/run.mjs', '-n', '1', 'tasks/nightly.ts', ...args], {
    ...{ cwd, env: cleanEnvironment(), extendEnv: false, reject: false },
  });
  onTestFinished(() => void run.kill('SIGKILL'));
  await once(run.stdout, 'data');
  return { run }; // by itself it would be awaited to its end
}

const said = (text: string) => ({
  code: 0,
  stdout: expect.stringMatching(new RegExp(`^[\\d-]+-\\w+: ${text}\n$`)),
  stderr: '',
});

describe('of the only task, which need not be named', () => {
  test('pause, status, cancel, workers, continue and stop', async () => {
    const cwd = project('nightly');
    const { run } = await running(cwd);
    expect(await divvy(['pause'], { cwd })).toMatchObject(said('Paused\\. 1 item in progress will finish\\.'));
    const { stdout } = await divvy(['status'], { cwd });
    expect(stdout).toMatch(/^nightly: is paused, as process \d+: 0 done$/m);
    expect(stdout).toMatch(/^ {2}paused: 0 items$/m);
    expect(stdout).toMatch(/^ {2}worker 1 \(process \d+\): item 1 \(user 1\) for [\d.]+ m?s$/m);
    expect(await divvy(['cancel', 'user 1'], { cwd })).toMatchObject(said('Cancelled: item 1 \\(worker 1\\)\\. .*'));
    expect(await divvy(['workers', '2', 'nightly'], { cwd })).toMatchObject(said('Up to 2 workers from now on\\.'));
    const begun = once(run.stdout, 'data');
    expect(await divvy(['continue', 'nightly'], { cwd })).toMatchObject(said('It goes on\\.'));
    await begun;
    const { code, stdout: answer } = await divvy(['stop', '--now', '--json'], { cwd });
    expect(code).toBe(0);
    expect(JSON.parse(answer)).toEqual({
      ...{ command: 'stop', folder: cwd, task: 'nightly', runId: expect.any(String) },
      answer: 'Stopping: items in progress will be unfinished.',
    });
    const { exitCode, stderr } = await run;
    expect(exitCode).toBe(1);
    expect(stderr).toContain('item 1 (user 1) failed: Cancelled: somebody cancelled it');
  });
});

test('of several runs of a task one is named by its arguments', async () => {
  const cwd = project('nightly', 'weekly');
  const one = await running(cwd, 'table=users');
  const other = await running(cwd, 'table=orders');
  const unnamed = await divvy(['stop', '--now', 'nightly'], { cwd });
  expect(unnamed).toMatchObject({ code: 1, stdout: '' });
  expect(unnamed.stderr).toMatch(
    /2 runs of this task go on: \S+ table=orders; \S+ table=users; name one after the task file, by its id or its arguments/,
  );
  expect(await divvy(['stop', '--now', 'nightly', 'table=users'], { cwd })).toMatchObject({ code: 0 });
  await one.run;
  expect((await divvy(['pause', 'nightly', '--', 'table=users'], { cwd })).code).toBe(1);
  expect(await divvy(['stop', '--now', 'nightly'], { cwd })).toMatchObject({ code: 0 });
  await other.run;
});

describe('what cannot be done is said, with what to do:', () => {
  test.each([
    [['pause'], 2, /there are several tasks\nName one of them: nightly, weekly\./],
    [['pause', 'nigthly'], 2, /there is no task "nigthly"\nDid you mean nightly\?/],
    [['pause', 'nightly'], 1, /no run of \S+nightly\.ts goes on; --runs lists its runs/],
    [['workers'], 2, /the number of workers is missing\nWrite it before the task: divvy workers N <task>/],
    [['cancel'], 2, /the key of the item is missing\nWrite it before the task: divvy cancel KEY <task>/],
    [['workers', 'many', 'nightly'], 1, /--control must be pause, .* and is 'workers many'/],
    [['pause', '--now', 'nightly'], 2, /divvy pause has no flag --now/],
  ])('%j', async (argv, code, message) => {
    const ended = await divvy(argv, { cwd: project('nightly', 'weekly') });
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(message);
  });

  test('a runtime that is older', async () => {
    const cwd = project('nightly');
    rmSync(join(cwd, 'runtime'));
    mkdirSync(join(cwd, 'runtime'));
    writeFileSync(
      join(cwd, 'runtime/run.mjs'),
      "console.error('divvy: there is no option --control'); process.exitCode = 2;",
    );
    const ended = await divvy(['pause'], { cwd });
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain('there is no option --control\n');
    expect(ended.stderr).toContain('node runtime/run.mjs --runs tasks/nightly.ts');
  });
});
