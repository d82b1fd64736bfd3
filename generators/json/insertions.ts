/**
 * What divvy puts into files of the repository that were there before it, as divvy.lock.json keeps it: enough to take it
 * out again, whatever else has been changed in the file meanwhile.
 */

import { parseJson } from './parse.ts';

/** Every one but `was` may belong to one task, and goes with it; what belongs to none goes with the last task. */
export type Insertion =
  | { readonly at: readonly string[]; readonly key: string; readonly value: string; readonly task?: string }
  /** `standing`: what holds by itself where nothing is written, and has to be said where something is. */
  | { readonly at: readonly string[]; readonly element: string; readonly task?: string; readonly standing?: true }
  /**
   * An object or an array that had to be made, or was empty: its text before, null where it was not there. Or an array that was in
   * one line, and has a line for each element now.
   */
  | { readonly at: readonly string[]; readonly was: string | null }
  /** A line of its own, without its line end. */
  | { readonly line: string; readonly task?: string };

/** Whether it is what a lock of ours holds: a lock may have come with somebody else's repository. */
export function isInsertion(value: unknown): value is Insertion {
  if (typeof value !== 'object' || value === null) return false;
  const { at, key, value: put, element, was, line, task, standing } = value as { readonly [name: string]: unknown };
  if (task !== undefined && typeof task !== 'string') return false;
  if (standing !== undefined && standing !== true) return false;
  if (typeof line === 'string') return line.trim() !== '' && !/[\r\n]/.test(line);
  if (!Array.isArray(at) || !at.every((name) => typeof name === 'string')) return false;
  return (
    (typeof key === 'string' && typeof put === 'string') ||
    typeof element === 'string' ||
    was === null ||
    // What was empty: it comes back as it was. An array in one line does where it has just the elements that are there.
    (typeof was === 'string' && (/^\{\s*\}$/.test(was) || isTexts(was)))
  );
}

/** Whether a text is that of an array of texts. */
function isTexts(text: string): boolean {
  try {
    const value = parseJson(text);
    return Array.isArray(value) && value.every((each) => typeof each === 'string');
  } catch {
    return false;
  }
}
