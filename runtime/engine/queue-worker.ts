/**
 * The queue as the dispatcher sees it: its one worker, with room for many items. Takes the items that the delivery rules hand
 * it, and answers with their outcomes. Runs in the dispatcher.
 *
 * It looks at the queue by itself, again and again, and relies on no notification: one may be lost. While the queue can't be
 * reached, it waits and tries again; what the queue has lost meanwhile is put again (window.ts).
 */

import type { DivvyError } from '../errors.ts';
import type { RunningWorker, WorkerEvents } from '../master/worker.ts';
import type { CarriedOutcome, ToWorker } from '../wire/messages.ts';
import type { ChunkItem } from './chunk.ts';
import type { Feed, QueuedChunk } from './engine.ts';
import type { Problems } from './problems.ts';
import type { Learned, Window } from './window.ts';

/** How often to look for finished chunks while items are on their way, in milliseconds; the longer nothing came, the rarer. */
const LOOK_MIN_MS = 5;
const LOOK_MAX_MS = 100;
/** How many finished chunks to read at once. */
const READ_MAX = 200;
/** How often to read what hosts report, and who is there, in milliseconds. */
const REPORTS_EVERY_MS = 1000;
/** How many chunks to put at once. */
const PUT_MAX = 500;
/** How often to look for what the queue has lost, in milliseconds. */
const MISSING_EVERY_MS = 5000;
/** After a failure, how long to wait before the next try, in milliseconds. */
const TRY_AGAIN_MS = 250;

export interface QueueWorkerOptions {
  readonly feed: Feed;
  readonly window: Window;
  /** Returns how many items the hosts could work on at once. */
  readonly hands: () => number;
  /** Called when the queue has taken no chunks: it may be full. */
  readonly putRefused: () => void;
  /** Called once a second: who is there may have changed. */
  readonly lookAround: () => Promise<void>;
  /** Numbers of hosts, by their names, from 1. */
  readonly numberOf: (host: string) => number;
  readonly problems: Problems;
  /** The run cannot go on. */
  readonly fail: (fault: DivvyError) => void;
}

export class QueueWorker implements RunningWorker {
  readonly pid = undefined;
  /** What items print, they print on their hosts. */
  readonly output: RunningWorker['output'] = {
    isClear: true,
    isHeld: false,
    caughtUp: () => true,
    mark: () => [],
    isOut: () => 'yes',
    openTo: () => undefined,
    takeHeldMs: () => 0,
  };
  readonly #options: QueueWorkerOptions;
  readonly #events: WorkerEvents;
  #state: 'working' | 'draining' | 'gone' = 'working';
  /** Ends the current pause of the loop early. */
  #wakeUp = (): void => {};
  #lookMs = LOOK_MIN_MS;
  #reportsAt = 0;
  #missingAt = 0;
  /** Chunks that the queue has not been told to forget yet. */
  #forgettable: string[] = [];
  /** Chunks that the queue has not taken yet: it may be full. */
  #unput: readonly QueuedChunk[] = [];
  /** Nothing may begin: the run is paused, as far as this knows. */
  #isHeldBack = false;
  /** The last look failed: what the queue has is not known. */
  #wasAway = false;

  constructor(options: QueueWorkerOptions, events: WorkerEvents) {
    this.#options = options;
    this.#events = events;
    // Not at once: the pool must first record this as the worker's process.
    queueMicrotask(() => {
      events.said({ kind: 'ready' });
      void this.#loop();
    });
  }

  send(message: ToWorker): void {
    const { window } = this.#options;
    if (message.kind === 'items') {
      const items = message.runs.flatMap(({ number, payloads }) =>
        payloads.map(({ key, occurrence = 1, at, body }, index): ChunkItem => {
          return { number: number + index, key, occurrence, place: at?.place, body };
        }),
      );
      this.#isHeldBack = false;
      const learned = window.take(items);
      if (learned.length > 0) setImmediate(() => this.#tell(learned));
    } else if (message.kind === 'drain' && this.#state === 'working') this.#state = 'draining';
    else if (message.kind === 'abort') this.kill();
    this.#wakeUp();
  }

  /** Whatever the signal: hosts go on with what they hold, and a resume takes the outcomes. */
  kill(): boolean {
    if (this.#state === 'gone') return false;
    this.#exit('SIGKILL');
    return true;
  }

  killGroup(): void {}

  /** Takes back what no host has begun. Until there are new items, nothing more goes into the queue. */
  reclaim(): void {
    this.#isHeldBack = true;
    void this.#withdraw().then(
      () => this.#events.reclaimed(null),
      () => this.#events.reclaimed(null),
    );
  }

  stack(): Promise<string> {
    return Promise.resolve('    on its hosts');
  }

  heldUntil(): number {
    return -Infinity;
  }

  /** Items count. */
  counted(): void {
    this.#wakeUp();
  }

  async #loop(): Promise<void> {
    while (this.#state !== 'gone') {
      try {
        await this.#look();
        this.#wasAway = false;
        this.#options.problems.none();
      } catch (error) {
        const fault = this.#options.problems.met(error);
        if (fault) {
          this.#options.fail(fault);
          this.#exit('SIGKILL'); // it would meet the same again
          return;
        }
        this.#wasAway = true;
        await this.#pause(TRY_AGAIN_MS);
        continue;
      }
      if (this.#state === 'draining' && this.#options.window.isIdle) this.#exit(null);
      else await this.#pause(this.#lookMs);
    }
  }

  async #look(): Promise<void> {
    const { feed, window, hands, lookAround } = this.#options;
    // Another dispatcher may have the queue by now, if this one could not reach it, or was stopped itself.
    if (this.#wasAway || performance.now() - this.#reportsAt > 2 * REPORTS_EVERY_MS) await lookAround();
    if (this.#isGone) return;
    if (this.#state === 'draining') await this.#withdraw();
    if (this.#state === 'draining' || this.#isHeldBack)
      this.#unput = []; // the queue may have taken some of them: those that it has not are found missing
    else if (this.#unput.length === 0) this.#unput = window.cut(hands());
    await this.#put();
    const finished = await feed.finished(READ_MAX);
    const learned = finished.flatMap((chunk) => window.finished(chunk));
    this.#lookMs = finished.length > 0 ? LOOK_MIN_MS : Math.min(LOOK_MAX_MS, this.#lookMs * 1.5);
    this.#tell(learned);
    const now = performance.now();
    if (now - this.#reportsAt >= REPORTS_EVERY_MS) {
      this.#reportsAt = now;
      await lookAround();
      if (this.#isGone) return;
      this.#events.backpressure(false); // there may be more hosts now, and so more room
      for (const { id, outcomes } of await feed.reports()) this.#tell(window.reported(id, outcomes));
    }
    if (this.#wasAway || now - this.#missingAt >= MISSING_EVERY_MS) {
      this.#missingAt = now;
      await this.#lookForMissing();
    }
    this.#forgettable.push(...window.takeForgettable());
    if (this.#forgettable.length > 0) await feed.forget(this.#forgettable);
    this.#forgettable = [];
  }

  /** This changes while anything is awaited. */
  get #isGone(): boolean {
    return this.#state === 'gone';
  }

  async #put(): Promise<void> {
    try {
      for (; this.#unput.length > 0; this.#unput = this.#unput.slice(PUT_MAX))
        await this.#options.feed.put(this.#unput.slice(0, PUT_MAX));
    } catch (error) {
      this.#options.putRefused();
      throw error;
    }
  }

  async #lookForMissing(): Promise<void> {
    const { feed, window } = this.#options;
    const asked = window.expected;
    if (asked.length === 0) return;
    const sentAt = performance.now();
    const missing = await feed.missing(asked);
    const again = window.looked(asked, missing, { sentAt, answeredAt: performance.now() });
    if (again.length === 0) return;
    if (this.#state === 'working' && !this.#isHeldBack) await feed.put(again);
    else this.#giveBack(window.withdrawn(again.map(({ id }) => id)));
  }

  async #withdraw(): Promise<void> {
    const { feed, window } = this.#options;
    const withdrawn = await feed.withdraw();
    for (const { id, report } of withdrawn) if (report !== undefined) this.#tell(window.reported(id, report));
    this.#giveBack(window.withdrawn(withdrawn.map(({ id }) => id)));
  }

  #giveBack(numbers: readonly number[]): void {
    if (numbers.length > 0 && this.#state !== 'gone') this.#events.said({ kind: 'nack', numbers });
  }

  #tell(learned: readonly Learned[]): void {
    if (learned.length === 0 || this.#state === 'gone') return;
    const outcomes = learned.map(
      ({ number, count, isDone, attempts, crashes, durationMs, host, body }): CarriedOutcome => {
        const by = { worker: this.#options.numberOf(host), attempts, crashes };
        return { number, count, durationMs, how: isDone ? 'done' : 'threw for good', body, by };
      },
    );
    this.#events.said({ kind: 'outcomes', outcomes });
  }

  #exit(signal: NodeJS.Signals | null): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#wakeUp();
    setImmediate(this.#events.exited, { code: signal === null ? 0 : null, signal });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeUp = (): void => {
        this.#lookMs = LOOK_MIN_MS;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
