// What a queue must do (runtime/engine/engine.ts), tried on BullMQ with a real Redis, and on the one in memory of the simulation.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, Feed, Membership } from '../../../runtime/engine/engine.ts';
import { engine as bullmq } from '../../../runtime/engines/bullmq/bullmq.ts';
import { needs } from '../../needs.ts';
import { memoryEngine } from './memory-queue.ts';
import { RedisServer } from './redis.ts';

const LOCK_MS = 1000;

interface Kind {
  readonly name: string;
  begin(): Promise<{ engine: Engine; url: string }>;
  end(): Promise<void>;
}

let server: RedisServer | undefined;

const kinds: Kind[] = [
  {
    name: 'in memory',
    begin: async () => ({ engine: memoryEngine(() => performance.now()), url: '' }),
    end: async () => undefined,
  },
  {
    name: 'BullMQ',
    begin: async () => {
      server = await RedisServer.start();
      return { engine: bullmq, url: server.url };
    },
    end: async () => server?.[Symbol.asyncDispose](),
  },
];

describe.each(kinds)('$name', ({ name, begin, end }) => {
  if (name === 'BullMQ') needs('redis-server');
  let engine: Engine;
  let url: string;
  const opened: { close(): Promise<void> }[] = [];
  let tasks = 0;
  let task: string;

  beforeAll(async () => {
    ({ engine, url } = await begin());
  });
  afterAll(async () => {
    await Promise.all(opened.map((each) => each.close()));
    await end();
  });

  const options = () => ({ url, task, lockMs: LOCK_MS, reached: () => undefined });
  const newTask = (): void => {
    tasks += 1;
    task = `task-${tasks}`;
  };
  const feedOf = async (): Promise<Feed> => {
    const feed = await engine.feed(options());
    opened.push(feed);
    return feed;
  };
  const join = async (): Promise<Membership> => {
    const host = await engine.join(options());
    opened.push(host);
    return host;
  };
  const taken = async (host: Membership) => {
    for (;;) {
      const chunk = await host.take();
      if (chunk) return chunk;
    }
  };

  test('hands each chunk to one host, and its outcomes back until they are forgotten', async () => {
    newTask();
    const [feed, one, other] = [await feedOf(), await join(), await join()];
    await feed.put([
      { id: 'run.1', text: 'first' },
      { id: 'run.2', text: '"second" \n ☃' },
    ]);
    const [first, second] = [await taken(one), await taken(other)];
    expect([first, second].map(({ id, text }) => [id, text]).sort()).toEqual([
      ['run.1', 'first'],
      ['run.2', '"second" \n ☃'],
    ]);
    expect(first).toMatchObject({ report: undefined, lapses: 0 });
    expect(await one.finish(first.id, 'how it ended')).toBe(true);
    expect(await feed.finished(10)).toEqual([{ id: first.id, outcomes: 'how it ended' }]);
    expect(await feed.missing([first.id, second.id, 'run.3'])).toEqual(['run.3']);
    await feed.forget([first.id]);
    expect(await feed.finished(10)).toEqual([]);
    expect(await feed.missing([first.id, second.id])).toEqual([first.id]);
    expect(await feed.counts()).toEqual({ waiting: 0, active: 1, finished: 0 });
    await other.finish(second.id, 'well');
    await feed.forget([second.id]);
  });

  test('a chunk that is put again is there once', async () => {
    newTask();
    const feed = await feedOf();
    await feed.put([{ id: 'run.1', text: 'a' }]);
    await feed.put([{ id: 'run.1', text: 'a' }]);
    expect(await feed.counts()).toEqual({ waiting: 1, active: 0, finished: 0 });
  });

  test('what a host reports is known at once, and to the next host', async () => {
    newTask();
    const [feed, one, other] = [await feedOf(), await join(), await join()];
    await feed.put([{ id: 'run.1', text: 'a' }]);
    const chunk = await taken(one);
    expect(await feed.reports()).toEqual([]);
    await one.report(chunk.id, 'half');
    expect(await feed.reports()).toEqual([{ id: 'run.1', outcomes: 'half' }]);
    await one.giveBack(chunk.id);
    expect(await taken(other)).toMatchObject({ id: 'run.1', report: 'half', lapses: 0 });
  });

  test('a lock that is put off holds; one that has run out is lost, and the chunk goes to another host', async () => {
    newTask();
    const [feed, one, other] = [await feedOf(), await join(), await join()];
    await feed.put([{ id: 'run.1', text: 'a' }]);
    const chunk = await taken(one);
    for (const until = performance.now() + 2 * LOCK_MS; performance.now() < until; await sleep(LOCK_MS / 4)) {
      expect(await one.renew([chunk.id])).toEqual([]);
      expect((await feed.counts()).active).toBe(1);
    }
    expect(await taken(other)).toMatchObject({ id: 'run.1', lapses: 1 });
    expect(await one.renew([chunk.id])).toEqual(['run.1']);
    expect(await one.finish(chunk.id, 'too late')).toBe(false);
    expect(await other.finish(chunk.id, 'in time')).toBe(true);
    expect((await feed.finished(10)).map(({ outcomes }) => outcomes)).toEqual(['in time']);
  });

  test('a chunk may come back any number of times', async () => {
    newTask();
    const [feed, host] = [await feedOf(), await join()];
    await feed.put([{ id: 'run.1', text: 'a' }]);
    for (let lapses = 0; lapses < 4; lapses++) {
      const next = lapses === 0 ? host : await join();
      expect(await taken(next)).toMatchObject({ id: 'run.1', lapses });
    }
  });

  test('only what no host holds is withdrawn, with what was reported of it', async () => {
    newTask();
    const [feed, host] = [await feedOf(), await join()];
    await feed.put(['run.1', 'run.2', 'run.3'].map((id) => ({ id, text: id })));
    const [held, given] = [await taken(host), await taken(host)];
    await host.report(given.id, 'half');
    await host.giveBack(given.id);
    const withdrawn = await feed.withdraw();
    expect(withdrawn.map(({ id }) => id).sort()).toEqual(['run.1', 'run.2', 'run.3'].filter((id) => id !== held.id));
    expect(withdrawn.find(({ id }) => id === given.id)?.report).toBe('half');
    expect(await feed.counts()).toEqual({ waiting: 0, active: 1, finished: 0 });
    expect(await feed.missing(['run.1', 'run.2', 'run.3'])).toEqual(withdrawn.map(({ id }) => id).sort());
  });

  test('a new dispatcher finds what hosts have and had, and what none has begun is gone', async () => {
    newTask();
    const [feed, host] = [await feedOf(), await join()];
    await feed.put(['run.1', 'run.2', 'run.3', 'run.4'].map((id) => ({ id, text: `text of ${id}` })));
    const [done, held, given] = [await taken(host), await taken(host), await taken(host)];
    await host.finish(done.id, 'well');
    await host.report(given.id, 'half');
    await host.giveBack(given.id);
    const next = await feedOf();
    const { finished, active } = await next.leftovers();
    expect(finished).toEqual([{ id: done.id, text: `text of ${done.id}`, outcomes: 'well' }]);
    expect(active.map(({ id, text }) => [id, text]).sort()).toEqual(
      [held.id, given.id].map((id) => [id, `text of ${id}`]).sort(),
    );
    expect((await next.missing(['run.1', 'run.2', 'run.3', 'run.4'])).length).toBe(1);
  });

  test('one dispatcher has a task at a time, and the next one once its time is over', async () => {
    newTask();
    const [one, other] = [await feedOf(), await feedOf()];
    expect(await one.claim()).toBe(true);
    expect(await other.claim()).toBe(false);
    await sleep(LOCK_MS / 2);
    expect(await one.claim()).toBe(true);
    await sleep(LOCK_MS * 0.7);
    expect(await other.claim()).toBe(false);
    await sleep(LOCK_MS * 0.5);
    expect(await other.claim()).toBe(true);
    expect(await one.claim()).toBe(false);
  });

  test('hosts know the notice, the dispatcher knows the hosts', async () => {
    newTask();
    const [feed, host] = [await feedOf(), await join()];
    expect([await feed.notice(), await host.notice()]).toEqual([undefined, undefined]);
    await feed.claim();
    await feed.publish('a run');
    expect([await feed.notice(), await host.notice()]).toEqual(['a run', 'a run']);
    await host.present({ id: 'h1', name: 'machine:1', capacity: 3 });
    await host.present({ id: 'h1', name: 'machine:1', capacity: 3 });
    await host.present({ id: 'h2', name: 'machine:2', capacity: 1 });
    expect((await feed.hosts()).map(({ name }) => name).sort()).toEqual(['machine:1', 'machine:2']);
    await host.absent({ id: 'h1', name: 'machine:1', capacity: 3 });
    expect((await feed.hosts()).map(({ name }) => name)).toEqual(['machine:2']);
    opened.splice(opened.indexOf(feed), 1);
    await feed.close('it is over');
    expect(await host.notice()).toBe('it is over');
  });
});
