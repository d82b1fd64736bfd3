/** What has to be written by hand: what is outside of the package is nobody's but its own, and a program is not edited. */

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

/** Those of some hints whose file does not say already what it has to: `names`, the path that the line is about. */
export const unwritten = (root: string, hints: readonly (Hint & { readonly names: string })[]): Hint[] =>
  hints
    .filter(({ file, names }) => !textOf(join(root, file)).includes(names))
    .map(({ file, line }) => ({ file, line }));

/** As they are said to people; no line where there are none. */
export function inWords(hints: readonly Hint[]): string[] {
  if (hints.length === 0) return [];
  return [
    'To be written by hand, so that your own checks and tests go on as before:',
    ...table(hints.map(({ file, line }) => [file, line] as const)),
    '',
  ];
}

/**
 * Whether settings or a list are a link to another file, such as `.prettierignore` to `.gitignore`. Nothing is written through
 * one: it may lead out of the package, and what is put into that file would hold for other programs too.
 */
export const isLink = (file: string): boolean => stat(file)?.isSymbolicLink() === true;

/** What a line that is shown says of such a file. */
export const ONCE_NO_LINK = ', once this is a file of its own: it is a link now';

export function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // It is to be made.
  }
}
