// What a worker finds itself in, and the master after its run.
import { describe, expect, inject, test } from 'vitest';
import { ALL_WELL, makeGate, runTask, taskFile } from '../run-task.ts';

const found = (stdout: string, who: string): unknown => {
  const [, json = 'null'] = new RegExp(`^${who} (.*?)\r?$`, 'm').exec(stdout) ?? [];
  return JSON.parse(json);
};

describe('what a worker finds itself in', () => {
  const file = taskFile('environment');

  test('arguments, DIVVY_WORKER, a closed stdin, and what the hook beforeFork changed', async () => {
    const env = { REMOVED: 'yes', FORCE_COLOR: undefined, NO_COLOR: undefined };
    const args = ['-n', '1', '--', 'one', '--two', ''];
    const { status, stdout } = await runTask('environment', { args, env, stdin: 'for dispatch alone' }).ended();
    expect(status).toBe(0);
    const argv = ['one', '--two', ''];
    expect(found(stdout, 'master')).toMatchObject({ argv, file, env: { REMOVED: 'yes' } });
    expect(found(stdout, 'worker')).toEqual({
      ...{ argv, file, inspector: [], stdin: '' },
      env: { DIVVY_WORKER: '1', FROM_HOOK: 'for worker 1, pid undefined', NODE_OPTIONS: inject('nodeOptions') },
    });
  });

  test("node's own flags are not handed on, NODE_OPTIONS is", async () => {
    const env = { NODE_OPTIONS: '--no-deprecation' };
    const run = runTask('environment', { nodeArgs: ['--inspect=127.0.0.1:0'], args: ['-n', '1'], env });
    const { status, stdout, stderr } = await run.ended();
    expect(status).toBe(0);
    expect(found(stdout, 'master')).toMatchObject({ inspector: ['--inspect=127.0.0.1:0'] });
    expect(found(stdout, 'worker')).toMatchObject({ inspector: [], env: { NODE_OPTIONS: '--no-deprecation' } });
    expect(stderr.match(/Debugger listening/g)).toHaveLength(1);
  });

  test('FORCE_COLOR, where the master has a terminal', async () => {
    const env = { FORCE_COLOR: undefined, NO_COLOR: undefined };
    const { status, stdout } = await runTask('environment', {
      onTerminal: true,
      args: ['-n', '1', '--no-progress'],
      env,
    }).ended();
    expect(status).toBe(0);
    expect(found(stdout, 'worker')).toMatchObject({ env: { FORCE_COLOR: '1' } });
  });

  test.each([
    ['NO_COLOR', { FORCE_COLOR: undefined, NO_COLOR: '1' }, undefined],
    ['FORCE_COLOR of its own', { FORCE_COLOR: '3', NO_COLOR: undefined }, '3'],
  ])('on a terminal, %s is obeyed', async (_, env, expected) => {
    const { status, stdout } = await runTask('environment', {
      onTerminal: true,
      args: ['-n', '1', '--no-progress'],
      env,
    }).ended();
    expect(status).toBe(0);
    expect((found(stdout, 'worker') as { env: NodeJS.ProcessEnv }).env['FORCE_COLOR']).toBe(expected);
  });
});

describe('the master', () => {
  test('ends though the task has left open what would keep it', async () => {
    expect(await runTask('open-handles', { args: ['-n', '1'] }).ended()).toMatchObject({
      ...{ status: 0, stdout: 'processed 1\nprocessed 2\n', stderr: expect.stringMatching(ALL_WELL) },
    });
  });

  test('gives its stdin to dispatch', async () => {
    const stdin = Array.from({ length: 1000 }, (_, at) => `line ${at}\n`).join('');
    const { status, stdout } = await runTask('from-stdin', { args: ['-n', '2'], stdin }).ended();
    expect(status).toBe(0);
    expect(stdout.split('\n').sort()).toEqual(stdin.split('\n').sort());
  });

  test('takes as much memory for many items as for few, where no journal has to know their keys', async () => {
    const args = ['-n', '2', '-c', '64', '--no-journal'];
    const { signal, stderr } = await runTask('endless', { nodeArgs: ['--expose-gc'], args }).ended();
    expect(signal).toBe('SIGINT');
    const [few, many] = [...stderr.matchAll(/(\d+) MB at/g)].map(([, mb]) => Number(mb));
    expect(many).toBeLessThan((few ?? 0) + 10);
  });

  test('says what is wrong where file descriptors run out', async () => {
    const by = ['sh', '-c', 'ulimit -n 26 && exec "$@"', 'sh'];
    const { status, stdout, stderr } = await runTask('chatty', { by, args: ['-n', '3', '--', '20'] }).ended();
    expect(stderr).toMatch(/could not be started \(spawn .* EMFILE\)/);
    expect({ status, stdout }).toEqual({ status: 69, stdout: '' });
  });

  test('goes on with the workers that there are where file descriptors run out for more', async () => {
    const by = ['sh', '-c', 'ulimit -n 40 && exec "$@"', 'sh'];
    const gate = await makeGate();
    const run = runTask('gated', { by, args: ['-n', '20', '--', '20'], env: gate.env });
    await run.said(/could not be started \(spawn .* EMFILE\)/);
    gate.open();
    const { status, stdout } = await run.ended();
    expect(status).toBe(0);
    expect(stdout.match(/^finished \d+$/gm)).toHaveLength(20);
  });
});
