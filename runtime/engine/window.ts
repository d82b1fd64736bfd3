/**
 * The chunks of a dispatcher that are on their way: what the queue should have, and how far each has come. Pure: no input or
 * output, and no clock. Runs in the dispatcher, and in the simulator of the tests.
 *
 *   item:   handed to the queue ─> in a chunk ─> told: its outcome is known ─> counted: that is recorded
 *   chunk:  put ─> (missing, for a whole lock: put again) ─> every item counted: to be forgotten
 *
 * - A chunk stays here until each of its items counts. So the queue never has the only copy of anything.
 * - A chunk that the queue has lost is put again only after it was missing for as long as a lock holds. By then a host that
 *   may still work on it has killed its workers (holdings.ts).
 * - Chunks of an earlier dispatcher are adopted. Their items are known by their keys: `dispatch` lists them once more, and
 *   each then gets the outcome that its chunk has, or will have, instead of being queued a second time.
 */

import { nameAt } from '../journal/marks.ts';
import { contentKey } from '../key.ts';
import { rangesOf } from '../master/run.ts';
import { decodeValue } from '../wire/codec.ts';
import { ByNumber } from './by-number.ts';
import { type ChunkItem, type ItemOutcome, itemsIn, reportIn, textOf } from './chunk.ts';
import type { Leftovers, QueuedChunk, ReportedChunk } from './engine.ts';

/** The most items of a chunk, and the most bytes, of its text. */
const ITEMS_MAX = 256;
const BYTES_MAX = 1024 * 1024;
/** How much work a chunk is to be, in milliseconds. */
const CHUNK_MS = 250;
/** With so many chunks for each hand on their way, no host waits. */
const ENOUGH = 1.5;
/** The weight of the latest outcome in the pace. */
const WEIGHT = 1 / 64;

/** Outcomes of consecutive items that the master does not know of yet. */
export interface Learned extends ItemOutcome {
  readonly number: number;
  readonly count: number;
  readonly host: string;
}

/** What is known of an item of a chunk. */
const OPEN = 0;
const TOLD = 1;
const COUNTED = 2;

interface Entry {
  readonly id: string;
  readonly text: string;
  /** The numbers of its items; undefined in an adopted chunk until `dispatch` has listed the item. */
  readonly numbers: (number | undefined)[];
  readonly states: Uint8Array;
  /** Outcomes that came before their items' numbers, by position. */
  readonly early: Map<number, ItemOutcome & { readonly host: string }>;
  /** How many of its items do not count yet. */
  left: number;
  /** This dispatcher made it. */
  isOwn: boolean;
  /** Nobody works on it any more: it can be forgotten once it counts. */
  isFinished: boolean;
  missingSince: number | undefined;
}

/** An item of a chunk. */
interface Part {
  readonly entry: Entry;
  readonly at: number;
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
  readonly #at = new ByNumber<Entry>();
  /** How many of these have no outcome. */
  #open = 0;
  /** Adopted items that `dispatch` has not listed yet, by what they are. */
  readonly #adopted = new Map<string, Part[]>();
  #waiting: ChunkItem[] = [];
  #forgettable: string[] = [];
  /** How many chunks of this dispatcher's own are not finished. */
  #underway = 0;
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
    return this.#waiting.length === 0 && this.#open === 0;
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
  adopt({ finished, active }: Omit<Leftovers, 'hasForgotten'>): void {
    for (const chunk of [...finished, ...active]) {
      if (this.#entries.has(chunk.id)) continue;
      const items = itemsIn(chunk.text);
      const entry = this.#add(
        chunk,
        Array.from(items, () => undefined),
      );
      for (const [at, item] of items.entries()) {
        const identity = identityOf(item);
        const others = this.#adopted.get(identity);
        if (others) others.push({ entry, at });
        else this.#adopted.set(identity, [{ entry, at }]);
      }
    }
    for (const chunk of finished) this.finished(chunk);
  }

  /** The master hands items over. Returns the outcomes of those that an earlier dispatcher had queued already. */
  take(items: readonly ChunkItem[]): Learned[] {
    const learned: Learned[] = [];
    for (const handed of items) {
      const item = this.#options.hasOwnKeys ? handed : { ...handed, key: undefined };
      const found = this.#adopted.size > 0 ? this.#adoptedOf(item) : undefined;
      if (!found) {
        this.#waiting.push(item);
        continue;
      }
      const { entry, at } = found;
      entry.numbers[at] = item.number;
      this.#at.add({ first: item.number, count: 1, value: entry, at });
      const early = entry.early.get(at);
      if (early) {
        entry.states[at] = TOLD;
        learned.push({ ...early, number: item.number, count: 1 });
      } else this.#open += 1;
    }
    return learned;
  }

  /**
   * Makes chunks of what waits. `hands` is how many items hosts could work on at once. With little to do, each gets less; with
   * enough on its way, what would be less than a chunk waits for more.
   */
  cut(hands: number): QueuedChunk[] {
    const chunks: QueuedChunk[] = [];
    const isEnough = this.#underway >= ENOUGH * hands;
    const share = Math.max(1, Math.ceil(this.#waiting.length / Math.max(1, hands)));
    const most = isEnough ? this.chunkSize : Math.min(this.chunkSize, share);
    let from = 0;
    while (this.#waiting.length - from >= (isEnough ? most : 1)) {
      let to = from;
      for (let bytes = 0; to < this.#waiting.length && to - from < most; to++) {
        bytes += (this.#waiting[to]?.body.length ?? 0) + 1;
        if (bytes > BYTES_MAX && to > from) break;
      }
      chunks.push(this.#chunkOf(this.#waiting.slice(from, to)));
      from = to;
    }
    this.#waiting.splice(0, from);
    return chunks;
  }

  #chunkOf(items: readonly ChunkItem[]): QueuedChunk {
    this.#made += 1;
    const chunk = { id: `${this.#options.prefix}.${this.#made}`, text: textOf(items) };
    const numbers = items.map(({ number }) => number);
    const entry = this.#add(chunk, numbers);
    entry.isOwn = true;
    this.#underway += 1;
    let at = 0;
    for (const [first, count] of rangesOf(numbers)) {
      this.#at.add({ first, count, value: entry, at });
      at += count;
    }
    this.#open += at;
    return chunk;
  }

  #add({ id, text }: QueuedChunk, numbers: (number | undefined)[]): Entry {
    const states = new Uint8Array(numbers.length);
    const known = { numbers, states, early: new Map(), left: numbers.length, isOwn: false };
    const entry: Entry = { id, text, ...known, isFinished: false, missingSince: undefined };
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
        if (entry.states[at] !== OPEN || entry.early.has(at)) continue;
        if (isDone) this.#learnPace(durationMs);
        const number = entry.numbers[at];
        if (number === undefined) entry.early.set(at, outcome);
        else {
          entry.states[at] = TOLD;
          this.#open -= 1;
          numbers.push(number);
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
    this.#finish(entry);
    return learned;
  }

  /** Outcomes count: they are recorded. */
  counted(first: number, count: number): void {
    for (let number = first; number < first + count; number++) {
      const found = this.#at.find(number);
      if (!found || found.value.states[found.at] !== TOLD) continue;
      found.value.states[found.at] = COUNTED;
      found.value.left -= 1;
      this.#forgetIfDone(found.value);
    }
    this.#at.delete(first, count);
  }

  #finish(entry: Entry): void {
    if (entry.isOwn && !entry.isFinished) this.#underway -= 1;
    entry.isFinished = true;
    this.#forgetIfDone(entry);
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

  /** An item of an earlier dispatcher that this one is. Of what was taken out of the queue since, only outcomes are left. */
  #adoptedOf(item: ChunkItem): Part | undefined {
    const parts = this.#adopted.get(identityOf(item));
    for (let part = parts?.shift(); part; part = parts?.shift())
      if (!part.entry.isFinished || part.entry.early.has(part.at)) return part;
    return undefined;
  }

  /** The chunks that the queue should have, in whatever state. */
  get expected(): string[] {
    return [...this.#entries.values()].filter(({ isFinished }) => !isFinished).map(({ id }) => id);
  }

  /**
   * The queue was asked for `asked`, and does not have `missing`. Returns those that have been missing for so long that they
   * must be put again.
   */
  looked(
    asked: readonly string[],
    missing: readonly string[],
    { sentAt, answeredAt }: { readonly sentAt: number; readonly answeredAt: number },
  ): QueuedChunk[] {
    const gone = new Set(missing);
    const again: QueuedChunk[] = [];
    for (const id of asked) {
      const entry = this.#entries.get(id);
      if (!entry || entry.isFinished) continue;
      if (!gone.has(id)) entry.missingSince = undefined;
      else if (entry.missingSince === undefined) entry.missingSince = answeredAt;
      else if (sentAt - entry.missingSince >= this.#options.lockMs) {
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
      for (const [at, number] of entry.numbers.entries()) {
        if (entry.states[at] !== OPEN) continue;
        entry.left -= 1;
        if (number === undefined) continue;
        numbers.push(number);
        this.#at.delete(number, 1);
        this.#open -= 1;
      }
      this.#finish(entry); // what an earlier host had reported of it may still have to be counted
    }
    return numbers.sort((a, b) => a - b);
  }

  /** The run is complete: what was adopted and never listed is of no use. Returns all that the queue may forget. */
  takeAll(): string[] {
    const rest = [...this.#entries.keys()];
    this.#entries.clear();
    return [...this.takeForgettable(), ...rest];
  }

  #learnPace(ms: number): void {
    this.#paceMs = this.#paceMs === Infinity ? ms : this.#paceMs + (ms - this.#paceMs) * WEIGHT;
  }
}

/** Returns the same for an item whenever `dispatch` lists it. Equal items of the default key are interchangeable. */
function identityOf({ key, occurrence, place, body }: ChunkItem): string {
  const name = key ?? contentKey(decodeValue(body));
  return `${occurrence} ${place === undefined ? name : nameAt(place, name)}`;
}
