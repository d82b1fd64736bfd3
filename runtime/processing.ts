/**
 * Runs a task's `process` on the items that a worker is handed, and says what became of each. Runs in a worker (or, with
 * --inline, in the one process that there is). Internal.
 */

import { decodeValue, encodeValue } from './codec.ts';
import { isPermanent, toItemError } from './errors.ts';
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
  readonly send: (message: ToMaster) => void;
  /** The worker is to exit: gracefully when all is finished, or at once. */
  readonly exit: (how: 'gracefully' | 'at once') => void;
}

/** An item that `process` is at. */
interface InProgress {
  /** Made when the task first asks for its signal: an item that never did cannot obey an abort. */
  controller: AbortController | undefined;
}

/** The items of one worker. */
export class Processing {
  readonly #task: AnyTask;
  readonly #options: ProcessingOptions;
  readonly #waiting: CarriedItem[] = [];
  readonly #inProgress = new Set<InProgress>();
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
        for (const item of this.#inProgress) item.controller?.abort(this.#abortError());
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

  #start({ number, attempt, body }: CarriedItem): void {
    const started = performance.now();
    const inProgress: InProgress = { controller: undefined };
    this.#inProgress.add(inProgress);
    const ended = (how: CarriedOutcome['how'], outcomeBody: Buffer): void => {
      this.#inProgress.delete(inProgress);
      this.#report({ number, durationMs: performance.now() - started, how, body: outcomeBody });
      if (this.#state === 'working') this.#startMore();
      else this.#exitIfIdle();
    };
    const done = (result: unknown): void => {
      let encoded: Buffer = Buffer.alloc(0);
      try {
        if (this.#task.afterProcess)
          encoded = encodeValue(result, `the result of item ${number}`, this.#options.maxItemBytes);
      } catch (error) {
        threw(error);
        return;
      }
      ended('done', encoded);
    };
    const threw = (error: unknown): void => {
      const permanent = isPermanent(error);
      ended(permanent ? 'threw for good' : 'threw', encodeValue(toItemError(error), 'the error', Infinity));
    };
    try {
      const result = this.#task.process(decodeValue(body), this.#context(number, attempt, inProgress));
      // Only what is a promise is waited for: a task that is not async keeps its speed.
      if (isThenable(result)) result.then(done, threw);
      else done(result);
    } catch (error) {
      threw(error);
    }
  }

  #context(number: number, attempt: number, inProgress: InProgress): ItemContext {
    const controllerOf = (): AbortController => {
      if (!inProgress.controller) {
        inProgress.controller = new AbortController();
        if (this.#state === 'aborted') inProgress.controller.abort(this.#abortError());
      }
      return inProgress.controller;
    };
    return {
      worker: this.#options.self.number,
      number,
      attempt,
      get signal() {
        return controllerOf().signal;
      },
    };
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
    const deaf = this.#state === 'aborted' && ![...this.#inProgress].some((item) => item.controller);
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
