// Runs over several machines as a person has them: real processes, a real Redis, and none of them killed.
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { needs } from '../../needs.ts';
import { runTask } from '../run-task.ts';
import { Link } from './link.ts';
import { Machines, numbersTo, redone } from './machines.ts';

needs('redis-server');

test('hosts do what the dispatcher lists, which has the hooks, the results and the journal', async () => {
  const machines = await Machines.start({ COUNT: '200', NAP_MS: '5', FAILS: '7' });
  const hosts = [machines.host(), machines.host()];
  // One that comes when the run is over waits for the next one.
  for (const host of hosts) await host.said(/waits for a run of this task to begin/);
  const file = join(machines.folder, 'results.ndjson');
  const dispatcher = machines.dispatcher(['--results', file]);
  const ended = await dispatcher.ended();
  expect(ended.status, ended.stderr).toBe(1);
  expect(ended.stderr).toMatch(/200 items: 199 done, 1 failed\./);
  expect(ended.stderr).toMatch(/item 7 \(item-7\) failed: Error: this one always fails/);
  const lines = ended.stdout.trim().split('\n').sort();
  const wanted = numbersTo(200)
    .filter((number) => number !== 7)
    .map((number) => `result ${2 * number} in ${dispatcher.pid}`);
  expect(lines).toEqual([`failure in ${dispatcher.pid}: this one always fails`, ...wanted].sort());
  const results = readFileSync(file, 'utf8').trim().split('\n');
  expect(results.map((line) => (JSON.parse(line) as { result: number }).result).sort((a, b) => a - b)).toEqual(
    numbersTo(200)
      .filter((number) => number !== 7)
      .map((number) => 2 * number),
  );
  for (const host of hosts) {
    const { status, stdout, stderr } = await host.ended();
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(new RegExp(`^(beforeFork [12] in ${host.pid}\n){0,2}$`));
  }
  expect(machines.recorded()).toEqual(new Map(numbersTo(200).map((number) => [`item-${number}`, 1])));
  expect(redone(machines.stamps())).toEqual([]);
  // Nothing of the run is left in the queue: no job.
  expect(await machines.redis.client.keys('divvy:stamped:2*')).toEqual([]);
});

test('a host that is asked to go finishes what is in progress, and gives the rest to others', async () => {
  const machines = await Machines.start({ COUNT: '60', NAP_MS: '50' });
  const [first, dispatcher] = [machines.host(), machines.dispatcher()];
  await dispatcher.said(/result/, 10);
  first.kill('SIGINT');
  const gone = await first.ended();
  expect(gone.signal, gone.stderr).toBe('SIGINT');
  const second = machines.host();
  expect((await dispatcher.ended()).status).toBe(0);
  expect((await second.ended()).status).toBe(0);
  expect(machines.recorded().size).toBe(60);
  const stamps = machines.stamps();
  expect(redone(stamps)).toEqual([]);
  expect(stamps.overlaps).toEqual([]);
});

test('Ctrl+C at the dispatcher takes back what no host has begun, and a resume does it', async () => {
  const machines = await Machines.start({ COUNT: '60', NAP_MS: '50' });
  const host = machines.host(['--stay']);
  await host.said(/waits for a run of this task to begin/);
  const dispatcher = machines.dispatcher();
  await dispatcher.said(/result/, 10);
  dispatcher.kill('SIGINT');
  const stopped = await dispatcher.ended();
  expect(stopped.signal, stopped.stderr).toBe('SIGINT');
  expect(stopped.stderr).toMatch(/Stopping \(SIGINT\): waiting for \d+ items in the queue and on hosts\./);
  expect(stopped.stderr).toMatch(/to go on: .*--resume/);
  const done = machines.recorded().size;
  expect(done).toBeLessThan(60);
  // Its items may be in the hands of hosts, so nobody resumes it without the queue by mistake.
  const alone = await runTask(machines.task, { args: ['--resume'] }).ended();
  expect(alone.status, alone.stderr).toBe(2);
  expect(alone.stderr).toMatch(/used several machines, and .*: to resume it, add --engine bullmq --lock 5s/);
  const { stdout } = await runTask(machines.task, { args: ['--status'] }).ended();
  expect(stdout).toMatch(/to go on: .*--resume .*--engine bullmq --lock 5s/);
  // By now the host knows that the run is over.
  await host.said(/waits for a run of this task to begin/, 2);
  const resumed = await machines.dispatcher(['--resume']).ended();
  expect(resumed.status, resumed.stderr).toBe(0);
  expect(machines.recorded()).toEqual(new Map(numbersTo(60).map((number) => [`item-${number}`, 1])));
  expect(redone(machines.stamps())).toEqual([]);
  host.kill('SIGTERM');
  await host.ended();
});

test('a second dispatcher of the task is refused, and so is one with other code', async () => {
  const machines = await Machines.start({ COUNT: '1000', NAP_MS: '100' });
  const host = machines.host();
  const dispatcher = machines.dispatcher(['--no-journal']);
  await dispatcher.said(/result/);
  const second = await machines.dispatcher(['--no-journal']).ended();
  expect(second.status, second.stderr).toBe(75);
  expect(second.stderr).toMatch(/another dispatcher has the queue of this task/);
  const skewed = await machines.host(['--code-version', '2']).ended();
  expect(skewed.status, skewed.stderr).toBe(2);
  expect(skewed.stderr).toMatch(/was started with --code-version \(none\), and not 2; put the same code/);
  const accepted = machines.host(['--code-version', '2', '--accept-skew']);
  await accepted.said(/beforeFork/);
  dispatcher.kill('SIGTERM');
  await dispatcher.closed;
  for (const each of [host, accepted]) await each.ended();
  // What was refused has left nothing behind that could be resumed.
  const waiting = machines.dispatcher();
  await machines.host().said(/beforeFork/);
  expect((await machines.dispatcher(['--take-over']).ended()).status).toBe(75);
  waiting.kill('SIGTERM');
  await waiting.closed;
  expect(machines.journal().filter(({ type }) => type === 'run')).toHaveLength(1);
});

test('the password is shown nowhere, and a wrong one is the end at once', async () => {
  const machines = await Machines.start({ COUNT: '20', NAP_MS: '20' }, ['--requirepass', 'swordfish']);
  const right = { DIVVY_ENGINE_URL: `redis://:swordfish@127.0.0.1:${machines.redis.port}` };
  const wrong = { DIVVY_ENGINE_URL: `redis://:catfish@127.0.0.1:${machines.redis.port}` };
  for (const env of [wrong, {}]) {
    for (const refused of [machines.dispatcher([], env), machines.host([], env)]) {
      const { status, stderr } = await refused.ended();
      expect(status, stderr).toBe(2);
      expect(stderr).toMatch(/the queue at redis:\/\/127\.0\.0\.1:\d+: it refuses the user name or the password/);
      expect(stderr).not.toMatch(/catfish/);
    }
  }
  const host = machines.host(['-v'], right);
  const dispatcher = machines.dispatcher(['-v', '--events', join(machines.folder, 'events')], right);
  const said = [await dispatcher.ended(), await host.ended()].map(({ stderr, stdout }) => stderr + stdout);
  const written = [JSON.stringify(machines.journal()), readFileSync(join(machines.folder, 'events'), 'utf8')];
  expect(machines.recorded().size).toBe(20);
  for (const text of [...said, ...written]) expect(text).not.toMatch(/swordfish/);
});

test('a server that is too old is refused', async () => {
  const machines = await Machines.start();
  const link = await Link.to(machines.redis.port, {
    answered: (text) => text.replace(/(redis_version:)\d/, '$15'),
  });
  const { status, stderr } = await machines.dispatcher([], { DIVVY_ENGINE_URL: link.url }).ended();
  await link[Symbol.asyncDispose]();
  expect(status, stderr).toBe(2);
  expect(stderr).toMatch(/the queue at redis:\S+: it is Redis 5\.\S+: use 6\.2 or newer/);
});

test.each([
  [
    'redis://user:/secret@127.0.0.1:7000',
    /has an @ behind its host: if that belongs to the password, write %2F for each \/ in it/,
  ],
  ['http://127.0.0.1:7000', /must begin with redis:\/\/ or rediss:\/\/, and name a host/],
  ['localhost:7000', /must begin with redis:\/\/ or rediss:\/\//],
  ['redis://127.0.0.1:7000/abc', /must end with the number of a database, or with nothing/],
  ['unix:///tmp/redis', /must begin with redis:\/\/ or rediss:\/\//],
])('the URL %s is refused, and not shown', async (url, why) => {
  const machines = await Machines.start();
  for (const refused of [
    machines.dispatcher([], { DIVVY_ENGINE_URL: url }),
    machines.host([], { DIVVY_ENGINE_URL: url }),
  ]) {
    const { status, stderr } = await refused.ended();
    expect(status, stderr).toBe(2);
    expect(stderr).toMatch(why);
    expect(stderr).not.toMatch(/secret|7000/);
  }
});

test('a database that the server has not, and a right that the user has not', async () => {
  const machines = await Machines.start();
  const { status, stderr } = await machines.host([], { DIVVY_ENGINE_URL: `${machines.redis.url}/99` }).ended();
  expect(status, stderr).toBe(2);
  expect(stderr).toMatch(/\/99: it has no database of the number at the end of the URL/);
  await machines.redis.client.acl('SETUSER', 'poor', 'on', '>word', '+info', '+ping');
  const host = machines.host([], { DIVVY_ENGINE_URL: machines.redis.url.replace('//', '//poor:word@') });
  await host.said(/the queue refuses what it is asked, tries again: NOPERM/);
  host.kill('SIGTERM');
  await host.ended();
});

test('a task file whose name the queue can not have is refused', async () => {
  const machines = await Machines.start();
  const task = join(machines.folder, 'my:task.ts');
  symlinkSync(machines.task, task);
  const env = { DIVVY_ENGINE_URL: machines.redis.url };
  const { status, stderr } = await runTask(task, { args: ['--engine', 'bullmq'], env }).ended();
  expect(status, stderr).toBe(2);
  expect(stderr).toMatch(/my:task, has a colon in it, which the queue can't have: give it another name/);
});

test('a server that may throw away chunks is refused', async () => {
  const machines = await Machines.start({}, ['--maxmemory-policy', 'allkeys-lru']);
  const { status, stderr } = await machines.dispatcher().ended();
  expect(status, stderr).toBe(2);
  expect(stderr).toMatch(/its maxmemory-policy is allkeys-lru, so it may throw away chunks: set it to noeviction/);
});

test.each([
  [['--engine', 'kafka'], /--engine must be bullmq, and is 'kafka'/],
  [['--lock', '1s'], /--lock must be from 5s to 1h, and is '1s'/],
  [['--inline'], /--inline and --engine exclude each other|not .*together/],
  [['-n', '3'], /-n is for a host, with --join: the dispatcher runs no items/],
  [['--stay'], /--stay goes with --join/],
  [['--join'], /a host takes this option from the dispatcher: --lock/],
  [['--join', '--retries', '3'], /a host takes this option from the dispatcher: --retries/],
  [['--join', '--', 'word'], /a host takes the task's arguments from the dispatcher: word/],
])('%j is refused', async (args, why) => {
  const machines = await Machines.start();
  const run = args.includes('--join') && args.length > 1 ? machines.host(args.slice(1)) : machines.dispatcher(args);
  const { status, stderr } = await run.ended();
  expect(status, stderr).toBe(2);
  expect(stderr).toMatch(why);
});

test('--status shows the run, its hosts and the queue, from anywhere', async () => {
  const machines = await Machines.start({ COUNT: '1000', NAP_MS: '100' });
  const nothing = await machines.dispatcher(['--status']).ended();
  expect(nothing.stdout).toMatch(/stamped: no run has been announced/);
  const [host, dispatcher] = [machines.host(), machines.dispatcher()];
  await dispatcher.said(/result/);
  const status = await machines.dispatcher(['--status', '--json']).ended();
  expect(JSON.parse(status.stdout)).toMatchObject({
    run: { isOver: false },
    hasDispatcher: true,
    hosts: [{ name: expect.stringMatching(`:${host.pid}$`) as string, capacity: 2 }],
  });
  dispatcher.kill('SIGTERM');
  await dispatcher.closed;
  await host.ended();
});

test('--status says that the dispatcher is gone, or that the queue is away', async () => {
  const machines = await Machines.start({ COUNT: '1000', NAP_MS: '100' });
  const [host, dispatcher] = [machines.host(), machines.dispatcher()];
  await dispatcher.said(/result/);
  dispatcher.kill('SIGKILL');
  await dispatcher.closed;
  const gone = /goes on\n {2}its dispatcher is gone, .* resume the run on its machine, with --resume\n/;
  // Until a lock has run out, it may still be there.
  for (let said = ''; !gone.test(said); ) said = (await machines.dispatcher(['--status']).ended()).stdout;
  await machines.redis.kill();
  const away = await machines.dispatcher(['--status']).ended();
  expect([away.status, away.stdout]).toEqual([1, '']);
  expect(away.stderr).toMatch(
    /^divvy: the queue can't be reached, so nobody can tell how it stands: .*ECONNREFUSED.*\n$/,
  );
  host.kill('SIGKILL');
  await host.closed;
});

test('a host that stays takes part in the next run, with its arguments; a paused run begins nothing', async () => {
  const machines = await Machines.start({ COUNT: '30', NAP_MS: '20' });
  const host = machines.host(['--stay']);
  const first = await machines.dispatcher().ended();
  expect(first.status, first.stderr).toBe(0);
  const second = machines.dispatcher(['--', 'again'], { COUNT: '400' });
  await second.said(/result/, 10);
  const control = async (what: string): Promise<string> => {
    const { stdout, stderr } = await runTask(machines.task, { args: ['--control', what, '--', 'again'] }).ended();
    return stdout + stderr;
  };
  expect(await control('pause')).toMatch(
    /Paused\. Of \d+ items in the queue and on hosts, hosts finish those that they have begun\./,
  );
  // What hosts hold, they finish; then nothing more begins.
  let before = -1;
  for (let now = machines.stamps().begun.size; now !== before; now = machines.stamps().begun.size) {
    before = now;
    await sleep(1000);
  }
  expect(second.stdout.match(/result/g)?.length ?? 0).toBeLessThan(400);
  expect(await control('continue')).toMatch(/It goes on/);
  const ended = await second.ended();
  expect(ended.status, ended.stderr).toBe(0);
  expect(ended.stderr).toMatch(/400 items: 400 done/);
  host.kill('SIGINT');
  expect((await host.ended()).signal).toBe('SIGINT');
  expect(machines.stamps().overlaps).toEqual([]);
});

test('--rate holds for all hosts together', async () => {
  const machines = await Machines.start({ COUNT: '60' });
  const hosts = [machines.host(), machines.host()];
  const began = performance.now();
  const { status, stderr } = await machines.dispatcher(['--rate', '20/s']).ended();
  expect(status, stderr).toBe(0);
  // The first second's worth may begin at once.
  expect(performance.now() - began).toBeGreaterThan(1900);
  for (const host of hosts) expect((await host.ended()).status).toBe(0);
});

test('a hook behind the run that takes longer than a lock: no other dispatcher gets in, and hosts end', async () => {
  const machines = await Machines.start({ COUNT: '20', NAP_MS: '5', AFTER_MS: '7000' });
  const [host, dispatcher] = [machines.host(), machines.dispatcher(['--no-journal'])];
  await dispatcher.said(/result/, 20);
  const second = await machines.dispatcher(['--no-journal'], { COUNT: '0' }).closed;
  expect(second.status, second.stderr).toBe(0); // it waited until the first one had ended
  expect(second.stderr).toMatch(/another dispatcher has had the queue of this task: waits/);
  const { status, stderr } = await dispatcher.ended();
  expect(status, stderr).toBe(0);
  expect((await host.ended()).status).toBe(0);
});
