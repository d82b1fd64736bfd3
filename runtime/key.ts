/**
 * The name of an item across runs. Runs in the master, and in a worker where there is no journal. Internal.
 *
 * The default is a hash of a canonical encoding: v8.serialize would not do, since it writes one string in two ways, and an
 * object by the order in which its keys were set.
 */

/** Made when it is first needed: to load node:crypto takes as long as a quarter of a worker's boot. */
let hash: typeof import('node:crypto').hash | undefined;

/**
 * Returns the default key of an item: the first 128 bits of the SHA-256 of its content, as 22 characters. All items that
 * cannot be read, and so cannot be carried either, have the same one.
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

/** Of base64url. The last of 22 characters has the last two of 128 bits. */
export const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** 'binary' is latin1 by the only name of it that @types/node below 26 lets `hash` have. */
export function sha256(content: string | Uint8Array, encoding: 'base64url' | 'binary' = 'base64url'): string {
  hash ??= process.getBuiltinModule('node:crypto').hash;
  return hash('sha256', content, encoding);
}

/** What is longer stands for itself by its own hash: to write it out again costs ten times as much. */
const LONG = 4096;

/** A text that is the same for values that are the same, and differs for values that are not. */
function canonical(value: unknown, above: readonly object[]): string {
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
      return String(value); // undefined and booleans: nothing else of this kind can be carried
  }
}

function canonicalObject(value: object, above: readonly object[]): string {
  const cycle = above.indexOf(value);
  if (cycle >= 0) return `^${cycle}`;
  const inner = [...above, value];
  if (Object.getPrototypeOf(value) === Object.prototype) return fields(value, inner);
  const list = (values: Iterable<unknown>): string[] => Array.from(values, (part) => canonical(part, inner));
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
    return `Boxed(${canonical(value.valueOf(), inner)})`;
  }
  return `${Array.isArray(value) ? `Array(${value.length})` : ''}${fields(value, inner)}`;
}

/** Whatever the order in which they were set. */
function fields(value: object, inner: readonly object[]): string {
  const texts: string[] = [];
  for (const key of Object.keys(value).sort())
    texts.push(`${JSON.stringify(key)}:${canonical((value as Record<string, unknown>)[key], inner)}`);
  return `{${texts.join()}}`;
}

/** Without holes, and without fields besides, such as those of a match. */
function isDense(array: readonly unknown[]): boolean {
  const keys = Object.keys(array);
  return keys.length === array.length && (keys.length === 0 || keys.at(-1) === String(array.length - 1));
}

/** An error of a class of one's own arrives in another process as a plain Error: the key is the same on both sides. */
function carriedName({ name }: Error): string {
  return /^(Eval|Range|Reference|Syntax|Type|URI)Error$/.test(name) ? name : 'Error';
}
