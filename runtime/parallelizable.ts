/**
 * The contract between a task and the runtime: start reading here.
 *
 * A task is a class with two methods. `dispatch` runs in the master and yields items; `process` runs in a worker
 * and handles one item. Everything else is optional. Each member's comment says which process calls it, and when.
 *
 * Public. This file holds types only, except for two errors that `process` may throw.
 */

/**
 * What a task class implements.
 *
 * Item   - what `dispatch` yields and `process` takes. It travels between processes as `v8.serialize` carries it:
 *          Date, Map, Set, BigInt, typed arrays, Buffer, undefined and cycles survive. A function, a symbol or an
 *          object with methods in its fields is a compile error; an instance of a class arrives as a plain object.
 * Result - what `process` returns. It is sent to the master only where the task has `afterProcess`, or with `--results`,
 *          which keeps it as JSON.
 */
export interface Parallelizable<Item extends FitItem<Item>, Result = void> {
  /**
   * Runs in the master, once. A generator, async or not, of the items. It is pulled: the next item is asked for only
   * when a worker can take it, so an endless generator is fine. The master's stdin is its own to read.
   * When it throws, the run stops gracefully and exits with 70.
   *
   * from - with a `cursor`, where to begin: `after` is undefined at first, and in a resume the place after which every
   *        item is still to be yielded, and none before it.
   */
  dispatch(from?: DispatchFrom): AsyncIterable<Item> | Iterable<Item>;

  /**
   * Runs in a worker, once for each attempt at an item. When it throws, the attempt has failed, and the worker lives on.
   * With --retries it is tried again: after `retryAfterMs` milliseconds if the error has that, never if it has
   * `permanent: true` (PermanentError). RateLimited holds back the whole run.
   */
  process(item: Item, context: ItemContext): Result | Promise<Result>;

  /** The number of items, where it is known: it gives progress an end. Runs in the master, after beforeRun. */
  total?(): MaybePromise<number>;

  /** Runs in the master, before the first fork. When it throws, nothing is dispatched; exit 70. */
  beforeRun?(run: Run): MaybePromise<void>;

  /** Runs in the master, after the last worker is reaped, however the run ended. When it throws: exit 1 at least. */
  afterRun?(run: Run, result: RunResult): MaybePromise<void>;

  /**
   * Runs in the master, before each fork, the first of a worker and every later one. `worker.pid` is undefined here;
   * `worker.env` may be changed, and is what the process starts with. When it throws, the run stops; exit 70.
   */
  beforeFork?(worker: WorkerHandle): MaybePromise<void>;

  /** Runs in a worker, once, before its first item: the place to open connections. When it throws: a failed boot. */
  afterFork?(worker: WorkerSelf): MaybePromise<void>;

  /**
   * Runs in a worker, before a graceful exit: the place to close connections. When it throws, or takes longer than
   * `--kill-after` and is cut short: exit 1 at least.
   */
  beforeExit?(worker: WorkerSelf): MaybePromise<void>;

  /** Runs in the master, when a worker's process has been reaped. When it throws: exit 1 at least. */
  afterExit?(worker: WorkerHandle, exit: WorkerExit): MaybePromise<void>;

  /**
   * Runs in the master, when an item was processed, and is awaited before the item is recorded as done. After a crash
   * it may run again for the same item: it must be idempotent. When it throws, the run stops gracefully; exit 70.
   */
  afterProcess?(item: Item, result: Awaited<Result>, outcome: Outcome): MaybePromise<void>;

  /** Runs in the master, when an item is given up. When it throws, the run stops gracefully; exit 70. */
  afterFailure?(item: Item, error: ItemError, outcome: Outcome): MaybePromise<void>;

  /**
   * Runs in the master, before items are handed out, and at most once a second. Returns how many milliseconds to hold
   * them back, because a replica lags or a load is too high; 0: go on. Return 1000 or more to stay closed until the next
   * question. Items in progress go on. When it throws, or returns anything but a number of 0 or more, the run stops
   * gracefully; exit 70.
   */
  throttle?(): MaybePromise<number>;

  /**
   * The item's place in the order of `dispatch`: an id, an offset, a key of the table. With it a resume need not list again
   * what is done: `dispatch` is called with the last place up to which nothing is left. Several items may share a place.
   * Numbers must not go back; strings are not compared. Runs in the master, once for each item of `dispatch`. When it
   * throws, or returns anything else, the run stops gracefully; exit 70.
   */
  cursor?(item: Item): Place;

  /**
   * The item's name across runs: it is how a resume knows what is done. By default a hash of its content. Items of the
   * same key are told apart by their order; without a key of your own, items of equal content are interchangeable, and
   * count as one where `process` goes by `context.key`. 1 to 512 bytes. Runs in the master, once for each item of `dispatch`. When it throws: exit 70.
   */
  key?(item: Item): string;
}

/** A place in the order of `dispatch`. */
export type Place = string | number;

/** Where `dispatch` is to begin. */
export interface DispatchFrom {
  /** The place after which it begins; undefined: at its beginning. */
  readonly after?: Place | undefined;
}

/** What `process` is told of the attempt that it makes. Lives in a worker. */
export interface ItemContext {
  /** The worker's number, from 1. */
  readonly worker: number;
  /** The item's number, from 1, in the order of dispatch. */
  readonly number: number;
  /** Which start of this item this is, from 1. */
  readonly attempt: number;
  /**
   * The item's name across runs, for idempotency: the same for the same item in every attempt and every run. By default a
   * hash of its content and, where the journal is on, which of several equal items it is.
   */
  readonly key: string;
  /** Aborted at the item's timeout and at a forceful stop. Hand it to `fetch`, timers and the like, so that they end at once. */
  readonly signal: AbortSignal;
}

/** How an item ended, as the master's hooks are told. */
export interface Outcome {
  /** The item's number, from 1. */
  readonly number: number;
  /** The item's name across runs, as in ItemContext. */
  readonly key: string;
  /** How often `process` was started on it. */
  readonly attempts: number;
  /** How often its worker died while it was alone in it. */
  readonly crashes: number;
  /** The number of the worker that had it last; 0 where it never reached one. */
  readonly worker: number;
  /** How long the last attempt took in the worker, in milliseconds. */
  readonly durationMs: number;
}

/** An error of the task, as it reached the master from a worker. All of it takes at most some 64 KB. */
export interface ItemError {
  /** The class name, such as `TypeError`. */
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** The error's own `code`, where it has one, such as `ECONNRESET`. */
  readonly code?: string | number;
  /** How long to wait before the next attempt, in milliseconds, where the error says it. */
  readonly retryAfterMs?: number;
  /** The error's other fields, as JSON can say them: at most 20, of at most 1 KB each. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** The errors that it stands for, as those of an AggregateError: at most 8. */
  readonly errors?: readonly ItemError[];
  /** How many errors it stands for, where `errors` has fewer of them. */
  readonly errorCount?: number;
  readonly cause?: ItemError;
  /** How many causes are left out between it and its `cause`: a long chain keeps its first errors and the innermost. */
  readonly causesLeftOut?: number;
}

/** A run, as the master's hooks are told. */
export interface Run {
  /** Names the run: the time that it began (UTC) and four letters. */
  readonly runId: string;
  /** The task file's absolute path. */
  readonly taskFile: string;
  /** How many workers there may be. */
  readonly workers: number;
}

/** A worker as the master sees it. Lives in the master, and outlasts the processes that it boots one after another. */
export interface WorkerHandle {
  /** From 1; also DIVVY_WORKER in the worker's environment. */
  readonly number: number;
  /** The process id; undefined while no process runs. */
  readonly pid: number | undefined;
  /** The path of the socket that the worker connects to. */
  readonly socket: string;
  /** How its last process ended; undefined before one has. */
  readonly status: WorkerExit | undefined;
  /** Whether a process of it runs: forked, and not reaped yet. */
  readonly running: boolean;
  /** The environment that its next process starts with. */
  env: NodeJS.ProcessEnv;
  /** Sends a signal to the process. Returns whether there was one. */
  kill(signal?: NodeJS.Signals): boolean;
}

/** A worker as it sees itself. Lives in a worker. */
export interface WorkerSelf {
  /** From 1; also DIVVY_WORKER in the environment. */
  readonly number: number;
  /** This process's id. */
  readonly pid: number;
}

/** How a worker's process ended: one of the two is null. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a run comes to. dispatched = done + failed + unfinished. */
export interface Counts {
  /** Items that `dispatch` yielded. */
  readonly dispatched: number;
  /** Items that were processed, and recorded as such. */
  readonly done: number;
  /** Items that were given up. */
  readonly failed: number;
  /** Items that a stop left without an outcome. */
  readonly unfinished: number;
  /** Items that an earlier run had done. */
  readonly skipped: number;
  /** Every handing out of an item after its first. */
  readonly retried: number;
  /** Worker processes that were forked. */
  readonly spawned: number;
  /** Worker processes that died without having been asked to exit. */
  readonly crashed: number;
}

/** What `Master.run` resolves with. */
export interface RunResult {
  readonly counts: Counts;
  /** A signal's name, `shutdown`, `abort`, `halt`, or `stdout closed`; absent where the run came to its own end. */
  readonly stoppedBy?: string;
  /** The exit code that the runner would exit with; errors.ts says which means what. */
  readonly exitCode: number;
  readonly runId: string;
  /** The journal's path, where there is one. */
  readonly journal?: string;
}

/** Thrown by `process` for an item that it is no use to try again. Any error with `permanent: true` counts as one. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
  readonly permanent = true;
}

/**
 * `process` throws it when another service limits you, as with HTTP 429. It does not count as an attempt: the item is
 * processed again later. Until then the master hands out nothing. Any error with `rateLimited: true` counts as one; if
 * that has no `retryAfterMs`, the wait is that of --backoff.
 */
export class RateLimited extends Error {
  override readonly name = 'RateLimited';
  readonly rateLimited = true;
  readonly retryAfterMs: number;

  /**
   * retryAfterMs - how long nothing is handed out, in milliseconds, from 0; at least 100 are waited.
   * options      - `cause`, as of any Error.
   *
   * Throws RangeError if it is not such a number.
   */
  constructor(retryAfterMs: number, options?: ErrorOptions) {
    if (!(typeof retryAfterMs === 'number' && retryAfterMs >= 0 && retryAfterMs < Infinity))
      throw new RangeError(`RateLimited takes a number of milliseconds from 0, not ${retryAfterMs}`, options);
    super(`wait ${retryAfterMs} ms`, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** A value or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/** Maps an item to itself, or to a NotCarried that it cannot be, where it would not arrive. */
export type FitItem<T> = [Extract<T, Callable | symbol | PromiseLike<unknown>>] extends [never]
  ? [T] extends [ReadonlyMap<infer K, infer V>]
    ? [K] extends [Carried<K>]
      ? CarriedMap<V>
      : NotCarried<'a Map with keys that cannot be carried'>
    : [T] extends [ReadonlySet<infer V>]
      ? CarriedSet<V>
      : CarriedFields<T>
  : NotCarried<'a function, a symbol or a promise'>;

/** The same for each field. A mapped type, and above no condition on a bare T: the constraint of Item would be circular. */
export type CarriedFields<T> = { [K in keyof T]: T extends Whole ? T[K] : Carried<T[K]> };

/** The type that a field of an item may have. `any` is not checked, `unknown` is refused. */
export type Carried<T> = 0 extends 1 & T
  ? T
  : unknown extends T
    ? NotCarried<'unknown: say what it is'>
    : T extends Whole
      ? T
      : T extends Callable
        ? NotCarried<'a function'>
        : T extends symbol
          ? NotCarried<'a symbol'>
          : T extends PromiseLike<unknown>
            ? NotCarried<'a promise: await it first'>
            : T extends ReadonlyMap<infer K, infer V>
              ? [K] extends [Carried<K>]
                ? CarriedMap<V>
                : NotCarried<'a Map with keys that cannot be carried'>
              : T extends ReadonlySet<infer V>
                ? CarriedSet<V>
                : T extends readonly (infer E)[]
                  ? number extends T['length']
                    ? CarriedList<E>
                    : CarriedFields<T>
                  : CarriedFields<T>;

type Callable = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown);

/** What is carried whole, methods and all. */
type Whole =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | RegExp
  | Error
  | ArrayBuffer
  | ArrayBufferView;

// Interfaces, since the compiler puts off looking into one: a type such as Json, which holds lists of itself, ends.
interface CarriedList<E> {
  readonly [index: number]: Carried<E>;
}
interface CarriedMap<V> {
  get(key: never): Carried<V> | undefined;
}
interface CarriedSet<V> {
  [Symbol.iterator](): { next(): { value?: Carried<V> | undefined } };
}

/** No value has this type; the compiler names Reason in its message. */
interface NotCarried<Reason extends string> {
  readonly 'cannot be carried to another process': Reason;
}
