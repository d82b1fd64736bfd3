/**
 * A host: a master whose items come from the queue, one run after another. Workers, retries, timeouts and crashes are its
 * own, as on a single machine. Runs in the master.
 *
 *   no run goes on ─> waits, unless it has had one and is not to stay
 *   a run ─> takes chunks as its workers have room ─> outcomes go to the queue ─> the run is over
 *          └─> the fence (holdings.ts): every worker is killed, nothing is reported, and the host joins again
 *
 * It relies on its own clock alone. The queue may be out of reach, or think that this host is.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { DivvyError } from '../errors.ts';
import type { EndedRun, Ledger } from '../journal/ledger.ts';
import { type EngineRole, ForeignItems } from '../master/engine-role.ts';
import type { Worker } from '../master/worker.ts';
import type { Settings } from '../options.ts';
import type { ItemError } from '../parallelizable.ts';
import type { AnyTask } from '../task/task.ts';
import { seconds } from '../text/words.ts';
import type { ChunkItem } from './chunk.ts';
import type { HostNotice, Membership, TakenChunk } from './engine.ts';
import { type Accepted, Holdings } from './holdings.ts';
import { inTime } from './in-time.ts';
import { type Notice, noticeIn } from './notice.ts';
import { Problems } from './problems.ts';
import { taskWithout } from './task-without.ts';

/** How often to look at the fence, and at what is to be reported, in milliseconds. */
const LOOK_EVERY_MS = 100;
/** How often to say that this host is there, and to ask whether the run goes on, in milliseconds. */
const PRESENT_EVERY_MS = 1000;
/** After a failure, how long to wait before the next try, in milliseconds. */
const TRY_AGAIN_MS = 250;
/** If a chunk has so many items, the next one is taken while it is worked on. */
const AHEAD_FROM = 64;
/** A lock is put off after this part of its time. */
const RENEW_AFTER = 1 / 4;

export interface HostOptions {
  readonly membership: Membership;
  readonly notice: Notice;
  /** What this host says of itself. */
  readonly own: HostNotice;
  readonly say: (text: string, isProblem: boolean) => void;
  /** Ends every worker at once, and then the run here. */
  readonly killAll: () => void;
}

/** One run, as far as this host takes part in it. */
export class Host implements EngineRole {
  readonly settings: Partial<Settings> = { journal: false, results: undefined };
  readonly keepsResults: boolean;
  readonly keepsValues: boolean;
  readonly ledger: Ledger;
  /** Why the host has left the run; undefined while it takes part. */
  left: 'the run is over' | 'another run' | 'fenced off' | 'stopped' | undefined;
  readonly #options: HostOptions;
  readonly #problems: Problems;
  readonly #holdings: Holdings;
  readonly #workers = new Set<Worker>();
  #looking: NodeJS.Timeout | undefined;
  #presentAt = -Infinity;
  #isOver = false;
  #hasEnded = false;
  /** A chunk that is taken while another is worked on. */
  #ahead: Promise<Accepted | undefined> | undefined;
  /** What was taken last, or is being taken. */
  #taking: Promise<unknown> = Promise.resolve();
  /** Wakes whoever waits for an item to end. */
  #whenEnded: (() => void) | undefined;
  #isRenewing = false;
  #fault: DivvyError | undefined;
  /** Chunks whose outcomes are on their way to the queue. */
  readonly #finishing = new Map<string, Promise<void>>();

  constructor(options: HostOptions) {
    this.#options = options;
    const { notice, say } = options;
    const { lockMs } = notice;
    this.#problems = new Problems(say);
    this.keepsResults = notice.keepsResults;
    this.keepsValues = notice.keepsValues;
    this.#holdings = new Holdings({
      host: options.own.id,
      lockMs,
      maxCrashes: Number(notice.options['maxCrashes'] ?? 3),
    });
    const ended = (run: EndedRun, body: Buffer, isDone: boolean): void => this.#ended(run, body, isDone);
    this.ledger = {
      add: () => undefined,
      retried: () => undefined,
      write: () => undefined,
      done: (run, _, result) => ended(run, result, true),
      failed: (run, error: ItemError) => ended(run, Buffer.from(JSON.stringify(error)), false),
    };
  }

  taskOf(task: AnyTask): AnyTask {
    const elsewhere = ['beforeRun', 'afterRun', 'afterProcess', 'afterFailure', 'total', 'cursor', 'throttle'] as const;
    return taskWithout(task, elsewhere);
  }

  booted(worker: Worker): void {
    this.#workers.add(worker);
    this.#tellFence(worker);
  }

  /** The items of the run, for as long as it goes on and this host takes part. */
  async *items(): AsyncGenerator<ForeignItems, void, undefined> {
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
    while (this.left === undefined) {
      const taken = await (this.#ahead ?? this.#take());
      this.#ahead = undefined;
      if (!taken) {
        if (this.#isOver && this.#holdings.isEmpty) this.left ??= 'the run is over';
        continue;
      }
      const { items, isSuspect } = taken;
      if (items.length === 0) this.#finishComplete();
      else if (isSuspect) yield* this.#oneByOne(items);
      else {
        // Many items are short ones: the next chunk comes while these run. Of slow ones, another host may begin the next.
        if (items.length >= AHEAD_FROM) this.#ahead = this.#take();
        this.#ahead?.catch(() => undefined); // the next turn of this loop gets the error
        yield new ForeignItems(items);
      }
    }
    if (this.#fault) throw this.#fault;
  }

  async *#oneByOne(items: readonly ChunkItem[]): AsyncGenerator<ForeignItems, void, undefined> {
    for (const item of items) {
      await this.#readyFor(item.number);
      yield new ForeignItems([item]);
    }
    while (this.left === undefined && this.#holdings.isBusy) await this.#nextEnd();
  }

  /** Resolves with the next chunk, which is held from then on; undefined if none came, or if this host has left the run. */
  #take(): Promise<Accepted | undefined> {
    const taken = this.#takeNext();
    this.#taking = taken;
    return taken;
  }

  async #takeNext(): Promise<Accepted | undefined> {
    const { membership, notice } = this.#options;
    const { lockMs } = notice;
    const sentAt = performance.now();
    const chunk = await this.#takeIfPossible();
    if (!chunk || this.left === 'fenced off') return undefined; // the lock of this one runs out
    if (!chunk.id.startsWith(`${notice.runId}.`) && !(await this.#isOfOther())) return undefined; // its lock runs out
    if (this.left !== undefined || this.#isApart(chunk.id)) {
      await membership.giveBack(chunk.id).catch(() => undefined);
      if (this.left === undefined) await sleep(TRY_AGAIN_MS);
      return undefined;
    }
    if (this.#holdings.ids.includes(chunk.id)) {
      this.#fenceOff('was late to keep what it works on, and got it a second time');
      return undefined;
    }
    let accepted: Accepted;
    try {
      accepted = this.#holdings.accept(chunk, sentAt);
    } catch (error) {
      if (this.#isEndedBy(error)) return undefined;
      throw error;
    }
    this.#tellWorkers();
    if (performance.now() - sentAt > lockMs * RENEW_AFTER) void this.#renew();
    return accepted;
  }

  /** A chunk of another run came. Whether that is the run that goes on now: then this host leaves. */
  async #isOfOther(): Promise<boolean> {
    await this.#askNotice().catch(() => undefined);
    return this.left !== undefined;
  }

  /** Another dispatcher of the run has made this chunk than those that are held: it may give its items the numbers of theirs. */
  #isApart(id: string): boolean {
    const [held] = this.#holdings.ids;
    return held !== undefined && dispatcherOf(held) !== dispatcherOf(id);
  }

  /** The run has ended here. Resolves once the queue knows what has become of each chunk, or can't be told: then locks run out. */
  async end(): Promise<void> {
    this.left ??= 'stopped';
    await inTime(this.#taking); // a chunk that comes now is given back at once
    await inTime(Promise.all(this.#finishing.values()), this.#options.notice.lockMs);
    this.#hasEnded = true;
    clearInterval(this.#looking);
    if (this.left !== 'fenced off') await inTime(this.#giveBack());
  }

  async #giveBack(): Promise<void> {
    const { membership } = this.#options;
    for (const { id, outcomes } of this.#holdings.takeRest()) {
      if (outcomes !== undefined) await membership.report(id, outcomes);
      await membership.giveBack(id);
    }
  }

  async #takeIfPossible(): Promise<TakenChunk | undefined> {
    try {
      const chunk = await this.#options.membership.take();
      this.#problems.none();
      return chunk;
    } catch (error) {
      if (!this.#isEndedBy(error)) await sleep(TRY_AGAIN_MS);
      return undefined;
    }
  }

  /** Looks whether the run has ended, or goes on in another way: a resume may have other options. */
  async #askNotice(): Promise<void> {
    const { membership, notice } = this.#options;
    const text = await membership.notice();
    if (text === undefined) {
      // The queue has forgotten something, maybe whose these chunks are. The dispatcher will publish the notice again.
      void this.#renew();
      return;
    }
    const now = noticeIn(text);
    if (now.isOver && now.runId === notice.runId) this.#isOver = true;
    else if (!isDeepStrictEqual(now, notice)) this.left ??= 'another run';
  }

  /** Resolves when an item ends, or when this host leaves. */
  #nextEnd(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenEnded = resolve;
    });
  }

  /** Nothing else is in progress, and the queue knows which item is next. */
  async #readyFor(number: number): Promise<void> {
    while (this.left === undefined && !this.#holdings.isOnly(number)) await this.#nextEnd();
    const mark = this.#holdings.alone(number);
    while (mark && this.left === undefined) {
      try {
        const isHeld = await this.#options.membership.report(mark.id, mark.outcomes);
        if (!isHeld) this.#fenceOff('no longer holds what it works on');
        return;
      } catch (error) {
        if (this.#isEndedBy(error)) return;
        await sleep(TRY_AGAIN_MS);
      }
    }
  }

  #ended({ number, starts, crashes, durationMs, payloads }: EndedRun, body: Buffer, isDone: boolean): void {
    if (performance.now() >= this.#holdings.fenceAt) {
      // What a worker that has killed itself in time leaves behind is no crash of its item.
      this.#look();
      return;
    }
    let isComplete = false;
    const outcome = { isDone, attempts: starts, crashes, durationMs, body };
    for (const at of payloads.keys()) if (this.#holdings.ended(number + at, outcome)) isComplete = true;
    this.#whenEnded?.();
    if (isComplete) this.#finishComplete();
  }

  #finishComplete(): void {
    for (const { id, outcomes } of this.#holdings.complete) {
      if (this.#finishing.has(id)) continue;
      this.#finishing.set(
        id,
        this.#finish(id, outcomes).finally(() => this.#finishing.delete(id)),
      );
    }
  }

  async #finish(id: string, outcomes: string): Promise<void> {
    while (this.left !== 'fenced off' && !this.#hasEnded) {
      try {
        await this.#options.membership.finish(id, outcomes);
        this.#holdings.dropped(id);
        if (this.#holdings.isEmpty) this.#tellWorkers(); // there is no fence any more
        return;
      } catch (error) {
        if (this.#isEndedBy(error)) return;
        await sleep(TRY_AGAIN_MS);
      }
    }
  }

  /** Whether no other try would mend what went wrong with the queue: then this run fails here. */
  #isEndedBy(error: unknown): boolean {
    const fault = this.#problems.met(error);
    if (!fault) return false;
    this.#fault ??= fault;
    this.left ??= 'stopped';
    this.#whenEnded?.();
    return true;
  }

  #look(): void {
    const { membership, own } = this.#options;
    const { lockMs } = this.#options.notice;
    const now = performance.now();
    if (this.left === 'fenced off') return;
    if (now >= this.#holdings.fenceAt) {
      this.#fenceOff(`could not reach the queue for ${seconds(lockMs)} (--lock)`);
      return;
    }
    if (now - this.#presentAt >= PRESENT_EVERY_MS) {
      this.#presentAt = now;
      this.#askNotice().catch(() => undefined);
      membership.present(own).catch(() => undefined);
    }
    for (const { id, outcomes } of this.#holdings.takeReports(now))
      membership.report(id, outcomes).catch(() => undefined);
    if (this.#holdings.fenceAt - now < lockMs * (1 - RENEW_AFTER) - 1000) void this.#renew();
  }

  async #renew(): Promise<void> {
    const { ids } = this.#holdings;
    if (this.#isRenewing || ids.length === 0) return;
    this.#isRenewing = true;
    const sentAt = performance.now();
    try {
      const lost = (await this.#options.membership.renew(ids)).filter((id) => !this.#finishing.has(id));
      this.#holdings.renewed(ids, sentAt);
      this.#tellWorkers();
      if (lost.some((id) => this.#holdings.ids.includes(id))) this.#fenceOff('no longer holds what it works on');
    } catch (error) {
      this.#isEndedBy(error); // the fence is where it was
    } finally {
      this.#isRenewing = false;
    }
  }

  #tellWorkers(): void {
    for (const worker of this.#workers) this.#tellFence(worker);
  }

  /** A worker obeys the fence by itself, even if this process is stopped. */
  #tellFence(worker: Worker): void {
    const inMs = this.#holdings.fenceAt - performance.now();
    if (worker.running) worker.process?.fence?.(inMs);
    else this.#workers.delete(worker);
  }

  #fenceOff(why: string): void {
    this.left = 'fenced off';
    this.#whenEnded?.();
    this.#options.say(
      `this host ${why}: kills its workers, since other hosts may do their items, and joins again`,
      true,
    );
    this.#options.killAll();
  }
}

/** The part of a chunk's id that its dispatcher gives to all of its chunks. */
function dispatcherOf(id: string): string {
  return id.slice(0, id.lastIndexOf('.'));
}
