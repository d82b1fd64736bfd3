/** Encodes an item or a result as bytes, and decodes it. Runs in both processes. Internal. */

import { isPromise, isProxy } from 'node:util/types';
import { UnfitError } from '../errors.ts';

/** node:v8, loaded on first use: a worker whose items are plain boots without it. */
let loaded: typeof import('node:v8') | undefined;

function v8(): typeof import('node:v8') {
  loaded ??= process.getBuiltinModule('node:v8');
  return loaded;
}

/**
 * An encoded item. Small and plain: its JSON. A longer string: itself. Anything else: bytes, of which the first says
 * how to read them.
 */
export type Body = string | Text | Buffer;

/**
 * A string that is written as its own bytes only when it is sent: until then it needs no extra memory, and then no
 * copy.
 */
export class Text {
  readonly text: string;
  /** Length in bytes, as of a Buffer. */
  readonly length: number;

  constructor(text: string, length: number = 1 + Buffer.byteLength(text)) {
    this.text = text;
    this.length = length;
  }

  /** Writes its bytes at `at`; `into` must have room for them. */
  write(into: Buffer, at: number): void {
    into[at] = TEXT;
    into.write(this.text, at + 1);
  }
}

/** Tags in the first byte. The bytes of v8.serialize begin with 255. */
const TEXT = 1;
const BYTES = 2;
const JSON_TEXT = 3;
/** JSON is ten times as fast for small values, and slower for large ones. */
const PLAIN_VALUES = 64;
const PLAIN_CHARS = 512;
/** How many used buffers are kept for reuse, and their sizes, in bytes. */
const SPARE_MAX = 8;
const SPARE_FROM = 64 * 1024;
const SPARE_TO = 2 * 1024 * 1024;

/**
 * Returns the encoded value.
 *
 * what     - its name in an error: `item 3`, `the result of item 3`.
 * maxBytes - the largest size allowed.
 *
 * Throws UnfitError if the value can't be encoded or is too large; the error names the place in the value.
 */
export function encodeValue(value: unknown, what: string, maxBytes: number): Body {
  let bytes: Text | Buffer;
  try {
    const plain = plainText(value);
    if (plain !== undefined && plain.length <= maxBytes) return plain;
    bytes = rawBytes(value) ?? v8().serialize(value);
  } catch (error) {
    throw new UnfitError(whyUnfit(value, what, error));
  }
  if (bytes.length > maxBytes) {
    throw new UnfitError(
      `${what} comes to ${bytes.length} bytes, more than the ${maxBytes} that are allowed; raise --max-item-size (maxItemBytes), or carry a path or an id in its place`,
    );
  }
  return bytes;
}

/** Returns the body as bytes, in any form. */
export function bytesOf(body: Body): Buffer {
  if (typeof body === 'string') return tagged(JSON_TEXT, body);
  return body instanceof Text ? tagged(TEXT, body.text) : body;
}

/**
 * Returns the body that the bytes stand for. A string is decoded at once, so that nobody needs to keep its bytes; other
 * bytes are kept by calling `keep`.
 */
export function bodyOf(bytes: Buffer, keep: (bytes: Buffer) => Buffer): Body {
  return bytes[0] === TEXT ? new Text(bytes.toString('utf8', 1), bytes.length) : keep(bytes);
}

/**
 * Returns the value that the body stands for: a new one each time, except that a Buffer may share memory with the body.
 */
export function decodeValue(body: Body): unknown {
  if (typeof body === 'string') return JSON.parse(body);
  if (body instanceof Text) return body.text;
  switch (body[0]) {
    case TEXT:
      return body.toString('utf8', 1);
    case BYTES:
      return body.subarray(1);
    case JSON_TEXT:
      return JSON.parse(body.toString('utf8', 1));
    default:
      return v8().deserialize(body);
  }
}

/** Longer strings and Buffers are sent as their own bytes. */
function rawBytes(value: unknown): Text | Buffer | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? new Text(value) : undefined;
  if (!Buffer.isBuffer(value) || Object.getPrototypeOf(value) !== Buffer.prototype) return undefined;
  const bytes = memoryFor(1 + value.length);
  bytes[0] = BYTES;
  bytes.set(value, 1); // a copy: the task may change its own
  return bytes;
}

/** Memory of large Buffers, kept for reuse. */
const spare: Buffer[] = [];

function memoryFor(bytes: number): Buffer {
  const index = spare.findIndex(({ length }) => length >= bytes);
  const [found] = index < 0 ? [] : spare.splice(index, 1);
  return found?.subarray(0, bytes) ?? Buffer.allocUnsafe(bytes);
}

/** Nobody needs the body any more: keep its memory if it is large, because new memory costs more than a copy. */
export function useAgain(body: Body): void {
  if (!Buffer.isBuffer(body) || body[0] !== BYTES || body.length < SPARE_FROM || body.length > SPARE_TO) return;
  spare.push(Buffer.from(body.buffer)); // at its full size: the body may be only a part of it
  if (spare.length > SPARE_MAX) spare.shift();
}

function tagged(tag: number, text: string): Buffer {
  const bytes = Buffer.allocUnsafe(1 + Buffer.byteLength(text));
  bytes[0] = tag;
  bytes.write(text, 1);
  return bytes;
}

/** What remains of the limits for a plain value. */
interface Budget {
  values: number;
  chars: number;
  /** An object that occurs twice, or in a circle, must be the same object when it arrives; JSON can't express that. */
  readonly seen: object[];
}

/** Marks a value that JSON can't express exactly. */
const NOT_PLAIN = Symbol('not plain');

/**
 * Returns the JSON of a small value that JSON can express as exactly as v8.serialize; undefined for any other value.
 */
export function plainText(value: unknown): string | undefined {
  if (typeof value === 'number') return isPlainNumber(value) ? String(value) : undefined;
  if ('toJSON' in Array.prototype) return undefined; // JSON.stringify would call a global toJSON
  const plain = plainCopy(value, { values: PLAIN_VALUES, chars: PLAIN_CHARS, seen: [] });
  return plain === NOT_PLAIN ? undefined : JSON.stringify(plain);
}

function isPlainNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

/**
 * Returns a copy made of plain objects and arrays, or NOT_PLAIN. Reads each part only once, because it may be a getter:
 * the value that is checked is the value that is sent. Copying and JSON.stringify together take a third of the time of
 * writing the JSON here.
 */
function plainCopy(value: unknown, left: Budget): unknown {
  left.values -= 1;
  switch (typeof value) {
    case 'number':
      return isPlainNumber(value) ? value : NOT_PLAIN;
    case 'string':
      left.chars -= value.length;
      return left.chars >= 0 ? value : NOT_PLAIN;
    case 'boolean':
      return value;
    case 'object':
      return value === null ? value : left.values > 0 ? copyOfObject(value, left) : NOT_PLAIN;
    default:
      return NOT_PLAIN;
  }
}

function copyOfObject(object: object, left: Budget): unknown {
  const list = Array.isArray(object);
  if (Object.getPrototypeOf(object) !== (list ? Array.prototype : Object.prototype) || isProxy(object))
    return NOT_PLAIN;
  if (left.seen.includes(object)) return NOT_PLAIN;
  left.seen.push(object);
  return list ? copyOfList(object, left) : copyOfFields(object as Record<string, unknown>, left);
}

function copyOfList(list: readonly unknown[], left: Budget): unknown {
  if (list.length > left.values || Object.keys(list).length !== list.length) return NOT_PLAIN; // extra fields, or holes
  const copy: unknown[] = [];
  for (let index = 0; index < list.length; index++) {
    const part = plainCopy(list[index], left);
    if (part === NOT_PLAIN) return NOT_PLAIN;
    copy.push(part);
  }
  return copy;
}

function copyOfFields(object: Readonly<Record<string, unknown>>, left: Budget): unknown {
  const copy = { ...object };
  for (const key in copy) {
    left.chars -= key.length;
    const value = copy[key];
    const part = plainCopy(value, left);
    if (part === NOT_PLAIN || left.chars < 0) return NOT_PLAIN;
    if (part !== value) copy[key] = part; // an object: use its copy
  }
  return copy;
}

/** Finds the innermost part that can't be encoded, by trying the parts of each value that can't. */
function whyUnfit(value: unknown, what: string, error: unknown): string {
  let path = '';
  let at = value;
  let problem = error;
  const seen = new Set<unknown>();
  // A RangeError: it is nested too deeply, so no single part is to blame.
  while (typeof at === 'object' && at !== null && !seen.has(at) && !(problem instanceof RangeError)) {
    seen.add(at);
    const unfit = unfitPart(at);
    if (!unfit) break;
    path += unfit.step;
    at = unfit.part;
    problem = unfit.problem;
  }
  const where = path === '' ? what : `${what}: ${path}`;
  if (typeof at === 'function' || typeof at === 'symbol')
    return `${where} is a ${typeof at}, which cannot be carried to another process`;
  if (isPromise(at)) {
    at.catch(() => {}); // if the promise rejects later, nobody cares
    return `${where} is a promise, which cannot be carried to another process; await it first`;
  }
  const why = problem instanceof Error ? problem.message.replace(/\.$/, '') : String(problem);
  return `${where} cannot be carried to another process: ${why}`;
}

/** Reading a part may run the task's code: a getter, or the traps of a Proxy. */
function unfitPart(value: object): { step: string; part: unknown; problem: unknown } | undefined {
  try {
    for (const [step, read] of parts(value)) {
      let part: unknown;
      try {
        part = read();
        v8().serialize(part);
      } catch (problem) {
        return { step, part, problem };
      }
    }
  } catch {
    // Its parts can't even be listed.
  }
  return undefined;
}

function* parts(value: object): Generator<[string, () => unknown]> {
  if (value instanceof Map) {
    for (const [key, part] of value) {
      yield ['(a key of a Map)', () => key];
      yield [typeof key === 'string' ? `.get(${JSON.stringify(key)})` : '(a value of a Map)', () => part];
    }
  } else if (value instanceof Set) {
    for (const part of value) yield ['(in a Set)', () => part];
  } else {
    for (const key of Object.keys(value)) {
      yield [
        Array.isArray(value)
          ? `[${key}]`
          : /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
            ? `.${key}`
            : `[${JSON.stringify(key)}]`,
        () => (value as Record<string, unknown>)[key],
      ];
    }
  }
}
