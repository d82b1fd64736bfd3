/**
 * BullMQ on Redis or Valkey as the queue of a run: engine/engine.ts says what it must do. A chunk is a job of BullMQ; its
 * report is the job's progress, and its outcomes are the job's return value. Besides the jobs there are the run's notice, the
 * dispatcher's token, and the hosts. Runs in the dispatcher and in each host.
 *
 * BullMQ's own events, retries and limits are not used: an event may be lost, and the rest is the business of divvy.
 */

import { randomBytes } from 'node:crypto';
import { type Job, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type {
  Engine,
  Feed,
  HostNotice,
  Leftovers,
  Membership,
  PublishedNotice,
  QueueCounts,
  QueuedChunk,
  QueueOptions,
  ReportedChunk,
  TakenChunk,
} from '../../engine/engine.ts';
import { connect } from './redis.ts';
import * as scripts from './scripts.ts';
import { run } from './scripts.ts';

const PREFIX = 'divvy';
/** How long to wait for a chunk, in seconds. */
const WAIT_SECONDS = 1;
/** A host that has been silent for so many seconds is gone. */
const SILENT_SECONDS = 7;
/** No chunk is too old, or came back too often: what has gone wrong with it, its hosts decide. */
const ANY_NUMBER = 2 ** 31 - 1;
/** How many jobs to ask for, or to remove, at once. */
const AT_ONCE = 500;

interface Keys {
  readonly token: string;
  /** Whose chunks hosts may begin: the token of a dispatcher, also when that is gone. */
  readonly owner: string;
  readonly notice: string;
  /** Is lost whenever something is (scripts.ts). */
  readonly witness: string;
  readonly hosts: string;
}

function keysOf(task: string): Keys {
  const key = (name: string): string => `${PREFIX}:${task}:divvy-${name}`;
  return {
    token: key('token'),
    owner: key('owner'),
    witness: key('witness'),
    notice: key('notice'),
    hosts: key('hosts'),
  };
}

export const engine: Engine = {
  async feed(options: QueueOptions): Promise<Feed> {
    return new BullmqFeed(await connect(options), options);
  },
  async join(options: QueueOptions): Promise<Membership> {
    return new BullmqMembership(await connect(options), options);
  },
};

class BullmqFeed implements Feed {
  readonly #redis: Redis;
  readonly #queue: Queue<string, string>;
  readonly #keys: Keys;
  readonly #token = randomBytes(16).toString('hex');
  readonly #lockMs: number;
  /** Finished chunks that have been returned. */
  readonly #seen = new Set<string>();
  /** What the jobs of this dispatcher are called (scripts.ts). */
  #stamp = '';
  /** How often it has adopted. */
  #adopted = 0;

  constructor(redis: Redis, { task, lockMs }: QueueOptions) {
    this.#redis = redis;
    this.#lockMs = lockMs;
    this.#keys = keysOf(task);
    this.#queue = new Queue(task, { connection: redis, prefix: PREFIX, streams: { events: { maxLen: 0 } } });
    this.#queue.on('error', () => undefined); // connect() says it
  }

  async claim(): Promise<boolean> {
    const { token, owner } = this.#keys;
    const args = [this.#token, String(this.#lockMs), this.#adopted > 0 ? '1' : ''];
    const server = await run(this.#redis, scripts.CLAIM, [token, owner], ...args);
    if (server !== null) this.#stamp = `${this.#token} ${String(server)}`;
    return server !== null;
  }

  async hasDispatcher(): Promise<boolean> {
    return (await this.#redis.exists(this.#keys.token)) === 1;
  }

  async publish(text: string, isWhole: boolean): Promise<void> {
    const { token, notice, witness } = this.#keys;
    const keys = [token, notice, witness, this.#queue.toKey('meta')];
    await run(this.#redis, scripts.PUBLISH, keys, this.#token, text, String(this.#adopted), isWhole ? '1' : '0');
  }

  notice(): Promise<PublishedNotice | undefined> {
    return noticeAt(this.#redis, this.#keys);
  }

  async put(chunks: readonly QueuedChunk[]): Promise<void> {
    for (let from = 0; from < chunks.length; from += AT_ONCE) {
      const some = chunks.slice(from, from + AT_ONCE);
      for (const { id } of some) this.#seen.delete(id);
      await this.#queue.addBulk(
        some.map(({ id, text }) => ({
          name: this.#stamp,
          data: text,
          opts: { jobId: id, attempts: 1, removeOnComplete: false, removeOnFail: false },
        })),
      );
    }
  }

  async finished(most: number): Promise<readonly ReportedChunk[]> {
    const ids = await this.#list('completed');
    const fresh = ids.filter((id) => !this.#seen.has(id)).slice(0, most);
    const jobs = await this.#fields(fresh, ['returnvalue']);
    return jobs.flatMap(({ id, values: [outcomes] }) => {
      if (!outcomes) return []; // it was lost in between
      this.#seen.add(id);
      return [{ id, outcomes: JSON.parse(outcomes) as string }];
    });
  }

  async reports(): Promise<readonly ReportedChunk[]> {
    const jobs = await this.#fields(await this.#list('active'), ['progress']);
    return jobs.flatMap(({ id, values: [progress] }) => {
      const outcomes = reportOf(progress);
      return outcomes === undefined ? [] : [{ id, outcomes }];
    });
  }

  async forget(ids: readonly string[]): Promise<void> {
    const keys = [this.#keys.token, ...this.#lists('completed', 'wait', 'active')];
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const args = [this.#token, this.#queue.toKey(''), ...ids.slice(from, from + AT_ONCE)];
      await run(this.#redis, scripts.FORGET, keys, ...args);
    }
    for (const id of ids) this.#seen.delete(id);
  }

  async missing(ids: readonly string[]): Promise<readonly string[]> {
    const missing: string[] = [];
    const keys = [this.#keys.token, ...this.#lists('wait', 'active')];
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const args = [this.#token, this.#queue.toKey(''), ...ids.slice(from, from + AT_ONCE)];
      missing.push(...((await run(this.#redis, scripts.MISSING, keys, ...args)) as string[]));
    }
    return missing;
  }

  async withdraw(): Promise<readonly { readonly id: string; readonly report: string | undefined }[]> {
    const keys = [this.#keys.token, ...this.#lists('wait', 'active')];
    const args = [this.#token, this.#queue.toKey('')];
    const taken = (await run(this.#redis, scripts.WITHDRAW, keys, ...args)) as string[];
    const chunks: { id: string; report: string | undefined }[] = [];
    for (let at = 0; at + 1 < taken.length; at += 2)
      chunks.push({ id: taken[at] ?? '', report: reportOf(taken[at + 1]) });
    return chunks;
  }

  async adopt(): Promise<Leftovers | undefined> {
    const { token, owner, notice, witness } = this.#keys;
    const keys = [token, owner, notice, witness, ...this.#lists('wait', 'active', 'completed')];
    const args = [this.#token, this.#queue.toKey(''), String(this.#adopted + 1)];
    const adopted = await run(this.#redis, scripts.ADOPT, keys, ...args);
    if (adopted === null) return undefined;
    this.#adopted += 1;
    const [hasForgotten, open, ...ids] = adopted as [string, number, ...string[]];
    const jobs = await this.#fields(ids, ['data', 'returnvalue']);
    const isGone = jobs.some(({ values: [data] }) => !data); // it has forgotten more, since then
    const chunks = jobs.flatMap(({ id, values: [data, outcomes] }, at) =>
      data ? [{ id, text: JSON.parse(data) as string, outcomes: at < open ? null : outcomes }] : [],
    );
    const finished = chunks.flatMap(({ id, text, outcomes }) =>
      outcomes ? [{ id, text, outcomes: JSON.parse(outcomes) as string }] : [],
    );
    const active = chunks.flatMap(({ id, text, outcomes }) => (outcomes ? [] : [{ id, text }]));
    this.#seen.clear();
    for (const { id } of finished) this.#seen.add(id);
    return { hasForgotten: hasForgotten === '1' || isGone, active, finished };
  }

  async hosts(): Promise<readonly HostNotice[]> {
    const members = (await run(this.#redis, scripts.HOSTS, [this.#keys.hosts], String(SILENT_SECONDS))) as string[];
    return members.map((member) => JSON.parse(member) as HostNotice);
  }

  async counts(): Promise<QueueCounts> {
    const { wait = 0, active = 0, completed = 0 } = await this.#queue.getJobCounts('wait', 'active', 'completed');
    return { waiting: wait, active, finished: completed };
  }

  async close(notice = ''): Promise<void> {
    const { token, owner, notice: at } = this.#keys;
    await run(this.#redis, scripts.RESIGN, [token, owner, at], this.#token, notice);
    await this.#queue.close();
    await this.#redis.quit();
  }

  #list(name: 'wait' | 'active' | 'completed'): Promise<string[]> {
    const key = this.#queue.toKey(name);
    return name === 'completed' ? this.#redis.zrange(key, '0', '-1') : this.#redis.lrange(key, 0, -1);
  }

  async #fields(
    ids: readonly string[],
    fields: readonly string[],
  ): Promise<{ id: string; values: (string | null)[] }[]> {
    const jobs: { id: string; values: (string | null)[] }[] = [];
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const some = ids.slice(from, from + AT_ONCE);
      const values = await Promise.all(some.map((id) => this.#redis.hmget(this.#queue.toKey(id), ...fields)));
      jobs.push(...some.map((id, at) => ({ id, values: values[at] ?? [] })));
    }
    return jobs;
  }

  #lists(...names: readonly ('wait' | 'active' | 'completed')[]): string[] {
    return names.map((name) => this.#queue.toKey(name));
  }
}

async function noticeAt(redis: Redis, { notice }: Keys): Promise<PublishedNotice | undefined> {
  const found = (await run(redis, scripts.NOTICE, [notice])) as string | null;
  return found === null ? undefined : { isWhole: found.startsWith('1'), text: found.slice(1) };
}

/** A job without progress has a number there. */
function reportOf(progress: string | null | undefined): string | undefined {
  const value: unknown = progress ? JSON.parse(progress) : undefined;
  return typeof value === 'string' ? value : undefined;
}

class BullmqMembership implements Membership {
  readonly #redis: Redis;
  readonly #worker: Worker<string, string>;
  readonly #keys: Keys;
  readonly #token = randomBytes(16).toString('hex');
  readonly #lockMs: number;
  readonly #jobs = new Map<string, Job<string, string>>();
  #isLooking = false;

  constructor(redis: Redis, { task, lockMs }: QueueOptions) {
    this.#redis = redis;
    this.#keys = keysOf(task);
    this.#lockMs = lockMs;
    this.#worker = new Worker(task, null, {
      connection: redis,
      prefix: PREFIX,
      autorun: false,
      lockDuration: lockMs,
      skipLockRenewal: true,
      stalledInterval: lockMs / 2,
      maxStalledCount: ANY_NUMBER,
      drainDelay: WAIT_SECONDS,
    });
    this.#worker.on('error', () => undefined); // connect() says it
  }

  async notice(): Promise<string | undefined> {
    return (await noticeAt(this.#redis, this.#keys))?.text;
  }

  async present(host: HostNotice): Promise<void> {
    await run(this.#redis, scripts.PRESENT, [this.#keys.hosts], JSON.stringify(host));
  }

  async absent(host: HostNotice): Promise<void> {
    await this.#redis.zrem(this.#keys.hosts, JSON.stringify(host));
  }

  async take(): Promise<TakenChunk | undefined> {
    if (!this.#isLooking) {
      this.#isLooking = true;
      await this.#worker.startStalledCheckTimer();
    }
    const job = await this.#worker.getNextJob(this.#token);
    if (job?.id === undefined || !(await this.#mayBegin(job.id))) return undefined;
    this.#jobs.set(job.id, job);
    const report = typeof job.progress === 'string' ? job.progress : undefined;
    return { id: job.id, text: job.data, report, lapses: job.stalledCounter };
  }

  async renew(ids: readonly string[]): Promise<readonly string[]> {
    const held = await Promise.all(ids.map((id) => this.#jobs.get(id)?.extendLock(this.#token, this.#lockMs)));
    return ids.filter((_, at) => held[at] !== 1);
  }

  async #mayBegin(id: string): Promise<boolean> {
    const lists = (['active', 'stalled'] as const).map((name) => this.#worker.toKey(name));
    const keys = [this.#keys.owner, ...this.#keysOfChunk(id), ...lists];
    return (await run(this.#redis, scripts.MAY_BEGIN, keys, this.#token, id)) === 1;
  }

  async report(id: string, outcomes: string): Promise<boolean> {
    const text = JSON.stringify(outcomes);
    return (await run(this.#redis, scripts.REPORT, this.#keysOfChunk(id), this.#token, text)) === 1;
  }

  /** The keys of a chunk, and of its lock. */
  #keysOfChunk(id: string): [string, string] {
    const key = this.#worker.toKey(id);
    return [key, `${key}:lock`];
  }

  async finish(id: string, outcomes: string): Promise<boolean> {
    try {
      await this.#jobs.get(id)?.moveToCompleted(outcomes, this.#token, false);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#jobs.delete(id);
      return false;
    }
    this.#jobs.delete(id);
    return true;
  }

  async giveBack(id: string): Promise<void> {
    try {
      await this.#jobs.get(id)?.moveToWait(this.#token);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    this.#jobs.delete(id);
  }

  async close(): Promise<void> {
    await this.#worker.close(true);
    await this.#redis.quit();
  }
}

/** BullMQ gives each answer of its scripts that is a refusal a negative code; a server that is away has none. */
function isRefusal(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'number' && code < 0;
}
