/** Adds properties and elements to a JSON file and removes them again; removing reverses adding, byte for byte. */

import type { Node } from 'jsonc-parser';
import type { PropertyValue } from './insertions.ts';
import { type Between, between, endOf, type JsonText, nodeAt, type Path } from './text.ts';

/** An object or array that had to be made, or was empty; `was` is its old text, null if it did not exist. */
export interface Made {
  readonly at: Path;
  readonly was: string | null;
}

/**
 * Decides where a new part goes.
 *
 * at - the object or array.
 * names - of its properties, or its elements, in their order.
 * name - of the new property, or the new element.
 *
 * Returns how many of them come before it; undefined to put it at the end.
 */
export type Order = (at: Path, names: readonly string[], name: string) => number | undefined;

interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The style of a file: its line ends, and one level of its indentation. */
interface Style {
  readonly lineEnd: string;
  readonly unit: string;
  /** The whole file is on one line. */
  readonly isOneLine: boolean;
}

/**
 * Adds a property, or an element to an array. Each comment stays with the text before it on its line, or the text below
 * it.
 *
 * at - the object or array; missing parts of it are made.
 * key - the property's name; undefined for an element.
 * order - where it goes. By default, and in an array of other values than strings, at the end.
 *
 * Returns the new text, and what was made, outermost first; undefined if something else is in the way.
 */
export function putIn(
  json: JsonText,
  at: Path,
  key: string | undefined,
  value: PropertyValue,
  order: Order = () => undefined,
): { readonly text: string; readonly made: readonly Made[] } | undefined {
  const { root, text } = json;
  const depth = deepest(root, at);
  const holder = nodeAt(root, at.slice(0, depth));
  const isWhole = depth === at.length;
  const wanted = isWhole && key === undefined ? 'array' : 'object';
  if (holder?.type !== wanted || hasOnlyComments(text, holder)) return undefined;
  const missing = at.slice(depth);
  const made: Made[] = missing.map((_, index) => ({ at: at.slice(0, depth + index + 1), was: null }));
  if (holder.children?.length === 0) {
    made.unshift({ at: at.slice(0, depth), was: text.slice(holder.offset, endOf(holder)) });
  }
  const [name = key, ...inner] = missing;
  const style = styleOf(json);
  const nested = nest(isWhole ? [] : [...inner, ...(key === undefined ? [] : [key])], key === undefined, value);
  const names = namesIn(holder);
  const place = names && order(at.slice(0, depth), names, name ?? String(value));
  const splices = insertion(json, holder, name, isWhole ? value : nested, style, place);
  return { text: spliced(text, splices), made };
}

/** The names of an object's properties, or an array's elements; undefined if one of them is not a string. */
function namesIn({ type, children = [] }: Node): string[] | undefined {
  const names: unknown[] = children.map((child) => (type === 'object' ? child.children?.[0]?.value : child.value));
  return names.every((name) => typeof name === 'string') ? names : undefined;
}

/** Adding to an object that contains only a comment would move the comment. */
const hasOnlyComments = (text: string, holder: Node): boolean =>
  holder.children?.length === 0 && hasCommentsIn(text, holder);

/** Whether an object or array contains comments outside its parts. */
export function hasComments({ text, root }: JsonText, at: Path): boolean {
  const holder = nodeAt(root, at);
  return holder !== undefined && hasCommentsIn(text, holder);
}

function hasCommentsIn(text: string, holder: Node): boolean {
  const children = holder.children ?? [];
  const starts = [holder.offset + 1, ...children.map(endOf)];
  const ends = [...children.map(({ offset }) => offset), endOf(holder) - 1];
  return starts.some((start, index) => /[^\s,]/.test(text.slice(start, ends[index])));
}

/** How many parts of a path exist. */
function deepest(root: Node, at: Path): number {
  let depth = 0;
  while (depth < at.length && nodeAt(root, at.slice(0, depth + 1)) !== undefined) depth++;
  return depth;
}

/** Wraps a value in the objects that have to be made around it. */
function nest(keys: Path, isElement: boolean, value: PropertyValue): unknown {
  const [first, ...rest] = keys;
  if (first !== undefined) return { [first]: nest(rest, isElement, value) };
  return isElement ? [value] : value;
}

function styleOf({ text, root }: JsonText): Style {
  const lineEnd = /\r?\n/.exec(text)?.[0];
  const first = root.children?.[0];
  const isOneLine = first !== undefined && !text.slice(root.offset, first.offset).includes('\n');
  return {
    lineEnd: lineEnd ?? '\n',
    unit: (first && !isOneLine && indentBefore(text, first.offset)) || '  ',
    isOneLine: isOneLine || lineEnd === undefined,
  };
}

/** The white space at the beginning of an offset's line; undefined if something else comes before the offset. */
function indentBefore(text: string, offset: number): string | undefined {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return /^[ \t]*$/.test(line) ? line : undefined;
}

function insertion(
  { text }: JsonText,
  holder: Node,
  key: string | undefined,
  value: unknown,
  style: Style,
  place: number | undefined,
): Splice[] {
  const children = holder.children ?? [];
  const last = children[(place ?? children.length) - 1];
  const first = children[0];
  const opening = holder.offset + 1;
  const closing = endOf(holder) - 1;
  if (first === undefined) {
    const outer = /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', holder.offset - 1) + 1))?.[0] ?? '';
    const inline = { from: opening, to: closing, text: written(key, value, ': ', undefined) };
    if (style.isOneLine || key === undefined) return [inline];
    const inner = `${outer}${style.unit}`;
    const body = written(key, value, ': ', { ...style, indent: inner });
    return [{ from: opening, to: closing, text: `${style.lineEnd}${inner}${body}${style.lineEnd}${outer}` }];
  }
  const indent = indentBefore(text, (last ?? first).offset);
  const isInline = indent === undefined || style.isOneLine;
  const colon = colonOf(text, children) ?? ': ';
  if (last === undefined) {
    const gap = /^[ \t]*/.exec(text.slice(opening))?.[0] ?? '';
    if (isInline) return [{ from: opening, to: opening, text: `${gap}${written(key, value, colon, undefined)},` }];
    const { endOnLine } = between(text, opening, first.offset);
    const body = written(key, value, colon, { ...style, indent });
    return [{ from: endOnLine, to: endOnLine, text: `${style.lineEnd}${indent}${body},` }];
  }
  const next = children[children.indexOf(last) + 1];
  const behind = between(text, endOf(last), next?.offset ?? closing);
  const ending = behind.comma === undefined ? '' : ',';
  const comma = behind.comma === undefined ? [{ from: endOf(last), to: endOf(last), text: ',' }] : [];
  if (isInline) {
    // Before all comments: a comment that runs to the end of its line would swallow what comes after it.
    const at = behind.comma === undefined ? endOf(last) : behind.comma + 1;
    const gap = gapOf(text, children, colon);
    return [...comma, { from: at, to: at, text: `${gap}${written(key, value, colon, undefined)}${ending}` }];
  }
  const body = written(key, value, colon, { ...style, indent });
  const at = behind.endOnLine;
  return [...comma, { from: at, to: at, text: `${style.lineEnd}${indent}${body}${ending}` }];
}

/** The text between a key and its value in this object. */
function colonOf(text: string, children: readonly Node[]): string | undefined {
  const [key, value] = children.at(-1)?.children ?? [];
  const gap = key && value && text.slice(endOf(key), value.offset);
  return gap && /^ *: *$/.test(gap) ? gap : undefined;
}

/** The text after the comma between two parts on one line. */
function gapOf(text: string, children: readonly Node[], colon: string): string {
  const [one, two] = children.slice(-2);
  const gap = one && two && text.slice(endOf(one), two.offset);
  if (gap && /^, *$/.test(gap)) return gap.slice(1);
  return colon.endsWith(' ') ? ' ' : '';
}

/** A property as text; an element, if there is no key. */
function written(
  key: string | undefined,
  value: unknown,
  colon: string,
  lines: (Style & { readonly indent: string }) | undefined,
): string {
  const text = lines ? inLines(value, lines) : JSON.stringify(value);
  return key === undefined ? text : `${JSON.stringify(key)}${colon}${text}`;
}

/** An object with a line for each property; an array on one line, as formatters write a short one. */
function inLines(value: unknown, style: Style & { readonly indent: string }): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  const { lineEnd, unit, indent } = style;
  const inner = { ...style, indent: `${indent}${unit}` };
  const properties = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${inLines(each, inner)}`);
  return `{${lineEnd}${inner.indent}${properties.join(`,${lineEnd}${inner.indent}`)}${lineEnd}${indent}}`;
}

/**
 * Rewrites a one-line array of strings with one line for each element. Returns undefined if it is no such array, or has
 * comments or a trailing comma.
 */
export function inSeveralLines(json: JsonText, at: Path): string | undefined {
  const { text, root } = json;
  const holder = nodeAt(root, at);
  const children = holder?.children ?? [];
  const [first, last] = [children[0], children.at(-1)];
  if (holder?.type !== 'array' || first === undefined || last === undefined || hasCommentsIn(text, holder))
    return undefined;
  const isPlain =
    children.every(({ type }) => type === 'string') && !text.slice(endOf(last), endOf(holder)).includes(',');
  if (!isPlain || text.slice(holder.offset, endOf(holder)).includes('\n')) return undefined;
  const { lineEnd, unit } = styleOf(json);
  const outer = /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', holder.offset - 1) + 1))?.[0] ?? '';
  const lines = children.map((child) => `${outer}${unit}${text.slice(child.offset, endOf(child))}`);
  const written = `[${lineEnd}${lines.join(`,${lineEnd}`)}${lineEnd}${outer}]`;
  return spliced(text, [{ from: holder.offset, to: endOf(holder), text: written }]);
}

/** Removes a property. Returns the text unchanged if it does not exist. */
export function takeOutProperty(json: JsonText, at: Path): string {
  const property = nodeAt(json.root, at)?.parent;
  return property?.parent ? without(json.text, property.parent, property) : json.text;
}

/** Removes an element from an array: the last one with this value. */
export function takeOutElement(json: JsonText, at: Path, value: string): string {
  const holder = nodeAt(json.root, at);
  const element = holder?.type === 'array' ? holder.children?.findLast((child) => child.value === value) : undefined;
  return holder && element ? without(json.text, holder, element) : json.text;
}

/** Replaces a value, which must exist. */
export function replaceValue({ text, root }: JsonText, at: Path, written: string): string {
  const node = nodeAt(root, at);
  return node ? spliced(text, [{ from: node.offset, to: endOf(node), text: written }]) : text;
}

function without(text: string, holder: Node, node: Node): string {
  const children = holder.children ?? [];
  const index = children.indexOf(node);
  const [before, after] = [children[index - 1], children[index + 1]];
  const begin = before ? endOf(before) : holder.offset + 1;
  const front = between(text, begin, node.offset);
  const { comma: own } = between(text, endOf(node), after?.offset ?? endOf(holder) - 1);
  const comma = own ?? front.comma;
  // There may be somebody's comment between it and its comma.
  const isClose = own !== undefined && text.slice(endOf(node), own).trim() === '';
  const cut = { ...cutBefore(text, front, node.offset, isClose ? own + 1 : endOf(node)), text: '' };
  return spliced(text, [...(isClose || comma === undefined ? [] : [{ from: comma, to: comma + 1, text: '' }]), cut]);
}

/**
 * The range to remove with a node. This includes its line, unless the text after it would then become part of the
 * comment before it.
 */
function cutBefore(text: string, front: Between, begin: number, to: number): { from: number; to: number } {
  const [rest = ''] = /^[^\r\n]*/.exec(text.slice(to)) ?? [];
  const isAlone = !front.isLineComment || rest.trim() === '';
  return isAlone ? { from: front.end, to } : { from: begin, to: to + rest.length - rest.trimStart().length };
}

/** If two splices start at the same place, the first in the list comes first. */
function spliced(text: string, splices: readonly Splice[]): string {
  let result = '';
  let at = 0;
  for (const { from, to, text: put } of [...splices].sort((a, b) => a.from - b.from)) {
    result += text.slice(at, from) + put;
    at = Math.max(at, to);
  }
  return result + text.slice(at);
}
