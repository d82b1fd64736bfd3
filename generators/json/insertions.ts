/**
 * The insertions that divvy has made into files of the repository that existed before it, as divvy.lock.json stores
 * them: enough to remove them again, no matter what else has changed in the file.
 */

import { parseJson } from './parse.ts';

/** What divvy gives a property. */
export type PropertyValue = string | false;

/**
 * Every insertion except `was` may belong to one task, and is removed with it; without a task it is removed with the
 * last task.
 */
export type Insertion =
  | { readonly at: readonly string[]; readonly key: string; readonly value: PropertyValue; readonly task?: string }
  /** `standing`: a default that applies while the list does not exist, and that must be written once it does. */
  | { readonly at: readonly string[]; readonly element: string; readonly task?: string; readonly standing?: true }
  /**
   * An object or array that had to be made, or was empty: its old text, null if it did not exist. Or an array that was
   * on one line, and now has a line for each element. Or a string that now is the first element of an array.
   */
  | { readonly at: readonly string[]; readonly was: string | null }
  /** A whole line, without its line end. */
  | { readonly line: string; readonly task?: string };

/** Checks an insertion from a lock: the lock may have come with somebody else's repository. */
export function isInsertion(value: unknown): value is Insertion {
  if (typeof value !== 'object' || value === null) return false;
  const { at, key, value: put, element, was, line, task, standing } = value as { readonly [name: string]: unknown };
  if (task !== undefined && typeof task !== 'string') return false;
  if (standing !== undefined && standing !== true) return false;
  if (typeof line === 'string') return line.trim() !== '' && !/[\r\n]/.test(line);
  if (!Array.isArray(at) || !at.every((name) => typeof name === 'string')) return false;
  return (
    (typeof key === 'string' && (typeof put === 'string' || put === false)) ||
    typeof element === 'string' ||
    was === null ||
    // The old text of an empty object, of an array of strings, or of a string; it is restored only if the array holds
    // exactly these strings.
    (typeof was === 'string' && (/^\{\s*\}$/.test(was) || isTexts(was)))
  );
}

/** Whether a text is a JSON array of strings, or a string. */
function isTexts(text: string): boolean {
  try {
    const value = parseJson(text);
    return [value].flat().every((each) => typeof each === 'string');
  } catch {
    return false;
  }
}
