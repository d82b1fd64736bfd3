/**
 * What can be asked of a running run from another terminal, and what it answers: one line of JSON each way. Runs in the
 * master, and in the process that asks. Internal.
 */

import type { Counts } from '../parallelizable.ts';

/** What is asked. */
export type ControlRequest =
  | { readonly do: 'pause' | 'continue' | 'status' }
  /** How many workers may run from now on. */
  | { readonly do: 'workers'; readonly workers: number }
  /** Cancel the items in progress that have this key. */
  | { readonly do: 'cancel'; readonly key: string }
  | { readonly do: 'stop'; readonly now: boolean };

/** The answer: whether it was done, and in words what was done or why not. */
export interface ControlAnswer {
  readonly ok: boolean;
  readonly text: string;
  /** The answer to `status`. */
  readonly status?: RunningStatus;
}

/** What an ordinary run waits for. */
export const ITS_WORKERS = 'its workers';

/** How a run stands that goes on. */
export interface RunningStatus {
  readonly state: 'running' | 'paused' | 'stopping';
  readonly counts: Counts;
  /** How many items have ended, with those of the earlier parts of the run. In a retry, of those to try again. */
  readonly met: number;
  /** How many there are, if that is known. */
  readonly total?: number;
  /** Items that ended in a second, over the last seconds. */
  readonly perSecond: number;
  /** An estimate, in milliseconds; absent without a total, and while nothing ends. */
  readonly leftMs?: number;
  /** What the run waits for, in words. */
  readonly waitsFor: string;
  /** The workers that have a process. */
  readonly workers: readonly RunningWorkerStatus[];
}

/** What a worker is at. */
export interface RunningWorkerStatus {
  readonly number: number;
  readonly pid: number | undefined;
  /** Its items in progress, as far as the master knows, and for how many milliseconds. */
  readonly items: readonly { readonly number: number; readonly key: string; readonly ms: number }[];
}

/** How long a line may be, in bytes. */
export const LINE_BYTES_MAX: number = 64 * 1024;

/** Returns what a line asks for; undefined if that is none of the above. */
export function requestIn(line: string): ControlRequest | undefined {
  let asked: unknown;
  try {
    asked = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof asked !== 'object' || asked === null) return undefined;
  const { do: what, ...rest } = asked as { readonly [key in string]?: unknown };
  const names = Object.keys(rest).join();
  if ((what === 'pause' || what === 'continue' || what === 'status') && names === '') return { do: what };
  const { workers, key, now } = rest;
  if (what === 'workers' && names === 'workers' && typeof workers === 'number') return { do: what, workers };
  if (what === 'cancel' && names === 'key' && typeof key === 'string' && key !== '') return { do: what, key };
  if (what === 'stop' && names === 'now' && typeof now === 'boolean') return { do: what, now };
  return undefined;
}
