/**
 * The frames on the socket. A frame is its length (4 bytes, little-endian, counts what follows), its kind (1 byte), and
 * its body. The length is checked before memory is allocated. Consecutive small items share a frame, as one JSON text;
 * items that are larger, that JSON can't express, or that have more than their number, are sent as records. Runs in both
 * processes. Internal.
 */

import { itemErrorFrom, ProtocolError } from '../errors.ts';
import { bodyOf, bytesOf, Text } from './codec.ts';
import {
  type CarriedOutcome,
  type CarriedRun,
  errorIn,
  type FromMaster,
  ReceivedItem,
  type ToMaster,
  type ToWorker,
} from './messages.ts';

/**
 * Length of the token in bytes. The first frame of a connection must be a hello of exactly this size; otherwise the
 * peer is cut off.
 */
export const TOKEN_BYTES = 32;
const LENGTH_BYTES = 4;
const HEADER_BYTES = 5;
/** How many bytes a frame may hold besides one item of the largest size. */
const FRAME_ALLOWANCE = 1024 * 1024;
/** Small items share frames of up to so many bytes; a large item has its own frame. */
const BATCH_BYTES = 64 * 1024;
/** Frame memory of up to so many bytes is reused. */
const SPARE_BYTES = 4 * 1024 * 1024;

/** The kinds of body: the token as it is, a run and all others as JSON, batches as records. */
const KINDS = ['hello', 'run', 'items', 'outcomes', 'json'] as const;
const JSON_KINDS: readonly string[] = [
  'ready',
  'boot failed',
  'open lines',
  'overdue',
  'time left',
  'cancel',
  'leaving',
  'nack',
  'hook failed',
  'uncaught',
  'drain',
  'forget',
  'abort',
];
const HOWS = ['done', 'threw', 'threw for good', 'rate limited'] as const;
/** Bytes before the body of a record, for an item and for an outcome. */
const ITEM_HEAD = 18;
const OUTCOME_HEAD = 25;

/** Returns memory of so many bytes. The caller may use it until its contents have been written to the socket. */
export type Room = (bytes: number) => Buffer;

/** Returns the bytes of a message: its frames one after another, in pieces. `room` provides the memory. */
export function encode(message: ToWorker | ToMaster, room: Room = Buffer.allocUnsafe): Buffer[] {
  switch (message.kind) {
    case 'hello':
      return [frame('hello', message.token, room)];
    case 'items':
      return framesOf(message.runs, message.batchAcks ? 1 : 0, room);
    case 'outcomes':
      return batches('outcomes', [], message.outcomes, OUTCOME_RECORD, room);
    default:
      return [frame('json', JSON.stringify(message), room)];
  }
}

/** Takes the bytes of a connection as they arrive, and returns the messages in them. */
export class FrameReader {
  #maxBytes: number;
  #known = false;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** The bytes of a frame's length that have arrived. */
  #length = 0;
  #lengthBytes = 0;
  /** A frame spread over several chunks, as far as it has arrived. */
  #frame: Buffer | undefined;
  #filled = 0;
  /** Memory of such a frame, free to reuse because no message kept any of it. */
  #spare: Buffer = Buffer.alloc(0);

  /** maxBytes - the largest frame body to accept, in bytes. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Allows other messages than hello, and frames with one item of up to `maxItemBytes`. Call it once the peer has shown
   * the token.
   */
  allowItems(maxItemBytes: number): void {
    this.#known = true;
    this.#maxBytes = maxItemBytes + FRAME_ALLOWANCE;
  }

  /**
   * Returns the next complete message. After passing a chunk, call it without one until it returns undefined; then the
   * chunk is no longer needed. Throws ProtocolError if the bytes can't be a frame; don't use the connection after that.
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

  /** Returns whether the length is complete. */
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

/** An item on its way to a worker, as a record. */
interface CarriedItem {
  readonly number: number;
  readonly attempt: number;
  readonly key: string;
  readonly body: Text | Buffer;
}

/** Consecutive small items at their first attempt share a frame; other items share one if they are small. */
function framesOf(runs: readonly CarriedRun[], flag: number, room: Room): Buffer[] {
  const frames: Buffer[] = [];
  /** The list of a run: its first number, and its items as JSON. */
  let text = '';
  let next = 0;
  let others: CarriedItem[] = [];
  const flush = (): void => {
    if (text !== '') frames.push(frame('run', `${String.fromCharCode(flag)}[${text}]`, room));
    if (others.length > 0) frames.push(...batches('items', [flag], others, ITEM_RECORD, room));
    text = '';
    others = [];
  };
  for (const { number, attempt, hasKeys, payloads } of runs)
    for (const [index, { key, body }] of payloads.entries()) {
      if (typeof body === 'string' && attempt === 1 && !hasKeys) {
        if (others.length > 0 || text.length > BATCH_BYTES || number + index !== next) flush();
        text += text === '' ? `${number + index},${body}` : `,${body}`;
        next = number + index + 1;
      } else {
        if (text !== '') flush();
        const bytes = typeof body === 'string' ? bytesOf(body) : body;
        others.push({ number: number + index, attempt, key: hasKeys ? key : '', body: bytes });
      }
    }
  flush();
  return frames;
}

/** How to write one record of a batch: a head, then its body. */
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
  writeHead({ number, count, durationMs, how, body }, into, at) {
    into.writeDoubleLE(number, at);
    into.writeUInt32LE(count, at + 8);
    into.writeDoubleLE(durationMs, at + 12);
    into.writeUInt8(HOWS.indexOf(how), at + 20);
    into.writeUInt32LE(body.length, at + 21);
  },
};

/** Returns memory for a frame with `bytes` bytes of its body; `following` more bytes are sent in a separate piece. */
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

/** Splits a list into frames. Each one begins with `front`. */
function batches<T extends CarriedItem | CarriedOutcome>(
  kind: 'items' | 'outcomes',
  front: readonly number[],
  list: readonly T[],
  form: RecordForm<T>,
  room: Room,
): Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  let bytes = 0;
  /**
   * Makes a frame of the records up to `to`. A large body stays a separate piece, because copying it would cost more.
   */
  const flush = (to: number): void => {
    const first = list[from]?.body;
    const apart = Buffer.isBuffer(first) && first.length > BATCH_BYTES ? first : undefined;
    const following = apart?.length ?? 0;
    const whole = header(kind, front.length + bytes - following, room, following);
    whole.set(front, HEADER_BYTES);
    let at = HEADER_BYTES + front.length;
    for (; from < to; from++) {
      const one = list[from] as T; // from is below the length of the list
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

/** The rules divide runs by numbers like these: any other could keep the master busy for ever. */
function isItemNumber(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 1;
}

function copyOf(bytes: Buffer): Buffer {
  return Buffer.from(bytes);
}

/** Calls `kept` for each part of the content that the message keeps: the rest of the memory may be reused. */
function decode(content: Buffer, known: boolean, kept: (bytes: Buffer) => Buffer): FromMaster | ToMaster {
  const kind = KINDS[content.readUInt8(0)];
  const body = content.subarray(1);
  try {
    if (!known && kind !== 'hello') throw new RangeError('nothing but a hello is read before the token');
    switch (kind) {
      case 'hello':
        return { kind, token: kept(body) };
      case 'run':
        return { kind: 'items', items: itemsOfRun(body.toString('utf8', 1), body.readUInt8(0) === 1) };
      case 'items':
        return { kind, items: records(body.subarray(1), ITEM_HEAD, itemAt(body.readUInt8(0) === 1, kept)) };
      case 'outcomes': {
        const outcomes = records(kept(body), OUTCOME_HEAD, outcomeAt);
        for (const outcome of outcomes) if (outcome.how !== 'done') itemErrorFrom(errorIn(outcome.body));
        return { kind, outcomes };
      }
      case 'json':
        return jsonMessage(JSON.parse(body.toString()), body.length);
      default:
        throw new RangeError('no such kind');
    }
  } catch (error) {
    throw new ProtocolError(`a frame could not be read (${kind}): ${error instanceof Error ? error.message : error}`);
  }
}

/** The task may have written to its worker's socket, so check each message before using it. */
function jsonMessage(value: unknown, bytes: number): FromMaster | ToMaster {
  const { kind, numbers, error } = Object(value) as Record<string, unknown>;
  if (!JSON_KINDS.includes(String(kind))) throw new RangeError('no such message');
  // Check the length first: a few bytes can stand for an array that takes minutes to go through.
  const list = Array.isArray(numbers) && numbers.length < bytes && numbers.every(Number.isSafeInteger);
  if ((kind === 'nack' || kind === 'open lines') && !list) throw new RangeError('no list of numbers');
  if (kind === 'boot failed' || kind === 'hook failed' || kind === 'uncaught') itemErrorFrom(error);
  return value as FromMaster | ToMaster;
}

const itemAt =
  (batchAcks: boolean, kept: (bytes: Buffer) => Buffer) => (bytes: Buffer, at: number, content: Buffer) => {
    const keyBytes = bytes.readUInt16LE(at + 12);
    if (keyBytes > content.length) throw new RangeError('a key is longer than its record');
    const key = content.toString('utf8', 0, keyBytes);
    const body = bodyOf(content.subarray(keyBytes), kept);
    return new ReceivedItem(bytes.readDoubleLE(at), bytes.readUInt32LE(at + 8), key, batchAcks, body);
  };

function itemsOfRun(text: string, batchAcks: boolean): ReceivedItem[] {
  const list: unknown = JSON.parse(text);
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  if (!Array.isArray(list) || typeof first !== 'number') throw new RangeError('no run of items');
  const items: ReceivedItem[] = [];
  for (let at = 1; at < list.length; at++)
    items.push(new ReceivedItem(first + at - 1, 1, '', batchAcks, text, at, list[at]));
  return items;
}

function outcomeAt(bytes: Buffer, at: number, body: Buffer): CarriedOutcome {
  const number = bytes.readDoubleLE(at);
  const count = bytes.readUInt32LE(at + 8);
  const durationMs = bytes.readDoubleLE(at + 12);
  const how = HOWS[bytes.readUInt8(at + 20)];
  const isRange = count > 1 && how === 'done' && body.length === 0;
  if (!how || !isItemNumber(number) || !(count === 1 || isRange)) throw new RangeError('an outcome of no known kind');
  if (!(durationMs >= 0 && durationMs < Infinity)) throw new RangeError('an outcome took no time that there is');
  return { number, count, durationMs, how, body };
}

/** Reads the records of a batch. Each has a head of `headBytes` bytes; its last four are the length of the body. */
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
