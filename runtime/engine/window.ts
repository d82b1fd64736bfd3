/**
 * The chunks of a dispatcher that are on their way: what the queue should have, and how far each has come. Pure: no input or
 * output, and no clock. Runs in the dispatcher, and in the simulator of the tests.
 *
 *   item:   handed to the queue ─> in a chunk ─> told: its outcome is known ─> counted: that is recorded
 *   chunk:  put ─> (missing, for a whole lock: put again) ─> every item counted: to be forgotten
 *
 * - A chunk stays here until each of its items counts. So the queue never has the only copy of anything.
 * - A chunk that the queue has lost is put again only after it was missing for as long as a lock holds. By then a host that
 *   may still work on it has killed its workers (fence.ts).
 * - Chunks of an earlier dispatcher are adopted. Their items are known by their keys: `dispatch` lists them once more, and
 *   each then gets the outcome that its chunk has, or will have, instead of being queued a second time.
 */

import { nameAt } from '../journal/marks.ts';
import { contentKey } from '../key.ts';
import { rangesOf } from '../master/run.ts';
import { decodeValue } from '../wire/codec.ts';
import { type ChunkItem, type ItemOutcome, itemsIn, reportIn, textOf } from './chunk.ts';
import type { Leftovers, QueuedChunk, ReportedChunk } from './engine.ts';

/** The most items of a chunk, and the most bytes, of its text. */
const ITEMS_MAX = 256;
const BYTES_MAX = 1024 * 1024;
/** How much work a chunk is to be, in milliseconds. */
const CHUNK_MS = 250;
/** The weight of the latest outcome in the pace. */
const WEIGHT = 1 / 64;

/** Outcomes of consecutive items that the master does not know of yet. */
export interface Learned extends ItemOutcome {
  readonly number: number;
  readonly count: number;
  readonly host: string;
}

interface Part {
  readonly entry: Entry;
  /** Undefined in an adopted chunk until `dispatch` has listed the item. */
  number: number | undefined;
  /** Set if its outcome came before its number. */
  early: (ItemOutcome & { readonly host: string }) | undefined;
  state: 'open' | 'told' | 'counted';
}

interface Entry {
  readonly id: string;
  readonly text: string;
  readonly parts: Part[];
  /** How many of them do not count yet. */
  left: number;
  /** Nobody works on it any more: it can be forgotten once it counts. */
  isFinished: boolean;
  missingSince: number | undefined;
}

export interface WindowOptions {
  /** The beginning of each chunk's id: unique for each dispatcher. */
  readonly prefix: string;
  /** How long a lock holds, in milliseconds. */
  readonly lockMs: number;
  /** The most items of a chunk: 1 with --halt. */
  readonly most: number;
  /** The task has a key of its own. If not, a key can be made from the item, and does not go with it. */
  readonly hasOwnKeys: boolean;
}

export class Window {
  readonly #options: WindowOptions;
  readonly #entries = new Map<string, Entry>();
  /** Each item that has a number and does not count yet. */
  readonly #at = new Map<number, Part>();
  /** Adopted items that `dispatch` has not listed yet, by what they are. */
  readonly #adopted = new Map<string, Part[]>();
  #waiting: ChunkItem[] = [];
  #forgettable: string[] = [];
  #paceMs = Infinity;
  #made = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  /** How many items have been handed over and do not count yet. */
  get size(): number {
    return this.#at.size + this.#waiting.length;
  }

  /** No item that was handed over is without its outcome. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && [...this.#at.values()].every(({ state }) => state !== 'open');
  }

  /** How long an item takes, in milliseconds; Infinity as long as nobody knows. */
  get paceMs(): number {
    return this.#paceMs;
  }

  /** How many items a chunk has at this pace. */
  get chunkSize(): number {
    const { most } = this.#options;
    return Math.max(1, Math.min(most, ITEMS_MAX, Math.floor(CHUNK_MS / this.#paceMs)));
  }

  /** Takes what an earlier dispatcher has left in the queue. */
  adopt({ finished, active }: Leftovers): void {
    for (const chunk of [...finished, ...active]) {
      const entry = this.#add(chunk);
      for (const item of itemsIn(chunk.text)) {
        const part = partOf(entry, undefined);
        const identity = identityOf(item);
        const others = this.#adopted.get(identity);
        if (others) others.push(part);
        else this.#adopted.set(identity, [part]);
      }
    }
    for (const chunk of finished) this.finished(chunk);
  }

  /** The master hands items over. Returns the outcomes of those that an earlier dispatcher had queued already. */
  take(items: readonly ChunkItem[]): Learned[] {
    const learned: Learned[] = [];
    for (const handed of items) {
      const item = this.#options.hasOwnKeys ? handed : { ...handed, key: undefined };
      const found = this.#adopted.size > 0 ? this.#adopted.get(identityOf(item))?.shift() : undefined;
      if (!found) {
        this.#waiting.push(item);
        continue;
      }
      found.number = item.number;
      this.#at.set(item.number, found);
      if (!found.early) continue;
      found.state = 'told';
      learned.push({ ...found.early, number: item.number, count: 1 });
    }
    return learned;
  }

  /** Makes chunks of what waits. `hands` is how many chunks hosts could work on at once: with little to do, each gets less. */
  cut(hands: number): QueuedChunk[] {
    const chunks: QueuedChunk[] = [];
    const most = Math.min(this.chunkSize, Math.max(1, Math.ceil(this.#waiting.length / Math.max(1, hands))));
    for (let from = 0; from < this.#waiting.length; ) {
      let to = from;
      for (let bytes = 0; to < this.#waiting.length && to - from < most; to++) {
        bytes += (this.#waiting[to]?.body.length ?? 0) + 1;
        if (bytes > BYTES_MAX && to > from) break;
      }
      chunks.push(this.#chunkOf(this.#waiting.slice(from, to)));
      from = to;
    }
    this.#waiting = [];
    return chunks;
  }

  #chunkOf(items: readonly ChunkItem[]): QueuedChunk {
    this.#made += 1;
    const chunk = { id: `${this.#options.prefix}.${this.#made}`, text: textOf(items) };
    const entry = this.#add(chunk);
    for (const { number } of items) this.#at.set(number, partOf(entry, number));
    return chunk;
  }

  #add({ id, text }: QueuedChunk): Entry {
    const entry: Entry = { id, text, parts: [], left: 0, isFinished: false, missingSince: undefined };
    this.#entries.set(id, entry);
    return entry;
  }

  /** A host has reported outcomes of a chunk that it goes on with. Returns those that the master does not know of yet. */
  reported(id: string, outcomes: string): Learned[] {
    const entry = this.#entries.get(id);
    if (!entry) return [];
    const { host, outcomes: all } = reportIn(outcomes);
    const learned: Learned[] = [];
    for (const { at: first, count, isDone, attempts, crashes, durationMs, body } of all) {
      const outcome = { isDone, attempts, crashes, durationMs, body, host };
      const numbers: number[] = [];
      for (let at = first; at < first + count; at++) {
        const part = entry.parts[at];
        if (part?.state !== 'open' || part.early) continue;
        if (isDone) this.#learnPace(durationMs);
        if (part.number === undefined) part.early = outcome;
        else {
          part.state = 'told';
          numbers.push(part.number);
        }
      }
      for (const [number, those] of rangesOf(numbers)) learned.push({ ...outcome, number, count: those });
    }
    return learned;
  }

  /** A host has finished a chunk. Returns the outcomes that the master does not know of yet. */
  finished({ id, outcomes }: ReportedChunk): Learned[] {
    const entry = this.#entries.get(id);
    if (!entry) {
      this.#forgettable.push(id); // it has been done twice, and counted
      return [];
    }
    const learned = this.reported(id, outcomes);
    entry.isFinished = true;
    this.#forgetIfDone(entry);
    return learned;
  }

  /** Outcomes count: they are recorded. */
  counted(first: number, count: number): void {
    for (let number = first; number < first + count; number++) {
      const part = this.#at.get(number);
      if (part?.state !== 'told') continue;
      part.state = 'counted';
      part.entry.left -= 1;
      this.#at.delete(number);
      this.#forgetIfDone(part.entry);
    }
  }

  #forgetIfDone(entry: Entry): void {
    if (!entry.isFinished || entry.left > 0) return;
    this.#entries.delete(entry.id);
    this.#forgettable.push(entry.id);
  }

  /** Returns the chunks that the queue may forget now, once each. */
  takeForgettable(): string[] {
    return this.#forgettable.splice(0);
  }

  /** The chunks that the queue should have, in whatever state. */
  get expected(): string[] {
    return [...this.#entries.values()].filter(({ isFinished }) => !isFinished).map(({ id }) => id);
  }

  /**
   * The queue was asked for `asked`, and does not have `missing`. Returns those that have been missing for so long that they
   * must be put again.
   */
  looked(asked: readonly string[], missing: readonly string[], now: number): QueuedChunk[] {
    const gone = new Set(missing);
    const again: QueuedChunk[] = [];
    for (const id of asked) {
      const entry = this.#entries.get(id);
      if (!entry || entry.isFinished) continue;
      if (!gone.has(id)) entry.missingSince = undefined;
      else if (entry.missingSince === undefined) entry.missingSince = now;
      else if (now - entry.missingSince >= this.#options.lockMs) {
        entry.missingSince = undefined;
        again.push({ id, text: entry.text });
      }
    }
    return again;
  }

  /**
   * These chunks were taken out of the queue while no host held them. Returns the numbers of their items without an outcome,
   * and of what waits here.
   */
  withdrawn(ids: readonly string[]): number[] {
    const numbers = this.#waiting.splice(0).map(({ number }) => number);
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (!entry) continue;
      const open = entry.parts.filter(({ state }) => state === 'open');
      for (const { number } of open) {
        if (number === undefined) continue;
        numbers.push(number);
        this.#at.delete(number);
      }
      entry.left -= open.length;
      entry.isFinished = true; // what an earlier host had reported of it may still have to be counted
      this.#forgetIfDone(entry);
    }
    return numbers.sort((a, b) => a - b);
  }

  /** The run is complete: what was adopted and never listed is of no use. Returns all that the queue may forget. */
  end(): string[] {
    const rest = [...this.#entries.keys()];
    this.#entries.clear();
    return [...this.takeForgettable(), ...rest];
  }

  #learnPace(ms: number): void {
    this.#paceMs = this.#paceMs === Infinity ? ms : this.#paceMs + (ms - this.#paceMs) * WEIGHT;
  }
}

function partOf(entry: Entry, number: number | undefined): Part {
  const part: Part = { entry, number, early: undefined, state: 'open' };
  entry.parts.push(part);
  entry.left += 1;
  return part;
}

/** Returns the same for an item whenever `dispatch` lists it. Equal items of the default key are interchangeable. */
function identityOf({ key, occurrence, place, body }: ChunkItem): string {
  const name = key ?? contentKey(decodeValue(body));
  return `${occurrence} ${place === undefined ? name : nameAt(place, name)}`;
}
