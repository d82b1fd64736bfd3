/**
 * The conversation between the master and a worker, in its order, and how it is framed on the socket.
 *
 *   worker                                   master
 *   hello (the token)                 ──>    who is that? (anybody without the token is cut off)
 *   ready, or boot failed             ──>    it may have items
 *                                     <──    items, as long as it has room
 *   done (acks), or outcomes          ──>    each ends the lease of its item
 *   open lines                        ──>    comes before the ack: so much of stdout and stderr had been written then
 *   overdue (and goes on)             ──>    is its time up? What the worker or its reader were held up does not count
 *                                     <──    time left: none, and its signal is aborted; or so much, and it is asked again
 *   leaving (sent TERM, or recycled)  ──>    no more items, then:
 *                                     <──    drain: finish what you have begun, and exit
 *   returned (items it had not begun) ──>    they go to somebody else; at a drain, or when one takes long
 *                                     <──    forget: what came before this, and is not begun, has been taken back (worker/claims.ts)
 *   hook failed (beforeExit)          ──>    it is reported
 *   uncaught (and exits)              ──>    why, should its items fail for it
 *                                     <──    abort: a forceful stop
 *
 * A frame is its length (4 bytes, little-endian, of what follows), its kind (1 byte), and its body. The length is
 * checked before anything is allocated for it. Small items go together in one frame, as one JSON text; what is larger, or
 * JSON cannot tell, as bytes. Runs in both processes.
 */

import { itemErrorFrom, ProtocolError } from '../errors.ts';
import type { ItemError } from '../parallelizable.ts';
import { type Body, bodyOf, decodeValue, Text } from './codec.ts';

/** What the master says. */
export type ToWorker =
  | Items<CarriedItem>
  | { readonly kind: 'drain' | 'forget' }
  /** Of an item that is overdue: 0 where its time is up. */
  | { readonly kind: 'time left'; readonly number: number; readonly ms: number }
  | { readonly kind: 'abort'; readonly reason: string };

/** The same as a worker hears it. */
export type FromMaster = Items<ReceivedItem> | Exclude<ToWorker, Items<CarriedItem>>;

interface Items<Item> {
  readonly kind: 'items';
  /** What is said of their ends may be gathered. */
  readonly quick: boolean;
  readonly items: readonly Item[];
}

/** What a worker says. */
export type ToMaster =
  | { readonly kind: 'hello'; readonly token: Buffer }
  | { readonly kind: 'ready' }
  | { readonly kind: 'boot failed'; readonly error: ItemError }
  /** Items that were processed, and whose results nobody wants: the number of each, and how long it took in milliseconds. */
  | { readonly kind: 'done'; readonly pairs: readonly number[] }
  | { readonly kind: 'outcomes'; readonly outcomes: readonly CarriedOutcome[] }
  /** Of stdout and stderr, in bytes: an item has ended in the middle of a line. */
  | { readonly kind: 'open lines'; readonly numbers: readonly number[] }
  | { readonly kind: 'overdue'; readonly number: number }
  | { readonly kind: 'leaving' }
  | { readonly kind: 'returned'; readonly numbers: readonly number[] }
  | { readonly kind: 'hook failed'; readonly hook: string; readonly error: ItemError }
  /** What nobody caught ends the process. */
  | { readonly kind: 'uncaught'; readonly error: ItemError };

/** An item on its way to a worker. */
export interface CarriedItem {
  readonly number: number;
  /** Which start of it this is, from 1. */
  readonly attempt: number;
  /** Its key; empty where the worker may make the default one itself, when it is asked for. */
  readonly key: string;
  /** The item itself, as codec.ts encodes it. */
  readonly body: Body;
}

/** An item that has come to a worker. */
export class ReceivedItem {
  readonly number: number;
  readonly attempt: number;
  readonly key: string;
  readonly quick: boolean;
  /** Its bytes; or the text of its frame, in which it has a place. */
  readonly #source: Body;
  readonly #place: number;
  /** What has been read of it already. */
  #read: unknown;

  constructor(number: number, attempt: number, key: string, quick: boolean, source: Body, place = 0, read?: unknown) {
    this.number = number;
    this.attempt = attempt;
    this.key = key;
    this.quick = quick;
    this.#source = source;
    this.#place = place;
    this.#read = read;
  }

  /** The item: a fresh one each time. */
  value(): unknown {
    if (typeof this.#source !== 'string') return decodeValue(this.#source);
    const read = this.#read;
    this.#read = undefined; // which no plain item is
    return read === undefined ? (JSON.parse(this.#source) as unknown[])[this.#place] : read;
  }
}

/** An outcome on its way to the master. */
export interface CarriedOutcome {
  readonly number: number;
  readonly durationMs: number;
  /** `done`: body is the encoded result. `threw`: an ItemError, as JSON. */
  readonly how: 'done' | 'threw' | 'threw for good';
  readonly body: Buffer;
}

/** The token's length in bytes. The first frame of a connection is a hello of exactly this size, or it is cut off. */
export const TOKEN_BYTES = 32;
const LENGTH_BYTES = 4;
const HEADER_BYTES = 5;
/** What a frame may hold beside one item of the largest size. */
const FRAME_ALLOWANCE = 1024 * 1024;
/** Small items go together in frames of up to so many bytes; a large one has a frame to itself. */
const BATCH_BYTES = 64 * 1024;
/** Up to so large the memory of a frame is used again. */
const SPARE_BYTES = 4 * 1024 * 1024;

/** How a frame's body is written: the token as it is, batches as records, and what is rare as JSON. */
const KINDS = ['hello', 'items', 'plain items', 'done', 'outcomes', 'rare'] as const;
const RARE: readonly string[] = [
  'ready',
  'boot failed',
  'open lines',
  'overdue',
  'time left',
  'leaving',
  'returned',
  'hook failed',
  'uncaught',
  'drain',
  'forget',
  'abort',
];
const HOWS = ['done', 'threw', 'threw for good'] as const;
/** The bytes of a record before its body: of an item, and of an outcome; and those of a pair. */
const ITEM_HEAD = 18;
const OUTCOME_HEAD = 21;
const PAIR = 16;
/** A plain item is so many values of its frame's list: number, attempt, key, item. */
const PLAIN_PARTS = 4;

/** Gives memory for so many bytes, which is the caller's until what it holds has been written. */
export type Room = (bytes: number) => Buffer;

/** Returns the bytes of a message: its frames one after another, in pieces. `room` gives memory for them. */
export function encode(message: ToWorker | ToMaster, room: Room = Buffer.allocUnsafe): Buffer[] {
  switch (message.kind) {
    case 'hello':
      return [frame('hello', message.token, room)];
    case 'items':
      return framesOf(message, room);
    case 'done': {
      const { pairs } = message;
      const bytes = header('done', pairs.length * (PAIR / 2), room);
      for (let index = 0; index < pairs.length; index++)
        bytes.writeDoubleLE(pairs[index] ?? 0, HEADER_BYTES + index * (PAIR / 2));
      return [bytes];
    }
    case 'outcomes':
      return batches('outcomes', [], message.outcomes, OUTCOME_RECORD, room);
    default:
      return [frame('rare', JSON.stringify(message), room)];
  }
}

/** Takes the bytes of a connection as they come, and gives back the messages in them. */
export class FrameReader {
  #maxBytes: number;
  #known = false;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** What has come of a frame's length. */
  #length = 0;
  #lengthBytes = 0;
  /** A frame that is in more than one chunk, as far as it has come. */
  #frame: Buffer | undefined;
  #filled = 0;
  /** Memory of such a frame, of which nothing was kept. */
  #spare: Buffer = Buffer.alloc(0);

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
   * Returns the first message that is complete, if there is one; call it again, without a chunk, for the next, until there
   * is none: then nothing of the chunk is needed any more. Throws ProtocolError where what came cannot be a frame; the
   * connection is then of no use any more.
   */
  read(chunk?: Buffer): FromMaster | ToMaster | undefined {
    if (chunk) {
      this.#chunk = chunk;
      this.#at = 0;
    }
    if (!this.#frame) {
      if (!this.#readLength()) return undefined;
      const end = this.#at + this.#length;
      if (end <= this.#chunk.length) {
        const content = this.#chunk.subarray(this.#at, end);
        this.#at = end;
        this.#lengthBytes = 0;
        return decode(content, this.#known, copyOf);
      }
      const again = this.#length <= this.#spare.length;
      this.#frame = again ? this.#spare.subarray(0, this.#length) : Buffer.allocUnsafe(this.#length);
      this.#filled = 0;
    }
    const copied = this.#chunk.copy(this.#frame, this.#filled, this.#at);
    this.#at += copied;
    this.#filled += copied;
    if (this.#filled < this.#length) return undefined;
    const content = this.#frame;
    this.#frame = undefined;
    this.#lengthBytes = 0;
    if (content.buffer === this.#spare.buffer) return decode(content, this.#known, copyOf);
    let kept = false;
    const message = decode(content, this.#known, (bytes) => {
      kept = true;
      return bytes;
    });
    if (!kept && content.length <= SPARE_BYTES) this.#spare = content;
    return message;
  }

  /** Returns whether it is known. */
  #readLength(): boolean {
    if (this.#lengthBytes === 0) this.#length = 0;
    while (this.#lengthBytes < LENGTH_BYTES) {
      const byte = this.#chunk[this.#at];
      if (byte === undefined) return false;
      this.#at += 1;
      this.#length += byte * 256 ** this.#lengthBytes;
      this.#lengthBytes += 1;
    }
    if (this.#length >= 1 && this.#length - 1 <= this.#maxBytes) return true;
    throw new ProtocolError(`a frame of ${this.#length} bytes came, where at most ${this.#maxBytes} are accepted`);
  }
}

/** Plain items that follow each other share a frame, and so do others as far as they are small. */
function framesOf({ quick, items }: Items<CarriedItem>, room: Room): Buffer[] {
  const frames: Buffer[] = [];
  const flag = quick ? 1 : 0;
  let text = '';
  let others: Bulky<CarriedItem>[] = [];
  const flush = (): void => {
    if (text !== '') frames.push(frame('plain items', `${String.fromCharCode(flag)}[${text}]`, room));
    if (others.length > 0) frames.push(...batches('items', [flag], others, ITEM_RECORD, room));
    text = '';
    others = [];
  };
  for (const item of items) {
    const { number, attempt, key, body } = item;
    if (typeof body === 'string') {
      if (others.length > 0 || text.length > BATCH_BYTES) flush();
      text += `${text === '' ? '' : ','}${number},${attempt},${key === '' ? '""' : JSON.stringify(key)},${body}`;
    } else {
      if (text !== '') flush();
      others.push(item as Bulky<CarriedItem>);
    }
  }
  flush();
  return frames;
}

/** What is not carried as JSON. */
type Bulky<T extends { readonly body: Body }> = T & { readonly body: Exclude<Body, string> };

/** How one of a batch is written: a head, and its body. */
interface RecordForm<T> {
  headBytes(one: T): number;
  writeHead(one: T, into: Buffer, at: number): void;
}

const ITEM_RECORD: RecordForm<CarriedItem> = {
  headBytes: ({ key }) => ITEM_HEAD + Buffer.byteLength(key),
  writeHead({ number, attempt, key, body }, into, at) {
    const keyBytes = key === '' ? 0 : into.write(key, at + ITEM_HEAD);
    into.writeDoubleLE(number, at);
    into.writeUInt32LE(attempt, at + 8);
    into.writeUInt16LE(keyBytes, at + 12);
    into.writeUInt32LE(keyBytes + body.length, at + 14);
  },
};

const OUTCOME_RECORD: RecordForm<CarriedOutcome> = {
  headBytes: () => OUTCOME_HEAD,
  writeHead({ number, durationMs, how, body }, into, at) {
    into.writeDoubleLE(number, at);
    into.writeDoubleLE(durationMs, at + 8);
    into.writeUInt8(HOWS.indexOf(how), at + 16);
    into.writeUInt32LE(body.length, at + 17);
  },
};

/** Returns memory for a frame with room for so many bytes of its body; more of it may follow in a piece of its own. */
function header(kind: (typeof KINDS)[number], bytes: number, room: Room, following = 0): Buffer {
  const whole = room(HEADER_BYTES + bytes);
  whole.writeUInt32LE(1 + bytes + following, 0);
  whole[LENGTH_BYTES] = KINDS.indexOf(kind);
  return whole;
}

function frame(kind: (typeof KINDS)[number], content: string | Buffer, room: Room): Buffer {
  const whole = header(kind, Buffer.byteLength(content), room);
  if (typeof content === 'string') whole.write(content, HEADER_BYTES);
  else whole.set(content, HEADER_BYTES);
  return whole;
}

/** `front` is what each frame begins with. */
function batches<T extends CarriedItem | CarriedOutcome>(
  kind: 'items' | 'outcomes',
  front: readonly number[],
  list: readonly Bulky<T>[],
  form: RecordForm<T>,
  room: Room,
): Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  let bytes = 0;
  /** Those from `from` to there become a frame. What is large is alone, and stays a piece of its own: to copy it would cost more. */
  const flush = (to: number): void => {
    const first = list[from]?.body;
    const apart = Buffer.isBuffer(first) && first.length > BATCH_BYTES ? first : undefined;
    const following = apart?.length ?? 0;
    const whole = header(kind, front.length + bytes - following, room, following);
    whole.set(front, HEADER_BYTES);
    let at = HEADER_BYTES + front.length;
    for (; from < to; from++) {
      const one = list[from] as Bulky<T>; // from is below the length of the list
      form.writeHead(one, whole, at);
      at += form.headBytes(one);
      if (one.body instanceof Text) one.body.write(whole, at);
      else if (one.body !== apart) whole.set(one.body, at);
      at += one.body.length;
    }
    pieces.push(whole);
    if (apart) pieces.push(apart);
    bytes = 0;
  };
  list.forEach((one, index) => {
    const size = form.headBytes(one) + one.body.length;
    if (bytes > 0 && bytes + size > BATCH_BYTES) flush(index);
    bytes += size;
  });
  if (bytes > 0) flush(list.length);
  return pieces;
}

function copyOf(bytes: Buffer): Buffer {
  return Buffer.from(bytes);
}

/** `kept` is asked for what the message keeps of the content, which may be used again for what comes next. */
function decode(content: Buffer, known: boolean, kept: (bytes: Buffer) => Buffer): FromMaster | ToMaster {
  const kind = KINDS[content.readUInt8(0)];
  const body = content.subarray(1);
  try {
    if (!known && kind !== 'hello') throw new RangeError('nothing but a hello is read from a stranger');
    switch (kind) {
      case 'hello':
        return { kind, token: kept(body) };
      case 'items': {
        const quick = body.readUInt8(0) === 1;
        return { kind, quick, items: records(body.subarray(1), ITEM_HEAD, itemAt(quick, kept)) };
      }
      case 'plain items': {
        const quick = body.readUInt8(0) === 1;
        return { kind: 'items', quick, items: plainItems(body.toString('utf8', 1), quick) };
      }
      case 'done':
        return { kind, pairs: pairsIn(body) };
      case 'outcomes': {
        const outcomes = records(kept(body), OUTCOME_HEAD, outcomeAt);
        for (const outcome of outcomes) if (outcome.how !== 'done') itemErrorFrom(errorIn(outcome.body));
        return { kind, outcomes };
      }
      case 'rare':
        return rareFrom(JSON.parse(body.toString()), body.length);
      default:
        throw new RangeError('no such kind');
    }
  } catch (error) {
    throw new ProtocolError(`a frame could not be read (${kind}): ${error instanceof Error ? error.message : error}`);
  }
}

/** Returns what an outcome's body says of an error. */
export function errorIn(body: Buffer): ItemError {
  return JSON.parse(body.toString()) as ItemError;
}

/** A worker's task may have written to its socket, so what claims to be a message is looked at before it is believed. */
function rareFrom(value: unknown, bytes: number): FromMaster | ToMaster {
  const { kind, numbers, error } = Object(value) as Record<string, unknown>;
  if (!RARE.includes(String(kind))) throw new RangeError('no such message');
  // The length first: a few bytes can stand for an array that it takes minutes to go through.
  const list =
    Array.isArray(numbers) && numbers.length < bytes && numbers.every((number) => typeof number === 'number');
  if ((kind === 'returned' || kind === 'open lines') && !list) throw new RangeError('no list of numbers');
  if (kind === 'boot failed' || kind === 'hook failed' || kind === 'uncaught') itemErrorFrom(error);
  return value as FromMaster | ToMaster;
}

const itemAt = (quick: boolean, kept: (bytes: Buffer) => Buffer) => (bytes: Buffer, at: number, content: Buffer) => {
  const keyBytes = bytes.readUInt16LE(at + 12);
  if (keyBytes > content.length) throw new RangeError('a key is longer than its record');
  const key = content.toString('utf8', 0, keyBytes);
  const body = bodyOf(content.subarray(keyBytes), kept);
  return new ReceivedItem(bytes.readDoubleLE(at), bytes.readUInt32LE(at + 8), key, quick, body);
};

function plainItems(text: string, quick: boolean): ReceivedItem[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list) || list.length % PLAIN_PARTS !== 0) throw new RangeError('no list of plain items');
  const items: ReceivedItem[] = [];
  for (let at = 0; at < list.length; at += PLAIN_PARTS) {
    const [number, attempt, key, value] = [list[at], list[at + 1], list[at + 2], list[at + 3]];
    if (typeof number !== 'number' || typeof attempt !== 'number' || typeof key !== 'string')
      throw new RangeError('no plain item');
    items.push(new ReceivedItem(number, attempt, key, quick, text, at + 3, value));
  }
  return items;
}

function pairsIn(bytes: Buffer): number[] {
  if (bytes.length % PAIR !== 0) throw new RangeError('half a pair');
  const pairs: number[] = [];
  for (let at = 0; at < bytes.length; at += PAIR / 2) pairs.push(bytes.readDoubleLE(at));
  return pairs;
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
