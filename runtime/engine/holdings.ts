/**
 * The chunks that a host holds: which of their items have ended, what to tell the queue of them, and until when the host may
 * work on them. Pure: no input or output, and no clock. Runs in a host, and in the simulator of the tests.
 *
 * - A lock holds from the moment at which the request for it was sent, never later. The fence is a second earlier: by then
 *   every process that works on an item must be gone, since another host may begin the chunk.
 * - Outcomes that an earlier host has reported stand: those items do not run again.
 * - A chunk whose lock has run out twice is suspect. Its items run one at a time, alone on the host, and the queue is told
 *   first which one: if the host dies then, that counts as a crash of this item.
 */

import { rangesOf } from '../master/run.ts';
import { ByNumber } from './by-number.ts';
import { type ChunkItem, type ItemOutcome, itemsIn, reportIn, reportText } from './chunk.ts';
import type { TakenChunk } from './engine.ts';

/** How long before the end of a lock everything must be gone, in milliseconds. */
const FENCE_BEFORE_MS = 1000;
/** A chunk that is held for so long is reported, and then as often, in milliseconds. */
const REPORT_EVERY_MS = 1000;
/** How many bytes the results of a chunk may have together: they are one value in the queue. */
const RESULTS_MAX = 64 * 1024 * 1024;
/** From how many lapses a chunk is suspect. */
const SUSPECT_FROM = 2;

export interface HoldingsOptions {
  /** The host's name. */
  readonly host: string;
  readonly lockMs: number;
  /** How many deaths of its host, alone on it, make an item fail. */
  readonly maxCrashes: number;
}

/** A chunk that the host has just got. */
export interface Accepted {
  /** The items to run. */
  readonly items: readonly ChunkItem[];
  /** They run one at a time, with nothing else on this host. */
  readonly isSuspect: boolean;
}

interface Holding {
  readonly id: string;
  readonly items: readonly ChunkItem[];
  readonly outcomes: (ItemOutcome | undefined)[];
  readonly deaths: Map<number, number>;
  /** How many of its items have not ended. */
  left: number;
  /** How many bytes its results have. */
  bytes: number;
  alone: number | undefined;
  /** When the request was sent that the lock holds from. */
  lockedAt: number;
  reportedAt: number;
  /** Something is not reported yet. */
  isNew: boolean;
}

export class Holdings {
  readonly #options: HoldingsOptions;
  readonly #chunks = new Map<string, Holding>();
  /** Where each item is that has not ended. */
  readonly #at = new ByNumber<Holding>();

  constructor(options: HoldingsOptions) {
    this.#options = options;
  }

  get ids(): string[] {
    return [...this.#chunks.keys()];
  }

  get isEmpty(): boolean {
    return this.#chunks.size === 0;
  }

  /** Whether an item is not ended. */
  get isBusy(): boolean {
    return [...this.#chunks.values()].some((chunk) => !isComplete(chunk));
  }

  /** By when every process that works on an item must be gone; Infinity if there is none. */
  get fenceAt(): number {
    const locks = [...this.#chunks.values()].map(({ lockedAt }) => lockedAt);
    return Math.min(Infinity, ...locks) + this.#options.lockMs - FENCE_BEFORE_MS;
  }

  /** Whether no other item than those of this one's chunk is left, and none of these is in progress. */
  isOnly(number: number): boolean {
    const chunk = this.#at.find(number)?.value;
    return (
      [...this.#chunks.values()].every((other) => other === chunk || isComplete(other)) && chunk?.alone === undefined
    );
  }

  /** The host has got a chunk; `sentAt` is when it asked. Throws ProtocolError if it can't be read. */
  accept({ id, text, report, lapses }: TakenChunk, sentAt: number): Accepted {
    const items = itemsIn(text);
    const earlier = report === undefined ? undefined : reportIn(report);
    const outcomes: (ItemOutcome | undefined)[] = items.map(() => undefined);
    for (const outcome of earlier?.outcomes ?? []) outcomes.fill(outcome, outcome.at, outcome.at + outcome.count);
    const deaths = new Map(earlier?.deaths);
    const { alone } = earlier ?? {};
    if (alone !== undefined && !outcomes[alone]) {
      const count = (deaths.get(alone) ?? 0) + 1;
      deaths.set(alone, count);
      if (count >= this.#options.maxCrashes) outcomes[alone] = hostDied(count);
    }
    const open = items.filter((_, at) => !outcomes[at]);
    const bytes = outcomes.reduce((sum, outcome) => sum + (outcome?.body.length ?? 0), 0);
    const state = { left: open.length, bytes, alone: undefined, lockedAt: sentAt, reportedAt: sentAt, isNew: false };
    const chunk = { id, items, outcomes, deaths, ...state };
    this.#chunks.set(id, chunk);
    const left = [...items.keys()].filter((at) => !outcomes[at]);
    for (const [at, count] of rangesOf(left))
      for (const [first, those] of rangesOf(items.slice(at, at + count).map(({ number }) => number)))
        this.#at.add({ first, count: those, value: chunk, at: items.findIndex(({ number }) => number === first) });
    return { items: open, isSuspect: lapses >= SUSPECT_FROM };
  }

  /** This item is about to run, with nothing else. Returns what to report first. */
  alone(number: number): { readonly id: string; readonly outcomes: string } | undefined {
    const { value: chunk, at } = this.#at.find(number) ?? {};
    if (!chunk) return undefined;
    chunk.alone = at;
    return { id: chunk.id, outcomes: this.#textOf(chunk) };
  }

  /** An item has ended. Returns whether its chunk is complete now. */
  ended(number: number, outcome: ItemOutcome): boolean {
    const { value: chunk, at = 0 } = this.#at.find(number) ?? {};
    if (!chunk) return false; // it is somebody else's by now
    const deaths = chunk.deaths.get(at) ?? 0;
    const carried = chunk.bytes + outcome.body.length > RESULTS_MAX ? tooLarge(outcome) : outcome;
    chunk.bytes += carried.body.length;
    chunk.outcomes[at] = deaths === 0 ? carried : { ...carried, crashes: carried.crashes + deaths };
    chunk.left -= 1;
    chunk.isNew = true;
    if (chunk.alone === at) chunk.alone = undefined;
    this.#at.delete(number, 1);
    return isComplete(chunk);
  }

  /** Returns the chunks of which every item has ended, with their outcomes. They are held until `dropped`. */
  get complete(): { readonly id: string; readonly outcomes: string }[] {
    return [...this.#chunks.values()]
      .filter(isComplete)
      .map((chunk) => ({ id: chunk.id, outcomes: this.#textOf(chunk) }));
  }

  /** Returns what to report now of chunks that are not complete, once. */
  takeReports(now: number): { readonly id: string; readonly outcomes: string }[] {
    const due = [...this.#chunks.values()].filter((chunk) => {
      return chunk.isNew && !isComplete(chunk) && now - chunk.reportedAt >= REPORT_EVERY_MS;
    });
    return due.map((chunk) => {
      chunk.isNew = false;
      chunk.reportedAt = now;
      return { id: chunk.id, outcomes: this.#textOf(chunk) };
    });
  }

  /** The locks of these chunks were put off by a request that was sent at `sentAt`. */
  renewed(ids: readonly string[], sentAt: number): void {
    for (const id of ids) {
      const chunk = this.#chunks.get(id);
      if (chunk) chunk.lockedAt = Math.max(chunk.lockedAt, sentAt);
    }
  }

  /** The chunk is the queue's again, or gone. */
  dropped(id: string): void {
    const chunk = this.#chunks.get(id);
    this.#chunks.delete(id);
    for (const { number } of chunk?.items ?? []) if (this.#at.find(number)?.value === chunk) this.#at.delete(number, 1);
  }

  /** Returns the chunks that are not complete, with what is to be reported of each before it is given back. */
  takeRest(): { readonly id: string; readonly outcomes: string | undefined }[] {
    return [...this.#chunks.values()]
      .filter((chunk) => !isComplete(chunk))
      .map((chunk) => {
        // Whatever it ran alone has not killed this host.
        const hasReport = chunk.alone !== undefined || chunk.outcomes.some(Boolean);
        chunk.alone = undefined;
        return { id: chunk.id, outcomes: hasReport ? this.#textOf(chunk) : undefined };
      });
  }

  #textOf({ outcomes, alone, deaths }: Holding): string {
    return reportText({ host: this.#options.host, alone, deaths: [...deaths] }, outcomes);
  }
}

function isComplete({ left }: Holding): boolean {
  return left === 0;
}

function tooLarge(outcome: ItemOutcome): ItemOutcome {
  const message = `its result comes to ${outcome.body.length} bytes, and over a queue the results of up to 256 items may have ${RESULTS_MAX} together; write it to a file or a store of objects, and return where`;
  return { ...outcome, isDone: false, body: Buffer.from(JSON.stringify({ name: 'UnfitError', message })) };
}

function hostDied(deaths: number): ItemOutcome {
  const message = `its host died, or lost touch with the queue, while nothing but this item was in progress there, ${deaths} times (--max-crashes)`;
  const body = Buffer.from(JSON.stringify({ name: 'HostDied', message }));
  return { isDone: false, attempts: deaths, crashes: deaths, durationMs: 0, body };
}
