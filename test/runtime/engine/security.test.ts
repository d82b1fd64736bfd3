// Who may use the queue, and who can read along: the user of Redis that docs/engine.md makes may do what a run needs and nothing
// else, and a connection by TLS needs a certificate that is trusted.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Membership } from '../../../runtime/engine/engine.ts';
import { engine } from '../../../runtime/engines/bullmq/bullmq.ts';
import { needs } from '../../needs.ts';
import { Machines } from './machines.ts';
import { freePort, RedisServer } from './redis.ts';

needs('redis-server');

const page = readFileSync(join(import.meta.dirname, '../../../docs/engine.md'), 'utf8');
const PASSWORD = 'swordfish';

/** The rules of `ACL SETUSER` on the page, for this task and with a password of the test's. */
function rulesOf(task: string): string[] {
  const [, lines = ''] = /^ACL SETUSER divvy-queue ((?:.*\\\n)*.*)$/m.exec(page) ?? [];
  const rules = lines.split(/[\s\\]+/);
  expect(rules).toContain('~divvy:my-task:*');
  return rules.map((rule) =>
    rule.startsWith('>') ? `>${PASSWORD}` : rule.replace('~divvy:my-task:*', `~divvy:${task}:*`),
  );
}

/** Makes the user of the page, and returns the URL that it uses. */
async function userOf(redis: RedisServer, task: string): Promise<string> {
  await redis.client.call('ACL', 'SETUSER', 'divvy-queue', ...rulesOf(task));
  return `redis://divvy-queue:${PASSWORD}@127.0.0.1:${redis.port}`;
}

const refused = (redis: RedisServer): Promise<unknown> => redis.client.call('ACL', 'LOG');

test('the user of the page is enough for runs, hosts that go, stops, resumes and --status', async () => {
  const machines = await Machines.start({ COUNT: '100', NAP_MS: '200' });
  const env = { DIVVY_ENGINE_URL: await userOf(machines.redis, 'stamped') };
  const [first, second] = [machines.host([], env), machines.host([], env)];
  const dispatcher = machines.dispatcher([], env);
  await Promise.all([first.said(/beforeFork/), second.said(/beforeFork/)]);
  first.kill('SIGTERM');
  await first.ended();
  const status = await machines.dispatcher(['--status'], env).ended();
  expect(status.status, status.stderr).toBe(0);
  dispatcher.kill('SIGINT');
  await dispatcher.ended();
  await second.ended();
  const third = machines.host([], env);
  const resumed = await machines.dispatcher(['--resume'], env).ended();
  expect(resumed.status, resumed.stderr).toBe(0);
  await third.ended();
  expect(machines.recorded().size).toBe(100);
  expect(await refused(machines.redis)).toEqual([]);
});

test('the user of the page is enough for all that an engine does, and may touch no other key', async () => {
  await using redis = await RedisServer.start();
  const url = await userOf(redis, 'a-task');
  const options = { url, task: 'a-task', lockMs: 1000, reached: () => undefined };
  const feed = await engine.feed(options);
  const [one, other] = [await engine.join(options), await engine.join(options)];
  const taken = async (host: Membership) => {
    for (;;) {
      const chunk = await host.take();
      if (chunk) return chunk;
    }
  };
  expect(await feed.claim()).toBe(true);
  await feed.adopt();
  await feed.publish('a run', true);
  expect(await one.notice()).toBe('a run');
  await one.present({ id: 'h1', name: 'machine:1', capacity: 1 });
  expect(await feed.hosts()).toHaveLength(1);
  await feed.put(['run.1', 'run.2', 'run.3', 'run.4'].map((id) => ({ id, text: id })));
  const [finished, given, lost] = [await taken(one), await taken(one), await taken(one)];
  await one.report(given.id, 'half');
  expect(await feed.reports()).toHaveLength(1);
  expect(await one.renew([finished.id, given.id, lost.id])).toEqual([]);
  expect(await one.finish(finished.id, 'well')).toBe(true);
  await one.giveBack(given.id);
  expect(await taken(other)).toMatchObject({ id: given.id, report: 'half' });
  await other.giveBack(given.id);
  expect(await feed.missing(['run.1', 'run.5'])).toEqual(['run.5']);
  await sleep(2 * options.lockMs);
  const back = [await taken(other), await taken(other), await taken(other)];
  expect(back.find(({ id }) => id === lost.id)).toMatchObject({ lapses: 1 });
  for (const { id } of back) await other.finish(id, 'well');
  expect(await feed.counts()).toEqual({ waiting: 0, active: 0, finished: 4 });
  await feed.claim(); // its time was over
  await feed.put([{ id: 'run.6', text: 'a' }]);
  expect(await feed.withdraw()).toHaveLength(1);
  expect((await feed.adopt())?.finished).toHaveLength(4);
  await feed.forget(['run.1', 'run.2', 'run.3', 'run.4']);
  await Promise.all([one.close(), other.close(), feed.close('it is over')]);
  expect(await refused(redis)).toEqual([]);
  const user = new Redis(url);
  for (const [command, ...args] of [
    ['GET', 'divvy:another-task:divvy-notice'],
    ['SET', 'sessions', 'mine'],
    ['FLUSHALL'],
    ['CONFIG', 'GET', '*'],
    ['KEYS', '*'],
  ] as const) {
    await expect(user.call(command, ...args), command).rejects.toThrow('NOPERM');
  }
  user.disconnect();
});

describe('TLS', () => {
  needs('openssl');

  test('a run by TLS, with a certificate that is trusted; another one is the end at once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'divvy-tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    certify(folder);
    const port = await freePort();
    const files = ['cert', 'key', 'ca-cert'].flatMap((name) => [`--tls-${name}-file`, join(folder, `${name}.pem`)]);
    const machines = await Machines.start({ COUNT: '20' }, [
      ...['--tls-port', String(port), '--tls-auth-clients', 'no'],
      ...files,
    ]);
    const env = { DIVVY_ENGINE_URL: `rediss://127.0.0.1:${port}` };
    for (const refused of [machines.dispatcher([], env), machines.host([], env)]) {
      const { status, stderr } = await refused.ended();
      expect(status, stderr).toBe(2);
      expect(stderr).toMatch(/its certificate is not trusted: name the authority with NODE_EXTRA_CA_CERTS=ca\.pem/);
    }
    const trusting = { ...env, NODE_EXTRA_CA_CERTS: join(folder, 'ca-cert.pem') };
    const host = machines.host([], trusting);
    const { status, stderr } = await machines.dispatcher([], trusting).ended();
    expect(status, stderr).toBe(0);
    expect((await host.ended()).status).toBe(0);
    expect(machines.recorded().size).toBe(20);
  });
});

/** Makes an authority, and a certificate of its for 127.0.0.1. */
function certify(folder: string): void {
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const newKey = ['req', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  openssl(...newKey, '-x509', '-subj', '/CN=an authority', '-keyout', 'ca-key.pem', '-out', 'ca-cert.pem');
  openssl(...newKey.slice(0, 4), '-subj', '/CN=a queue', '-keyout', 'key.pem', '-out', 'request.pem');
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1');
  openssl(
    ...['x509', '-req', '-in', 'request.pem', '-days', '2', '-extfile', 'names'],
    ...['-CA', 'ca-cert.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-out', 'cert.pem'],
  );
}
