/**
 * Reads the lines of a journal, which may be millions. Runs in the master, and in commands that show the state of a run.
 * Internal.
 */

import fs from 'node:fs';
import { journalDamaged } from './errors.ts';
import { HASHED_LETTERS } from './key-set.ts';
import { type JournalRecord, parse } from './records.ts';

const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 10;
/** How the first line of a journal begins. */
const BEGINNING = '{"type":"run",';

/**
 * Reads a journal from its beginning, and passes each record to `each`.
 *
 * done - called in place of `each` for a `done` line whose keys have the form of default keys, once for each key, with
 *        its 22 characters at `from`. So millions of keys need no string and no record.
 *
 * isPast - called with the number in a `done` line; if it returns true, nobody needs that line.
 *
 * Returns how many bytes of complete records there are; after them comes the torn tail of an interrupted write. Throws
 * DivvyError if an earlier line is not a record or has a later format. Also throws errors of fs.
 */
export function readJournal(
  file: string,
  each: (record: JournalRecord) => void,
  done?: (bytes: Buffer, from: number) => void,
  isPast?: (number: number) => boolean,
): number {
  let line = 0;
  const whole = readLines(file, (bytes, from, end) => {
    line += 1;
    if (isPast && line > 1 && standsAt(bytes, from, DONE) && isPast(numberAt(bytes, from + DONE.length))) return true;
    const keys = line > 1 && done ? usualKeys(bytes, from, end) : NO_KEYS;
    for (let key = 0; key < keys.count; key++) done?.(bytes, keys.from + key * KEY_STEP);
    if (keys.count > 0) return true;
    const record = parse(bytes.toString('utf8', from, end), file, line);
    if (record) each(record);
    return true;
  });
  // A resume cuts off a torn tail. A file that has nothing else may belong to somebody else, so check how it begins.
  if (line === 0 && !beginsAsOne(file)) throw journalDamaged(file, 1, 'does not begin a run');
  return whole;
}

/** The parts of a line written by Journal.done: before the number, before the keys, and after them. */
const DONE = Buffer.from('{"type":"done","number":');
const KEYS = Buffer.from(',"keys":["');
const REST = ['],"attempts":', ',"worker":', ',"ms":'].map((name) => Buffer.from(name));
/** From one key to the next: its characters, and `","` between them. */
const KEY_STEP = HASHED_LETTERS + 3;

/** Where the first key is, and how many there are. */
interface Keys {
  readonly from: number;
  readonly count: number;
}

const NO_KEYS: Keys = { from: 0, count: 0 };

/** Returns the keys of a line as Journal.done writes it, if each has 22 characters that need no escape. */
function usualKeys(bytes: Buffer, from: number, end: number): Keys {
  if (!standsAt(bytes, from, DONE)) return NO_KEYS;
  let at = afterNumber(bytes, from + DONE.length);
  if (!standsAt(bytes, at, KEYS)) return NO_KEYS;
  at += KEYS.length;
  const first = at;
  let count = 0;
  do {
    for (const last = at + HASHED_LETTERS; at < last; at++) if (!isPlain(bytes[at])) return NO_KEYS;
    if (bytes[at] !== QUOTE) return NO_KEYS;
    at += 1;
    count += 1;
    if (bytes[at] !== COMMA) break;
    at += 2;
  } while (bytes[at - 1] === QUOTE);
  for (const name of REST) {
    if (!standsAt(bytes, at, name)) return NO_KEYS;
    at = afterNumber(bytes, at + name.length);
  }
  const isWhole = bytes[at] === 0x7d && at + 1 === end; // the brace, and nothing after it
  return isWhole ? { from: first, count } : NO_KEYS;
}

/** Returns the whole number that begins at this place. */
function numberAt(bytes: Buffer, from: number): number {
  return Number.parseInt(bytes.toString('latin1', from, from + 16), 10);
}

/** Returns where the JSON number ends that is at this place; NaN, where nothing is, if there is none. */
function afterNumber(bytes: Buffer, from: number): number {
  let at = bytes[from] === ZERO ? from + 1 : afterDigits(bytes, from);
  if (bytes[at] === POINT) at = afterDigits(bytes, at + 1);
  if (bytes[at] === EXPONENT) at = afterDigits(bytes, bytes[at + 1] === MINUS ? at + 2 : at + 1);
  return at;
}

function afterDigits(bytes: Buffer, from: number): number {
  let at = from;
  while (isDigit(bytes[at])) at += 1;
  return at > from ? at : Number.NaN;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const POINT = 0x2e;
const EXPONENT = 0x65;
const MINUS = 0x2d;

function isDigit(byte = 0): boolean {
  return byte >= ZERO && byte <= 0x39;
}

/** Returns whether the byte is an ASCII character that stands for itself in a JSON string. */
function isPlain(byte = 0): boolean {
  return byte >= 0x20 && byte < 0x7f && byte !== QUOTE && byte !== BACKSLASH;
}

function standsAt(bytes: Buffer, at: number, what: Buffer): boolean {
  for (let index = 0; index < what.length; index++) if (bytes[at + index] !== what[index]) return false;
  return true;
}

function beginsAsOne(file: string): boolean {
  const descriptor = fs.openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(BEGINNING.length);
    const got = fs.readSync(descriptor, bytes, 0, bytes.length, 0);
    return BEGINNING.startsWith(bytes.toString('latin1', 0, got));
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Returns about how many keys a journal has: exactly, if all are default keys. Throws errors of fs. */
export function countKeys(file: string): number {
  let count = 0;
  readLines(file, (bytes, from, end) => {
    count += Math.max(1, usualKeys(bytes, from, end).count);
    return true;
  });
  return count;
}

/**
 * Calls `each` for every complete line until it returns false. Returns how many bytes these lines have, including their
 * newlines.
 *
 * begin - the place of the first line, in bytes.
 */
export function readLines(
  file: string,
  each: (bytes: Buffer, from: number, end: number) => boolean,
  begin = 0,
): number {
  const descriptor = fs.openSync(file, 'r');
  try {
    // Reuse one buffer; otherwise there would be as much garbage as the journal is large.
    let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let kept = 0;
    let whole = 0;
    for (;;) {
      if (kept === chunk.length) chunk = Buffer.concat([chunk], chunk.length * 2); // a longer line
      const got = fs.readSync(descriptor, chunk, kept, chunk.length - kept, begin + whole + kept);
      if (got === 0) break;
      const bytes = chunk.subarray(0, kept + got);
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
        const goOn = each(bytes, from, end);
        from = end + 1;
        if (!goOn) return whole + from;
      }
      whole += from;
      kept = bytes.length - from;
      bytes.copyWithin(0, from);
    }
    return whole;
  } finally {
    fs.closeSync(descriptor);
  }
}
