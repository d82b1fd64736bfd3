/**
 * The conversation between the master and a worker, in its order, and how it is framed on the socket.
 *
 *   worker                                   master
 *   hello (the token)                 ──>    who is that? (anybody without the token is cut off)
 *   ready, or boot failed             ──>    it may have items
 *                                     <──    items, as long as it has room
 *   outcomes (acks and failures)      ──>    each ends the lease of its item
 *   timed out (and goes on)           ──>    this item is to blame, should the worker have to be killed
 *   leaving (sent TERM, or recycled)  ──>    no more items, then:
 *                                     <──    drain: finish what you have, and exit
 *   returned (items it had not begun) ──>    they go to somebody else
 *   hook failed (beforeExit)          ──>    it is reported
 *                                     <──    abort: a forceful stop
 *
 * A frame is its length (4 bytes, little-endian, of what follows), its kind (1 byte), and its body. The length is
 * checked before anything is allocated for it. Runs in both processes.
 */

import v8 from 'node:v8';
import { itemErrorFrom, ProtocolError } from './errors.ts';
import type { ItemError } from './parallelizable.ts';

/** What the master says. */
export type ToWorker =
  | { readonly kind: 'items'; readonly items: readonly CarriedItem[] }
  | { readonly kind: 'drain' }
  | { readonly kind: 'abort'; readonly reason: string };

/** What a worker says. */
export type ToMaster =
  | { readonly kind: 'hello'; readonly token: Buffer }
  | { readonly kind: 'ready' }
  | { readonly kind: 'boot failed'; readonly error: ItemError }
  | { readonly kind: 'outcomes'; readonly outcomes: readonly CarriedOutcome[] }
  | { readonly kind: 'timed out'; readonly number: number }
  | { readonly kind: 'leaving' }
  | { readonly kind: 'returned'; readonly numbers: readonly number[] }
  | { readonly kind: 'hook failed'; readonly hook: string; readonly error: ItemError };

/** An item on its way to a worker. */
export interface CarriedItem {
  readonly number: number;
  /** Which start of it this is, from 1. */
  readonly attempt: number;
  /** Its key; empty where the worker may make the default one itself, when it is asked for. */
  readonly key: string;
  /** The item itself, as codec.ts encodes it. */
  readonly body: Buffer;
}

/** An outcome on its way to the master. */
export interface CarriedOutcome {
  readonly number: number;
  readonly durationMs: number;
  /** `done`: body is the encoded result, or empty where the task does not want it. `threw`: an encoded ItemError. */
  readonly how: 'done' | 'threw' | 'threw for good';
  readonly body: Buffer;
}

/** The token's length in bytes. The first frame of a connection is a hello of exactly this size, or it is cut off. */
export const TOKEN_BYTES = 32;
const HEADER_BYTES = 5;
/** What a frame may hold beside one item of the largest size. */
const FRAME_ALLOWANCE = 1024 * 1024;
/** Small items go together in frames of up to so many bytes; a large one has a frame to itself. */
const BATCH_BYTES = 64 * 1024;

/** How a frame's body is written: the token as it is, batches as records, and what is rare as v8.serialize has it. */
const KINDS = ['hello', 'items', 'outcomes', 'rare'] as const;
const RARE: readonly string[] = [
  'ready',
  'boot failed',
  'timed out',
  'leaving',
  'returned',
  'hook failed',
  'drain',
  'abort',
];
const HOWS = ['done', 'threw', 'threw for good'] as const;
/** The bytes of a record before its body: of an item, and of an outcome. */
const ITEM_HEAD = 18;
const OUTCOME_HEAD = 21;

/** Returns the frames of a message. */
export function encode(message: ToWorker | ToMaster): Buffer[] {
  switch (message.kind) {
    case 'hello':
      return [frame('hello', message.token)];
    case 'items':
      return batches('items', message.items, ({ number, attempt, key, body }) => {
        const keyBytes = Buffer.from(key);
        const head = Buffer.allocUnsafe(ITEM_HEAD);
        head.writeDoubleLE(number, 0);
        head.writeUInt32LE(attempt, 8);
        head.writeUInt16LE(keyBytes.length, 12);
        head.writeUInt32LE(keyBytes.length + body.length, 14);
        return keyBytes.length > 0 ? [head, keyBytes, body] : [head, body];
      });
    case 'outcomes':
      return batches('outcomes', message.outcomes, ({ number, durationMs, how, body }) => {
        const head = Buffer.allocUnsafe(OUTCOME_HEAD);
        head.writeDoubleLE(number, 0);
        head.writeDoubleLE(durationMs, 8);
        head.writeUInt8(HOWS.indexOf(how), 16);
        head.writeUInt32LE(body.length, 17);
        return [head, body];
      });
    default:
      return [frame('rare', v8.serialize(message))];
  }
}

/** Takes the bytes of a connection as they come, and gives back the messages in them. */
export class FrameReader {
  #rest: Buffer[] = [];
  #length = 0;
  #maxBytes: number;
  #known = false;

  /** maxBytes - the largest frame that is accepted, in bytes of its body. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Allows more than a hello, and frames of one item of so many bytes; used once the peer has shown the token. */
  allowItems(maxItemBytes: number): void {
    this.#known = true;
    this.#maxBytes = maxItemBytes + FRAME_ALLOWANCE;
  }

  /**
   * Returns the first message that is complete, if there is one; call it again, without a chunk, for the next. Throws
   * ProtocolError where what came cannot be a frame; the connection is then of no use any more.
   */
  read(chunk?: Buffer): ToWorker | ToMaster | undefined {
    if (chunk && chunk.length > 0) {
      this.#rest.push(chunk);
      this.#length += chunk.length;
    }
    if (this.#length < HEADER_BYTES) return undefined;
    const size = this.#join(HEADER_BYTES).readUInt32LE(0);
    if (size < 1 || size - 1 > this.#maxBytes) {
      throw new ProtocolError(`a frame of ${size} bytes came, where at most ${this.#maxBytes} are accepted`);
    }
    if (this.#length < 4 + size) return undefined;
    const all = this.#join(4 + size);
    const message = decode(all.subarray(4, 4 + size), this.#known);
    this.#length -= 4 + size;
    this.#rest = this.#length > 0 ? [all.subarray(4 + size), ...this.#rest.slice(1)] : [];
    return message;
  }

  /** The first chunk, made long enough to hold so many bytes. */
  #join(bytes: number): Buffer {
    const first = this.#rest[0];
    if (first && first.length >= bytes) return first;
    const all = Buffer.concat(this.#rest);
    this.#rest = [all];
    return all;
  }
}

function frame(kind: (typeof KINDS)[number], ...parts: Buffer[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 1);
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32LE(size, 0);
  header.writeUInt8(KINDS.indexOf(kind), 4);
  return Buffer.concat([header, ...parts]);
}

function batches<T>(kind: 'items' | 'outcomes', list: readonly T[], parts: (one: T) => Buffer[]): Buffer[] {
  const frames: Buffer[] = [];
  let batch: Buffer[] = [];
  let bytes = 0;
  for (const one of list) {
    const record = parts(one);
    const size = record.reduce((sum, part) => sum + part.length, 0);
    if (bytes > 0 && bytes + size > BATCH_BYTES) {
      frames.push(frame(kind, ...batch));
      batch = [];
      bytes = 0;
    }
    batch.push(...record);
    bytes += size;
  }
  if (bytes > 0) frames.push(frame(kind, ...batch));
  return frames;
}

function decode(content: Buffer, known: boolean): ToWorker | ToMaster {
  const kind = KINDS[content.readUInt8(0)];
  const body = content.subarray(1);
  try {
    if (!known && kind !== 'hello') throw new RangeError('nothing but a hello is read from a stranger');
    switch (kind) {
      case 'hello':
        return { kind, token: body };
      case 'items':
        return { kind, items: records(body, ITEM_HEAD, itemAt) };
      case 'outcomes': {
        const outcomes = records(body, OUTCOME_HEAD, outcomeAt);
        for (const outcome of outcomes) if (outcome.how !== 'done') itemErrorFrom(v8.deserialize(outcome.body));
        return { kind, outcomes };
      }
      case 'rare':
        return rareFrom(v8.deserialize(body), body.length);
      default:
        throw new RangeError('no such kind');
    }
  } catch (error) {
    throw new ProtocolError(`a frame could not be read (${kind}): ${error instanceof Error ? error.message : error}`);
  }
}

/** A worker's task may have written to its socket, so what claims to be a message is looked at before it is believed. */
function rareFrom(value: unknown, bytes: number): ToWorker | ToMaster {
  const { kind, numbers, error } = Object(value) as Record<string, unknown>;
  if (!RARE.includes(String(kind))) throw new RangeError('no such message');
  // The length first: a few bytes can stand for an array that it takes minutes to go through.
  const list =
    Array.isArray(numbers) && numbers.length < bytes && numbers.every((number) => typeof number === 'number');
  if (kind === 'returned' && !list) throw new RangeError('no list of numbers');
  if (kind === 'boot failed' || kind === 'hook failed') itemErrorFrom(error);
  return value as ToWorker | ToMaster;
}

function itemAt(bytes: Buffer, at: number, body: Buffer): CarriedItem {
  const keyBytes = bytes.readUInt16LE(at + 12);
  if (keyBytes > body.length) throw new RangeError('a key is longer than its record');
  return {
    number: bytes.readDoubleLE(at),
    attempt: bytes.readUInt32LE(at + 8),
    key: body.toString('utf8', 0, keyBytes),
    body: body.subarray(keyBytes),
  };
}

function outcomeAt(bytes: Buffer, at: number, body: Buffer): CarriedOutcome {
  const how = HOWS[bytes.readUInt8(at + 16)];
  if (!how) throw new RangeError('an outcome of no known kind');
  return { number: bytes.readDoubleLE(at), durationMs: bytes.readDoubleLE(at + 8), how, body };
}

/** The records of a batch: each a head of so many bytes, the last four of which are the length of its body. */
function records<T>(bytes: Buffer, headBytes: number, one: (bytes: Buffer, at: number, body: Buffer) => T): T[] {
  const list: T[] = [];
  for (let at = 0; at < bytes.length; ) {
    const from = at + headBytes;
    const to = from + bytes.readUInt32LE(from - 4);
    if (to > bytes.length) throw new RangeError('a record is longer than its frame');
    list.push(one(bytes, at, bytes.subarray(from, to)));
    at = to;
  }
  return list;
}
