/**
 * Puts failed items and their errors into words: one line or a few for each, and grouped by error. Runs in the master.
 * Internal.
 */

import { fileURLToPath } from 'node:url';
import type { Keys } from '../events.ts';
import type { ItemError } from '../parallelizable.ts';
import { fromHere } from './here.ts';
import { cutTo, plural, printable } from './words.ts';

const LINE_MAX = 300;
const HEADLINE_MAX = 700;
/** How many errors of a chain, or aggregated errors, one line shows. */
const TOLD_MAX = 4;
const LINES_MAX = 12;
const KEY_MAX = 80;
const SHORT_KEY = 8;

/** Returns `item 499 (user-503)`. Of a hash it shows only the beginning, enough to find the journal's line. */
export function itemLabel(number: number, key: string, keys: Keys): string {
  if (keys === 'none') return `item ${number}`;
  return `item ${number} (${keys === 'hashed' ? 'key ' : ''}${shortKey(key, keys)})`;
}

/** Returns a key as people see it: `user-503`, or `1a2b3c4d…` for a hash. */
export function shortKey(key: string, keys: 'own' | 'hashed'): string {
  return keys === 'own' ? cutTo(printable(key), KEY_MAX) : `${key.slice(0, SHORT_KEY)}…`;
}

/**
 * Returns `TypeError: fetch failed, caused by Error [ECONNRESET]: read ECONNRESET`: one line, with the causes and
 * aggregated errors.
 */
export function chainOf(error: ItemError): string {
  return cutTo(
    told(error, (line) => cutTo(printable(line), LINE_MAX)),
    HEADLINE_MAX,
  );
}

/** Returns the reasons behind an error's own message: its aggregated errors and its causes. */
export function reasonsOf({ errors, cause }: ItemError): string {
  return chainOf({ name: '', message: '', ...(errors && { errors }), ...(cause && { cause }) });
}

/** Returns whether the error, one of its causes, or an error aggregated in it has the text in its name, code or message. */
export function mentions(error: ItemError, text: string): boolean {
  const { name, code, message, cause, errors = [] } = error;
  if (`${name}${code === undefined ? '' : ` [${code}]`}: ${message}`.includes(text)) return true;
  return [...(cause ? [cause] : []), ...errors].some((each) => mentions(each, text)) || chainOf(error).includes(text);
}

function told(error: ItemError, worded: (line: string, error: ItemError) => string): string {
  const parts: string[] = [];
  let at: ItemError | undefined = error;
  for (; at && parts.length < TOLD_MAX; at = at.cause) {
    const line = worded(firstLine(at.message), at);
    const code = at.code === undefined || at.message.includes(String(at.code)) ? '' : ` [${at.code}]`;
    const several = at.errors ? ` (${aggregated(at.errors, worded)})` : '';
    parts.push(`${worded(at.name, at)}${code}${line === '' ? '' : `: ${line}`}${several}`);
  }
  return `${parts.join(', caused by ')}${at ? ', …' : ''}`;
}

function aggregated(errors: readonly ItemError[], worded: (line: string, error: ItemError) => string): string {
  const each = [...new Set(errors.map((error) => told(error, worded)))];
  const more = each.length > TOLD_MAX ? '; …' : '';
  return `${plural(errors.length, 'error')}: ${each.slice(0, TOLD_MAX).join('; ')}${more}`;
}

function firstLine(message: string): string {
  const text = message.trimStart();
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end).trimEnd();
}

/**
 * Returns what a failure's line leaves out: the rest of the message, and where in the task's code it happened. With -v
 * also the error's fields and the whole stack, within limits.
 */
export function detailsOf(error: ItemError, verbose: boolean): string[] {
  const message = error.message.trim().split('\n').slice(1);
  const rest = message.map((line) => `  ${cutTo(printable(line), LINE_MAX)}`.trimEnd()).filter(Boolean);
  const kept = rest.slice(0, LINES_MAX / 2);
  if (rest.length > kept.length) kept.push('  …');
  if (!verbose) return [...kept, ...whereOf(error)];
  const fields = error.fields ? [`  ${cutTo(printable(JSON.stringify(error.fields)), LINE_MAX)}`] : [];
  return [...kept, ...fields, ...stackOf(error)].slice(0, LINES_MAX - 1);
}

/** Returns the first stack line in the task's own code: of the error, or of its first cause that has one. */
function whereOf(error: ItemError): string[] {
  let library: string[] = [];
  for (let at: ItemError | undefined = error; at; at = at.cause ?? at.errors?.[0]) {
    const frames = framesOf(at);
    const own = frames.find((frame) => !frame.includes('/node_modules/'));
    if (own !== undefined) return [own];
    if (library.length === 0) library = frames.slice(0, 1);
  }
  return library;
}

/** A stack frame of Node.js or of the runtime, which says nothing about the task. */
const FOREIGN = new RegExp(
  `\\(?(node:|${new URL('..', import.meta.url).href.replace(/[^\w/:]/g, '.')})|\\(<anonymous>\\)`,
);
/** The place of a syntax error: Node.js puts the file, the line and a caret before the message. */
const PLACE = /^\S.*:\d+\n[\s\S]*?\n(?=\n\w*SyntaxError)/;

/** Returns the stack frames of an error and its causes in the task's own code, one per line. */
export function stackOf(error: ItemError): string[] {
  const lines: string[] = [];
  for (let at: ItemError | undefined = error; at; at = at.cause) {
    if (at !== error) {
      const { cause: _, ...alone } = at;
      lines.push(`  caused by ${cutTo(told(alone, printable), LINE_MAX)}`);
    }
    const place = PLACE.exec(at.stack ?? '')?.[0].split('\n') ?? [];
    lines.push(...place.map((line) => `  ${line}`.trimEnd()).filter(Boolean), ...framesOf(at));
  }
  return lines.length > LINES_MAX ? [...lines.slice(0, LINES_MAX - 1), '  …'] : lines;
}

function framesOf({ stack = '' }: ItemError): string[] {
  return stack
    .split('\n')
    .filter((frame) => /^\s+at /.test(frame) && !FOREIGN.test(frame))
    .map(
      (frame) => `  ${cutTo(printable(frame.trim()).replace(/file:\/\/[^\s)]+?(?=:\d+:\d+)/, shortPath), LINE_MAX)}`,
    );
}

/** Returns a file's path, relative to the working directory if the file is below it. */
function shortPath(url: string): string {
  try {
    const file = fileURLToPath(url);
    const relative = fromHere(file);
    return relative.startsWith('..') ? file : relative;
  } catch {
    return url; // it is not the URL of a file, or the working directory is gone
  }
}

/** Maximum number of different errors to count, so that memory is bounded. */
const GROUPS_MAX = 500;
const FIRST_KEYS = 5;

/** Items that failed with the same error. */
export interface Group {
  /** The error as it was if only one item has it; otherwise without the parts that differ. */
  readonly error: string;
  readonly count: number;
  /** The first items: their keys, or their numbers if the keys are hashes. */
  readonly first: readonly string[];
}

/** Counts failures by error, in bounded memory. */
export class Failures {
  /** Number of failures. */
  count = 0;
  readonly #groups = new Map<string, { error: string; example: string; count: number; first: string[] }>();
  #others = 0;

  /**
   * Counts a failure. Returns how many items have failed with this error.
   *
   * name - the item's key, or its number.
   */
  note(error: ItemError, key: string | undefined, name: string): number {
    this.count += 1;
    const same = sameFor(error, key);
    let group = this.#groups.get(same);
    if (!group) {
      if (this.#groups.size >= GROUPS_MAX) return ++this.#others;
      group = { error: same, example: chainOf(error), count: 0, first: [] };
      this.#groups.set(same, group);
    }
    group.count += 1;
    if (group.first.length < FIRST_KEYS) group.first.push(cutTo(printable(name), KEY_MAX / 2));
    return group.count;
  }

  /** Returns the `most` most frequent errors, and how many items failed with others. */
  groups(most: number): { readonly groups: Group[]; readonly others: number } {
    const all = [...this.#groups.values()].sort((a, b) => b.count - a.count);
    const shown = all.slice(0, most);
    const groups = shown.map(({ error, example, count, first }) => ({
      error: count > 1 ? error : example,
      count,
      first,
    }));
    return { groups, others: this.count - shown.reduce((sum, { count }) => sum + count, 0) };
  }
}

/** Replaces the parts in which two otherwise equal errors differ. */
const GAP = '…';
/** Fields of errors, of Node.js and others, whose values also occur in the message. */
const VARIABLE_FIELDS: readonly string[] = [
  'path',
  'dest',
  'hostname',
  'host',
  'address',
  'url',
  'href',
  'input',
  'file',
];

/**
 * Returns the error and its causes without the parts that belong to this one item: its key, numbers, ids, quoted texts,
 * addresses, paths.
 */
export function sameFor(error: ItemError, key: string | undefined): string {
  const line = (text: string, at: ItemError): string => {
    let rest = text.length > 1000 ? text.slice(0, 1000) : text;
    if (text === at.name) return printable(rest);
    if (key !== undefined) rest = without(rest, key);
    for (const name of VARIABLE_FIELDS) {
      const value = at.fields?.[name];
      if (typeof value === 'string') rest = without(rest, value);
    }
    return cutTo(alike(printable(rest)), LINE_MAX);
  };
  return cutTo(told(error, line), HEADLINE_MAX);
}

/** Returns the text without `part`, wherever it stands as a whole word or as whole words. */
function without(text: string, part: string): string {
  if (part === '') return text;
  let kept = '';
  let from = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) {
    if (isWord(text[at - 1]) || isWord(text[at + part.length])) continue;
    kept += `${text.slice(from, at)}${GAP}`;
    from = at + part.length;
  }
  return kept + text.slice(from);
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}_]/u.test(character);
}

const QUOTED = /"[^"]*"|(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])|`[^`]*`|“[^”]*”|‘[^’]*’|«[^»]*»/gu;

/** Makes two messages equal if they differ only in parts that belong to an item. */
function alike(message: string): string {
  let before = '';
  const words = message.replace(QUOTED, (quoted) => `${quoted[0]}${GAP}${quoted.at(-1)}`).split(' ');
  const kept = words.map((word) => {
    const isStatus = /^\(?[1-9]\d{0,2}[),.:;]*$/.test(word) && /^\(?(http|status|code|signal)[:=]?$/i.test(before);
    before = word;
    return isStatus ? word : alikeWord(word);
  });
  return kept.join(' ').replace(/…(?:[\s,;:./-]*…)+/g, GAP);
}

function alikeWord(word: string): string {
  if (!/[\d/@\\]/.test(word) && !/[0-9a-f]{8}/i.test(word)) return word;
  const [, open = '', core = '', close = ''] = /^([([{<"'`=,;:]*)(.*?)([)\]}>"'`,;:.!?]*)$/su.exec(word) ?? [];
  const host = /^([a-z][a-z\d+.-]*:\/\/)[^/?#]*/i.exec(core);
  if (host)
    return `${open}${alikeDigits(host[0].replace(/[^/@]*@/, ''))}${core.length > host[0].length ? `/${GAP}` : ''}${close}`;
  if (/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(core)) return `${open}${GAP}${close}`;
  if (/^(~|\.{1,2}|[a-z]:)?[/\\]./i.test(core) || /^[^/\\]+([/\\][^/\\]+)*[/\\][^/\\]*\.\w+(:[\d:]+)?$/.test(core))
    return `${open}${GAP}${close}`;
  return `${open}${alikeDigits(core)}${close}`;
}

/** Replaces numbers and words with numbers: `user-503` becomes `user-…`, and an id such as `a1b2c3` only a gap. */
function alikeDigits(text: string): string {
  return text
    .replace(/\b[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\b/gi, GAP)
    .replace(/\b(0x)?[\da-f]{8,}\b/gi, GAP)
    .replace(/[\p{L}\p{N}_-]*\d[\p{L}\p{N}_-]*/gu, (id) => {
      const named = /^([\p{L}_-]*[_-])?(\p{L}*)\d+$/u.exec(id);
      return named ? `${id.replace(/\d+$/, '')}${GAP}` : GAP;
    })
    .replace(/…(?:[.,:-]…)+/g, GAP);
}
