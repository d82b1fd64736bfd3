/**
 * What a run knows of each key: which occurrences of it an earlier run has ended, and how many this one has met. Made for
 * millions of keys: 20 bytes each, in tables of their own so that none is ever copied whole. Runs in the master. Internal.
 */

import { hash } from 'node:crypto';

/** How an occurrence ended in an earlier run. */
export type Ended = 'done' | 'failed';

const TABLES = 256;
/** 128 bits of the key's hash, and a word for what is known of it. */
const WORDS = 5;
const DONE = 2 ** 31;
const FAILED = 2 ** 30;
/** The lower bits of the word: how often the key was met in this run. Kept at its first occurrence. */
const MET = FAILED - 1;
const FULL = 0.75;

/** The keys of one run. */
export class KeySet {
  readonly #tables: { words: Uint32Array<ArrayBuffer>; used: number }[];

  /** expected - about how many keys there will be: tables that need not grow leave no garbage behind. */
  constructor(expected = 0) {
    const places = Math.max(8, Math.ceil((expected / TABLES / FULL) * 1.05));
    this.#tables = Array.from({ length: TABLES }, () => ({ words: new Uint32Array(places * WORDS), used: 0 }));
  }

  /** An earlier run has ended this occurrence of the key, counted from 1. What it says last holds. */
  end(key: string, occurrence: number, how: Ended): void {
    this.#change(identity(key, occurrence), (word) => ((word & MET) | (how === 'done' ? DONE : FAILED)) >>> 0);
  }

  /** The key is met once more. Returns which occurrence of it this is, and how an earlier run ended it, if it did. */
  meet(key: string): { occurrence: number; ended: Ended | undefined } {
    const first = this.#change(identity(key, 1), (word) => word + 1);
    const occurrence = first & MET;
    const word = occurrence === 1 ? first : this.#change(identity(key, occurrence), (same) => same);
    return { occurrence, ended: word & FAILED ? 'failed' : word >= DONE ? 'done' : undefined };
  }

  /** Finds the word of the key, or makes one of 0, and changes it. Returns what it has become. */
  #change([a, b, c, d]: Identity, change: (word: number) => number): number {
    const table = this.#tables[a % TABLES];
    if (!table) throw new RangeError('a remainder is below its divisor');
    if ((table.used + 1) * WORDS > table.words.length * FULL) this.#grow(table);
    const at = find(table.words, a, b, c, d);
    if (isFree(table.words, at)) {
      table.words.set([a, b, c, d], at);
      table.used += 1;
    }
    const word = change(table.words[at + 4] ?? 0);
    table.words[at + 4] = word;
    return word;
  }

  #grow(table: { words: Uint32Array<ArrayBuffer>; used: number }): void {
    const old = table.words;
    const places = Math.ceil((old.length / WORDS) * 1.5);
    table.words = new Uint32Array(places * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      if (isFree(old, from)) continue;
      const [a = 0, b = 0, c = 0, d = 0] = old.subarray(from, from + 4);
      table.words.set(old.subarray(from, from + WORDS), find(table.words, a, b, c, d));
    }
  }
}

/** Where the key is, or where there is room for it. */
function find(words: Uint32Array, a: number, b: number, c: number, d: number): number {
  const places = words.length / WORDS;
  for (let place = b % places; ; place = (place + 1) % places) {
    const at = place * WORDS;
    if (isFree(words, at)) return at;
    if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return at;
  }
}

function isFree(words: Uint32Array, at: number): boolean {
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 0;
}

type Identity = readonly [number, number, number, number];

/** The first 128 bits of a SHA-256. By way of a string, which costs the collector less than a Buffer. */
function identity(key: string, occurrence: number): Identity {
  const bytes = hash('sha256', `${occurrence} ${key}`, 'latin1');
  const word = (at: number): number =>
    ((bytes.charCodeAt(at) << 24) |
      (bytes.charCodeAt(at + 1) << 16) |
      (bytes.charCodeAt(at + 2) << 8) |
      bytes.charCodeAt(at + 3)) >>>
    0;
  return [word(0), word(4), word(8), word(12)];
}
