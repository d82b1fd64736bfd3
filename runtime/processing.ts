/**
 * Runs a task's `process` on the items that a worker is handed, and says what became of each. Runs in a worker (or, with
 * --inline, in the one process that there is). Internal.
 */

import { decodeValue, encodeValue } from './codec.ts';
import { isPermanent, toItemError } from './errors.ts';
import { contentKey } from './key.ts';
import type { ItemContext, WorkerSelf } from './parallelizable.ts';
import type { CarriedItem, CarriedOutcome, ToMaster, ToWorker } from './protocol.ts';
import type { AnyTask } from './task.ts';

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
  readonly send: (message: ToMaster) => void;
  /** The worker is to exit: gracefully when all is finished, or at once. */
  readonly exit: (how: 'gracefully' | 'at once') => void;
}

/** An item that `process` is at, as it is told of it. */
class Attempt implements ItemContext {
  readonly worker: number;
  readonly number: number;
  readonly attempt: number;
  timer: NodeJS.Timeout | undefined;
  timedOut: Error | undefined;
  readonly #item: CarriedItem;
  #controller: AbortController | undefined;
  #aborted: Error | undefined;

  constructor(worker: number, item: CarriedItem) {
    this.worker = worker;
    this.number = item.number;
    this.attempt = item.attempt;
    this.#item = item;
  }

  get key(): string {
    return this.#item.key || contentKey(decodeValue(this.#item.body));
  }

  /** Made when the task first asks for it: an item that never did cannot obey an abort. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#aborted);
    return this.#controller.signal;
  }

  get obeys(): boolean {
    return this.#controller !== undefined;
  }

  abort(reason: Error): void {
    this.#aborted ??= reason;
    this.#controller?.abort(reason);
  }
}

/** The items of one worker. */
export class Processing {
  readonly #task: AnyTask;
  readonly #options: ProcessingOptions;
  readonly #waiting: CarriedItem[] = [];
  readonly #inProgress = new Set<Attempt>();
  #finished = 0;
  #outcomes: CarriedOutcome[] = [];
  #state: 'working' | 'leaving' | 'draining' | 'aborted' | 'gone' = 'working';
  #starting = false;
  #abortReason = '';

  constructor(task: AnyTask, options: ProcessingOptions) {
    this.#task = task;
    this.#options = options;
  }

  /** The master said something. */
  hear(message: ToWorker): void {
    switch (message.kind) {
      case 'items':
        this.#waiting.push(...message.items);
        if (this.#state === 'working') this.#startMore();
        else this.#giveBack();
        return;
      case 'drain':
        if (this.#state === 'working' || this.#state === 'leaving') this.#state = 'draining';
        this.#giveBack();
        this.#exitIfIdle();
        return;
      case 'abort':
        if (this.#state === 'gone') return;
        this.#state = 'aborted';
        this.#abortReason = message.reason;
        for (const attempt of this.#inProgress) attempt.abort(this.#abortError());
        this.#exitIfIdle();
    }
  }

  /** Somebody other than the master told this worker to exit. The master is asked first, since items may be on their way. */
  leave(): void {
    if (this.#state !== 'working') return;
    this.#state = 'leaving';
    this.#giveBack();
    this.#options.send({ kind: 'leaving' });
  }

  #startMore(): void {
    if (this.#starting) return; // an item that ended at once: the loop below goes on by itself
    this.#starting = true;
    while (this.#state === 'working' && this.#inProgress.size < this.#options.concurrency) {
      const item = this.#waiting.shift();
      if (!item) break;
      this.#start(item);
    }
    this.#starting = false;
  }

  #start(item: CarriedItem): void {
    const { self, timeoutMs, maxItemBytes } = this.#options;
    const started = performance.now();
    const attempt = new Attempt(self.number, item);
    this.#inProgress.add(attempt);
    if (timeoutMs < Infinity) attempt.timer = setTimeout(() => this.#timeOut(attempt), timeoutMs);
    const ended = (how: CarriedOutcome['how'], body: Buffer): void => {
      clearTimeout(attempt.timer);
      this.#inProgress.delete(attempt);
      this.#report({ number: item.number, durationMs: performance.now() - started, how, body });
      this.#recycleIfDue();
      if (this.#state === 'working') this.#startMore();
      else this.#exitIfIdle();
    };
    const threw = (error: unknown): void => {
      const permanent = isPermanent(error);
      ended(permanent ? 'threw for good' : 'threw', encodeValue(toItemError(error), 'the error', Infinity));
    };
    const done = (result: unknown): void => {
      let body: Buffer = Buffer.alloc(0);
      try {
        if (attempt.timedOut) throw attempt.timedOut;
        if (this.#task.afterProcess) body = encodeValue(result, `the result of item ${item.number}`, maxItemBytes);
      } catch (error) {
        threw(error);
        return;
      }
      ended('done', body);
    };
    try {
      const result = this.#task.process(decodeValue(item.body), attempt);
      // Only what is a promise is waited for: a task that is not async keeps its speed.
      if (isThenable(result)) result.then(done, (error: unknown) => threw(attempt.timedOut ?? error));
      else done(result);
    } catch (error) {
      threw(attempt.timedOut ?? error);
    }
  }

  /** From now on the attempt has failed, whatever comes of it. One that does not end is the master's to kill. */
  #timeOut(attempt: Attempt): void {
    attempt.timedOut = new DOMException(`took longer than ${this.#options.timeoutMs} ms (--timeout)`, 'TimeoutError');
    attempt.abort(attempt.timedOut);
    this.#options.send({ kind: 'timed out', number: attempt.number });
  }

  #recycleIfDue(): void {
    const { recycleAfter, recycleAboveBytes } = this.#options;
    this.#finished += 1;
    if (this.#state !== 'working') return;
    const due =
      this.#finished >= recycleAfter || (recycleAboveBytes < Infinity && process.memoryUsage.rss() > recycleAboveBytes);
    if (due) this.leave();
  }

  /** Outcomes that come together go together, in one frame. */
  #report(outcome: CarriedOutcome): void {
    if (this.#outcomes.length === 0) queueMicrotask(() => this.#flush());
    this.#outcomes.push(outcome);
  }

  #flush(): void {
    if (this.#outcomes.length === 0) return;
    this.#options.send({ kind: 'outcomes', outcomes: this.#outcomes });
    this.#outcomes = [];
  }

  #giveBack(): void {
    if (this.#waiting.length === 0) return;
    this.#options.send({ kind: 'returned', numbers: this.#waiting.splice(0).map((item) => item.number) });
  }

  #exitIfIdle(): void {
    const drained = this.#state === 'draining' && this.#inProgress.size === 0;
    // An item that never asked for its signal cannot obey: there is nothing to wait for.
    const deaf = this.#state === 'aborted' && ![...this.#inProgress].some((attempt) => attempt.obeys);
    if (!drained && !deaf) return;
    this.#state = 'gone';
    this.#flush();
    this.#options.exit(drained ? 'gracefully' : 'at once');
  }

  #abortError(): Error {
    return new DOMException(`the run is being stopped forcefully (${this.#abortReason})`, 'AbortError');
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
