/**
 * The dispatcher: the master of a run whose items are processed on other machines. It lists the items, puts them into the
 * queue, and records what became of them. Hooks and journal are as on one machine; only beforeFork and afterExit run on the
 * hosts. Runs in the master.
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { durationOf } from '../cli/arguments.ts';
import { DivvyError, UsageError } from '../errors.ts';
import type { EngineRole, OpenedRun } from '../master/engine-role.ts';
import type { BootWorker } from '../master/worker.ts';
import type { Settings } from '../options.ts';
import type { AnyTask } from '../task/task.ts';
import { plural, seconds } from '../text/words.ts';
import type { Feed, HostNotice, Leftovers } from './engine.ts';
import { inTime } from './in-time.ts';
import { type Code, type Notice, noticeOf } from './notice.ts';
import { Problems } from './problems.ts';
import { QueueWorker } from './queue-worker.ts';
import { taskWithout } from './task-without.ts';
import { Window } from './window.ts';

/** How many items are on their way at least, and at most. */
const WINDOW_MIN = 16;
const WINDOW_MAX = 50_000;
const WINDOW_BYTES = 256 * 1024 * 1024;
/** The least part of the window that a full queue gets, and how often that doubles again, in milliseconds. */
const ROOM_MIN = 1 / 64;
const MORE_ROOM_MS = 10_000;
/** How much work is on its way to each hand of a host, in milliseconds. */
const AHEAD_MS = 500;
/** Another dispatcher's token may hold this much longer than a lock, in milliseconds. */
const TOKEN_SPARE_MS = 2000;
const ASK_EVERY_MS = 250;
/** How often to keep the token, in milliseconds. */
const CLAIM_EVERY_MS = 1000;

export interface DispatcherOptions {
  /** How the command line says that this is a dispatcher. */
  readonly words: readonly string[];
  readonly feed: Feed;
  readonly code: Code;
  readonly lockMs: number;
  /** Tells the user something. */
  readonly say: (text: string, isProblem: boolean) => void;
}

export class Dispatcher implements EngineRole {
  /** On the hosts these are what the user has asked for. */
  readonly settings: Partial<Settings> = {
    workers: 1,
    concurrency: 1,
    inline: false,
    tag: false,
    retries: 0,
    maxCrashes: Infinity,
    timeoutMs: Infinity,
    warnAfterMs: Infinity,
    recycleAfter: Infinity,
    recycleOlderMs: Infinity,
    recycleAboveBytes: Infinity,
  };
  readonly words: readonly string[];
  readonly prefetchBytes: number = WINDOW_BYTES;
  readonly boot: BootWorker;
  readonly #options: DispatcherOptions;
  #window: Window | undefined;
  #worker: QueueWorker | undefined;
  #notice: Notice | undefined;
  #isPublished = false;
  #rate = Infinity;
  /** The part of the window that the queue had room for when it last took no chunks. */
  #room = 1;
  #refusedAt = -Infinity;
  #claiming: NodeJS.Timeout | undefined;
  #record: OpenedRun['record'] = () => {};
  /** When it was seen last that the queue has forgotten something. */
  #forgottenAt = -Infinity;
  #hosts: readonly HostNotice[] = [];
  /** Numbers of hosts by their ids, in the order in which they were met. */
  readonly #numbers = new Map<string, number>();
  #fail: ((fault: DivvyError) => void) | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.words = options.words;
    this.boot = (_, events) => {
      if (!this.#window) throw new Error('a dispatcher boots its worker before its run is open');
      this.#worker = new QueueWorker(
        {
          feed: options.feed,
          window: this.#window,
          hands: () => this.#hands,
          lookAround: () => this.#lookAround(),
          numberOf: (host) => this.#numberOf(host),
          putRefused: () => this.#putRefused(),
          problems: new Problems(options.say),
          fail: (fault) => this.#fail?.(fault),
        },
        events,
      );
      return this.#worker;
    };
  }

  /** From now on, the run can be failed. Its worker is gone then. */
  set failedBy(fail: (fault: DivvyError) => void) {
    this.#fail = fail;
  }

  taskOf(task: AnyTask): AnyTask {
    return taskWithout(task, ['beforeFork', 'afterExit']);
  }

  readonly prefetch = (): number => {
    const { chunkSize = 1, paceMs = Infinity } = this.#window ?? {};
    const each = Math.max(2 * chunkSize, AHEAD_MS / Math.max(paceMs, 0.001));
    // With --rate, what hosts would begin at once after they were away is no more than a second's worth.
    const most = Math.min(WINDOW_MAX, Math.max(WINDOW_MIN, this.#rate));
    return Math.round(Math.max(WINDOW_MIN, this.#roomNow * Math.min(most, this.#hands * each)));
  };

  /** The part of the window that the queue has room for, from ROOM_MIN to 1. */
  get #roomNow(): number {
    const doublings = Math.floor((performance.now() - this.#refusedAt) / MORE_ROOM_MS);
    return Math.min(1, this.#room * 2 ** doublings);
  }

  /** A full queue has to keep room for what hosts say, so less is to be on its way for a while. */
  #putRefused(): void {
    const now = performance.now();
    if (now - this.#refusedAt < ASK_EVERY_MS) return;
    if (now - this.#refusedAt >= MORE_ROOM_MS) this.#say('puts less into the queue for a while');
    this.#room = Math.max(ROOM_MIN, this.#roomNow / 2);
    this.#refusedAt = now;
  }

  get hosts(): number {
    return this.#hosts.length;
  }

  async claim(): Promise<void> {
    await refusalsTold(this.#keepOthersOut());
    // Also while a hook or `dispatch` takes long, and after the last item.
    this.#claiming = setInterval(() => void this.#keepToken().catch(() => undefined), CLAIM_EVERY_MS).unref();
  }

  async opened(run: OpenedRun): Promise<void> {
    await refusalsTold(this.#open(run));
  }

  async #open({ runId, settings, args, mode, wordsBefore, task, record }: OpenedRun): Promise<void> {
    this.#record = record;
    const { code, lockMs, feed } = this.#options;
    this.#rate = settings.rate;
    const keepsResults = settings.results !== undefined;
    const keepsValues = task.afterProcess !== undefined;
    this.#notice = noticeOf(settings, { runId, isOver: false, code, args, lockMs, keepsResults, keepsValues });
    const most = settings.halt === Infinity ? Infinity : 1;
    const prefix = `${runId}.${randomBytes(3).toString('hex')}`;
    this.#window = new Window({ prefix, lockMs, most, hasOwnKeys: task.key !== undefined });
    const isOwn = ({ id }: { id: string }): boolean => mode === 'resume' && id.startsWith(`${runId}.`);
    const isResume = settings.resume || settings.retryFailed !== false;
    const waitMs = isResume ? Math.max(lockMs, lockIn(wordsBefore)) : 0;
    const left = await this.#adopt(isOwn, waitMs);
    const others = left.finished.filter((chunk) => !isOwn(chunk));
    if (others.length > 0) {
      this.#say(
        `the queue had outcomes of another run, in ${plural(others.length, 'chunk')}: a resume of that one does those items again`,
      );
      await feed.forget(others.map(({ id }) => id));
    }
    this.#window.adopt({ finished: left.finished.filter(isOwn), active: left.active });
    this.#isPublished = true;
    await feed.publish(JSON.stringify(this.#notice), true);
    await this.#lookAround();
    if (this.#hosts.length === 0) this.#say('no host has joined yet: start one with --join, on any machine');
  }

  counted(first: number, count: number): void {
    this.#window?.counted(first, count);
    this.#worker?.counted();
  }

  /**
   * The run has ended. Lets its hosts go if there is nothing to resume.
   *
   * isComplete - nothing is left to resume.
   */
  async end(isComplete: boolean): Promise<void> {
    await inTime(this.#end(isComplete));
  }

  async #end(isComplete: boolean): Promise<void> {
    const { feed } = this.#options;
    clearInterval(this.#claiming);
    const ids = isComplete ? this.#window?.takeAll() : this.#window?.takeForgettable();
    try {
      if (ids && ids.length > 0) await feed.forget(ids);
    } finally {
      // A dispatcher that has not come to its run says nothing.
      await feed.close(this.#isPublished ? JSON.stringify({ ...this.#notice, isOver: true }) : undefined);
    }
  }

  get #hands(): number {
    return this.#hosts.reduce((sum, { capacity }) => sum + capacity, 0);
  }

  #say(text: string): void {
    this.#options.say(text, false);
  }

  /** Rejects with DivvyError (75) if another dispatcher has this queue. */
  async #keepOthersOut(): Promise<void> {
    const { feed, lockMs } = this.#options;
    const until = performance.now() + lockMs + TOKEN_SPARE_MS;
    for (let isSaid = false; !(await feed.claim()); isSaid = true) {
      if (performance.now() > until)
        throw new DivvyError(
          'another dispatcher has the queue of this task: wait until its run has ended, or stop it',
          75,
        );
      if (!isSaid) this.#say('another dispatcher has had the queue of this task: waits to see whether it is gone');
      await sleep(ASK_EVERY_MS);
    }
  }

  /**
   * Takes over what is in the queue, once no host works on chunks of another run. If the queue has forgotten something while there
   * was no dispatcher, nobody knows what hosts still work on, until their locks have run out.
   *
   * waitMs - how long these may be, in milliseconds.
   */
  async #adopt(isOwn: (chunk: { id: string }) => boolean, waitMs: number): Promise<Leftovers> {
    const { feed } = this.#options;
    let until = -Infinity;
    for (let isSaid = false; ; ) {
      const left = await feed.adopt();
      if (!left) {
        if (!(await feed.claim())) throw taken();
        continue; // the queue was emptied
      }
      if (left.hasForgotten && waitMs > 0) {
        this.#say(
          `the queue doesn't know all of the run to resume: waits ${seconds(waitMs)} (--lock), as hosts may still work on it`,
        );
        until = performance.now() + waitMs;
      }
      const others = left.active.filter((chunk) => !isOwn(chunk)).map(({ id }) => id);
      if (others.length === 0 && performance.now() >= until) return left;
      if (!isSaid && others.length > 0) {
        this.#say(`waits for ${plural(others.length, 'chunk')} of another run that hosts still work on`);
        isSaid = true;
      }
      await sleep(ASK_EVERY_MS);
      await feed.forget(others); // only those that no host holds: their hosts are gone
    }
  }

  /**
   * A resume relies on what the notice says: that the queue is whole. Once it has forgotten something, that is so only when
   * all of it was put again, and the locks of which it knows nothing have run out.
   */
  async #keepNotice(): Promise<void> {
    const { feed, lockMs } = this.#options;
    const askedAt = performance.now();
    const notice = await feed.notice();
    if (notice?.isWhole) return;
    const text = JSON.stringify(this.#notice);
    if (!notice) {
      await feed.publish(text, false);
      this.#forgottenAt = performance.now();
    } else if (askedAt - this.#forgottenAt >= lockMs) {
      const missing = await feed.missing(this.#window?.expected ?? []);
      if (missing.length === 0) await feed.publish(text, true);
    }
  }

  async #keepToken(): Promise<void> {
    if (await this.#options.feed.claim()) return;
    this.#fail?.(taken()); // at once: what is in the queue is no longer this one's to take out
  }

  async #lookAround(): Promise<void> {
    const { feed } = this.#options;
    await this.#keepToken();
    await this.#keepNotice();
    const before = new Set(this.#hosts.map(({ id }) => id));
    this.#hosts = await feed.hosts();
    for (const { id, name, capacity } of this.#hosts) {
      if (!before.has(id))
        this.#say(`host ${this.#numberOf(id)} has joined: ${name}, ${plural(capacity, 'item')} at once`);
      before.delete(id);
    }
    if (before.size > 0) this.#say(`${plural(before.size, 'host')} gone, ${this.#hosts.length} left`);
  }

  #numberOf(host: string): number {
    const known = this.#numbers.get(host);
    if (known !== undefined) return known;
    const number = this.#numbers.size + 1;
    this.#numbers.set(host, number);
    this.#record({ type: 'host', worker: number, name: host.slice(0, host.lastIndexOf(':')) }); // of its id

    return number;
  }
}

function taken(): DivvyError {
  return new DivvyError('another dispatcher has taken the queue of this task: only one can have it', 75);
}

/** Before a run has begun, what the queue refuses is for the user to mend: a right that is missing, most likely. */
export async function refusalsTold<Result>(asked: Promise<Result>): Promise<Result> {
  try {
    return await asked;
  } catch (error) {
    const { name, message } = error as Error;
    throw name === 'ReplyError' ? new UsageError(`the queue refuses what it is asked: ${message}`) : error;
  }
}

/** The lock of a run, by the words of its command line, in milliseconds; 0 if it went over no queue. */
function lockIn(words: readonly string[] = []): number {
  const at = words.indexOf('--lock');
  return at < 0 ? 0 : durationOf('lock', words[at + 1] ?? '');
}
