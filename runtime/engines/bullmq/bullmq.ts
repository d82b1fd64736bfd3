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
  QueueCounts,
  QueuedChunk,
  QueueOptions,
  ReportedChunk,
  TakenChunk,
} from '../../engine/engine.ts';
import { connect } from './redis.ts';

const PREFIX = 'divvy';
/** How long to wait for a chunk, in seconds. */
const WAIT_SECONDS = 1;
/** A host that has been silent for so many seconds is gone. */
const SILENT_SECONDS = 7;
/** No chunk is too old, or came back too often: what has gone wrong with it, its hosts decide. */
const ANY_NUMBER = 2 ** 31 - 1;
/** How many jobs to ask for, or to remove, at once. */
const AT_ONCE = 500;

/** Takes or keeps the token. KEYS: the token's key. ARGV: the token, and its time in milliseconds. */
const CLAIM = `
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

/** Gives the token back. KEYS: the token's key, and the notice's. ARGV: the token, and the notice, if there is another one. */
const RESIGN = `
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[2] ~= '' then redis.call('SET', KEYS[2], ARGV[2]) end
return 1`;

/**
 * Takes out the chunks that wait. KEYS: the list of what waits. ARGV: what the key of a chunk begins with, and whether chunks
 * with a report stay. Returns id and report of each.
 */
const TAKE_WAITING = `
local taken = {}
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local report = redis.call('HGET', ARGV[1] .. id, 'progress')
  local hasReport = report and string.sub(report, 1, 1) == '"'
  if not (hasReport and ARGV[2] == '1') then
    redis.call('LREM', KEYS[1], 1, id)
    redis.call('DEL', ARGV[1] .. id)
    table.insert(taken, id)
    table.insert(taken, hasReport and report or '')
  end
end
return taken`;

/**
 * KEYS: what waits, what is active, what is completed. ARGV: what the key of a chunk begins with. Returns id, text and outcomes of
 * each, all at one moment.
 */
const LEFT = `
local left = {}
local function add(id, isFinished)
  local job = redis.call('HMGET', ARGV[1] .. id, 'data', 'returnvalue')
  if not job[1] then return end
  table.insert(left, id)
  table.insert(left, job[1])
  table.insert(left, isFinished and job[2] or '')
end
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do add(id, false) end
for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do add(id, false) end
for _, id in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do add(id, true) end
return left`;

/** Hosts by the time at which they said that they are there, by the server's clock. */
const PRESENT = `redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])`;
const HOSTS = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', redis.call('TIME')[1] - ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1)`;

interface Keys {
  readonly token: string;
  readonly notice: string;
  readonly hosts: string;
}

function keysOf(task: string): Keys {
  const key = (name: string): string => `${PREFIX}:${task}:divvy-${name}`;
  return { token: key('token'), notice: key('notice'), hosts: key('hosts') };
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

  constructor(redis: Redis, { task, lockMs }: QueueOptions) {
    this.#redis = redis;
    this.#lockMs = lockMs;
    this.#keys = keysOf(task);
    this.#queue = new Queue(task, { connection: redis, prefix: PREFIX, streams: { events: { maxLen: 0 } } });
    this.#queue.on('error', () => undefined); // connect() says it
  }

  async claim(): Promise<boolean> {
    return (await this.#redis.eval(CLAIM, 1, this.#keys.token, this.#token, String(this.#lockMs))) === 1;
  }

  async publish(notice: string): Promise<void> {
    // An emptied queue has forgotten that it is to keep no events, which have results in them.
    await this.#redis.hset(this.#queue.toKey('meta'), 'opts.maxLenEvents', '0');
    await this.#redis.set(this.#keys.notice, notice);
  }

  async notice(): Promise<string | undefined> {
    return (await this.#redis.get(this.#keys.notice)) ?? undefined;
  }

  async put(chunks: readonly QueuedChunk[]): Promise<void> {
    for (let from = 0; from < chunks.length; from += AT_ONCE) {
      await this.#queue.addBulk(
        chunks.slice(from, from + AT_ONCE).map(({ id, text }) => ({
          name: 'chunk',
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
    for (const id of fresh) this.#seen.add(id);
    return jobs.flatMap(({ id, values: [outcomes] }) =>
      outcomes ? [{ id, outcomes: JSON.parse(outcomes) as string }] : [],
    );
  }

  async reports(): Promise<readonly ReportedChunk[]> {
    const jobs = await this.#fields(await this.#list('active'), ['progress']);
    return jobs.flatMap(({ id, values: [progress] }) => {
      const outcomes = reportOf(progress);
      return outcomes === undefined ? [] : [{ id, outcomes }];
    });
  }

  async forget(ids: readonly string[]): Promise<void> {
    await this.#remove(ids);
    for (const id of ids) this.#seen.delete(id);
  }

  async missing(ids: readonly string[]): Promise<readonly string[]> {
    const missing: string[] = [];
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const some = ids.slice(from, from + AT_ONCE);
      const there = await Promise.all(some.map((id) => this.#redis.exists(this.#queue.toKey(id))));
      missing.push(...some.filter((_, at) => there[at] === 0));
    }
    return missing;
  }

  async withdraw(): Promise<readonly { readonly id: string; readonly report: string | undefined }[]> {
    return this.#takeWaiting(false);
  }

  async leftovers(): Promise<Leftovers> {
    await this.#takeWaiting(true);
    const keys = (['wait', 'active', 'completed'] as const).map((name) => this.#queue.toKey(name));
    const left = (await this.#redis.eval(LEFT, keys.length, ...keys, this.#queue.toKey(''))) as string[];
    const active: QueuedChunk[] = [];
    const finished: (QueuedChunk & ReportedChunk)[] = [];
    for (let at = 0; at + 2 < left.length; at += 3) {
      const [id = '', data = '', outcomes = ''] = left.slice(at, at + 3);
      const chunk = { id, text: JSON.parse(data) as string };
      if (outcomes === '') active.push(chunk);
      else finished.push({ ...chunk, outcomes: JSON.parse(outcomes) as string });
    }
    this.#seen.clear();
    for (const { id } of finished) this.#seen.add(id);
    return { active, finished };
  }

  /** Takes out what waits, in one step: a host may take the next one at any moment. */
  async #takeWaiting(unlessReported: boolean): Promise<{ id: string; report: string | undefined }[]> {
    const [wait, prefix] = [this.#queue.toKey('wait'), this.#queue.toKey('')];
    const taken = (await this.#redis.eval(TAKE_WAITING, 1, wait, prefix, unlessReported ? '1' : '')) as string[];
    const chunks: { id: string; report: string | undefined }[] = [];
    for (let at = 0; at + 1 < taken.length; at += 2)
      chunks.push({ id: taken[at] ?? '', report: reportOf(taken[at + 1]) });
    return chunks;
  }

  async hosts(): Promise<readonly HostNotice[]> {
    const members = (await this.#redis.eval(HOSTS, 1, this.#keys.hosts, String(SILENT_SECONDS))) as string[];
    return members.map((member) => JSON.parse(member) as HostNotice);
  }

  async counts(): Promise<QueueCounts> {
    const { wait = 0, active = 0, completed = 0 } = await this.#queue.getJobCounts('wait', 'active', 'completed');
    return { waiting: wait, active, finished: completed };
  }

  async close(notice = ''): Promise<void> {
    const { token, notice: at } = this.#keys;
    await this.#redis.eval(RESIGN, 2, token, at, this.#token, notice);
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

  /** Returns those that were removed: what a host holds stays. */
  async #remove(ids: readonly string[]): Promise<Set<string>> {
    const removed = new Set<string>();
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const some = ids.slice(from, from + AT_ONCE);
      const counts = await Promise.all(some.map((id) => this.#queue.remove(id)));
      for (const [at, id] of some.entries()) if (counts[at] === 1) removed.add(id);
    }
    return removed;
  }
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
    return (await this.#redis.get(this.#keys.notice)) ?? undefined;
  }

  async present(host: HostNotice): Promise<void> {
    await this.#redis.eval(PRESENT, 1, this.#keys.hosts, JSON.stringify(host));
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
    if (job?.id === undefined) return undefined;
    this.#jobs.set(job.id, job);
    const report = typeof job.progress === 'string' ? job.progress : undefined;
    return { id: job.id, text: job.data, report, lapses: job.stalledCounter };
  }

  async renew(ids: readonly string[]): Promise<readonly string[]> {
    const held = await Promise.all(ids.map((id) => this.#jobs.get(id)?.extendLock(this.#token, this.#lockMs)));
    return ids.filter((_, at) => held[at] !== 1);
  }

  async report(id: string, outcomes: string): Promise<void> {
    await this.#jobs.get(id)?.updateProgress(outcomes);
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
