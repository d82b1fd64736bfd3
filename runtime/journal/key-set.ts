/**
 * What a run knows of each key: which occurrences of it an earlier run has ended, and how many this one has met. Made for
 * millions of keys: 17 bytes each, in tables of their own so that none is ever copied whole. Runs in the master. Internal.
 */

import { hash } from 'node:crypto';

/** How an occurrence ended in an earlier run. */
export type Ended = 'done' | 'failed';

const TABLES = 256;
/** 128 bits of the key's hash. */
const WORDS = 4;
/** What is known of it is a byte: how an earlier run ended it, … */
const DONE = 0x80;
const FAILED = 0x40;
/** … and how often the key was met in this run, at its first occurrence. What is met more often is counted beside the tables. */
const MET = 0x3f;
/** How full a table may be. Memory is dearer here than time: even so a key is found among the first few places looked at. */
const FULL = 0.9;

interface Table {
  words: Uint32Array<ArrayBuffer>;
  /** A byte for each place; 0 where the place is free. */
  known: Uint8Array<ArrayBuffer>;
  used: number;
}

/** The keys of one run. */
export class KeySet {
  readonly #tables: Table[] = [];
  /** How many places a table begins with. */
  readonly #places: number;
  /** The keys that were met more often than a byte can say: one for each 63 items, at most. */
  readonly #metOften = new Map<string, number>();

  /** expected - how many keys there will be: tables that need not grow leave no garbage behind. */
  constructor(expected = 0) {
    const each = expected / TABLES;
    const spread = 4 * Math.sqrt(each); // by chance one table is given more keys than another
    this.#places = Math.max(8, Math.ceil((each + spread) / FULL));
  }

  /** An earlier run has ended this occurrence of the key, counted from 1. What it says last holds. */
  end(key: string, occurrence: number, how: Ended): void {
    const id = identity(key, occurrence);
    const table = this.#tableOf(id);
    const place = take(table, id);
    table.known[place] = (at(table.known, place) & MET) | (how === 'done' ? DONE : FAILED);
  }

  /** The key is met once more. Returns which occurrence of it this is, and how an earlier run ended it, if it did. */
  meet(key: string): { occurrence: number; ended: Ended | undefined } {
    const id = identity(key, 1);
    const table = this.#tableOf(id);
    const place = take(table, id);
    const known = at(table.known, place);
    let occurrence = (known & MET) + 1;
    if (occurrence <= MET) {
      table.known[place] = known + 1;
    } else {
      occurrence = (this.#metOften.get(key) ?? MET) + 1;
      this.#metOften.set(key, occurrence);
    }
    return { occurrence, ended: endedOf(occurrence === 1 ? known : this.#look(identity(key, occurrence))) };
  }

  #look(id: Identity): number {
    const table = this.#tableOf(id);
    return at(table.known, find(table, id));
  }

  #tableOf([first]: Identity): Table {
    const index = first % TABLES;
    const table = this.#tables[index] ?? emptyTable(this.#places);
    this.#tables[index] = table;
    return table;
  }
}

function emptyTable(places: number): Table {
  return { words: new Uint32Array(places * WORDS), known: new Uint8Array(places), used: 0 };
}

/** Returns the place of the identity; where it has none, it gets one. What is known of it is then to be set: 0 means free. */
function take(table: Table, id: Identity): number {
  let place = find(table, id);
  if (at(table.known, place) !== 0) return place;
  if (table.used + 1 > table.known.length * FULL) {
    grow(table);
    place = find(table, id);
  }
  table.words.set(id, place * WORDS);
  table.used += 1;
  return place;
}

/** Where the identity is, or where there is room for it. */
function find({ words, known }: Table, [a, b, c, d]: Identity): number {
  for (let place = b % known.length; ; place = (place + 1) % known.length) {
    if (known[place] === 0) return place;
    const word = place * WORDS;
    if (words[word] === a && words[word + 1] === b && words[word + 2] === c && words[word + 3] === d) return place;
  }
}

function grow(table: Table): void {
  const { words, known } = table;
  const larger = emptyTable(Math.ceil(known.length * 1.5));
  for (const [place, what] of known.entries()) {
    if (what === 0) continue;
    const [a = 0, b = 0, c = 0, d = 0] = words.subarray(place * WORDS);
    const to = find(larger, [a, b, c, d]);
    larger.words.set([a, b, c, d], to * WORDS);
    larger.known[to] = what;
  }
  table.words = larger.words;
  table.known = larger.known;
}

function endedOf(known: number): Ended | undefined {
  return known & FAILED ? 'failed' : known & DONE ? 'done' : undefined;
}

/** What is at a place that there is. */
function at(bytes: Uint8Array, place: number): number {
  return bytes[place] ?? 0;
}

type Identity = readonly [number, number, number, number];

/** The first 128 bits of a SHA-256. By way of a string, which costs the collector less than a Buffer. */
function identity(key: string, occurrence: number): Identity {
  const bytes = hash('sha256', `${occurrence} ${key}`, 'latin1');
  const word = (from: number): number =>
    ((bytes.charCodeAt(from) << 24) |
      (bytes.charCodeAt(from + 1) << 16) |
      (bytes.charCodeAt(from + 2) << 8) |
      bytes.charCodeAt(from + 3)) >>>
    0;
  return [word(0), word(4), word(8), word(12)];
}
