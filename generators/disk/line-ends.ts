/**
 * A change of line ends is no edit. With core.autocrlf=true a clone has CRLF in every text file that was written with
 * LF, and git calls the file unchanged; so does divvy. Like git, divvy treats bytes with a NUL as binary, and compares
 * them exactly.
 */

import { hash } from 'node:crypto';

/** The sums of buffers that were summed before: a command needs that of each file several times. */
const known = new WeakMap<Buffer, string>();

/** The sha256 of a file's bytes. Nothing in this program changes the bytes of a buffer that has been summed. */
export function sha256(bytes: Buffer): string {
  const sum = known.get(bytes) ?? hash('sha256', bytes);
  known.set(bytes, sum);
  return sum;
}

const isText = (bytes: Buffer): boolean => !bytes.includes(0);

// latin1 keeps every byte as it is.
const ended = (bytes: Buffer, from: string, to: string): Buffer =>
  Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');

const byLineFeeds = (bytes: Buffer): Buffer =>
  isText(bytes) && bytes.includes('\r\n') ? ended(bytes, '\r\n', '\n') : bytes;

/** The sha256 of a file; for a text, with LF at the end of each line. Without CRLF this is the sum of the bytes. */
export const sumOf = (bytes: Buffer): string => sha256(byLineFeeds(bytes));

/**
 * A text with LF at the end of each line, to be compared and merged line by line; undefined for binary bytes. Each character is
 * one byte, so that a text in any encoding comes back from `fromText` as it was.
 */
export const asText = (bytes: Buffer): string | undefined =>
  isText(bytes) ? bytes.toString('latin1').replaceAll('\r\n', '\n') : undefined;

/** The bytes of such a text. */
export const fromText = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Whether two files are the same apart from line ends. */
export const isSameText = (a: Buffer, b: Buffer): boolean => a.equals(b) || byLineFeeds(a).equals(byLineFeeds(b));

/** Whether a text has a CRLF, and every line ends with one. */
function isByCrlf(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  return isText(bytes) && text.includes('\r\n') && !/(?<!\r)\n/.test(text);
}

/** A text with CRLF, if every line of the file that it replaces has CRLF and the text has none. */
export const inLineEndsOf = (before: Buffer, after: Buffer): Buffer =>
  isByCrlf(before) && isText(after) && !after.includes('\r\n') ? ended(after, '\n', '\r\n') : after;

/** Gives a piece of text the line ends of the whole; leaves it as it is if the whole mixes both. */
export function pieceIn(whole: string, piece: string): string {
  const bytes = Buffer.from(whole);
  if (!bytes.includes('\r\n')) return piece.replaceAll('\r\n', '\n');
  return isByCrlf(bytes) ? piece.replaceAll(/\r?\n/g, '\r\n') : piece;
}
