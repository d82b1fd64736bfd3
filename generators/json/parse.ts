/** Only this file parses JSON, no matter who has written it. */

import { isUtf8 } from 'node:buffer';

const BYTE_ORDER_MARK = '\uFEFF';

/**
 * Parses JSON. Skips a byte order mark, which some Windows editors add and which JSON does not allow.
 *
 * Throws an Error if the text is not JSON, or if the bytes are not UTF-8.
 */
export function parseJson(
  json: Buffer | string,
  reviver?: (this: unknown, key: string, value: unknown) => unknown,
): unknown {
  // Such as UTF-16, which an older PowerShell writes by default.
  if (typeof json !== 'string' && !isUtf8(json)) throw new Error('it is not UTF-8: save it as that');
  const text = json.toString();
  return JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text, reviver);
}

/** Keys that have a meaning in JavaScript objects: merging or looking them up could reach something else. */
const NO_KEYS = ['__proto__', 'constructor', 'prototype'];

/** Parses somebody else's JSON; throws an Error if it is not JSON, or if it has one of these keys. */
export function parseSafely(json: Buffer | string): unknown {
  try {
    return parseJson(json, (key, value) => {
      if (NO_KEYS.includes(key)) throw new Error(`nothing in it may be called ${key}`);
      return value;
    });
  } catch (error) {
    if (error instanceof RangeError) throw new Error('it is nested more deeply than can be read');
    throw error;
  }
}
