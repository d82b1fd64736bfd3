/** The one place that parses JSON, whoever has written it. */

import { isUtf8 } from 'node:buffer';

const BYTE_ORDER_MARK = '\uFEFF';

/**
 * Parses JSON. An editor of Windows may have put a byte order mark before it, which is no part of the language.
 *
 * Throws an Error for what is none, and for bytes that are not UTF-8.
 */
export function parseJson(
  json: Buffer | string,
  reviver?: (this: unknown, key: string, value: unknown) => unknown,
): unknown {
  // Such as UTF-16, which an older PowerShell writes by itself.
  if (typeof json !== 'string' && !isUtf8(json)) throw new Error('it is not UTF-8: save it as that');
  const text = json.toString();
  return JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text, reviver);
}

/** Names that mean something to an object of JavaScript, so that what is merged or looked up by them is another thing. */
const NO_KEYS = ['__proto__', 'constructor', 'prototype'];

/** Parses JSON of somebody else's; throws an Error for what is none, and for a key that objects themselves have. */
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
