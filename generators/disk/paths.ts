/** Which paths divvy may write at all, in any project. */

import filenameReservedRegex, { windowsReservedNameRegex } from 'filename-reserved-regex';

/** The longest file name, in bytes, on the usual file systems. */
const LONGEST_NAME = 255;

/** The longest path, in bytes. The supported systems allow more, which leaves room for the folder above it. */
const LONGEST_PATH = 700;

/**
 * Folders that belong to other programs, in every spelling that a file system may accept (`.GIT`, `git~1`, `.git.`).
 */
const OWNED_BY_OTHERS = /^(\.git|git~\d+|node_modules|\.divvy)[. ]*$/i;

/**
 * U+FFFD from a name that was not UTF-8, half of a character, control characters above ASCII's, and characters that
 * reorder a line, so that a name looks like another.
 */
const NOT_TEXT = /[\ufffd\x7f-\x9f]|\p{Surrogate}|\p{Bidi_Control}/u;

/** divvy does not decode these, but another program might, and must not find a way out of the folder. */
const ENCODED = /%(2e|2f|5c|00)/i;

/**
 * Why a command may not write a path; undefined if it may.
 *
 * path - relative to the project, with `/` between its parts.
 */
export function whyUnsafe(path: string): string | undefined {
  if (path === '') return 'it is empty';
  if (Buffer.byteLength(path) > LONGEST_PATH) return `it is longer than ${LONGEST_PATH} bytes`;
  for (const name of path.split('/')) {
    const plain = plainly(name);
    if (/^\.{0,2}$/.test(plain)) return 'it leaves the folder, or does not name one place in it';
    if (/[. ]$/.test(name)) return 'Windows drops a dot or a space at the end of a name';
    if (filenameReservedRegex().test(name)) return 'it has a character that is not allowed in a file name';
    if (!isAscii(name) && NOT_TEXT.test(name)) return 'it is not text that every system could show and keep';
    if (ENCODED.test(name)) return 'it has a dot or a separator that is encoded';
    if (isDeviceName(name)) return 'Windows keeps this name for a device';
    if (OWNED_BY_OTHERS.test(plain)) return `${name} belongs to another program`;
    if (Buffer.byteLength(name) > LONGEST_NAME) return `a name in it is longer than ${LONGEST_NAME} bytes`;
  }
  return undefined;
}

/**
 * Why an absolute path is no place for a project; undefined if it is fine. git may remove files in `.git`, and Node.js
 * runs no TypeScript under node_modules.
 */
export function whyOwned(path: string): string | undefined {
  const owner = path.split(/[\\/]/).find((name) => OWNED_BY_OTHERS.test(plainly(name)));
  if (owner === undefined) return undefined;
  return /^node/i.test(owner) ? `Node.js runs no TypeScript that is under ${owner}` : `${owner} is not for projects`;
}

/** Text that is nothing but printable ASCII, as nearly every path is, needs no look at Unicode, which takes longer. */
const isAscii = (text: string): boolean => /^[ -~]*$/.test(text);

/** A name as a file system sees it that ignores invisible characters. */
const plainly = (name: string): string =>
  isAscii(name) ? name : name.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '');

/** Every folder above the given paths, each once, outer ones first. */
export function foldersAbove(paths: readonly string[]): string[] {
  const all = new Set<string>();
  for (const path of paths) {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) all.add(path.slice(0, end));
  }
  return [...all];
}

/** Whether Windows treats a name as a device, with or without an ending: `con`, `NUL.txt`. */
export const isDeviceName = (name: string): boolean => windowsReservedNameRegex().test(name);

/** Equal for two names that some file system would treat as the same. */
export const folded = (name: string): string =>
  isAscii(name) ? name.toUpperCase() : name.normalize('NFC').toLowerCase().toUpperCase().normalize('NFC');
