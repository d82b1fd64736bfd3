/** What happens in a run, as events. Public. */

import type { ItemError, Outcome, RunResult, WorkerExit } from './parallelizable.ts';

/** What the keys of a run's items are: the task's own, hashes of the items' content, or nothing that is recorded. */
export type Keys = 'own' | 'hashed' | 'none';

/** What every event has: `--json` and `--events` write these first, and `observe` gets them. */
export interface EventHead {
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number;
  /** The run's id; null only of an `error` before there was a run. */
  readonly runId: string | null;
}

/**
 * Something that happened. `--json` and `--events` write each as a line of JSON: the fields below, behind those of EventHead,
 * where a field that is undefined is absent. More fields may be added; these stay as they are. The command line ends with one
 * more where the run fails: `{ type: 'error', message, exitCode }`.
 */
export type RunEvent =
  /** The run begins: before the first item. `total` is what the task's `total` gave; `keys` says what the items' keys are. */
  | {
      readonly type: 'started';
      readonly runId: string;
      /** The master's process. */
      readonly pid: number;
      /** How many workers there may be. */
      readonly workers: number;
      readonly socket: string | undefined;
      /** The journal's absolute path. */
      readonly journal: string | undefined;
      readonly total: number | undefined;
      readonly keys: Keys;
    }
  /** `pid` is undefined where the process could not be started. */
  | { readonly type: 'worker forked'; readonly worker: number; readonly pid: number | undefined }
  /** Its afterFork has returned: it takes items. */
  | { readonly type: 'worker ready'; readonly worker: number }
  /** As it was asked to, or at a forceful stop. */
  | { readonly type: 'worker exited'; readonly worker: number; readonly exit: WorkerExit }
  /** Without having been asked to. `items` are the numbers of those in progress, and `keys` their keys where these are recorded. */
  | {
      readonly type: 'worker died';
      readonly worker: number;
      readonly exit: WorkerExit;
      /** More about it, such as `it ran past its timeout`. */
      readonly why: string | undefined;
      /** The error that nobody caught in it. */
      readonly error?: ItemError | undefined;
      readonly items: readonly number[];
      readonly keys: readonly string[];
      /** When the next process is booted; 0 for at once. */
      readonly bootInMs: number;
    }
  /** The task file or afterFork threw in a worker. */
  | { readonly type: 'boot failed'; readonly worker: number; readonly error: ItemError }
  /** beforeExit, afterExit or afterRun threw. `worker` is undefined for afterRun. */
  | {
      readonly type: 'hook failed';
      readonly hook: string;
      readonly worker: number | undefined;
      readonly error: ItemError;
    }
  /** A worker was handed items; it may not have started them all. Only with -v, --json or --events. */
  | { readonly type: 'items handed'; readonly worker: number; readonly numbers: readonly number[] }
  /** The item counts as done. Only with -v, --json or --events. */
  | { readonly type: 'item done'; readonly outcome: Outcome }
  /** An attempt has failed, and there will be another. Only with -v, --json or --events. */
  | { readonly type: 'item retried'; readonly outcome: Outcome; readonly error: ItemError }
  /** The item counts as failed: afterFailure has run, and its line is in the journal. */
  | { readonly type: 'item failed'; readonly outcome: Outcome; readonly error: ItemError }
  /** What came of the item could not be recorded. It was processed; with `error`, it had failed. */
  | { readonly type: 'item unfinished'; readonly outcome: Outcome; readonly error?: ItemError | undefined }
  /** The run is being stopped; again, where a signal comes after something else has begun to stop it. */
  | {
      readonly type: 'stopping';
      /** A signal's name, `halt`, `shutdown`, `abort`, `stdout closed`, or what the run fails with. */
      readonly by: string;
      /** The run fails: an `error` follows at its end. */
      readonly failing: boolean;
      readonly how: 'gracefully' | 'forcefully';
      readonly already: boolean;
      readonly inProgress: number;
      /** Items that have ended whose output nobody has read yet. */
      readonly unread: number;
      /** What it waits for, in words: `2 items`. */
      readonly waitsFor: string;
      /** From when on another signal is forceful; undefined where none has come. */
      readonly againAfterMs: number | undefined;
    }
  /** A signal that changes nothing: `forInMs` is how long one that comes again does not; undefined for --ignore-hup. */
  | {
      readonly type: 'signal ignored';
      readonly signal: string;
      readonly waitsFor: string;
      readonly forInMs: number | undefined;
    }
  /** By TTIN or TTOU: how many there may be from now on. */
  | { readonly type: 'workers changed'; readonly workers: number }
  /** What USR2 asks for. */
  | { readonly type: 'state'; readonly lines: readonly string[] }
  /** In a dry run: an item that would be processed. `value` is for `observe` alone: items are written nowhere. */
  | { readonly type: 'item'; readonly number: number; readonly value: unknown }
  /** Something that is worth a line. `isProblem`: said with -q, too. */
  | { readonly type: 'note'; readonly text: string; readonly isProblem?: true }
  /** The last event of a run that had begun. */
  | {
      readonly type: 'ended';
      readonly result: RunResult;
      readonly durationMs: number;
      /**
       * Of `counts.skipped`: what an earlier run had done, what it had failed, and what --retry-failed leaves for a resume. In a
       * dry run the rest are the items that would be processed.
       */
      readonly skipped: { readonly done: number; readonly failed: number; readonly left: number };
    };

/** An event as `observe` gets it. */
export type Observed = EventHead & RunEvent;
