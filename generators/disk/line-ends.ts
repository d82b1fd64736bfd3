/**
 * Line ends are no edit. A clone with core.autocrlf=true has CRLF in every text file that had LF where it was written, and
 * git calls it unchanged; so does everything here. Bytes with a NUL in them are no text, as git has it, and stay exact.
 */

import { hash } from 'node:crypto';

const isText = (bytes: Buffer): boolean => !bytes.includes(0);

// By latin1 every byte stays what it is.
const ended = (bytes: Buffer, from: string, to: string): Buffer =>
  Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');

const byLineFeeds = (bytes: Buffer): Buffer =>
  isText(bytes) && bytes.includes('\r\n') ? ended(bytes, '\r\n', '\n') : bytes;

/** The sha256 of a file, of a text with LF at the end of each line: of what has no CRLF it is that of the bytes. */
export const sumOf = (bytes: Buffer): string => hash('sha256', byLineFeeds(bytes));

/** Whether two files are the same but for line ends. */
export const isSameText = (a: Buffer, b: Buffer): boolean => a.equals(b) || byLineFeeds(a).equals(byLineFeeds(b));

/** Whether every line of a text ends with CRLF, and there is one. */
function isByCrlf(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  return isText(bytes) && text.includes('\r\n') && !/(?<!\r)\n/.test(text);
}

/** A text, with CRLF where the file whose place it takes has that at every line and it has none. */
export const inLineEndsOf = (before: Buffer, after: Buffer): Buffer =>
  isByCrlf(before) && isText(after) && !after.includes('\r\n') ? ended(after, '\n', '\r\n') : after;

/** A piece of a text with the line ends of a whole; as it is where that has both. */
export function pieceIn(whole: string, piece: string): string {
  const bytes = Buffer.from(whole);
  if (!bytes.includes('\r\n')) return piece.replaceAll('\r\n', '\n');
  return isByCrlf(bytes) ? piece.replaceAll(/\r?\n/g, '\r\n') : piece;
}
