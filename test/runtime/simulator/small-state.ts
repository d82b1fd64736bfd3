/** All there is at a moment of a small case: plain data, but for the classes under test, so that it can be copied and compared. */

import type { Delivery } from '../../../runtime/master/delivery.ts';
import type { Run } from '../../../runtime/master/run.ts';
import type { Budget } from './small-case.ts';
import type { SmallCursor } from './small-cursor.ts';
import type { SmallResults } from './small-results.ts';

export interface Payload {
  readonly key: string;
}

export type Said =
  | { readonly kind: 'ready' | 'leaving' }
  | { readonly kind: 'nack' | 'timed out' | 'threw' | 'rate limited' | 'cancelled'; readonly number: number }
  | { readonly kind: 'done'; readonly number: number; count: number };
export type How = 'done' | 'threw' | 'rate limited' | 'cancelled';
export type Told =
  | { readonly kind: 'items'; readonly batchAcks: boolean; readonly numbers: readonly number[] }
  | { readonly kind: 'cancel'; readonly number: number }
  | { readonly kind: 'drain' };

export interface Process {
  readonly worker: number;
  alive: boolean;
  state: 'booting' | 'working' | 'leaving' | 'draining';
  waiting: number[];
  /** Items that it was handed with batched acks. */
  batchAcks: number[];
  /** Quick items that have ended, which it has not said yet. */
  gathered: Said[];
  inProgress: number[];
  told: Told[];
  said: Said[];
  /** It was killed for what it had said ran past its timeout. */
  killedFor: number[] | undefined;
  timedOut: number[];
}

export interface State {
  /** Undefined while there is no master. */
  delivery: Delivery<Payload> | undefined;
  now: number;
  /** Nothing is handed out before, for RateLimited. */
  heldUntil: number;
  /** Which items the journal has no outcome of, as Intake says. */
  taken: boolean[];
  yielded: number;
  /** By worker; what is left of a dead master's is among the orphans. */
  processes: (Process | undefined)[];
  orphans: Process[];
  unwritten: { run: Run<Payload>; how: 'done' | 'failed' }[];
  results: SmallResults | undefined;
  cursor: SmallCursor | undefined;
  isPaused: boolean;
  /** By item. */
  journal: ('done' | 'failed' | undefined)[];
  /** It was processed, and that is not lost. */
  processed: boolean[];
  /** Attempts that failed, and deaths while alone, in this run. */
  throws: number[];
  crashes: number[];
  cancelled: boolean[];
  stopped: boolean;
  left: Budget;
}

export function found<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('what must be there is not');
  return value;
}
