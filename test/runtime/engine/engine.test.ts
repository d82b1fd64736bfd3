// What a queue must do (runtime/engine/engine.ts), tried on BullMQ with a real Redis, and on the one in memory of the simulation.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, Feed, Membership } from '../../../runtime/engine/engine.ts';
import { engine as bullmq } from '../../../runtime/engines/bullmq/bullmq.ts';
import { needs } from '../../needs.ts';
import { type MemoryQueue, memoryEngine } from './memory-queue.ts';
import { RedisServer } from './redis.ts';

const LOCK_MS = 1000;

interface Kind {
  readonly name: string;
  begin(): Promise<{ engine: Engine; url: string }>;
  /** The server starts again, with all that it had. It may have forgotten something, for all that anybody knows. */
  restart(): Promise<void>;
  end(): Promise<void>;
}

let server: RedisServer | undefined;
const inMemory = new Map<string, MemoryQueue>();

const kinds: Kind[] = [
  {
    name: 'in memory',
    begin: async () => ({ engine: memoryEngine(() => performance.now(), inMemory), url: '' }),
    restart: async () => {
      for (const queue of inMemory.values()) {
        queue.remember();
        queue.restart();
      }
    },
    end: async () => undefined,
  },
  {
    name: 'BullMQ',
    begin: async () => {
      server = await RedisServer.start(['--appendonly', 'yes', '--appendfsync', 'always']);
      return { engine: bullmq, url: server.url };
    },
    restart: async () => {
      await server?.kill();
      await server?.begin();
    },
    end: async () => server?.[Symbol.asyncDispose](),
  },
];

describe.each(kinds)('$name', ({ name, begin, restart, end }) => {
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
  /** A dispatcher that has the queue. */
  const dispatcher = async (): Promise<Feed> => {
    const feed = await feedOf();
    expect(await feed.claim()).toBe(true);
    expect(await feed.adopt()).toBeDefined();
    return feed;
  };
  /** One that has the queue once the time of the one before is over. */
  const nextDispatcher = async (meanwhile = async (): Promise<unknown> => undefined): Promise<Feed> => {
    const feed = await feedOf();
    for (; !(await feed.claim()); await sleep(LOCK_MS / 10)) await meanwhile();
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
    const [feed, one, other] = [await dispatcher(), await join(), await join()];
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
    const feed = await dispatcher();
    await feed.put([{ id: 'run.1', text: 'a' }]);
    await feed.put([{ id: 'run.1', text: 'a' }]);
    expect(await feed.counts()).toEqual({ waiting: 1, active: 0, finished: 0 });
  });

  test('what a host reports is known at once, and to the next host', async () => {
    newTask();
    const [feed, one, other] = [await dispatcher(), await join(), await join()];
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
    const [feed, one, other] = [await dispatcher(), await join(), await join()];
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
    const [feed, host] = [await dispatcher(), await join()];
    await feed.put([{ id: 'run.1', text: 'a' }]);
    for (let lapses = 0; lapses < 4; lapses++) {
      const next = lapses === 0 ? host : await join();
      expect(await taken(next)).toMatchObject({ id: 'run.1', lapses });
    }
  });

  test('only what no host holds is withdrawn, with what was reported of it', async () => {
    newTask();
    const [feed, host] = [await dispatcher(), await join()];
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
    const [feed, host] = [await dispatcher(), await join()];
    await feed.put(['run.1', 'run.2', 'run.3', 'run.4'].map((id) => ({ id, text: `text of ${id}` })));
    const [done, held, given] = [await taken(host), await taken(host), await taken(host)];
    await host.finish(done.id, 'well');
    await host.report(given.id, 'half');
    await host.giveBack(given.id);
    await feed.publish('a run', true);
    const next = await nextDispatcher(() => host.renew([held.id]));
    const { hasForgotten, finished, active } = (await next.adopt()) ?? expect.unreachable();
    expect(hasForgotten).toBe(false);
    expect(finished).toEqual([{ id: done.id, text: `text of ${done.id}`, outcomes: 'well' }]);
    expect(active.map(({ id, text }) => [id, text]).sort()).toEqual(
      [held.id, given.id].map((id) => [id, `text of ${id}`]).sort(),
    );
    expect((await next.missing(['run.1', 'run.2', 'run.3', 'run.4'])).length).toBe(1);
    expect(await feed.adopt()).toBe(undefined);
    expect(await taken(await join())).toMatchObject({ id: given.id, report: 'half' });
  });

  test('what a dispatcher puts late, when another one has the queue, begins nowhere', async () => {
    newTask();
    const [feed, host] = [await dispatcher(), await join()];
    await feed.publish('a run', true);
    const next = await nextDispatcher();
    await next.adopt();
    await feed.put([{ id: 'run.1', text: 'late' }]);
    await feed.publish('a run that is over', true);
    expect(await feed.missing(['run.1', 'run.2'])).toEqual([]);
    expect(await feed.withdraw()).toEqual([]);
    expect(await next.missing(['run.1'])).toEqual(['run.1']);
    await feed.put([{ id: 'run.2', text: 'late' }]);
    expect(await host.take()).toBe(undefined);
    expect(await next.counts()).toEqual({ waiting: 0, active: 0, finished: 0 });
    expect(await next.notice()).toEqual({ text: 'a run', isWhole: true });
    await next.put([{ id: 'run.3', text: 'in time' }]);
    expect(await taken(host)).toMatchObject({ id: 'run.3' });
  });

  test('once the server may have forgotten something, nothing begins until it is put again', async () => {
    newTask();
    const [feed, one, other] = [await dispatcher(), await join(), await join()];
    await feed.put(['run.1', 'run.2', 'run.3', 'run.4'].map((id) => ({ id, text: id })));
    await feed.publish('a run', true);
    const [done, held] = [await taken(one), await taken(one)];
    await one.finish(done.id, 'well');
    const waiting = ['run.1', 'run.2', 'run.3', 'run.4'].filter((id) => id !== done.id && id !== held.id);
    await restart();
    expect([await feed.notice(), await one.notice()]).toEqual([undefined, undefined]);
    expect(await other.take()).toBe(undefined);
    expect(await feed.claim()).toBe(true);
    expect(await feed.withdraw()).toEqual([]);
    expect([...(await feed.missing(waiting))].sort()).toEqual(waiting);
    // What hosts hold is theirs.
    expect(await one.renew([held.id])).toEqual([]);
    expect(await feed.missing([held.id, done.id])).toEqual([]);
    expect(await one.finish(held.id, 'well')).toBe(true);
    expect((await feed.finished(10)).map(({ id }) => id).sort()).toEqual([done.id, held.id].sort());
    await feed.put(waiting.map((id) => ({ id, text: id })));
    expect([(await taken(other)).id, (await taken(other)).id].sort()).toEqual(waiting);
    await feed.publish('a run', true);
    expect(await one.notice()).toBe(undefined);
    await feed.publish('a run', false);
    expect([await feed.notice(), await one.notice()]).toEqual([{ text: 'a run', isWhole: false }, 'a run']);
    await feed.publish('a run', true);
    expect(await feed.notice()).toEqual({ text: 'a run', isWhole: true });
  });

  test('a dispatcher that comes after the server may have forgotten something knows that', async () => {
    newTask();
    const [feed, one, other] = [await dispatcher(), await join(), await join()];
    await feed.put(['run.1', 'run.2', 'run.3'].map((id) => ({ id, text: id })));
    await feed.publish('a run', true);
    const [held, given] = [await taken(one), await taken(one)];
    await one.report(given.id, 'half');
    await one.giveBack(given.id);
    await restart();
    const next = await nextDispatcher(() => one.renew([held.id]));
    const left = { active: [{ id: held.id, text: held.id }], finished: [] };
    expect(await next.adopt()).toEqual({ hasForgotten: true, ...left });
    expect(await next.adopt()).toEqual({ hasForgotten: false, ...left });
    expect((await next.missing(['run.1', 'run.2', 'run.3'])).length).toBe(2);
    // Its lock runs out, and then it is missing, too.
    while ((await next.missing([held.id])).length === 0) {
      expect(await next.claim()).toBe(true);
      expect(await other.take()).toBe(undefined);
    }
  });

  test('a dispatcher that ends does not change whether the queue has forgotten something', async () => {
    newTask();
    const feed = await dispatcher();
    await feed.publish('a run', true);
    await feed.close('it is over');
    opened.splice(opened.indexOf(feed), 1);
    const next = await nextDispatcher();
    expect((await next.adopt())?.hasForgotten).toBe(false);
    await next.publish('a run', true);
    await restart();
    expect(await next.claim()).toBe(true);
    await next.publish('a run', false);
    await next.close('it is over');
    opened.splice(opened.indexOf(next), 1);
    const last = await nextDispatcher();
    expect(await last.notice()).toEqual({ text: 'it is over', isWhole: false });
    expect((await last.adopt())?.hasForgotten).toBe(true);
  });

  test('once another dispatcher has had the queue, the one before never gets it back', async () => {
    newTask();
    const feed = await dispatcher();
    const next = await nextDispatcher();
    expect(await next.adopt()).toBeDefined();
    await next.close('it is over');
    opened.splice(opened.indexOf(next), 1);
    expect(await feed.claim()).toBe(false);
    await feed.publish('a run', true);
    expect((await feed.notice())?.text).toBe('it is over');
  });

  test('a report counts only from the host that holds the chunk', async () => {
    newTask();
    const [feed, one, other] = [await dispatcher(), await join(), await join()];
    await feed.put([{ id: 'run.1', text: 'a' }]);
    await taken(one);
    await taken(other);
    expect(await other.report('run.1', 'half')).toBe(true);
    expect(await one.report('run.1', 'a quarter')).toBe(false);
    expect(await feed.reports()).toEqual([{ id: 'run.1', outcomes: 'half' }]);
    await other.finish('run.1', 'well');
    expect(await other.report('run.1', 'half')).toBe(false);
  });

  test('one dispatcher has a task at a time, and the next one once its time is over', async () => {
    newTask();
    const [one, other] = [await feedOf(), await feedOf()];
    expect(await other.hasDispatcher()).toBe(false);
    expect(await one.claim()).toBe(true);
    expect(await other.claim()).toBe(false);
    expect([await one.hasDispatcher(), await other.hasDispatcher()]).toEqual([true, true]);
    await sleep(LOCK_MS / 2);
    expect(await one.claim()).toBe(true);
    await sleep(LOCK_MS * 0.7);
    expect(await other.claim()).toBe(false);
    await sleep(LOCK_MS * 0.5);
    expect(await one.hasDispatcher()).toBe(false);
    expect(await other.claim()).toBe(true);
    expect(await one.claim()).toBe(false);
  });

  test('hosts know the notice, the dispatcher knows the hosts', async () => {
    newTask();
    const [feed, host] = [await dispatcher(), await join()];
    expect([await feed.notice(), await host.notice()]).toEqual([undefined, undefined]);
    await feed.publish('a run', true);
    expect([await feed.notice(), await host.notice()]).toEqual([{ text: 'a run', isWhole: true }, 'a run']);
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
