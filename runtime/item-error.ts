/**
 * Turns a thrown value into data of bounded size, so that it can be sent and stored. Runs in both processes. Internal.
 */

import { isNativeError } from 'node:util/types';
import type { ItemError } from './parallelizable.ts';
import { withoutSecret } from './text/secrets.ts';
import { beginning, inspected } from './text/words.ts';

/** Maximum depth of causes and aggregated errors, and maximum number of errors aggregated in one. */
export const DEPTH_MAX = 8;
export const ERRORS_MAX = 8;
/** Maximum size of a whole error as JSON, in bytes. */
export const BYTES_MAX: number = 64 * 1024;
/** Maximum number of an error's own fields, and maximum size of each, in bytes. */
export const FIELDS_MAX = 20;
const FIELD_BYTES_MAX = 1024;
const TEXT_MAX = 8 * 1024;
/** Limit for deeper errors, so that the first one does not lose its room to them. */
const DEEPER_TEXT_MAX = 2 * 1024;
/** Size of an error without its texts, in bytes. */
const OVERHEAD = 100;
/** Maximum size of one character as JSON, in bytes. */
const CHARACTER_BYTES_MAX = 6;

/** Parts of an error that are handled separately or belong to the runtime. */
const KNOWN: readonly string[] = [
  'name',
  'message',
  'stack',
  'code',
  'cause',
  'errors',
  'permanent',
  'rateLimited',
  'retryAfterMs',
];
const UNREADABLE = 'what was thrown cannot be shown, since it throws when it is looked at';

/** What a thrown value means: try again, never again, or nobody begins an item for a while and this was no attempt. */
export type Thrown = 'threw' | 'threw for good' | 'rate limited';

/** How many bytes are left for the rest of an error. */
interface Room {
  left: number;
}

/**
 * Returns the thrown value as data: name, message, stack, code, own fields, aggregated errors and causes, each of
 * bounded size. Never throws, although anything can be thrown, even a value that throws when it is read.
 */
export function toItemError(thrown: unknown): ItemError {
  return carried(thrown, { left: BYTES_MAX - 2 * OVERHEAD }, 0);
}

/** Returns what a thrown value means. Never throws. */
export function meaningOf(thrown: unknown): Thrown {
  if (typeof thrown !== 'object' || thrown === null) return 'threw';
  const is = (part: string): boolean => read(thrown, part, (value) => value === true) ?? false;
  if (is('rateLimited')) return 'rate limited';
  return is('permanent') ? 'threw for good' : 'threw';
}

function carried(thrown: unknown, room: Room, depth: number): ItemError {
  room.left -= OVERHEAD;
  const most = depth === 0 ? TEXT_MAX : DEEPER_TEXT_MAX;
  try {
    if (isError(thrown)) return errorParts(thrown, room, depth, most);
    return { name: 'NonError', message: fitted(inspected(thrown, { depth: 2 }), most, room) };
  } catch {
    return { name: 'NonError', message: UNREADABLE };
  }
}

/** Also recognizes an error of another realm, such as a vm context, which is not an instance of this realm's Error. */
function isError(value: unknown): value is object {
  return isNativeError(value) || value instanceof Error;
}

function errorParts(thrown: object, room: Room, depth: number, most: number): ItemError {
  const message = read(thrown, 'message', String);
  const stack = read(thrown, 'stack', (value) => (typeof value === 'string' ? value : undefined));
  const code = read(thrown, 'code', (value) =>
    // The code of a DOMException, such as an AbortError, is an old number that helps nobody.
    typeof value === 'string' || (typeof value === 'number' && !(thrown instanceof DOMException)) ? value : undefined,
  );
  const parts: { -readonly [Key in keyof ItemError]: ItemError[Key] } = {
    name: fitted(read(thrown, 'name', (name) => nameOf(thrown, name ?? 'Error')) ?? 'Error', 200, room),
    message: fitted(message ?? UNREADABLE, most, room),
  };
  if (stack !== undefined) parts.stack = fitted(withShortMessage(stack, message ?? '', most), most, room);
  if (code !== undefined) parts.code = typeof code === 'string' ? fitted(code, 200, room) : plainNumber(code);
  if (depth < DEPTH_MAX && room.left > OVERHEAD) {
    const cause = read(thrown, 'cause', (value) => (value === undefined ? undefined : carried(value, room, depth + 1)));
    if (cause !== undefined) parts.cause = cause;
    const errors = aggregated(thrown).slice(0, ERRORS_MAX);
    for (const error of errors) {
      if (room.left > OVERHEAD) parts.errors = [...(parts.errors ?? []), carried(error, room, depth + 1)];
    }
  }
  const retryAfterMs = read(thrown, 'retryAfterMs', (value) => (isDelay(value) ? value : undefined));
  if (retryAfterMs !== undefined) parts.retryAfterMs = retryAfterMs;
  const fields = fieldsOf(thrown, room);
  if (fields !== undefined) parts.fields = fields;
  return parts;
}

/** Infinity is not a delay: the item would never be tried again. */
export function isDelay(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity;
}

function nameOf(thrown: object, name: unknown): string {
  return String(
    name === 'Error' ? (read(thrown, 'constructor', (value) => (value as { name?: unknown })?.name) ?? name) : name,
  );
}

/** Returns `take` of one part; undefined if that throws. */
function read<T>(thrown: object, part: string, take: (value: unknown) => T): T | undefined {
  try {
    return take((thrown as Readonly<Record<string, unknown>>)[part]);
  } catch {
    return undefined;
  }
}

function aggregated(thrown: object): readonly unknown[] {
  const errors = read(thrown, 'errors', (value) => (Array.isArray(value) ? (value as unknown[]) : [])) ?? [];
  try {
    return errors.slice(0, ERRORS_MAX).some(isError) ? errors : [];
  } catch {
    return errors; // one of them throws when it is read; that is handled when it is carried
  }
}

function fieldsOf(thrown: object, room: Room): Record<string, unknown> | undefined {
  let names: string[] = [];
  try {
    names = Object.keys(thrown);
  } catch {
    return undefined;
  }
  const fields: [string, unknown][] = [];
  for (const name of names) {
    if (fields.length === FIELDS_MAX) break;
    if (name.length > 100 || (KNOWN.includes(name) && !(name === 'errors' && aggregated(thrown).length === 0)))
      continue;
    let field: unknown;
    try {
      field = fieldOf((thrown as Readonly<Record<string, unknown>>)[name]);
    } catch {
      field = '(throws when it is looked at)';
    }
    const bytes = bytesOf([name, field]);
    if (field === undefined || bytes > room.left) continue;
    room.left -= bytes;
    fields.push([withoutSecret(name), field]);
  }
  return fields.length > 0 ? Object.fromEntries(fields) : undefined;
}

/**
 * Returns a value as JSON can express it, in bounded size; undefined if there is nothing to show, such as for a
 * function.
 */
function fieldOf(value: unknown): unknown {
  if (value === undefined || typeof value === 'function') return undefined;
  const plain = plainly(value, 0);
  if (bytesOf(plain) <= FIELD_BYTES_MAX) return plain;
  const text = typeof plain === 'string' ? plain : JSON.stringify(plain);
  return fitted(text, FIELD_BYTES_MAX - 2 * OVERHEAD, { left: FIELD_BYTES_MAX });
}

function plainly(value: unknown, depth: number): unknown {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return plainNumber(value);
  if (typeof value === 'string') {
    const text = withoutSecret(value);
    return beginning(text, FIELD_BYTES_MAX);
  }
  if (depth < 3 && Array.isArray(value)) return value.slice(0, FIELDS_MAX).map((entry) => plainly(entry, depth + 1));
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (depth < 3 && (prototype === null || prototype === Object.prototype)) {
    const entries = Object.keys(value as object)
      .slice(0, FIELDS_MAX)
      .map((key) => [withoutSecret(key), plainly((value as Record<string, unknown>)[key], depth + 1)]);
    return Object.fromEntries(entries);
  }
  return inspected(value, { depth: 0, breakLength: Infinity, maxArrayLength: 10, maxStringLength: 200 });
}

/** A number may be a secret, too. */
function plainNumber(value: number): number | string {
  const text = withoutSecret(String(value));
  return text === String(value) ? value : text;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}

/** Returns at most `most` characters of the text, and no more than the remaining room, which it reduces. */
function fitted(whole: string, most: number, room: Room): string {
  const text = withoutSecret(whole);
  let kept = beginning(text, most);
  if (bytesOf(kept) > room.left) kept = beginning(kept, Math.floor(Math.max(0, room.left) / CHARACTER_BYTES_MAX));
  room.left -= bytesOf(kept);
  return kept === text ? text : `${kept} … (${text.length - kept.length} characters more)`;
}

/** A stack begins with the message: shorten a long one, so that the frames have room. */
function withShortMessage(whole: string, text: string, most: number): string {
  const [stack, message] = [withoutSecret(whole), withoutSecret(text)];
  const short = 200;
  if (stack.length <= most || message.length <= short) return stack;
  return stack.replace(message, () => `${beginning(message, short)}…`);
}
