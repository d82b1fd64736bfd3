/**
 * Where a module that is loaded before the task (--import, or "import" in divvy.json) can trace a run and its attempts.
 * `telemetry.ts`, which `divvy add telemetry` puts beside this file, is such a module. Without one, nothing is called.
 * Runs in the master and in every worker. Public: `traceWith`, and the types.
 *
 * Tracing never fails an item or a run: what it throws is caught, and the first error of a process is reported.
 */

import { toItemError } from './item-error.ts';
import type { ItemError, RunResult } from './parallelizable.ts';
import { isWorkerProcess } from './role.ts';

/** What traces. Each part is optional. */
export interface Tracing {
  /** Called in the master once the task is loaded, before any worker's process starts; not in a dry run. */
  run?(run: RunToTrace): RunTrace | undefined;
  /** Called before each attempt: in the worker, or with --inline in the master. runInline calls nothing. */
  attempt?(attempt: AttemptToTrace): AttemptTrace | undefined;
  /**
   * Sends what has been collected. Called before a worker or a master ends in good order, and awaited for 2 s at most, in
   * a worker for half of --kill-after at most. A worker that crashes or is killed calls nothing. Rejects if something
   * could not be sent: the master then reports it in one line.
   */
  flush?(): Promise<void>;
}

/** A run that begins. */
export interface RunToTrace {
  /** Absolute path of the task file. */
  readonly taskFile: string;
  /** How many workers may run. */
  readonly workers: number;
}

/** The trace of one run. */
export interface RunTrace {
  /** Added to the environment of every worker. */
  readonly env?: Readonly<Record<string, string>>;
  /** Calls `act` at once, with the trace's context around it. */
  within?(act: () => void): void;
  /** Called once, at the run's end. */
  end(how: RunEnd): void;
}

/** How a run ended. */
export interface RunEnd {
  /** Undefined if the run ended before its first item. */
  readonly result?: RunResult | undefined;
  /** The error with which the run fails. Without secrets. */
  readonly error?: ItemError | undefined;
}

/** An attempt at an item that begins. */
export interface AttemptToTrace {
  readonly worker: number;
  readonly number: number;
  readonly attempt: number;
  /** Worked out when it is read, which takes a while if it is a hash of the item's content. */
  readonly key: string;
}

/** The trace of one attempt. */
export interface AttemptTrace {
  /** Calls `act`, which calls `process`, at once, with the trace's context around it. */
  within?(act: () => void): void;
  /** Called once, when the attempt has ended; never if its worker dies. */
  end(how: AttemptEnd): void;
}

/** How an attempt ended. */
export interface AttemptEnd {
  readonly how: 'done' | 'threw' | 'threw for good' | 'rate limited';
  /** Unless it is done: what it threw, or why it counts as failed (its timeout, a cancel). Without secrets. */
  readonly error?: ItemError | undefined;
}

/** How long a flush is awaited, in milliseconds. */
export const FLUSH_MS = 2000;

/** One for the process, even if a loader such as tsx has loaded the runtime twice. */
const STORE = Symbol.for('divvy tracing');
interface Store {
  tracing?: Tracing;
  /** The first error of the tracing itself. */
  fault?: string;
}
const shared = globalThis as { [STORE]?: Store };
shared[STORE] ??= {};
const store = shared[STORE];

/** Has the runs of this process, or this worker's attempts, traced from now on. Of several calls the last one counts. */
export function traceWith(tracing: Tracing): void {
  store.tracing = tracing;
}

/** Whether attempts are traced. Internal, as is the rest of this file. */
export function tracesAttempts(): boolean {
  return store.tracing?.attempt !== undefined;
}

/** Returns the trace of an attempt that begins now; undefined if it has none. */
export function traceAttempt(attempt: AttemptToTrace): AttemptTrace | undefined {
  return guarded(() => store.tracing?.attempt?.(attempt));
}

/** Ends the trace of an attempt. */
export function endAttempt(trace: AttemptTrace, how: AttemptEnd): void {
  guarded(() => trace.end(how));
}

/** Calls `act` once, in the context of the trace. Returns what it returns and throws what it throws. */
export function within<T>(trace: AttemptTrace | RunTrace | undefined, act: () => T): T {
  let hasBegun = false;
  let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  const once = (): void => {
    if (hasBegun) return;
    hasBegun = true;
    try {
      outcome = { value: act() };
    } catch (error) {
      outcome = { error };
    }
  };
  if (trace?.within) guarded(() => trace.within?.(once));
  once();
  if (outcome === undefined) throw new TypeError('the act calls itself');
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

/** The trace of one run, as the master uses it. */
export class TracedRun {
  readonly env: Readonly<Record<string, string>>;
  readonly #trace: RunTrace | undefined;
  #hasEnded = false;

  /** Undefined if nothing traces. */
  static of(run: RunToTrace): TracedRun | undefined {
    return store.tracing && new TracedRun(guarded(() => store.tracing?.run?.(run)));
  }

  private constructor(trace: RunTrace | undefined) {
    this.#trace = trace;
    this.env = guarded(() => ({ ...trace?.env })) ?? {};
  }

  within<T>(act: () => T): T {
    return within(this.#trace, act);
  }

  /** Ends the trace, unless it has ended, and sends it. Resolves with what went wrong with the tracing of this process. */
  async end(result: RunResult | undefined, fault: unknown): Promise<string | undefined> {
    if (this.#hasEnded) return undefined;
    this.#hasEnded = true;
    const error = fault === undefined ? undefined : toItemError(fault);
    guarded(() => this.#trace?.end({ result, error }));
    const unsent = await flushTraces(FLUSH_MS);
    return store.fault ?? unsent;
  }
}

/** Sends what has been collected, but waits no longer than `ms`. Resolves with why it was not sent. Never rejects. */
export async function flushTraces(ms: number): Promise<string | undefined> {
  if (store.tracing?.flush === undefined) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`not everything was sent within ${ms / 1000} s`), ms);
  });
  const sent = (async () => store.tracing?.flush?.())().then(() => undefined, textOf);
  const why = await Promise.race([sent, late]);
  clearTimeout(timer);
  return why;
}

/** Returns what `act` returns; undefined if it throws. */
function guarded<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (store.fault === undefined) {
      store.fault = `it failed: ${textOf(error)}`;
      if (isWorkerProcess()) console.error(`divvy: telemetry: ${store.fault}`); // the master says so at the run's end
    }
    return undefined;
  }
}

/** Anything can be thrown, even a value that throws when it is read. */
function textOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'an error that cannot be shown';
  }
}
