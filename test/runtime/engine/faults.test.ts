// Runs over several machines whose processes are killed, stopped and cut off, and whose server loses what it has. Every item ends
// exactly once in the journal, and none is in two processes at once: each notes its time by the clock that all share.
import { expect, test } from 'vitest';
import { needs } from '../../needs.ts';
import { gone, suspend } from '../run-task.ts';
import { Link } from './link.ts';
import { endedWell, expectWhole, LOCK_MS, Machines, redone } from './machines.ts';

needs('redis-server');

test('a host is killed: its items are done elsewhere, and what it had reported is not done again', async () => {
  const machines = await Machines.start({ COUNT: '400', NAP_MS: '20' });
  const [first, dispatcher] = [machines.host(), machines.dispatcher()];
  await dispatcher.said(/result/, 100);
  first.kill('SIGKILL');
  const second = machines.host();
  await first.gone();
  await endedWell(dispatcher);
  await endedWell(second);
  expectWhole(machines, 400);
  // At most what two workers had done of their chunks within a second, and what was in progress.
  expect(redone(machines.stamps()).length).toBeLessThan(120);
});

test('the dispatcher is killed, twice: a resume takes what hosts have done meanwhile', async () => {
  const machines = await Machines.start({ COUNT: '300', NAP_MS: '30' });
  const hosts = [machines.host(), machines.host()];
  const first = machines.dispatcher();
  await first.said(/result/, 50);
  first.kill('SIGKILL');
  await first.gone();
  const second = machines.dispatcher(['--resume']);
  await second.said(/result/, 50);
  second.kill('SIGKILL');
  await second.gone();
  await endedWell(machines.dispatcher(['--resume']));
  for (const host of hosts) await endedWell(host);
  expectWhole(machines, 300);
  expect(redone(machines.stamps())).toEqual([]);
});

test('the queue is emptied: what it had is put there again', async () => {
  const machines = await Machines.start({ COUNT: '300', NAP_MS: '20' });
  const [hosts, dispatcher] = [[machines.host(), machines.host()], machines.dispatcher()];
  await dispatcher.said(/result/, 50);
  await machines.redis.client.flushall();
  await endedWell(dispatcher);
  for (const host of hosts) await endedWell(host);
  expectWhole(machines, 300);
});

test('the server is killed, and begins again with nothing', async () => {
  const machines = await Machines.start({ COUNT: '300', NAP_MS: '20' });
  const [hosts, dispatcher] = [[machines.host(), machines.host()], machines.dispatcher()];
  await dispatcher.said(/result/, 50);
  await machines.redis.kill();
  await dispatcher.said(/the queue can't be reached, tries again: redis:/);
  await machines.redis.begin();
  await endedWell(dispatcher);
  expect(dispatcher.stderr).toMatch(/the queue can be reached again/);
  for (const host of hosts) await endedWell(host);
  expectWhole(machines, 300);
});

test('the server is killed, and begins again with all that it had', async () => {
  const machines = await Machines.start({ COUNT: '300', NAP_MS: '20' }, ['--appendonly', 'yes']);
  const [hosts, dispatcher] = [[machines.host(), machines.host()], machines.dispatcher()];
  await dispatcher.said(/result/, 50);
  await machines.redis.kill();
  await machines.redis.begin();
  await endedWell(dispatcher);
  for (const host of hosts) await endedWell(host);
  expectWhole(machines, 300);
});

test('the server is killed, and begins again with what it had a while ago: nothing begins that a host still has', async () => {
  const machines = await Machines.start({ COUNT: '8', NAP_MS: '4000' });
  const [hosts, dispatcher] = [[machines.host(), machines.host()], machines.dispatcher()];
  await machines.begun(4);
  await machines.redis.client.save(); // in this file, the other four wait
  await machines.begun(8);
  const third = machines.host(['-n', '4']);
  await dispatcher.said(/host 3 has joined/);
  await machines.redis.kill();
  await machines.redis.begin();
  await endedWell(dispatcher);
  for (const host of [...hosts, third]) await endedWell(host);
  expectWhole(machines, 8);
});

test('a replica that was behind takes over: nothing begins that a host still has', async () => {
  const machines = await Machines.start({ COUNT: '8', NAP_MS: '4000' });
  await using replica = await machines.redis.replica();
  await using link = await Link.to(machines.redis.port);
  const url = { DIVVY_ENGINE_URL: link.url };
  const [hosts, dispatcher] = [[machines.host([], url), machines.host([], url)], machines.dispatcher([], url)];
  await machines.begun(4);
  await expect.poll(() => replica.client.llen('divvy:stamped:wait')).toBe(4);
  await replica.client.replicaof('NO', 'ONE'); // it gets nothing from now on; of what it has, four wait
  await machines.begun(8);
  const third = machines.host(['-n', '4'], url);
  await dispatcher.said(/host 3 has joined/);
  link.turnTo(replica.port);
  await endedWell(dispatcher);
  for (const host of [...hosts, third]) await endedWell(host);
  expectWhole(machines, 8);
});

test('the link of the dispatcher breaks without a word: it notices, and goes on over another connection', async () => {
  const machines = await Machines.start({ COUNT: '200', NAP_MS: '20' });
  const link = await Link.to(machines.redis.port);
  const host = machines.host();
  const dispatcher = machines.dispatcher([], { DIVVY_ENGINE_URL: link.url });
  await dispatcher.said(/result/, 20);
  link.silence();
  await dispatcher.said(/the queue can't be reached, tries again: redis:\S+: no answer for 12 s/);
  link.heal();
  await endedWell(dispatcher);
  await endedWell(host);
  await link[Symbol.asyncDispose]();
  expectWhole(machines, 200);
});

test('Ctrl+C while the end is told to the queue does not change how the run has ended', async () => {
  const machines = await Machines.start({ COUNT: '20', NAP_MS: '5', AFTER_MS: '2000' });
  const link = await Link.to(machines.redis.port);
  const host = machines.host();
  const dispatcher = machines.dispatcher([], { DIVVY_ENGINE_URL: link.url });
  await dispatcher.said(/result/, 20);
  link.silence(); // so that the end can't be told
  await dispatcher.said(/20 items: 20 done/);
  dispatcher.kill('SIGINT');
  await endedWell(dispatcher);
  host.kill('SIGTERM');
  await host.ended();
  await link[Symbol.asyncDispose]();
});

test('the queue and the dispatcher are lost together: a resume waits until no host can still be at work', async () => {
  const machines = await Machines.start({ COUNT: '40', NAP_MS: '2000' });
  const [host, dispatcher] = [machines.host(), machines.dispatcher()];
  await dispatcher.said(/result/, 4);
  dispatcher.kill('SIGKILL');
  await dispatcher.gone();
  await machines.redis.client.flushall();
  const other = machines.host(['--stay', '-n', '40']);
  const resumed = machines.dispatcher(['--resume']);
  await resumed.said(/the queue doesn't know all of the run to resume: waits 5 s/);
  await endedWell(resumed);
  await endedWell(host);
  other.kill('SIGTERM');
  await other.ended();
  expectWhole(machines, 40);
});

test('a host is stopped: its workers kill themselves before another host begins their items', async () => {
  const machines = await Machines.start({ COUNT: '8', NAP_MS: '9000' });
  const [first, dispatcher] = [machines.host(), machines.dispatcher()];
  await first.said(/beforeFork/, 2);
  await machines.begun(2);
  const workers = first.alive().filter((pid) => pid !== first.pid);
  await suspend(first.pid);
  await Promise.all(workers.map((pid) => gone(pid, LOCK_MS)));
  const second = machines.host(['-n', '8']);
  await second.said(/beforeFork/, 2);
  process.kill(first.pid, 'SIGCONT');
  await first.said(/kills its workers, since other hosts may do their items, and joins again/);
  await endedWell(dispatcher);
  await endedWell(second);
  await endedWell(first);
  expectWhole(machines, 8);
});

test('a resume that lists everything in another order: each outcome is that of its item', async () => {
  const machines = await Machines.start({ COUNT: '40', NAP_MS: '400' });
  const hosts = [machines.host(), machines.host()];
  const first = machines.dispatcher();
  await first.said(/result/, 8);
  first.kill('SIGKILL');
  await first.gone();
  const resumed = machines.dispatcher(['--resume'], { BACKWARDS: 'yes' });
  await endedWell(resumed);
  expect(first.stdout + resumed.stdout).not.toMatch(/wrong/);
  for (const host of hosts) await endedWell(host);
  expectWhole(machines, 40);
});
