/** The events of a run. Public. */

import type { ItemError, Outcome, Place, RunResult, WorkerExit } from './parallelizable.ts';

/** What the items' keys are: the task's own, hashes of the items' content, or not recorded. */
export type Keys = 'own' | 'hashed' | 'none';

/** The fields of every event: `--json` and `--events` write these first, and `observe` gets them. */
export interface EventHead {
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number;
  /** The run's id; null only for an `error` before there was a run. */
  readonly runId: string | null;
}

/**
 * An event. `--json` and `--events` write each as a line of JSON: the fields of EventHead, then those below; undefined
 * fields are left out. Fields may be added; existing ones stay as they are. If a run fails, the command line writes one
 * more at the end: `{ type: 'error', message, exitCode }`.
 */
export type RunEvent =
  /**
   * The run begins; comes before the first item. `total` is the value from the task's `total`, or in a retry the number of
   * items to try again; `keys` says what the items' keys are.
   */
  | {
      readonly type: 'started';
      readonly runId: string;
      /** The master's process id. */
      readonly pid: number;
      /** How many workers may run. */
      readonly workers: number;
      readonly socket: string | undefined;
      /** The journal's absolute path. */
      readonly journal: string | undefined;
      readonly total: number | undefined;
      /** Where `dispatch` goes on, and the number of the last item up to there, if the task has a cursor. */
      readonly after: { readonly place: Place; readonly number: number } | undefined;
      readonly keys: Keys;
    }
  /** `pid` is undefined if the process could not be started. */
  | { readonly type: 'worker forked'; readonly worker: number; readonly pid: number | undefined }
  /** Its afterFork has returned: it takes items. */
  | { readonly type: 'worker ready'; readonly worker: number }
  /** The worker exited because it was asked to, or at a forceful stop. */
  | { readonly type: 'worker exited'; readonly worker: number; readonly exit: WorkerExit }
  /**
   * The worker died without being asked to exit. `items` are the numbers of its items in progress, and `keys` their
   * keys if those are recorded.
   */
  | {
      readonly type: 'worker died';
      readonly worker: number;
      readonly exit: WorkerExit;
      /** More details, such as `it ran past its timeout`. */
      readonly why: string | undefined;
      /** The error that nobody caught in it. */
      readonly error?: ItemError | undefined;
      readonly items: readonly number[];
      readonly keys: readonly string[];
      /** Delay until the next process boots, in milliseconds; 0 for at once. */
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
  /** A worker got items; it may not have started all of them. Only with -v, --json or --events. */
  | { readonly type: 'items handed'; readonly worker: number; readonly numbers: readonly number[] }
  /** The item counts as done. Only with -v, --json or --events. */
  | { readonly type: 'item done'; readonly outcome: Outcome }
  /** An attempt has failed, and there will be another one. Only with -v, --json or --events. */
  | { readonly type: 'item retried'; readonly outcome: Outcome; readonly error: ItemError }
  /**
   * Nothing is handed out for `ms` milliseconds: the task's `throttle` says so, or `process` threw RateLimited. Then
   * there is also its item's `number` and the `error`.
   */
  | {
      readonly type: 'held back';
      readonly by: 'throttle' | 'RateLimited';
      readonly ms: number;
      readonly number?: number;
      readonly error?: ItemError;
    }
  /** The item has been in progress for longer than --warn-after. `stack` is where its worker is, a line each. */
  | {
      readonly type: 'item slow';
      readonly number: number;
      /** Undefined if keys are not recorded. */
      readonly key: string | undefined;
      readonly worker: number;
      readonly ms: number;
      readonly stack: readonly string[];
    }
  /** The item counts as failed: afterFailure has run, and its line is in the journal. */
  | { readonly type: 'item failed'; readonly outcome: Outcome; readonly error: ItemError }
  /** The item's outcome could not be recorded. The item was processed; with `error`, it had failed. */
  | { readonly type: 'item unfinished'; readonly outcome: Outcome; readonly error?: ItemError | undefined }
  /** The run is stopping. Sent again if a signal comes after something else has begun to stop it. */
  | {
      readonly type: 'stopping';
      /**
       * A signal's name, `halt`, `shutdown`, `abort`, `divvy stop`, `stdout closed`, or the error with which the run fails.
       */
      readonly by: string;
      /** The run fails: an `error` follows at its end. */
      readonly failing: boolean;
      readonly how: 'gracefully' | 'forcefully';
      readonly already: boolean;
      readonly inProgress: number;
      /** Those in progress are in a queue, and with the hosts that take them from there. */
      readonly isQueue: boolean;
      /** Ended items whose output nobody has read yet. */
      readonly unread: number;
      /** What the run waits for, in words: `2 items`. */
      readonly waitsFor: string;
      /** After how many milliseconds another signal is forceful; undefined if no signal has come. */
      readonly againAfterMs: number | undefined;
    }
  /**
   * A signal that changes nothing. `forInMs` is how long another one still changes nothing; undefined for --ignore-hup.
   */
  | {
      readonly type: 'signal ignored';
      readonly signal: string;
      readonly waitsFor: string;
      readonly forInMs: number | undefined;
    }
  /** No item starts until the run is continued; `inProgress` items finish. With a queue, those of them that hosts have. */
  | { readonly type: 'paused'; readonly inProgress: number; readonly isQueue: boolean }
  /** A paused run goes on. */
  | { readonly type: 'continued' }
  /** A person has cancelled an item in progress: its signal is aborted, and it fails. */
  | { readonly type: 'item cancelled'; readonly worker: number; readonly number: number; readonly key: string }
  /** How many workers may run from now on. */
  | { readonly type: 'workers changed'; readonly workers: number }
  /** The answer to USR2. */
  | { readonly type: 'state'; readonly lines: readonly string[] }
  /** In a dry run: an item that would be processed. Only `observe` gets `value`: items are never written. */
  | { readonly type: 'item'; readonly number: number; readonly value: unknown }
  /** A message. With `isProblem` it is also reported with -q. */
  | { readonly type: 'note'; readonly text: string; readonly isProblem?: true }
  /** The last event of a run that had begun. */
  | {
      readonly type: 'ended';
      readonly result: RunResult;
      readonly durationMs: number;
      /**
       * The parts of `counts.skipped`: done in an earlier run, failed in an earlier run, left by --retry-failed for a
       * resume, and, if the task has a cursor, others that --retry-failed skips because they had not failed. In a dry
       * run, the rest are the items that would be processed.
       */
      readonly skipped: {
        readonly done: number;
        readonly failed: number;
        readonly left: number;
        readonly others: number;
      };
    };

/** An event as `observe` gets it. */
export type Observed = EventHead & RunEvent;
