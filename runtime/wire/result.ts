/**
 * What `process` returned, on its way to the master: as JSON for the file of --results, as a value for `afterProcess`, or
 * as both. A worker writes it, the master reads it. Internal.
 */

import * as types from 'node:util/types';
import { UnfitError } from '../errors.ts';
import { inspected } from '../text/words.ts';
import { bytesOf, decodeValue, encodeValue, plainText } from './codec.ts';

/** In which forms a result is wanted. */
export interface ResultForms {
  readonly asJson: boolean;
  readonly asValue: boolean;
}

/** Returns how long the bytes of a result may be if each form of it may have `maxBytes`. */
export function resultRoom(maxBytes: number, { asJson, asValue }: ResultForms): number {
  return asJson && asValue ? 2 * maxBytes + LENGTH_BYTES : maxBytes;
}

/** A frame's length has four bytes, and a frame holds more than the result. */
const FRAME_MAX = 4095 * 1024 * 1024;
/** The length of the JSON comes first if both forms are there. */
const LENGTH_BYTES = 4;

/**
 * Returns the result as bytes, in the forms that are wanted.
 *
 * what     - its name in an error: `the result of item 3`.
 * maxBytes - the largest size allowed, of each form.
 *
 * Throws UnfitError if one of them can't carry it, or if it is too large.
 */
export function encodeResult(result: unknown, what: string, maxBytes: number, forms: ResultForms): Buffer {
  const { asJson, asValue } = forms;
  const value = asValue ? bytesOf(encodeValue(result, what, maxBytes)) : undefined;
  if (!asJson) return value ?? Buffer.alloc(0);
  const json = Buffer.from(jsonOf(result, what));
  const most = Math.min(maxBytes, FRAME_MAX - (value?.length ?? 0));
  if (json.length > most) {
    throw new UnfitError(
      `${what} comes to ${json.length} bytes of JSON, more than the ${most} that are allowed; raise --max-item-size (maxItemBytes), or write it to a file of its own`,
    );
  }
  if (!value) return json;
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, value]);
}

/** Returns the JSON in the bytes that `encodeResult` made. */
export function resultJson(bytes: Buffer, { asValue }: ResultForms): Buffer {
  return asValue ? bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + bytes.readUInt32LE()) : bytes;
}

/** Returns the value in the bytes that `encodeResult` made. */
export function resultValue(bytes: Buffer, { asJson }: ResultForms): unknown {
  return decodeValue(asJson ? bytes.subarray(LENGTH_BYTES + bytes.readUInt32LE()) : bytes);
}

/** How many steps of a place are shown. */
const STEPS_MAX = 20;

/** Returns undefined as null. Throws UnfitError, with the place, if JSON would leave something out or change it. */
function jsonOf(result: unknown, what: string): string {
  if (result === undefined) return 'null';
  const path: { readonly key: string; readonly value: object }[] = [];
  const where = (key: string): string => {
    const steps = [...path.slice(1).map((step) => step.key), ...(path.length > 0 ? [key] : [])];
    const shown =
      steps.length > STEPS_MAX ? [...steps.slice(0, STEPS_MAX / 2), '…', ...steps.slice(-STEPS_MAX / 2)] : steps;
    return steps.length === 0 ? what : `${what}: .${shown.join('.')}`;
  };
  // JSON.stringify goes into the depth first, so what it asks about is in the last object that is not over.
  function seen(this: unknown, key: string, value: unknown): unknown {
    while (path.length > 0 && path.at(-1)?.value !== this) path.pop();
    // JSON.stringify has called toJSON already: that of an invalid Date returns null.
    const isDate = value === null && types.isDate((this as Record<string, unknown>)[key]);
    const problem = isDate
      ? 'is an invalid Date'
      : (whyNotJson(value) ?? (path.some((step) => step.value === value) ? 'contains itself' : undefined));
    if (problem !== undefined) throw new UnfitError(`${where(key)} ${problem}, which JSON cannot carry`);
    if (typeof value === 'object' && value !== null) path.push({ key, value });
    return value;
  }
  try {
    return plainText(result) ?? JSON.stringify(result, seen) ?? 'null';
  } catch (error) {
    if (error instanceof UnfitError) throw error;
    const last = path.at(-1)?.key ?? '';
    path.pop();
    throw new UnfitError(
      `${where(last)} cannot be written as JSON: ${error instanceof Error ? error.message : inspected(error)}`,
    );
  }
}

function whyNotJson(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `is ${value}`;
  if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol')
    return `is a ${typeof value}`;
  if (typeof value !== 'object' || value === null) return undefined;
  if (types.isBoxedPrimitive(value)) return whyNotJson(value.valueOf());
  const is = KINDS.find(([isOne]) => isOne(value));
  if (is) return `is ${is[1]}`;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === null || prototype === Object.prototype || Array.isArray(value);
  return isPlain || Object.keys(value).length > 0 ? undefined : 'is an object without members that are its own';
}

/** Objects of which JSON would have little or nothing; a class can have a `toJSON` of its own. */
const KINDS: readonly (readonly [(value: object) => boolean, string])[] = [
  [types.isMap, 'a Map'],
  [types.isSet, 'a Set'],
  [types.isRegExp, 'a RegExp'],
  [types.isPromise, 'a promise (await it first)'],
  [types.isNativeError, 'an Error'],
  [types.isAnyArrayBuffer, 'an ArrayBuffer'],
  [types.isArrayBufferView, 'an array of bytes or numbers'],
  [types.isWeakMap, 'a WeakMap'],
  [types.isWeakSet, 'a WeakSet'],
];
