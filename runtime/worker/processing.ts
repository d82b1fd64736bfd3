/**
 * Runs a task's `process` on the items that a worker is handed, and says what became of each. Runs in a worker (or, with
 * --inline, in the one process that there is). Internal.
 */

import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { isPermanent, toItemError } from '../errors.ts';
import { contentKey } from '../key.ts';
import type { ItemContext, WorkerSelf } from '../parallelizable.ts';
import type { AnyTask } from '../task/task.ts';
import { bytesOf, encodeValue } from '../wire/codec.ts';
import type { FromMaster, ReceivedItem, ToMaster } from '../wire/messages.ts';
import { Acks } from './acks.ts';
import type { Claims } from './claims.ts';
import type { WorkerOutput } from './output.ts';
import { Stops } from './stops.ts';

/** How a worker is to process. */
export interface ProcessingOptions {
  readonly self: WorkerSelf;
  /** Items in progress at once. */
  readonly concurrency: number;
  /** The largest result that is sent, in bytes. */
  readonly maxItemBytes: number;
  /** How long an item may take, in milliseconds; Infinity for as long as it likes. */
  readonly timeoutMs: number;
  /** After so many items, or above so much memory in bytes, the worker asks to be replaced; Infinity for never. */
  readonly recycleAfter: number;
  readonly recycleAboveBytes: number;
  /** What of its items it has begun, where another thread may take the rest back. */
  readonly claims: Claims;
  readonly output: WorkerOutput;
  /** Returns whether it has left this process. Where it has not, processing.goOn() is called when it has. */
  readonly send: (message: ToMaster) => boolean;
  /** The worker is to exit: gracefully when all is finished, or at once. */
  readonly exit: (how: 'gracefully' | 'at once') => void;
}

/** How long items may wait behind one that takes longer than was thought, in milliseconds. */
const PATIENCE_MS = 5;
/** The ack of an item that took longer is not batched, in milliseconds. */
const BATCHED_BELOW_MS = 0.02;

/** An item that `process` is at, as it is told of it. */
class Attempt implements ItemContext {
  readonly worker: number;
  readonly item: ReceivedItem;
  readonly startedAt = performance.now();
  timer: NodeJS.Timeout | undefined;
  /** How long this process had been stopped when it was begun, or since was given time for. */
  stoppedMs = 0;
  timedOut: Error | undefined;
  #controller: AbortController | undefined;
  #aborted: Error | undefined;

  constructor(worker: number, item: ReceivedItem) {
    this.worker = worker;
    this.item = item;
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

  /** Made when the task first asks for it: an item that never did cannot obey an abort. */
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

/** Calls `process` in an async context of its own: what one item leaves in an AsyncLocalStorage no other finds there. */
export function processApart<Item, Result>(
  task: { process(item: Item, context: ItemContext): Result | Promise<Result> },
  item: Item,
  context: ItemContext,
  scope: AsyncResource = newScope(),
): Result | Promise<Result> {
  return scope.runInAsyncScope(task.process, task, item, context);
}

function newScope(): AsyncResource {
  return new AsyncResource('divvy item', { requireManualDestroy: true });
}

/**
 * Returns what keeps all items apart, where one does. Node.js 24 and later keep what is left in an AsyncLocalStorage with the
 * call; 22 keeps it with the AsyncResource, so that each item needs one, which takes five times as long.
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
  readonly #waiting: ReceivedItem[] = [];
  readonly #inProgress = new Set<Attempt>();
  /** Only where items have a timeout. */
  readonly #stops: Stops | undefined;
  #finished = 0;
  #state: 'working' | 'leaving' | 'draining' | 'aborted' | 'gone' = 'working';
  #starting = false;
  #abortReason = '';
  /** Looks whether items wait behind a slow one. */
  #patience: NodeJS.Timeout | undefined;

  constructor(task: AnyTask, options: ProcessingOptions) {
    this.#task = task;
    this.#options = options;
    this.#acks = new Acks(options, () => {
      if (this.#state === 'working') this.goOn();
      else this.#exitIfIdle();
    });
    if (options.timeoutMs < Infinity) this.#stops = new Stops();
  }

  /** The master said something. */
  hear(message: FromMaster): void {
    switch (message.kind) {
      case 'items':
        this.#waiting.push(...message.items);
        if (this.#state === 'working') this.#startMore();
        else this.#giveBack();
        return;
      case 'forget':
        this.#options.claims.forgotten(this.#waiting.splice(0).length);
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
      case 'abort':
        if (this.#state === 'gone') return;
        this.#state = 'aborted';
        this.#abortReason = message.reason;
        for (const attempt of this.#inProgress) attempt.abort(this.#abortError());
        this.#exitIfIdle();
    }
  }

  /** Somebody else told this worker to exit. The master is asked first: items may be on their way. */
  leave(): void {
    if (this.#state !== 'working') return;
    this.#state = 'leaving';
    this.#giveBack();
    this.#options.send({ kind: 'leaving' });
  }

  /** What was said has left this process. */
  goOn(): void {
    this.#acks.isBlocked = false;
    this.#startMore();
  }

  #startMore(): void {
    if (this.#starting) return; // an item that ended at once: the loop below goes on by itself
    this.#starting = true;
    const { concurrency } = this.#options;
    while (this.#state === 'working' && !this.#acks.isBlocked && this.#inProgress.size < concurrency) {
      if (this.#waiting.length === 0 || !this.#options.claims.take(1)) break;
      const item = this.#waiting.shift();
      if (item) this.#start(item);
    }
    this.#starting = false;
    if (this.#waiting.length === 0) this.#acks.flush();
    else if (this.#patience === undefined) this.#bePatient();
  }

  #start(item: ReceivedItem): void {
    const { self, timeoutMs } = this.#options;
    const attempt = new Attempt(self.number, item);
    this.#inProgress.add(attempt);
    if (this.#stops) {
      attempt.stoppedMs = this.#stops.stoppedMs;
      this.#askLater(attempt, timeoutMs);
    }
    let result: unknown;
    let awaited: boolean;
    try {
      result = processApart(this.#task, item.value(), attempt, this.#scope);
      awaited = isThenable(result);
    } catch (error) {
      this.#threw(attempt, error);
      return;
    }
    // Only what is a promise is waited for: a task that is not async keeps its speed.
    if (!awaited) this.#ended(attempt, result);
    else
      Promise.resolve(result).then(
        (value) => this.#ended(attempt, value),
        (error: unknown) => this.#threw(attempt, error),
      );
  }

  #ended(attempt: Attempt, result: unknown): void {
    const { item, startedAt, timedOut } = attempt;
    if (timedOut) {
      this.#threw(attempt, timedOut);
      return;
    }
    const durationMs = performance.now() - startedAt;
    if (!this.#task.afterProcess) this.#acks.done(item.number, durationMs);
    else {
      let body: Buffer;
      try {
        body = bytesOf(encodeValue(result, `the result of item ${item.number}`, this.#options.maxItemBytes));
      } catch (error) {
        this.#threw(attempt, error);
        return;
      }
      this.#acks.add({ number: item.number, durationMs, how: 'done', body });
    }
    this.#end(attempt, durationMs);
  }

  #threw(attempt: Attempt, thrown: unknown): void {
    const error = attempt.timedOut ?? thrown;
    const durationMs = performance.now() - attempt.startedAt;
    this.#acks.add({
      number: attempt.number,
      durationMs,
      how: isPermanent(error) ? 'threw for good' : 'threw',
      body: Buffer.from(JSON.stringify(toItemError(error))),
    });
    this.#end(attempt, durationMs);
  }

  #end(attempt: Attempt, durationMs: number): void {
    clearTimeout(attempt.timer);
    this.#inProgress.delete(attempt);
    this.#finished += 1;
    this.#acks.ended(attempt.item.batchAcks && durationMs < BATCHED_BELOW_MS, attempt.startedAt + durationMs);
    this.#recycleIfDue();
    if (this.#state === 'working') this.#startMore();
    else this.#exitIfIdle();
  }

  #askLater(attempt: Attempt, ms: number): void {
    attempt.timer = setTimeout(() => this.#options.send({ kind: 'overdue', number: attempt.number }), ms);
  }

  /** The master says how much time an item has that is overdue; what this process was stopped for is added. */
  #timeLeft(number: number, masterMs: number): void {
    const attempt = [...this.#inProgress].find((each) => each.number === number);
    if (!attempt || attempt.timedOut) return; // it has ended meanwhile
    const stoppedMs = this.#stops?.stoppedMs ?? 0;
    const ms = Math.max(masterMs, stoppedMs - attempt.stoppedMs);
    attempt.stoppedMs = stoppedMs;
    if (ms > 0) this.#askLater(attempt, ms);
    else this.#timeOut(attempt);
  }

  /** From now on the attempt has failed, whatever comes of it. One that does not end is the master's to kill. */
  #timeOut(attempt: Attempt): void {
    attempt.timedOut = new DOMException(`took longer than ${this.#options.timeoutMs} ms (--timeout)`, 'TimeoutError');
    attempt.abort(attempt.timedOut);
  }

  #recycleIfDue(): void {
    const { recycleAfter, recycleAboveBytes } = this.#options;
    if (this.#state !== 'working') return;
    const due =
      this.#finished >= recycleAfter || (recycleAboveBytes < Infinity && process.memoryUsage.rss() > recycleAboveBytes);
    if (due) this.leave();
  }

  /** This process is about to exit, whoever wanted it to. */
  exiting(): void {
    this.#acks.flush();
  }

  /** Where nothing has ended for some time, what waits goes back: somebody else may be free. */
  #bePatient(): void {
    const finished = this.#finished;
    this.#patience = setTimeout(() => {
      this.#patience = undefined;
      if (this.#waiting.length === 0) return;
      if (this.#finished === finished) this.#giveBack();
      else this.#bePatient();
    }, PATIENCE_MS);
  }

  #giveBack(): void {
    if (this.#waiting.length === 0 || !this.#options.claims.take(this.#waiting.length)) return;
    this.#options.send({ kind: 'nack', numbers: this.#waiting.splice(0).map((item) => item.number) });
  }

  #exitIfIdle(): void {
    const drained = this.#state === 'draining' && this.#inProgress.size + this.#waiting.length === 0;
    // An item that never asked for its signal cannot obey: there is nothing to wait for.
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

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
