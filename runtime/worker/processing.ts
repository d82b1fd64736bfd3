/**
 * Runs a task's `process` on the items that a worker gets, and reports each outcome. Runs in a worker (or, with
 * --inline, in the one process of the run). Internal.
 */

import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { Cancelled } from '../errors.ts';
import { meaningOf, toItemError } from '../item-error.ts';
import { contentKey } from '../key.ts';
import type { ItemContext, WorkerSelf } from '../parallelizable.ts';
import type { AnyTask } from '../task/task.ts';
import { type AttemptTrace, endAttempt, traceAttempt, tracesAttempts, within } from '../tracing.ts';
import type { FromMaster, ReceivedItem, ToMaster } from '../wire/messages.ts';
import { encodeResult, type ResultForms } from '../wire/result.ts';
import { Acks } from './acks.ts';
import type { Claims } from './claims.ts';
import type { WorkerOutput } from './output.ts';
import { Stops } from './stops.ts';
import type { Tag, Tags } from './tags.ts';

/** How a worker processes items. */
export interface ProcessingOptions {
  readonly self: WorkerSelf;
  /** Maximum number of items in progress. */
  readonly concurrency: number;
  /** The largest result to send, in bytes. */
  readonly maxItemBytes: number;
  /** Results are written to a file (--results). */
  readonly keepsResults: boolean;
  /** How long an item may take, in milliseconds; Infinity for no limit. */
  readonly timeoutMs: number;
  /** After so many items, or above so many bytes of memory, the worker asks to be replaced; Infinity for never. */
  readonly recycleAfter: number;
  readonly recycleAboveBytes: number;
  /** Which items it has claimed; another thread may reclaim the rest. */
  readonly claims: Claims;
  readonly output: WorkerOutput;
  /** Only with --tag. */
  readonly tags?: Tags | undefined;
  /** Returns whether the message has left this process. If not, processing.goOn() is called once it has. */
  readonly send: (message: ToMaster) => boolean;
  /** Exits the worker: gracefully when everything is finished, or at once. */
  readonly exit: (how: 'gracefully' | 'at once') => void;
}

/** How long items may wait behind one that takes longer than expected, in milliseconds. */
const PATIENCE_MS = 5;

/** An item in progress, and the context that `process` gets. */
class Attempt implements ItemContext {
  readonly worker: number;
  readonly item: ReceivedItem;
  readonly startedAt: number;
  timer: NodeJS.Timeout | undefined;
  /** The process's total stopped time when the item started, or when its time was last extended, in milliseconds. */
  stoppedMs = 0;
  /** It has failed with this, whatever comes of it: its time is up, or a person has cancelled it. */
  overruled: Error | undefined;
  /** Only with --tag. */
  tag: Tag | undefined;
  /** Only if attempts are traced. */
  trace: AttemptTrace | undefined;
  #controller: AbortController | undefined;
  #aborted: Error | undefined;

  constructor(worker: number, item: ReceivedItem, startedAt: number) {
    this.worker = worker;
    this.item = item;
    this.startedAt = startedAt;
  }

  get number(): number {
    return this.item.number;
  }

  get attempt(): number {
    return this.item.attempt;
  }

  get key(): string {
    return this.item.key || contentKey(this.item.value());
  }

  /** Created when the task first asks for it: an item that never asked can't obey an abort. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#aborted);
    return this.#controller.signal;
  }

  get isAbortable(): boolean {
    return this.#controller !== undefined;
  }

  abort(reason: Error): void {
    this.#aborted ??= reason;
    this.#controller?.abort(reason);
  }
}

/** Calls `process` in its own async context: no item sees another one's values in an AsyncLocalStorage. */
export function processApart<Item, Result>(
  task: { process(item: Item, context: ItemContext): Result | Promise<Result> },
  item: Item,
  context: ItemContext,
  scope: AsyncResource = newScope(),
): Result | Promise<Result> {
  return scope.runInAsyncScope(task.process, task, item, context);
}

/** The same with the attempt's trace around `process`. */
function processTraced(
  task: Pick<AnyTask, 'process'>,
  item: unknown,
  attempt: Attempt,
  scope: AsyncResource | undefined,
): unknown {
  const trace = traceAttempt(attempt);
  attempt.trace = trace;
  // Inside of the scope: what stands around a scope is not seen in it.
  const traced = { process: () => within(trace, () => task.process(item, attempt)) };
  return processApart(traced, item, attempt, scope);
}

function newScope(): AsyncResource {
  return new AsyncResource('divvy item', { requireManualDestroy: true });
}

/**
 * Returns one scope that isolates all items, if that works. Node.js 24 and later tie AsyncLocalStorage values to the
 * call. Node.js 22 ties them to the AsyncResource, so each item needs its own, which takes five times as long.
 */
function scopeForAll(): AsyncResource | undefined {
  const scope = newScope();
  const left = new AsyncLocalStorage<boolean>();
  scope.runInAsyncScope(() => left.enterWith(true));
  const isSeen = scope.runInAsyncScope(() => left.getStore() === true);
  left.disable();
  return isSeen ? undefined : scope;
}

/** The items of one worker. */
export class Processing {
  readonly #task: AnyTask;
  readonly #scope: AsyncResource | undefined = scopeForAll();
  readonly #options: ProcessingOptions;
  readonly #acks: Acks;
  /** Undefined if nobody wants the results. */
  readonly #resultForms: ResultForms | undefined;
  #waiting: ReceivedItem[] = [];
  /** How many of the first of these are no longer waiting. */
  #begun = 0;
  /** Items whose promise is awaited. */
  readonly #inProgress = new Set<Attempt>();
  /** Only if items have a timeout. */
  readonly #stops: Stops | undefined;
  readonly #isTraced = tracesAttempts();
  #finished = 0;
  #state: 'working' | 'leaving' | 'draining' | 'aborted' | 'gone' = 'working';
  #starting = false;
  #abortReason = '';
  /** The timer that checks whether items wait behind a slow one. */
  #patience: NodeJS.Timeout | undefined;

  constructor(task: AnyTask, options: ProcessingOptions) {
    this.#task = task;
    this.#options = options;
    const forms = { asJson: options.keepsResults, asValue: task.afterProcess !== undefined };
    if (forms.asJson || forms.asValue) this.#resultForms = forms;
    this.#acks = new Acks(options, () => {
      if (this.#state === 'working') this.goOn();
      else this.#exitIfIdle();
    });
    if (options.timeoutMs < Infinity) this.#stops = new Stops();
  }

  /** Handles a message from the master. */
  hear(message: FromMaster): void {
    switch (message.kind) {
      case 'items':
        this.#waiting = this.#takeWaiting().concat(message.items);
        if (this.#state === 'working') this.#startMore();
        else this.#giveBack();
        return;
      case 'forget':
        this.#options.claims.forgotten(this.#takeWaiting().length);
        if (this.#state === 'draining') this.#exitIfIdle();
        return;
      case 'drain':
        if (this.#state === 'working' || this.#state === 'leaving') this.#state = 'draining';
        this.#giveBack();
        this.#exitIfIdle();
        return;
      case 'time left':
        this.#timeLeft(message.number, message.ms);
        return;
      case 'cancel': {
        const attempt = this.#attemptAt(message.number);
        if (attempt) overrule(attempt, new Cancelled());
        else this.#giveBack(); // it may be among those that wait: then the master fails it
        return;
      }
      case 'abort':
        if (this.#state === 'gone') return;
        this.#state = 'aborted';
        this.#abortReason = message.reason;
        for (const attempt of this.#inProgress) attempt.abort(this.#abortError());
        this.#exitIfIdle();
    }
  }

  /** Somebody other than the master told this worker to exit. Ask the master first: items may be on their way. */
  leave(): void {
    if (this.#state !== 'working') return;
    this.#state = 'leaving';
    this.#giveBack();
    this.#options.send({ kind: 'leaving' });
  }

  /** All messages have left this process. */
  goOn(): void {
    this.#acks.isBlocked = false;
    this.#startMore();
  }

  #startMore(): void {
    if (this.#starting) return; // an item ended synchronously: the loop below goes on by itself
    this.#starting = true;
    const { concurrency } = this.#options;
    // An item that ends at once ends when the next one starts: so the clock is read once an item.
    let now = performance.now();
    while (this.#state === 'working' && !this.#acks.isBlocked && this.#inProgress.size < concurrency) {
      const item = this.#waiting[this.#begun];
      if (!item || !this.#options.claims.take(1)) break;
      this.#begun += 1;
      now = this.#start(item, now);
    }
    this.#starting = false;
    if (this.#waitingCount === 0) this.#acks.flush();
    else if (this.#patience === undefined) this.#bePatient();
  }

  /** Starts an item at `now`. Returns what time it is then, both by performance.now(). */
  #start(item: ReceivedItem, now: number): number {
    const { self, timeoutMs, tags } = this.#options;
    const attempt = new Attempt(self.number, item, now);
    if (this.#stops) {
      attempt.stoppedMs = this.#stops.stoppedMs;
      this.#askLater(attempt, timeoutMs);
    }
    let task: Pick<AnyTask, 'process'> = this.#task;
    if (tags) {
      attempt.tag = tags.of(item, this.#task);
      task = tags.around(this.#task, attempt.tag);
    }
    let result: unknown;
    let awaited: boolean;
    try {
      const run = this.#isTraced ? processTraced : processApart;
      result = run(task, item.value(), attempt, this.#scope);
      awaited = isThenable(result);
    } catch (error) {
      return this.#threw(attempt, error);
    }
    // Await only promises: a task that is not async keeps its speed.
    if (!awaited) return this.#returned(attempt, result);
    this.#inProgress.add(attempt);
    Promise.resolve(result).then(
      (value) => this.#returned(attempt, value),
      (error: unknown) => this.#threw(attempt, error),
    );
    return performance.now();
  }

  /** Returns what time it is then, as do the other methods that end an item. */
  #returned(attempt: Attempt, result: unknown): number {
    const { item, startedAt, overruled } = attempt;
    if (overruled) return this.#threw(attempt, overruled);
    const now = performance.now();
    const durationMs = now - startedAt;
    if (!this.#resultForms) this.#acks.done(item.number, durationMs);
    else {
      let body: Buffer;
      try {
        const { maxItemBytes } = this.#options;
        body = encodeResult(result, `the result of item ${item.number}`, maxItemBytes, this.#resultForms);
      } catch (error) {
        return this.#threw(attempt, error);
      }
      this.#acks.add({ number: item.number, count: 1, durationMs, how: 'done', body });
    }
    if (attempt.trace) endAttempt(attempt.trace, { how: 'done' });
    return this.#end(attempt, durationMs, now);
  }

  #threw(attempt: Attempt, thrown: unknown): number {
    const error = attempt.overruled ?? thrown;
    const now = performance.now();
    const durationMs = now - attempt.startedAt;
    const how = meaningOf(error);
    const itemError = toItemError(error);
    if (attempt.trace) endAttempt(attempt.trace, { how, error: itemError });
    const body = Buffer.from(JSON.stringify(itemError));
    this.#acks.add({ number: attempt.number, count: 1, durationMs, how, body });
    if (how === 'rate limited') {
      // Nobody begins an item now. The master must hear of the limit before it hands out again what waits here.
      this.#acks.flush();
      if (!this.#acks.waitsForOutput) this.#giveBack();
    }
    return this.#end(attempt, durationMs, now);
  }

  #end(attempt: Attempt, durationMs: number, now: number): number {
    if (attempt.timer) clearTimeout(attempt.timer);
    if (attempt.tag) attempt.tag.isOver = true;
    this.#inProgress.delete(attempt);
    this.#finished += 1;
    const hasFlushed = this.#acks.ended(attempt.item.batchAcks, durationMs, now);
    this.#recycleIfDue();
    if (this.#state === 'working') this.#startMore();
    else this.#exitIfIdle();
    return hasFlushed ? performance.now() : now; // a flush takes longer than many an item
  }

  #askLater(attempt: Attempt, ms: number): void {
    attempt.timer = setTimeout(() => this.#options.send({ kind: 'overdue', number: attempt.number }), ms);
  }

  /** The master says how much time an overdue item has left; add the time for which this process was stopped. */
  #timeLeft(number: number, masterMs: number): void {
    const attempt = this.#attemptAt(number);
    if (!attempt || attempt.overruled) return; // it has ended meanwhile
    const stoppedMs = this.#stops?.stoppedMs ?? 0;
    const ms = Math.max(masterMs, stoppedMs - attempt.stoppedMs);
    attempt.stoppedMs = stoppedMs;
    if (ms > 0) this.#askLater(attempt, ms);
    else {
      const message = `took longer than ${this.#options.timeoutMs} ms (--timeout)`;
      overrule(attempt, new DOMException(message, 'TimeoutError'));
    }
  }

  #attemptAt(number: number): Attempt | undefined {
    return [...this.#inProgress].find((each) => each.number === number);
  }

  #recycleIfDue(): void {
    const { recycleAfter, recycleAboveBytes } = this.#options;
    if (this.#state !== 'working') return;
    const due =
      this.#finished >= recycleAfter || (recycleAboveBytes < Infinity && process.memoryUsage.rss() > recycleAboveBytes);
    if (due) this.leave();
  }

  /** This process is about to exit, for whatever reason. */
  exiting(): void {
    this.#acks.flush();
  }

  /** If no item has ended for some time, gives the waiting items back: another worker may be free. */
  #bePatient(): void {
    const finished = this.#finished;
    this.#patience = setTimeout(() => {
      this.#patience = undefined;
      if (this.#waitingCount === 0) return;
      if (this.#finished === finished) this.#giveBack();
      else this.#bePatient();
    }, PATIENCE_MS);
  }

  #giveBack(): void {
    if (this.#waitingCount === 0 || !this.#options.claims.take(this.#waitingCount)) return;
    this.#options.send({ kind: 'nack', numbers: this.#takeWaiting().map((item) => item.number) });
  }

  get #waitingCount(): number {
    return this.#waiting.length - this.#begun;
  }

  /** Removes and returns the items that wait. */
  #takeWaiting(): ReceivedItem[] {
    const waiting = this.#waiting.slice(this.#begun);
    this.#waiting = [];
    this.#begun = 0;
    return waiting;
  }

  #exitIfIdle(): void {
    const drained = this.#state === 'draining' && this.#inProgress.size + this.#waitingCount === 0;
    // An item that never asked for its signal can't obey it, so don't wait for it.
    const cannotObey = this.#state === 'aborted' && ![...this.#inProgress].some((attempt) => attempt.isAbortable);
    if (!drained && !cannotObey) return;
    this.#acks.flush();
    if (drained && this.#acks.waitsForOutput) return;
    this.#state = 'gone';
    this.#options.exit(drained ? 'gracefully' : 'at once');
  }

  #abortError(): Error {
    return new DOMException(`the run is being stopped forcefully (${this.#abortReason})`, 'AbortError');
  }
}

/** From now on the attempt has failed, whatever it returns. If it does not end, the master kills this worker. */
function overrule(attempt: Attempt, error: Error): void {
  attempt.overruled ??= error;
  attempt.abort(attempt.overruled);
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
