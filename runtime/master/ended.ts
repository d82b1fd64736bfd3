/** Items that have ended, on their way to count: what the master has of them. Runs in the master. Internal. */

import { contentKey } from '../key.ts';
import type { ItemError, Outcome } from '../parallelizable.ts';
import { type Body, decodeValue } from '../wire/codec.ts';
import type { Taken } from './intake.ts';
import type { Run } from './run.ts';

/** What the master keeps of an item in flight. */
export interface Payload extends Taken {
  /** The item, encoded. */
  readonly body: Body;
}

/** The outcome of a run of items, which does not count yet. With a result, an error or a hook, it is one item. */
export interface Ended {
  readonly run: Run<Payload>;
  /** The worker's result, encoded; empty if nobody wants it. */
  readonly result: Buffer;
  /** Undefined if the items are done. */
  readonly error: ItemError | undefined;
}

/** Returns what the master's hooks and events get about an item of a run, `index` behind the first one. */
export function outcomeOf(run: Run<Payload>, index: number): Outcome {
  const { starts: attempts, crashes, worker, durationMs } = run;
  const number = run.number + index;
  const { key = '', body = '' } = run.payloads[index] ?? {};
  if (key !== '') return { number, key, attempts, crashes, worker, durationMs };
  return {
    number,
    // Without a journal, make the default key only on demand.
    get key() {
      return contentKey(decodeValue(body));
    },
    attempts,
    crashes,
    worker,
    durationMs,
  };
}

/** Returns the same about each item of a run. */
export function outcomesOf(run: Run<Payload>): Outcome[] {
  return run.payloads.map((_, index) => outcomeOf(run, index));
}
