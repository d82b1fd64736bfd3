/** Which part of the runtime the words of `divvy add` and `divvy remove` name. */

import { notAKind, tooManyArguments } from '../terminal/errors.ts';
import { nearest } from '../terminal/nearest.ts';
import { type Part, partsNamed } from './parts.ts';

/**
 * The part to add; undefined if the first word is a task's. Throws a Refusal with exit code 2 if there are several of its kind and
 * the words name none of them, and for a word too many.
 */
export function partToAdd(shown: string, words: readonly string[]): Part | undefined {
  const [word = '', kind, ...more] = words;
  const parts = partsNamed(word);
  const [only] = parts;
  if (only?.kind === undefined) {
    refuseMore(shown, words.slice(1));
    return only;
  }
  refuseMore(shown, more);
  return kindOf(`${shown} ${word}`, parts, kind);
}

/** The part to remove, likewise: its kind may be left out where there is only one. */
export function partToRemove(shown: string, words: readonly string[]): Part | undefined {
  const [only, ...others] = partsNamed(words[0] ?? '');
  return only?.kind !== undefined && others.length === 0 && words.length === 1 ? only : partToAdd(shown, words);
}

function kindOf(shown: string, parts: readonly Part[], kind: string | undefined): Part {
  const found = parts.find((part) => part.kind === kind);
  if (found !== undefined) return found;
  const kinds = parts.flatMap((part) => part.kind ?? []);
  throw notAKind(shown, kind, kinds, kind === undefined ? undefined : nearest(kind, kinds));
}

function refuseMore(shown: string, [extra]: readonly string[]): void {
  if (extra !== undefined) throw tooManyArguments(extra, shown, 'one task, telemetry, or an engine');
}
