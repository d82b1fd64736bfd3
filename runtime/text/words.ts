/** Words for people: numbers, durations, dates, and untrusted text. Internal. */

import type { InspectOptions } from 'node:util';
import type { WorkerExit } from '../parallelizable.ts';
import { hasSecrets, withoutSecret } from './secrets.ts';

const DATE = { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' } as const;

/**
 * Returns a whole number as `1,269`. Node.js's own function first loads its language tables, which takes as long as a
 * worker's boot.
 */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 item`, `1,000 items`. */
export function plural(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `350 ms`, `1.5 s`, `35 s`, `2 min`, `3 h 20 min`. */
export function seconds(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${Number((ms / 1000).toFixed(1))} s`;
  if (ms < 119_500) return `${Math.round(ms / 1000)} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 120) return `${minutes} min`;
  const rest = minutes % 60;
  return `${grouped(Math.floor(minutes / 60))} h${rest > 0 ? ` ${rest} min` : ''}`;
}

/**
 * The escape sequences of a terminal: colours and cursor moves; titles and links, up to their end; and two-character
 * ones. Not `stripVTControlCharacters`: that of Node.js 22.18 also removes the text between a colour and a later BEL.
 */
export const SEQUENCES: RegExp =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for these characters
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;

/**
 * Returns the text without anything that moves the cursor, changes colours or changes the text direction: it may come
 * from anybody.
 */
export function printable(text: string): string {
  return text.replace(SEQUENCES, '').replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for these characters
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => (/\s/.test(character) ? ' ' : `\\u{${character.codePointAt(0)?.toString(16)}}`),
  );
}

/** Returns at most `most` characters of the text; one beyond the basic plane, such as an emoji, counts as two and stays whole. */
export function cutTo(text: string, most: number): string {
  return text.length <= most ? text : `${beginning(text, most - 1)}…`;
}

/** The same without a sign that something is left out. */
export function beginning(text: string, most: number): string {
  if (text.length <= most) return text;
  const isHalf = (text.codePointAt(most - 1) ?? 0) > 0xffff;
  return text.slice(0, isHalf ? most - 1 : most);
}

/** Returns `28 Nov 2026, 13:34`, in the user's time zone. */
export function dateOf(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : date.toLocaleString('en-GB', DATE);
}

/**
 * Returns a value as Node.js prints it. Not imported: `node:util` takes milliseconds to load, in each process, and only
 * errors need it.
 */
export function inspected(value: unknown, options?: InspectOptions): string {
  // A secret that is cut would not be found.
  const whole = hasSecrets() ? { maxStringLength: 1_000_000 } : {};
  return withoutSecret(process.getBuiltinModule('node:util').inspect(value, { ...options, ...whole }));
}

/** `2 items in progress`, or with a queue `2 items in the queue and on hosts`. */
export function itemsInProgress(count: number, isQueue: boolean): string {
  return `${plural(count, 'item')} ${isQueue ? 'in the queue and on hosts' : 'in progress'}`;
}

/** Returns a sentence about the items that a pause lets finish, after a space; empty if there are none. */
export function whatFinishes(count: number, isQueue: boolean): string {
  if (count === 0) return '';
  const items = itemsInProgress(count, isQueue);
  return isQueue ? ` Of ${items}, hosts finish those that they have begun.` : ` ${items} will finish.`;
}

/** `was killed by SIGKILL`, `exited with status 1`. */
export function describeExit({ code, signal }: WorkerExit): string {
  if (signal) return `was killed by ${signal}`;
  return code === null ? 'could not be started' : `exited with status ${code}`;
}
