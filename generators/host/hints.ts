/**
 * Hints: lines that a person has to add by hand. divvy edits nothing outside the package, and no settings that are a
 * program.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stat } from '../disk/disk.ts';
import { table } from '../terminal/help.ts';

/** A line that somebody has to add. */
export interface Hint {
  /** Relative to the package. */
  readonly file: string;
  readonly line: string;
}

/** The hints whose file does not contain the line yet. `names` is the path that the line is about. */
export const unwritten = (root: string, hints: readonly (Hint & { readonly names: string })[]): Hint[] =>
  hints
    .filter(({ file, names }) => !textOf(join(root, file)).includes(names))
    .map(({ file, line }) => ({ file, line }));

/** The hints in words; no lines if there are no hints. */
export function inWords(hints: readonly Hint[]): string[] {
  if (hints.length === 0) return [];
  return [
    'To be written by hand, so that your own checks and tests go on as before:',
    ...table(hints.map(({ file, line }) => [file, line] as const)),
    '',
  ];
}

/**
 * Whether a settings file or a list is a link to another file, such as `.prettierignore` to `.gitignore`. divvy writes
 * through no link: it may lead out of the package, and an entry in the other file would affect other programs too.
 */
export const isLink = (file: string): boolean => stat(file)?.isSymbolicLink() === true;

/** The end of a hint about such a file. */
export const ONCE_NO_LINK = ', once this is a file of its own: it is a link now';

export function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // The file does not exist yet.
  }
}
