/**
 * Puts failed items and their errors into words: one line or a few for each, and grouped by error. Runs in the master.
 * Internal.
 */

import type { Keys } from '../events.ts';
import type { ItemError } from '../parallelizable.ts';
import { framesOf, placeOf } from './stack-frames.ts';
import { cutTo, plural, printable } from './words.ts';

const LINE_MAX = 300;
const HEADLINE_MAX = 700;
/** How many aggregated errors one line shows. */
const TOLD_MAX = 4;
const LINES_MAX = 12;
/** How many lines of a long stack belong to the innermost cause. */
const ROOT_LINES = 3;
const KEY_MAX = 80;
const SHORT_KEY = 8;
/** Stands for what is left out, such as the parts in which two otherwise equal errors differ. */
const GAP = '…';

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
  const text = (line: string): string => cutTo(printable(line), LINE_MAX);
  return told(error, { text, count: (count) => plural(count, 'error') }, HEADLINE_MAX);
}

/** Returns the reasons behind an error's own message: its aggregated errors and its causes. */
export function reasonsOf({ stack: _stack, code: _code, ...reasons }: ItemError): string {
  return chainOf({ ...reasons, name: '', message: '' });
}

/** Returns whether the error, one of its causes, or an error aggregated in it has the text in its name, code or message. */
export function mentions(error: ItemError, text: string): boolean {
  const { name, code, message, cause, errors = [] } = error;
  if (`${name}${code === undefined ? '' : ` [${code}]`}: ${message}`.includes(text)) return true;
  return [...(cause ? [cause] : []), ...errors].some((each) => mentions(each, text)) || chainOf(error).includes(text);
}

/** How the parts of an error are put into words. */
interface Wording {
  /** A name or a message. */
  text(line: string, error: ItemError): string;
  /** How many errors one stands for. */
  count(count: number): string;
  /** Whether it is for a group: then how many there are of the same error is left out, since equal errors differ in that. */
  readonly isGroup?: boolean;
}

const BECAUSE = ', caused by ';
/** Stands where causes are left out. */
const LEFT_OUT = ', …';

/**
 * Returns an error and its causes in at most so many characters: the first error, then as many causes as fit, and always
 * the innermost one, which says what went wrong.
 */
function told(error: ItemError, wording: Wording, most: number): string {
  const parts: string[] = [];
  const gaps = new Set<number>();
  for (let at: ItemError | undefined = error; at; at = at.cause) {
    const part = alone(at, wording);
    if (!wording.isGroup || part !== parts.at(-1)) parts.push(part);
    if (at.causesLeftOut !== undefined) gaps.add(parts.length);
  }
  const between = (index: number): string => `${gaps.has(index) ? LEFT_OUT : ''}${BECAUSE}`;
  const end = gaps.has(parts.length) ? LEFT_OUT : '';
  const [first = '', ...causes] = parts;
  const innermost = causes.pop();
  if (innermost === undefined) return cutTo(first, most - end.length) + end;
  const left = most - first.length - BECAUSE.length - 2 * LEFT_OUT.length;
  const root = BECAUSE + cutTo(innermost, Math.max(Math.ceil(most / 2), left)) + end;
  let shown = cutTo(first, most - LEFT_OUT.length - root.length);
  for (const [index, cause] of causes.entries()) {
    const more = shown + between(index + 1) + cause;
    if (more.length + LEFT_OUT.length + root.length > most) return shown + LEFT_OUT + root;
    shown = more;
  }
  return shown + (gaps.has(parts.length - 1) ? LEFT_OUT : '') + root;
}

/** Returns an error without its causes. */
function alone(error: ItemError, wording: Wording): string {
  const { name, message, code } = error;
  const line = wording.text(firstLine(message), error);
  const known = code === undefined || message.includes(String(code)) ? '' : ` [${code}]`;
  const several = error.errors || error.errorCount ? ` (${aggregated(error, wording)})` : '';
  return `${wording.text(name, error)}${known}${line === '' ? '' : `: ${line}`}${several}`;
}

function aggregated({ errors = [], errorCount: count = errors.length }: ItemError, wording: Wording): string {
  const each = [...new Set(errors.map((error) => told(error, wording, LINE_MAX)))];
  const isMore = each.length > TOLD_MAX || (errors.length > 0 && count > errors.length && !wording.isGroup);
  const shown = [...each.slice(0, TOLD_MAX), ...(isMore ? [GAP] : [])];
  return `${wording.count(count)}${shown.length > 0 ? `: ${shown.join('; ')}` : ''}`;
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
  const before = [...kept, ...fields];
  return [...before, ...stackOf(error, LINES_MAX - 1 - before.length)];
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

/**
 * Returns the stack frames of an error and its causes in the task's own code, one per line. Of many it leaves out some
 * before the innermost cause, and keeps where that comes from.
 */
export function stackOf(error: ItemError, most: number = LINES_MAX): string[] {
  const lines: string[] = [];
  let root = 0;
  for (let at: ItemError | undefined = error; at; at = at.cause) {
    if (at !== error) {
      root = lines.length;
      const { cause: _, causesLeftOut: _more, ...itself } = at;
      lines.push(`  caused by ${cutTo(chainOf(itself), LINE_MAX)}`);
    }
    lines.push(...placeOf(at), ...framesOf(at));
  }
  if (lines.length <= most) return lines;
  const innermost = root > 0 ? lines.slice(root, root + Math.min(ROOT_LINES, Math.floor(most / 2))) : [];
  const before = lines.slice(0, Math.max(0, most - 1 - innermost.length));
  // If the innermost cause itself has the lines that are too many, its first ones follow what is before it.
  if (root <= before.length) return [...lines.slice(0, most - 1), '  …'];
  return [...before, '  …', ...innermost];
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
  return told(error, { text: line, count: () => `${GAP} errors`, isGroup: true }, HEADLINE_MAX);
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
