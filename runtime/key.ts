/**
 * The key of an item, the same in every run. Runs in the master, and in a worker if there is no journal. Internal.
 *
 * The default key is a hash of a canonical encoding. v8.serialize would not do: it writes the same string in two ways,
 * and its output depends on the order in which an object's keys were set.
 */

/** Loaded on first use: loading node:crypto takes a quarter of a worker's boot time. */
let hash: typeof import('node:crypto').hash | undefined;

/**
 * Returns the default key of an item: the first 128 bits of the SHA-256 of its content, as 22 characters. All items
 * that can't be read, and so can't be sent either, get the same key.
 */
export function contentKey(item: unknown): string {
  let content: string;
  try {
    content = canonical(item, []);
  } catch {
    content = 'unreadable';
  }
  const text = sha256(content);
  return text.slice(0, 21) + (ALPHABET[ALPHABET.indexOf(text[21] ?? '') & 0b110000] ?? '');
}

/** The alphabet of base64url. The last of the 22 characters holds only the last two of the 128 bits. */
export const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** 'binary' means latin1; it is the only name for it that @types/node below 26 accepts in `hash`. */
export function sha256(content: string | Uint8Array, encoding: 'base64url' | 'binary' = 'base64url'): string {
  hash ??= process.getBuiltinModule('node:crypto').hash;
  return hash('sha256', content, encoding);
}

/** Longer texts are replaced by their hash: writing them out again costs ten times as much. */
const LONG = 4096;

/**
 * Returns a text that is equal for equal values and different for different ones. `above` are the objects that the value
 * is in, the outermost first.
 */
function canonical(value: unknown, above: object[]): string {
  switch (typeof value) {
    case 'string':
      return value.length > LONG && value.isWellFormed() ? `Text(${sha256(value)})` : JSON.stringify(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
      return value === null ? 'null' : canonicalObject(value, above);
    default:
      return String(value); // undefined and booleans: no other value of this kind can be sent
  }
}

function canonicalObject(value: object, above: object[]): string {
  const cycle = above.indexOf(value);
  if (cycle >= 0) return `^${cycle}`;
  above.push(value);
  const text = Object.getPrototypeOf(value) === Object.prototype ? fields(value, above) : special(value, above);
  above.pop();
  return text;
}

/** Returns the text of an object that is more than its fields. */
function special(value: object, above: object[]): string {
  const list = (values: Iterable<unknown>): string[] => Array.from(values, (part) => canonical(part, above));
  if (Array.isArray(value) && isDense(value)) return `[${list(value).join()}]`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof RegExp) return `RegExp(${JSON.stringify(value.source)},${value.flags})`;
  if (value instanceof Map)
    return `Map(${Array.from(value, (pair) => list(pair).join(':'))
      .sort()
      .join()})`;
  if (value instanceof Set) return `Set(${list(value).sort().join()})`;
  if (value instanceof Error) return `${carriedName(value)}(${list([value.message]).join()})`;
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return `${value.constructor.name}(${bytes.length > LONG ? sha256(bytes) : bytes.toString('base64')})`;
  }
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${Buffer.from(value).toString('base64')})`;
  if (value instanceof Number || value instanceof String || value instanceof Boolean || value instanceof BigInt) {
    return `Boxed(${canonical(value.valueOf(), above)})`;
  }
  return `${Array.isArray(value) ? `Array(${value.length})` : ''}${fields(value, above)}`;
}

/** Independent of the order in which the fields were set. */
function fields(value: object, above: object[]): string {
  let text = '{';
  for (const name of sorted(Object.keys(value))) {
    if (text.length > 1) text += ',';
    text += quoted(name) + canonical((value as Record<string, unknown>)[name], above);
  }
  return `${text}}`;
}

/** Sorts a few names in place by insertion: for three, a tenth of what sort() takes. */
function sorted(names: string[]): string[] {
  if (names.length > 16) return names.sort();
  for (let at = 1; at < names.length; at++) {
    const name = names[at] ?? '';
    let to = at;
    for (; to > 0 && (names[to - 1] ?? '') > name; to--) names[to] = names[to - 1] ?? '';
    names[to] = name;
  }
  return names;
}

/** Names of fields as they are in the text: items have the same few again and again. */
const quotedNames = new Map<string, string>();
const QUOTED_MAX = 1000;

function quoted(name: string): string {
  let text = quotedNames.get(name);
  if (text === undefined) {
    text = `${JSON.stringify(name)}:`;
    if (quotedNames.size < QUOTED_MAX) quotedNames.set(name, text);
  }
  return text;
}

/** Returns whether the array has neither holes nor extra fields, such as those of a regular expression's match. */
function isDense(array: readonly unknown[]): boolean {
  const keys = Object.keys(array);
  return keys.length === array.length && (keys.length === 0 || keys.at(-1) === String(array.length - 1));
}

/** An error of a custom class arrives in another process as a plain Error: so both sides get the same key. */
function carriedName({ name }: Error): string {
  return /^(Eval|Range|Reference|Syntax|Type|URI)Error$/.test(name) ? name : 'Error';
}
