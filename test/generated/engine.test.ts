// `divvy add engine bullmq` in a new project, whose runs then go over a dispatcher and a host, with a real Redis between them.
import { execa, type ResultPromise } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { partsNamed } from '../../generators/project/parts.ts';
import { cleanEnvironment, commandFile, divvy } from '../generators/commands.ts';
import { needs } from '../needs.ts';
import { RedisServer } from '../runtime/engine/redis.ts';
import { link, makeProject } from './projects.ts';

needs('redis-server');

/** A project with the engine, whose packages are there as if they had been installed. */
async function withEngine(): Promise<string> {
  const cwd = await makeProject('basic');
  const added = await divvy(['add', 'engine', 'bullmq', '--no-install'], { cwd });
  expect(added).toMatchObject({ code: 0, stderr: '' });
  for (const name of Object.keys(partsNamed('engine')[0]?.dependencies ?? {})) link(name, cwd);
  return cwd;
}

interface Options {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly extendEnv: false;
  readonly reject: false;
  readonly stdin: 'ignore';
}

/** Starts a process in the project that knows where the queue is, and that goes with the test. */
function start(cwd: string, url: string, argv: readonly string[]): ResultPromise<Options> {
  const env = cleanEnvironment({ DIVVY_ENGINE_URL: url });
  const options: Options = { cwd, env, extendEnv: false, reject: false, stdin: 'ignore' };
  const child = execa(process.execPath, [...argv], options);
  onTestFinished(() => {
    child.kill('SIGTERM');
  });
  return child;
}

const RUNNER = 'vendor/divvy/run.mjs';
const FILE = 'tasks/my-task.ts';
/** How a person starts each of them: as the next steps of `add` say, and by divvy's own commands. */
const WAYS: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['the runner', [RUNNER, '--engine', 'bullmq', FILE], [RUNNER, '--engine', 'bullmq', '--join', FILE]],
  [
    'divvy run and divvy join',
    [commandFile('divvy'), 'run', 'my-task', '--engine', 'bullmq'],
    [commandFile('divvy'), 'join', 'my-task', '-n', '2'],
  ],
];

test.each(WAYS)('a dispatcher and a host run to the end, by %s', async (_, dispatching, joining) => {
  await using redis = await RedisServer.start();
  const cwd = await withEngine();
  const host = start(cwd, redis.url, joining);
  const dispatcher = await start(cwd, redis.url, dispatching);
  expect(dispatcher.exitCode, dispatcher.stderr).toBe(0);
  expect(dispatcher.stderr).toMatch(/^divvy: 12 items: 12 done/m);
  const { exitCode, stdout, stderr } = await host;
  expect(exitCode, stderr).toBe(0);
  // What the task prints for each item is on the machine that processed it.
  expect(stdout.match(/^item \d+ /gm)).toHaveLength(12);
  const status = await divvy(['status', 'my-task'], { cwd });
  expect(status.stdout).toMatch(/^my-task: complete: 12 done\n/);
});

test('divvy status --engine tells of the queue, and without it of the run', async () => {
  await using redis = await RedisServer.start();
  const cwd = await withEngine();
  const env = cleanEnvironment({ DIVVY_ENGINE_URL: redis.url });
  const none = {
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/^my-task: no run has been announced\n {2}0 hosts\n/),
  };
  expect(await divvy(['status', 'my-task', '--engine'], { cwd, env })).toMatchObject(none);
  const asked = await divvy(['status', FILE, '--engine', 'bullmq', '--json'], { cwd, env });
  expect(JSON.parse(asked.stdout)).toEqual({
    ...{ command: 'status', folder: cwd, task: FILE, engine: 'bullmq' },
    queue: { run: null, hasDispatcher: false, hosts: [], chunks: { waiting: 0, active: 0, finished: 0 } },
  });
  expect(await divvy(['status', 'my-task'], { cwd })).toMatchObject({ code: 0, stdout: 'my-task: no run yet\n' });
});
