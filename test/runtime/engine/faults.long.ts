// What takes too long for each change: many kills, a network that is cut, a full server, an input without end.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { needs } from '../../needs.ts';
import { runTask, type TaskRun } from '../run-task.ts';
import { expectWhole, LOCK_MS, Machines, numbersTo, redone } from './machines.ts';

needs('redis-server');

/** Starts a host whenever one has ended, until the returned function is called. */
function keepHosts(machines: Machines, count: number): { alive(): TaskRun[]; stop(): Promise<void> } {
  let isOver = false;
  const alive = new Set<TaskRun>();
  const keep = async (): Promise<void> => {
    while (!isOver) {
      const host = machines.host(['--stay']);
      alive.add(host);
      await host.closed;
      alive.delete(host);
    }
  };
  const kept = Array.from({ length: count }, keep);
  return {
    alive: () => [...alive],
    stop: async () => {
      isOver = true;
      for (const host of alive) host.kill('SIGKILL');
      await Promise.all(kept);
    },
  };
}

test('100,000 items, and a host killed each second', async () => {
  const machines = await Machines.start({ COUNT: '100000', NAP_MS: '1' });
  const hosts = keepHosts(machines, 3);
  const dispatcher = machines.dispatcher();
  let kills = 0;
  let isOver = false;
  void dispatcher.closed.then(() => {
    isOver = true;
  });
  while (!isOver) {
    await sleep(1000);
    const [oldest] = hosts.alive();
    oldest?.kill('SIGKILL');
    kills += 1;
  }
  await hosts.stop();
  const { status, stderr } = await dispatcher.ended();
  expect(status, stderr).toBe(0);
  expectWhole(machines, 100_000);
  console.log(`${kills} hosts killed, ${redone(machines.stamps()).length} items begun again`);
});

test('100 dispatchers killed', async () => {
  const machines = await Machines.start({ COUNT: '60000', NAP_MS: '20' });
  const hosts = [machines.host(['--stay']), machines.host(['--stay'])];
  let dispatcher = machines.dispatcher();
  for (let kills = 0; kills < 100; kills++) {
    // At any moment: also while it waits for the token of the one before.
    await sleep(Math.random() * 12_000);
    dispatcher.kill('SIGKILL');
    await dispatcher.closed;
    dispatcher = machines.dispatcher(['--resume']);
  }
  const { status, stderr } = await dispatcher.ended();
  expect(status, stderr).toBe(0);
  for (const host of hosts) host.kill('SIGTERM');
  await Promise.all(hosts.map(({ closed }) => closed));
  expectWhole(machines, 60_000);
  console.log(`${redone(machines.stamps()).length} items begun again`);
});

test('an item that takes its hosts with it fails, and nothing else does', async () => {
  const machines = await Machines.start({ COUNT: '20', NAP_MS: '200', KILLS_HOST: '7' });
  const hosts = keepHosts(machines, 2);
  const { status, stderr, stdout } = await machines.dispatcher(['--max-crashes', '2']).ended();
  await hosts.stop();
  expect(status, stderr).toBe(1);
  expect(stdout).toMatch(/failure in \d+: its host died, or lost touch with the queue, .* 2 times \(--max-crashes\)/);
  expect(machines.recorded()).toEqual(new Map(numbersTo(20).map((number) => [`item-${number}`, 1])));
  expect(machines.stamps().overlaps).toEqual([]);
});

test('a server that answers nothing for three locks', async () => {
  const machines = await Machines.start({ COUNT: '400', NAP_MS: '100' });
  const hosts = [machines.host(), machines.host()];
  const dispatcher = machines.dispatcher();
  await dispatcher.said(/result/, 50);
  await machines.redis.client.call('CLIENT', 'PAUSE', String(3 * LOCK_MS), 'ALL');
  const { status, stderr } = await dispatcher.ended();
  expect(status, stderr).toBe(0);
  for (const host of hosts) await host.ended();
  expectWhole(machines, 400);
});

test('a server that is full for three locks', async () => {
  const machines = await Machines.start({ COUNT: '400', NAP_MS: '100' });
  const hosts = [machines.host(), machines.host()];
  const dispatcher = machines.dispatcher();
  await dispatcher.said(/result/, 50);
  await machines.redis.client.config('SET', 'maxmemory', '1');
  await sleep(3 * LOCK_MS);
  await machines.redis.client.config('SET', 'maxmemory', '0');
  const { status, stderr } = await dispatcher.ended();
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(/the queue refuses what it is asked, tries again: OOM/);
  for (const host of hosts) await host.ended();
  expectWhole(machines, 400);
});

/** Runs a command of iproute2, as root. */
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

test.each([
  ['one lock', LOCK_MS],
  ['three locks', 3 * LOCK_MS],
])('a host whose network is down for %s', async (_, downMs) => {
  const name = `divvy${process.pid % 10_000}`;
  const machines = await Machines.start({ COUNT: '60', NAP_MS: '1000' }, [
    '--bind',
    '0.0.0.0',
    '--protected-mode',
    'no',
  ]);
  ip('netns', 'add', name);
  onTestFinished(() => void ip('netns', 'delete', name));
  ip('link', 'add', `${name}a`, 'type', 'veth', 'peer', 'name', `${name}b`, 'netns', name);
  ip('addr', 'add', '10.77.0.1/24', 'dev', `${name}a`);
  ip('link', 'set', `${name}a`, 'up');
  ip('-n', name, 'addr', 'add', '10.77.0.2/24', 'dev', `${name}b`);
  ip('-n', name, 'link', 'set', `${name}b`, 'up');
  ip('-n', name, 'link', 'set', 'lo', 'up');
  const far = machines.host([], { DIVVY_ENGINE_URL: `redis://10.77.0.1:${machines.redis.port}` }, [
    'ip',
    'netns',
    'exec',
    name,
  ]);
  const [near, dispatcher] = [machines.host(), machines.dispatcher()];
  await far.said(/beforeFork/, 2);
  await dispatcher.said(/result/, 4);
  ip('link', 'set', `${name}a`, 'down');
  await sleep(downMs);
  ip('link', 'set', `${name}a`, 'up');
  const { status, stderr } = await dispatcher.ended();
  expect(status, stderr).toBe(0);
  await near.ended();
  await far.ended();
  expectWhole(machines, 60);
});

test('an input of 100 million items: stopped after a million, and the server has never had more than a window', async () => {
  const machines = await Machines.start();
  const folder = mkdtempSync(join(tmpdir(), 'divvy-endless-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'tasks'));
  symlinkSync(join(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules'));
  const task = join(folder, 'tasks/endless.ts');
  writeFileSync(join(folder, 'divvy.json'), '{}');
  writeFileSync(
    task,
    `export default class Endless {
      *dispatch() { for (let number = 1; number <= 100_000_000; number++) yield { number, text: 'x'.repeat(100) }; }
      process() {}
    }`,
  );
  const env = { DIVVY_ENGINE_URL: machines.redis.url };
  const args = ['--engine', 'bullmq', '--no-journal'];
  const hosts = [1, 2].map(() => runTask(task, { args: ['--engine', 'bullmq', '--join', '-n', '2'], env }));
  let most = 0;
  const watching = setInterval(async () => {
    const info = await machines.redis.client.info('memory');
    most = Math.max(most, Number(/^used_memory:(\d+)/m.exec(info)?.[1]));
  }, 200);
  onTestFinished(() => clearInterval(watching));
  const dispatcher = runTask(task, { args: [...args, '--limit', '1000000'], env });
  const { status, stderr } = await dispatcher.ended();
  expect(status, stderr).toBe(0);
  for (const host of hosts) await host.ended();
  console.log(`at most ${(most / 1024 / 1024).toFixed(1)} MB in the server`);
  expect(most).toBeLessThan(100 * 1024 * 1024);
});
