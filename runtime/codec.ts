/**
 * How an item, or a result, becomes bytes and a value again. Runs in both processes. Internal.
 */

import v8 from 'node:v8';
import { UnfitError } from './errors.ts';

/**
 * Returns the value as bytes.
 *
 * what     - what it is called in an error: `item 3`, `the result of item 3`.
 * maxBytes - the most that it may come to.
 *
 * Throws UnfitError, which names the place in the value, where it cannot be carried or is too large.
 */
export function encodeValue(value: unknown, what: string, maxBytes: number): Buffer {
  let bytes: Buffer;
  try {
    bytes = v8.serialize(value);
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

/** Returns the value that the bytes stand for. It may share memory with them. */
export function decodeValue(bytes: Buffer): unknown {
  return v8.deserialize(bytes);
}

/** Finds the innermost place that cannot be carried, by trying the parts of each value that cannot. */
function whyUnfit(value: unknown, what: string, error: unknown): string {
  let path = '';
  let at = value;
  let problem = error;
  const seen = new Set<unknown>();
  // A RangeError: it is nested too deeply, and no part of it is to blame.
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
  if (at instanceof Promise) return `${where} is a promise, which cannot be carried to another process; await it first`;
  const why = problem instanceof Error ? problem.message.replace(/\.$/, '') : String(problem);
  return `${where} cannot be carried to another process: ${why}`;
}

/** Reading a part may run code of the task's: a getter, or the traps of a Proxy. */
function unfitPart(value: object): { step: string; part: unknown; problem: unknown } | undefined {
  try {
    for (const [step, read] of parts(value)) {
      let part: unknown;
      try {
        part = read();
        v8.serialize(part);
      } catch (problem) {
        return { step, part, problem };
      }
    }
  } catch {
    // It does not even say what its parts are.
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
