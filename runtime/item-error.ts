/**
 * Turns a thrown value into data of bounded size, so that it can be sent and stored. Runs in both processes. Internal.
 */

import { isNativeError } from 'node:util/types';
import type { ItemError } from './parallelizable.ts';
import { withoutSecret } from './text/secrets.ts';
import { STACK_MESSAGE_MAX } from './text/stack-frames.ts';
import { beginning, inspected } from './text/words.ts';

/** Maximum depth of causes and aggregated errors, and maximum number of errors aggregated in one. */
export const DEPTH_MAX = 8;
export const ERRORS_MAX = 8;
/** More errors or causes than there can be in an array. */
const COUNT_MAX = 2 ** 32;
/** How many causes are followed to the first one: a getter may make new ones for ever. */
const FOLLOWED_MAX = 1000;
/** Maximum size of a whole error as JSON, in bytes. */
export const BYTES_MAX: number = 64 * 1024;
/** Maximum number of an error's own fields, and maximum size of each, in bytes. */
export const FIELDS_MAX = 20;
const FIELD_BYTES_MAX = 1024;
const TEXT_MAX = 8 * 1024;
/** Limit for deeper errors, so that the first one does not lose its room to them. */
const DEEPER_TEXT_MAX = 2 * 1024;
/** What the innermost cause has at least, in bytes. */
const ROOT_BYTES = 4 * 1024;
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

type Parts = { -readonly [Key in keyof ItemError]: ItemError[Key] };

/** One of a chain: what was thrown, as data so far. */
interface Link {
  readonly thrown: unknown;
  readonly parts: Parts;
}

/** Returns a thrown value with its causes and the errors that it stands for. */
function carried(thrown: unknown, room: Room, depth: number): ItemError {
  const chain = chainFrom(thrown);
  // The innermost cause says what went wrong: the first error must leave it some room.
  const kept = chain.length > 0 && room.left > 2 * ROOT_BYTES ? ROOT_BYTES : 0;
  room.left -= kept;
  const first = alone(thrown, room, depth);
  room.left += kept;
  const causes = causesOf(chain, first, room, depth);
  let cause: ItemError | undefined;
  for (const [at, link] of [...causes.entries()].reverse()) {
    if (cause) link.parts.cause = cause;
    cause = withTheRest(link, room, depth + 1 + at);
  }
  if (cause) first.cause = cause;
  return withTheRest({ thrown, parts: first }, room, depth);
}

/** Returns the causes that there is room for: the first ones, and always the innermost. Notes how many are left out. */
function causesOf(causes: readonly unknown[], first: Parts, room: Room, depth: number): Link[] {
  const root = causes.at(-1);
  const deepest = DEPTH_MAX - depth;
  // What the root stands for is one step deeper than the root.
  const most = deepest > 1 && isReadableError(root) && aggregated(root).count > 0 ? deepest - 1 : deepest;
  const between: Link[] = [];
  const last: Link[] = [];
  const add = (links: Link[], cause: unknown, at: number): void => {
    if (room.left > OVERHEAD) links.push({ thrown: cause, parts: alone(cause, room, depth + at) });
  };
  // The innermost one first, before the others take the room.
  if (causes.length > 0 && most > 0) add(last, root, Math.min(causes.length, most));
  for (const [at, cause] of causes.slice(0, Math.max(0, Math.min(causes.length, most) - 1)).entries())
    add(between, cause, at + 1);
  const leftOut = causes.length - between.length - last.length;
  if (leftOut > 0) (between.at(-1)?.parts ?? first).causesLeftOut = leftOut;
  return [...between, ...last];
}

/** Returns all causes of a thrown value, the innermost last. A chain that leads back into itself ends there. */
function chainFrom(thrown: unknown): unknown[] {
  const chain = new Set([thrown]);
  for (let at = thrown; isReadableError(at) && chain.size <= FOLLOWED_MAX; ) {
    at = read(at, 'cause', (cause) => cause);
    if (at === undefined || chain.has(at)) break;
    chain.add(at);
  }
  return [...chain].slice(1);
}

/** Returns a thrown value by itself: without its causes, the errors that it stands for, and its fields. */
function alone(thrown: unknown, room: Room, depth: number): Parts {
  room.left -= OVERHEAD;
  const most = depth === 0 ? TEXT_MAX : DEEPER_TEXT_MAX;
  try {
    if (isError(thrown)) return texts(thrown, room, most);
    return { name: 'NonError', message: fitted(inspected(thrown, { depth: 2 }), most, room) };
  } catch {
    return { name: 'NonError', message: UNREADABLE };
  }
}

/** Also recognizes an error of another realm, such as a vm context, which is not an instance of this realm's Error. */
function isError(value: unknown): value is object {
  return isNativeError(value) || value instanceof Error;
}

/** A proxy may throw when it is asked what it is. */
function isReadableError(value: unknown): value is object {
  try {
    return isError(value);
  } catch {
    return false;
  }
}

function texts(thrown: object, room: Room, most: number): Parts {
  const message = read(thrown, 'message', String);
  const stack = read(thrown, 'stack', (value) => (typeof value === 'string' ? value : undefined));
  const code = read(thrown, 'code', (value) =>
    // The code of a DOMException, such as an AbortError, is an old number that helps nobody.
    typeof value === 'string' || (typeof value === 'number' && !(thrown instanceof DOMException)) ? value : undefined,
  );
  const parts: Parts = {
    name: fitted(read(thrown, 'name', (name) => nameOf(thrown, name ?? 'Error')) ?? 'Error', 200, room),
    message: fitted(message ?? UNREADABLE, most, room),
  };
  if (stack !== undefined) parts.stack = fitted(withShortMessage(stack, message ?? '', most), most, room);
  if (code !== undefined) parts.code = typeof code === 'string' ? fitted(code, 200, room) : plainNumber(code);
  return parts;
}

/** Adds the errors that it stands for, and its fields. */
function withTheRest({ thrown, parts }: Link, room: Room, depth: number): ItemError {
  if (!isReadableError(thrown)) return parts;
  const { first, count } = aggregated(thrown);
  for (const error of depth < DEPTH_MAX ? first : [])
    if (room.left > OVERHEAD) parts.errors = [...(parts.errors ?? []), carried(error, room, depth + 1)];
  if (count > (parts.errors?.length ?? 0)) parts.errorCount = count;
  const retryAfterMs = read(thrown, 'retryAfterMs', (value) => (isDelay(value) ? value : undefined));
  if (retryAfterMs !== undefined) parts.retryAfterMs = retryAfterMs;
  const fields = fieldsOf(thrown, room);
  if (fields !== undefined) parts.fields = fields;
  return parts;
}

/** Whether it can be how many errors or causes there are. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < COUNT_MAX;
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

/** Returns the first errors that it stands for, and how many they are. A list without an error in it is a field. */
function aggregated(thrown: object): { readonly first: readonly unknown[]; readonly count: number } {
  const none = { first: [], count: 0 };
  const list = read(thrown, 'errors', (value) => (Array.isArray(value) ? (value as object) : undefined));
  const count = list && read(list, 'length', (length) => (isCount(length) ? length : 0));
  if (!list || !count) return none;
  const first = Array.from({ length: Math.min(count, ERRORS_MAX) }, (_, at) => {
    const each = read(list, String(at), (error) => ({ error }));
    return each ? each.error : UNREADABLE;
  });
  return first.some(isReadableError) ? { first, count } : none;
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
    if (name.length > 100 || (KNOWN.includes(name) && !(name === 'errors' && aggregated(thrown).count === 0))) continue;
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
  if (stack.length <= most || message.length <= STACK_MESSAGE_MAX) return stack;
  return stack.replace(message, () => `${beginning(message, STACK_MESSAGE_MAX)}…`);
}
