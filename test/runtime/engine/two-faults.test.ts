// Runs over several machines with a fault in the midst of another one.
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { needs } from '../../needs.ts';
import { runTask, type TaskRun, taskFile } from '../run-task.ts';
import { Link } from './link.ts';
import { endedWell, expectWhole, LOCK_MS, Machines, redone } from './machines.ts';

needs('redis-server');

const WAITS = /the queue doesn't know all of the run to resume: waits 5 s \(--lock\)/;

/** The items are in progress on a host, and the queue has forgotten that. */
async function forgotten(machines: Machines, count: number): Promise<TaskRun> {
  const [host, dispatcher] = [machines.host(['-n', String(count), '--stay']), machines.dispatcher()];
  await machines.begun(count);
  dispatcher.kill('SIGKILL');
  await dispatcher.gone();
  await machines.redis.client.flushall();
  return host;
}

/** The run comes to its end, with one outcome of each of its four items; then the host goes. */
async function endsWhole(machines: Machines, dispatcher: TaskRun, host: TaskRun): Promise<void> {
  await endedWell(dispatcher);
  host.kill('SIGTERM');
  await host.ended();
  expectWhole(machines, 4);
}

test('a resume that waits is stopped: the next one waits, too', async () => {
  const machines = await Machines.start({ COUNT: '4', NAP_MS: '1000' });
  const host = await forgotten(machines, 4);
  const first = machines.dispatcher(['--resume']);
  await first.said(WAITS);
  first.kill('SIGINT');
  expect((await first.ended()).signal, first.stderr).toBe('SIGINT');
  const second = machines.dispatcher(['--resume']);
  await second.said(WAITS);
  await endsWhole(machines, second, host);
});

test('a dispatcher is stopped before the queue has again what it forgot: the next one waits', async () => {
  const machines = await Machines.start({ COUNT: '4', NAP_MS: '3000' });
  const [host, dispatcher] = [machines.host(['-n', '4', '--stay']), machines.dispatcher()];
  await machines.begun(4);
  await machines.redis.client.flushall();
  dispatcher.kill('SIGTERM');
  await dispatcher.ended();
  const second = machines.dispatcher(['--resume']);
  await second.said(WAITS);
  await endsWhole(machines, second, host);
});

test('the answer that the queue has forgotten something is lost on its way: the resume waits all the same', async () => {
  const machines = await Machines.start({ COUNT: '4', NAP_MS: '1000' });
  const host = await forgotten(machines, 4);
  let state: 'waits' | 'asked' | 'lost' = 'waits';
  await using link = await Link.to(machines.redis.port, {
    asked: (text) => {
      if (state === 'waits' && text.includes('divvy-witness') && text.includes(':completed')) state = 'asked';
      return true;
    },
    answered: (text) => {
      if (state !== 'asked' || text.includes('NOSCRIPT')) return text;
      state = 'lost';
      return undefined;
    },
  });
  const resumed = machines.dispatcher(['--resume'], { DIVVY_ENGINE_URL: link.url });
  await resumed.said(WAITS);
  expect(state).toBe('lost');
  await endsWhole(machines, resumed, host);
});

test('the queue is emptied while a resume waits: it waits anew', async () => {
  const machines = await Machines.start({ COUNT: '4', NAP_MS: '1000' });
  const host = await forgotten(machines, 4);
  const resumed = machines.dispatcher(['--resume']);
  await resumed.said(WAITS);
  await machines.redis.client.flushall();
  await resumed.said(WAITS, 2);
  await endsWhole(machines, resumed, host);
});

test('the server dies between the list of finished chunks and their outcomes: all outcomes come', async () => {
  const machines = await Machines.start({ COUNT: '20', NAP_MS: '50' });
  let isDone = false;
  await using link = await Link.to(machines.redis.port, {
    asked: async (text) => {
      if (isDone || !/\$5\r\nhmget[\s\S]*returnvalue/.test(text) || text.includes('redis.call')) return true;
      isDone = true;
      await machines.redis.kill();
      await machines.redis.begin();
      return false;
    },
  });
  const [host, dispatcher] = [machines.host(), machines.dispatcher([], { DIVVY_ENGINE_URL: link.url })];
  await endedWell(dispatcher);
  expect(isDone).toBe(true);
  await endedWell(host);
  expectWhole(machines, 20);
});

test('a dispatcher that was stopped while another one did the rest ends, and does nothing again', async () => {
  const machines = await Machines.start({ COUNT: '60', NAP_MS: '20' });
  const [host, dispatcher] = [machines.host(['--stay']), machines.dispatcher()];
  await dispatcher.said(/result/, 10);
  process.kill(dispatcher.pid, 'SIGSTOP');
  const elsewhere = mkdtempSync(join(tmpdir(), 'divvy-elsewhere-'));
  onTestFinished(() => rmSync(elsewhere, { recursive: true, force: true }));
  cpSync(join(machines.folder, '.divvy'), join(elsewhere, '.divvy'), {
    recursive: true,
    filter: (file) => !file.endsWith('.lock'),
  });
  writeFileSync(join(elsewhere, 'divvy.json'), '{}');
  symlinkSync(taskFile('stamped'), join(elsewhere, 'stamped.ts'));
  const args = ['--engine', 'bullmq', '--lock', `${LOCK_MS}ms`, '--resume'];
  const env = {
    DIVVY_ENGINE_URL: machines.redis.url,
    STAMPS: join(machines.folder, 'stamps'),
    COUNT: '60',
    NAP_MS: '20',
  };
  await endedWell(runTask(join(elsewhere, 'stamped.ts'), { args, env }));
  const before = redone(machines.stamps());
  process.kill(dispatcher.pid, 'SIGCONT');
  const { status, stderr } = await dispatcher.ended();
  expect(status, stderr).toBe(75);
  expect(stderr).toMatch(/another dispatcher has taken the queue of this task/);
  expect(stderr).not.toMatch(/was killed by/);
  expect(redone(machines.stamps())).toEqual(before);
  host.kill('SIGTERM');
  await host.ended();
});

test('the only host is killed, and then Ctrl+C comes: the run ends once the lock has run out', async () => {
  const machines = await Machines.start({ COUNT: '4', NAP_MS: '60000' });
  const [host, dispatcher] = [machines.host(['-n', '4']), machines.dispatcher()];
  await machines.begun(4);
  host.kill('SIGKILL');
  await host.gone();
  dispatcher.kill('SIGINT');
  const { signal, stderr } = await dispatcher.ended();
  expect(signal, stderr).toBe('SIGINT');
  expect(stderr).toMatch(/4 items: 0 done, 4 unfinished/);
});

test('the primary becomes a replica and keeps its connections: both ends go on at the new one', async () => {
  const machines = await Machines.start({ COUNT: '200', NAP_MS: '20' });
  const { client, port } = machines.redis;
  await using replica = await machines.redis.replica();
  await using link = await Link.to(port);
  const url = { DIVVY_ENGINE_URL: link.url };
  const [host, dispatcher] = [machines.host([], url), machines.dispatcher([], url)];
  await dispatcher.said(/result/, 20);
  await replica.client.replicaof('NO', 'ONE');
  link.turnNewTo(replica.port);
  await client.replicaof('127.0.0.1', String(replica.port));
  await endedWell(dispatcher);
  await endedWell(host);
  expectWhole(machines, 200);
});
