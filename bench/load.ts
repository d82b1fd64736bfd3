/**
 * What a contestant is told to do, and what it reports: the last argument of its program, and the one line that it writes,
 * both as JSON.
 */

import type { works } from './contestants/work.ts';

/** How a contestant is to work. Not every contestant knows every setting. */
export interface Load {
  readonly items: keyof typeof ITEMS;
  /** How many of them. */
  readonly count: number;
  /** What is done with each. */
  readonly work: keyof typeof works;
  /** How long a nap is, in milliseconds; and the first one, where it differs. */
  readonly napMs?: number;
  readonly firstNapMs?: number;
  readonly workers: number;
  /** Items that one worker has at most, on their way or in progress. For this runtime: its `concurrency`. */
  readonly inFlight: number;
  readonly serialization?: 'json' | 'advanced';
  readonly workerType?: 'process' | 'thread';
  /** Buffers are moved to the worker, not copied. */
  readonly transfer?: boolean;
  /** Whether this runtime keeps its journal. */
  readonly journal?: boolean;
  /** Whether it writes its metrics. */
  readonly metrics?: boolean;
}

/** What a contestant measured itself. */
export interface Report {
  /** Items that were acknowledged as done. */
  readonly items: number;
  /** From when the workers are ready. */
  readonly seconds: number;
  /** The most memory that the main process had, in bytes. */
  readonly peakBytes: number;
}

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;

/** What makes the items of each kind. A text is made by Buffer in one piece; `repeat` alone would leave that for later. */
const ITEMS = {
  numbers: () => (number: number) => number,
  objects: () => (number: number) => ({ id: number, name: 'Ada Lovelace', active: true }),
  strings: () => always(Buffer.alloc(10 * KILOBYTE, 'x').toString()),
  buffers: ({ transfer }: Load) => (transfer ? () => Buffer.alloc(MEGABYTE) : always(Buffer.alloc(MEGABYTE))),
  'large strings': () => always(Buffer.alloc(MEGABYTE, 'x').toString()),
  naps:
    ({ napMs, firstNapMs = napMs }: Load) =>
    (number: number) =>
      number === 1 ? firstNapMs : napMs,
};

function always<T>(item: T): () => T {
  return () => item;
}

/** The items, made as they are asked for. */
export function* itemsOf(load: Load): Generator<unknown, undefined> {
  const make = ITEMS[load.items](load);
  for (let number = 1; number <= load.count; number++) yield make(number);
}

/** What this program was told. */
export function loadOfArguments(): Load {
  return JSON.parse(process.argv.at(-1) ?? '') as Load;
}
