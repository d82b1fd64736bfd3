/**
 * What a run knows about each key: which occurrences of it ended in an earlier run, and how many there were in this
 * one. Made for millions of keys: 17 bytes each, in many small tables, so that growing never copies everything at once.
 * Runs in the master. Internal.
 */

import { ALPHABET, sha256 } from '../key.ts';

/** How an occurrence ended in an earlier run. `left`: it failed, and this run is not asked to try it again. */
export type Ended = 'done' | 'failed' | 'left';

const TABLES = 256;
/** 128 bits of the key's hash. */
const WORDS = 4;
/** One byte per key. Two bits: how it ended in an earlier run. */
const DONE = 0x80;
const FAILED = 0x40;
const LEFT = DONE | FAILED;
const BITS: Readonly<Record<Ended, number>> = { done: DONE, failed: FAILED, left: LEFT };
/**
 * Six bits, at the key's first occurrence: how often the key has occurred in this run. Higher counts are kept outside
 * the tables.
 */
const SEEN = 0x3f;
/**
 * How full a table may be. If millions of keys are expected, memory matters more than time: most of those keys are
 * found in the first few places. A key that is missing, as in a new run, would need a search of many more.
 */
const FULL_OF_EXPECTED = 0.9;
const FULL = 0.75;

interface Table {
  words: Uint32Array<ArrayBuffer>;
  /** One byte for each place; 0 if the place is free. */
  known: Uint8Array<ArrayBuffer>;
  used: number;
}

/** The keys of one run. */
export class KeySet {
  /** How many occurrences ended in each way in an earlier run. */
  done = 0;
  failed = 0;
  left = 0;
  readonly #tables: Table[] = [];
  /** How many places a new table has, and how full it may be. */
  readonly #places: number;
  readonly #full: number;
  /** Keys that have occurred more often than a byte can count: at most one for every 63 items. */
  readonly #seenOften = new Map<string, number>();
  /** While the outcomes of retries are read: by key, the last item whose retry has been read. */
  #retried: Map<string, number> | undefined;

  /** expected - how many keys there will be: tables that need not grow leave no garbage behind. */
  constructor(expected = 0) {
    const each = expected / TABLES;
    const spread = 4 * Math.sqrt(each); // by chance, some tables get more keys than others
    this.#full = expected > 0 ? FULL_OF_EXPECTED : FULL;
    this.#places = Math.max(64, Math.ceil((each + spread) / this.#full));
  }

  /**
   * An item with this key ended in an earlier run; call it for each outcome in a journal, in their order.
   *
   * occurrence - which item of a key of the task's own it was, from 2. Undefined for the first one, and for default
   *              keys: items that share one are interchangeable, so it only counts how many of them have ended.
   */
  ended(key: string, occurrence: number | undefined, how: Ended): void {
    const which = occurrence ?? (this.readsRetries ? this.#nextFailed(key) : this.count(key).occurrence);
    this.#end(identity(key, which), how);
  }

  /** The same for a key of 22 ASCII characters, given as bytes, without its occurrence. */
  endedHashed(from: Uint8Array, first: number, how: Ended): void {
    const id = this.readsRetries ? undefined : identityAt(from, first);
    const table = id && this.#tableOf(id);
    const place = table && this.#take(table, id);
    if (!table || at(table.known, place ?? 0) !== 0) {
      this.ended(Buffer.from(from.buffer, from.byteOffset + first, HASHED_LETTERS).toString('latin1'), undefined, how);
      return;
    }
    this[how] += 1;
    table.known[place ?? 0] = 1 | BITS[how];
  }

  /** The lines that are read come from a run that retries failed items: each outcome replaces a failure of its key. */
  set readsRetries(reads: boolean) {
    this.#retried = reads ? new Map() : undefined;
  }

  get readsRetries(): boolean {
    return this.#retried !== undefined;
  }

  /** The journal has been read: from now on, `count` counts the items of this run. */
  isRead(): void {
    this.readsRetries = false;
    this.#seenOften.clear();
    // forEach leaves out the tables that are not there yet.
    this.#tables.forEach(({ known }) => {
      for (let place = 0; place < known.length; place++) known[place] = at(known, place) & ~SEEN;
    });
  }

  /** Returns which item of the key has failed and was not retried yet in the run that is being read. */
  #nextFailed(key: string): number {
    let occurrence = (this.#retried?.get(key) ?? 0) + 1;
    while (endedOf(this.#look(identity(key, occurrence))) === 'done') occurrence += 1;
    this.#retried?.set(key, occurrence);
    return occurrence;
  }

  #end(id: Identity, how: Ended): void {
    const table = this.#tableOf(id);
    const place = this.#take(table, id);
    const known = at(table.known, place);
    const before = endedOf(known);
    if (before !== undefined) this[before] -= 1;
    this[how] += 1;
    table.known[place] = (known & SEEN) | BITS[how];
  }

  /**
   * Counts one more occurrence of the key; `hashed` says that it is a default key. Returns which occurrence this is,
   * and how it ended in an earlier run, if it did.
   */
  count(key: string, hashed = false): { occurrence: number; ended: Ended | undefined } {
    const id = identity(key, 1, hashed);
    const table = this.#tableOf(id);
    const place = this.#take(table, id);
    const known = at(table.known, place);
    let occurrence = (known & SEEN) + 1;
    if (occurrence <= SEEN) {
      table.known[place] = known + 1;
    } else {
      occurrence = (this.#seenOften.get(key) ?? SEEN) + 1;
      this.#seenOften.set(key, occurrence);
    }
    return { occurrence, ended: endedOf(occurrence === 1 ? known : this.#look(identity(key, occurrence))) };
  }

  /** Returns how this occurrence of the key ended in an earlier run. Keeps nothing, unlike `count`. */
  endOf(key: string, occurrence: number): Ended | undefined {
    return endedOf(this.#look(identity(key, occurrence)));
  }

  #look(id: Identity): number {
    const table = this.#tableOf(id);
    return at(table.known, find(table, id));
  }

  #tableOf(id: Identity): Table {
    const index = spreadOf(id, 0) % TABLES;
    const table = this.#tables[index] ?? emptyTable(this.#places);
    this.#tables[index] = table;
    return table;
  }

  /**
   * Returns the place of the identity, old or new. The caller must then set its byte in `known`, because 0 means free.
   */
  #take(table: Table, id: Identity): number {
    let place = find(table, id);
    if (at(table.known, place) !== 0) return place;
    if (table.used + 1 > table.known.length * this.#full) {
      grow(table);
      place = find(table, id);
    }
    table.words.set(id, place * WORDS);
    table.used += 1;
    return place;
  }
}

function emptyTable(places: number): Table {
  return { words: new Uint32Array(places * WORDS), known: new Uint8Array(places), used: 0 };
}

/** Returns the place of the identity that begins at word `from` of `id`, or the free place for it. */
function find({ words, known }: Table, id: Uint32Array, from = 0): number {
  const first = Math.floor(spreadOf(id, from) / TABLES);
  for (let place = first % known.length; ; place = place + 1 === known.length ? 0 : place + 1) {
    if (known[place] === 0) return place;
    const word = place * WORDS;
    if (
      words[word] === id[from] &&
      words[word + 1] === id[from + 1] &&
      words[word + 2] === id[from + 2] &&
      words[word + 3] === id[from + 3]
    )
      return place;
  }
}

function grow(table: Table): void {
  const { words, known } = table;
  const larger = emptyTable(Math.ceil(known.length * 1.5));
  for (let place = 0; place < known.length; place++) {
    if (known[place] === 0) continue;
    const from = place * WORDS;
    const to = find(larger, words, from);
    for (let word = 0; word < WORDS; word++) larger.words[to * WORDS + word] = words[from + word] ?? 0;
    larger.known[to] = at(known, place);
  }
  table.words = larger.words;
  table.known = larger.known;
}

function endedOf(known: number): Ended | undefined {
  if ((known & LEFT) === LEFT) return 'left';
  return known & FAILED ? 'failed' : known & DONE ? 'done' : undefined;
}

/** Returns the byte at a place that exists. */
function at(bytes: Uint8Array, place: number): number {
  return bytes[place] ?? 0;
}

/** The four words of an identity; valid until the next one is made. */
type Identity = Uint32Array<ArrayBuffer>;

const bytes = Buffer.alloc(WORDS * 4);
const identityWords = new Uint32Array(bytes.buffer, bytes.byteOffset, WORDS);
/** A default key (key.ts), which already is 128 bits of a hash. */
const HASHED = /^[\w-]{21}[AQgw]$/;
export const HASHED_LETTERS = 22;

/** Returns the identity of a key: the first 128 bits of a SHA-256. */
function identity(key: string, occurrence: number, hashed = false): Identity {
  if (occurrence === 1 && (hashed || HASHED.test(key))) bytes.write(key, 'base64url');
  else {
    // JSON keeps half surrogate pairs apart: hashed as text, each would become the same replacement character.
    const text = key.isWellFormed() ? ` ${key}` : JSON.stringify(key);
    bytes.write(sha256(`${occurrence}${text}`, 'binary'), 'latin1');
  }
  return identityWords;
}

/** The value of each letter of a default key. */
const DIGITS = new Int8Array(256).fill(-1);
for (const [digit, letter] of [...ALPHABET].entries()) DIGITS[letter.charCodeAt(0)] = digit;

/** Returns the identity of the default key at a place in these bytes; undefined if there is none. */
function identityAt(from: Uint8Array, first: number): Identity | undefined {
  let bits = 0;
  let count = 0;
  let to = 0;
  for (let index = first; index < first + HASHED_LETTERS; index++) {
    const digit = DIGITS[at(from, index)] ?? -1;
    if (digit < 0) return undefined;
    bits = ((bits & 0xff) << 6) | digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes[to++] = bits >>> count;
  }
  return (bits & 0b1111) === 0 ? identityWords : undefined;
}

/** Returns 32 bits that choose the place of an identity. Keys that only look like hashes must be spread, too. */
function spreadOf(id: Uint32Array, from: number): number {
  let mixed = 0;
  for (let word = from; word < from + WORDS; word++) {
    mixed = Math.imul(mixed ^ (id[word] ?? 0), 0x9e3779b1);
    mixed ^= mixed >>> 15;
  }
  return mixed >>> 0;
}
