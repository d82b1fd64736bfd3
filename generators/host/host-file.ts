/**
 * A file of the repository that existed before divvy. A command adds text to it, or removes what divvy has inserted.
 */

import { isDeepStrictEqual } from 'node:util';
import { lookAt } from '../change-set/survey.ts';
import type { Before } from '../disk/disk.ts';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { pieceIn, sumOf } from '../disk/line-ends.ts';
import {
  hasComments,
  inSeveralLines,
  type Made,
  type Order,
  putIn,
  replaceValue,
  takeOutElement,
  takeOutProperty,
} from '../json/edit.ts';
import type { Insertion, PropertyValue } from '../json/insertions.ts';
import { parseJson } from '../json/parse.ts';
import { type JsonText, lineAt, nodeAt, type Path, readJson, textAt, valueAt } from '../json/text.ts';
import { notUtf8 } from '../terminal/errors.ts';
import { Refusal } from '../terminal/refusal.ts';
import { hostFileRefused } from './errors.ts';
import { inList, inPackageJson, inSettings } from './order.ts';

/** The syntax of a file. */
export type Dialect = 'json' | 'jsonc' | 'lines';

export class HostFile {
  /** Relative to the project, with `/`. */
  readonly path: string;
  readonly before: Before;
  readonly #dialect: Dialect;
  #text: string;
  readonly #known: readonly Insertion[];
  #insertions: readonly Insertion[];

  /**
   * known - what divvy has inserted into the file so far, as the lock has it.
   *
   * Throws a Refusal with exit code 3, with file and line, for a file that divvy cannot edit: invalid JSON, JSON that
   * has a key twice, or text that is not UTF-8.
   */
  constructor(path: string, before: Before, dialect: Dialect, known: readonly Insertion[]) {
    this.path = path;
    this.before = before;
    this.#dialect = dialect;
    this.#text = before.bytes.toString('utf8');
    this.#known = known;
    this.#insertions = known;
    if (!Buffer.from(this.#text).equals(before.bytes)) throw notUtf8(path);
    if (dialect !== 'lines') this.#json();
  }

  get bytes(): Buffer {
    return Buffer.from(this.#text);
  }

  /** All of divvy's insertions that are in the file now. */
  get insertions(): readonly Insertion[] {
    return this.#insertions;
  }

  /** The insertions that this command has made. */
  get added(): readonly Insertion[] {
    return this.#insertions.filter((insertion) => !this.#known.includes(insertion));
  }

  /**
   * The line on the disk where the value at a place begins, from 1; if there is no value, the line of what is around
   * the place.
   */
  lineOf(at: Path): number {
    return lineAt(this.#read(this.before.bytes.toString('utf8')), at);
  }

  /** The value at a place; undefined if there is none. */
  value(at: Path): unknown {
    return valueAt(this.#json(), at);
  }

  /**
   * Adds a property, unless it has that value already. Throws a Refusal with exit code 3 if it has another value.
   *
   * order - where to put the property, and an object that has to be made for it; by default at the end.
   */
  putProperty(
    at: Path,
    key: string,
    value: PropertyValue,
    { task, order }: { readonly task?: string; readonly order?: Order } = {},
  ): void {
    const there = this.value([...at, key]);
    if (there === value) return;
    if (there !== undefined) {
      const place = [...at, key];
      throw hostFileRefused(
        this.path,
        `${place.join('.')} is there already: ${JSON.stringify(there)}`,
        this.lineOf(place),
      );
    }
    this.#put(at, key, value, order);
    this.#insertions = [...this.#insertions, { at, key, value, ...(task !== undefined && { task }) }];
  }

  /**
   * Adds an element to an array, unless it is there already.
   *
   * standing - the element is only there because divvy made the array, and it stays while the array holds anything of
   * somebody else's.
   */
  putElement(at: Path, element: string, standing = false): void {
    const there = this.value(at);
    if (Array.isArray(there) && there.includes(element)) return;
    const { root, text } = this.#json();
    const list = nodeAt(root, at);
    // Before the first element of `["b", "c"]` the new one would lack the space that separates the others.
    const isTight = list !== undefined && /\S/.test(text[list.offset + 1] ?? '');
    this.#put(at, undefined, element, (where, ...wanted) => {
      const isAround = !isDeepStrictEqual(where, at);
      if (isAround) return (this.path === PACKAGE_JSON ? inPackageJson : inSettings)(where, ...wanted);
      const place = inList(where, ...wanted);
      return place === 0 && isTight ? undefined : place;
    });
    this.#insertions = [...this.#insertions, { at, element, ...(standing && { standing }) }];
  }

  /**
   * Adds an element to the end of an array in which the order has a meaning, unless it is there already. The array may be
   * written as a string, if it has only that one element.
   */
  appendElement(at: Path, element: string): void {
    const there = this.value(at);
    if ([there].flat().includes(element)) return;
    if (typeof there === 'string') {
      const was = textAt(this.#json(), at) ?? null;
      this.#text = replaceValue(this.#json(), at, `[${was}]`);
      this.#insertions = [...this.#insertions, { at, was }];
    }
    this.#put(at, undefined, element);
    this.#insertions = [...this.#insertions, { at, element }];
  }

  #put(at: Path, key: string | undefined, value: PropertyValue, order?: Order): void {
    const put = putIn(this.#json(), at, key, value, order);
    if (put === undefined) {
      throw hostFileRefused(this.path, whyNotInto(this.#json(), at), this.lineOf(at));
    }
    this.#text = put.text;
    this.#insertions = [...this.#insertions, ...put.made];
  }

  /**
   * Puts each element on a line of its own, in one-line arrays that this command has added to: formatters do that when
   * a line gets too long.
   *
   * Returns a function that undoes it.
   */
  spread(): () => void {
    const before = [this.#text, this.#insertions] as const;
    const places = this.added.flatMap((each) => ('element' in each ? [each.at] : []));
    for (const at of new Map(places.map((each) => [each.join('\n'), each])).values()) {
      const text = inSeveralLines(this.#json(), at);
      if (text === undefined) continue;
      this.#text = text;
      const isMade = this.#insertions.some((each) => 'was' in each && isDeepStrictEqual(each.at, at));
      if (!isMade)
        this.#insertions = [
          ...this.#insertions,
          { at, was: textAt(this.#read(this.before.bytes.toString('utf8')), at) ?? null },
        ];
    }
    return () => {
      [this.#text, this.#insertions] = before;
    };
  }

  /**
   * Replaces the text, for example with a formatter's, but only if taking this command's insertions out of it gives the
   * original file, byte for byte.
   *
   * Returns whether it did.
   */
  rewrite(text: string): boolean {
    const { added } = this;
    const bytes = Buffer.from(text);
    const bare = new HostFile(this.path, { ...this.before, bytes }, this.#dialect, this.#insertions);
    bare.takeOut((each) => added.includes(each));
    const isSame = bare.bytes.equals(this.before.bytes);
    if (isSame) this.#text = text;
    return isSame;
  }

  /** Adds lines at the end, unless the file has them already. The last line ends as it did before. */
  putLines(lines: readonly string[]): void {
    const there = new Set(this.#text.split(/\r?\n/).map((line) => line.trim()));
    const lineEnd = /\r?\n/.exec(this.#text)?.[0] ?? '\n';
    const endsOpen = this.#text !== '' && !this.#text.endsWith('\n');
    for (const line of lines.filter((each) => !there.has(each))) {
      this.#text += endsOpen ? `${lineEnd}${line}` : `${line}${lineEnd}`;
      this.#insertions = [...this.#insertions, { line }];
    }
  }

  /** Adds a line, with so many lines above it. */
  putLine(line: string, above: number): void {
    this.#text = withLine(this.#text, line, above);
    this.#insertions = [...this.#insertions, { line }];
  }

  /** Gives an existing property another value. This is no insertion: calling it again with the old value undoes it. */
  setValue(at: Path, value: string): void {
    this.#text = replaceValue(this.#json(), at, JSON.stringify(value));
  }

  /** Gives a property that divvy put in, or wrote as part of the whole file, another value; it stays divvy's. */
  renewProperty(at: Path, key: string, value: string): void {
    this.setValue([...at, key], value);
    this.#insertions = this.#insertions.map((each) =>
      'key' in each && each.key === key && isDeepStrictEqual(each.at, at) ? { ...each, value } : each,
    );
  }

  /** Removes a property that divvy put in, or wrote as part of the whole file, if it still has that value. */
  dropOwn(at: Path, key: string, value: string): void {
    if (this.value([...at, key]) !== value) return;
    const isOne = (each: Insertion) => 'key' in each && each.key === key && isDeepStrictEqual(each.at, at);
    if (this.#insertions.some(isOne)) this.takeOut(isOne);
    else this.dropProperty([...at, key], value);
  }

  /** Removes a property that divvy wrote as part of the whole file, if it still has that value. */
  dropProperty(at: Path, value: string): void {
    if (this.value(at) === value) this.#text = takeOutProperty(this.#json(), at);
  }

  /** Removes an object that divvy wrote as part of the whole file, if it is empty now. */
  dropEmptied(at: Path): void {
    if (isEmpty(this.value(at)) && !hasComments(this.#json(), at)) this.#text = takeOutProperty(this.#json(), at);
  }

  /**
   * Removes divvy's insertions.
   *
   * which - decides whether to remove an insertion.
   *
   * Returns the reasons why some had to stay: they have changed since.
   */
  takeOut(which: (insertion: Insertion) => boolean): string[] {
    const reasons: string[] = [];
    const going = this.#insertions.flatMap((each) => (!('was' in each) && which(each) ? [each] : []));
    const standing = going.flatMap((each) => ('standing' in each ? [each] : []));
    for (const insertion of going) {
      const reason = 'standing' in insertion ? undefined : this.#takeOutOne(insertion);
      if (reason !== undefined) reasons.push(reason);
    }
    const elements = standing.map(({ element }) => element);
    for (const insertion of standing) if (!this.#hasOthers(insertion.at, elements)) this.#takeOutOne(insertion);
    this.#insertions = this.#insertions.filter((each) => 'was' in each || !going.includes(each));
    this.#removeEmptied();
    return reasons;
  }

  /** Whether an array holds other elements than these, or a comment: only its owner can have put them there. */
  #hasOthers(at: Path, elements: readonly string[]): boolean {
    const there = this.value(at);
    const isUsed = hasComments(this.#json(), at);
    return Array.isArray(there) && (isUsed || there.some((element) => !elements.includes(element)));
  }

  /** Returns why the insertion has to stay. If somebody else has removed it already, there is nothing to report. */
  #takeOutOne(insertion: Exclude<Insertion, Made>): string | undefined {
    if ('line' in insertion) {
      this.#text = withoutLine(this.#text, insertion.line);
      return undefined;
    }
    if ('element' in insertion) {
      this.#text = takeOutElement(this.#json(), insertion.at, insertion.element);
      return undefined;
    }
    const at = [...insertion.at, insertion.key];
    const there = this.value(at);
    if (there === undefined) return undefined;
    if (there !== insertion.value) return `${at.join('.')} was edited since`;
    this.#text = takeOutProperty(this.#json(), at);
    return undefined;
  }

  /**
   * Removes or restores what divvy made to hold its insertions, if it is empty again or equal to its old one-line
   * value; inner ones first.
   */
  #removeEmptied(): void {
    for (const insertion of this.#insertions.toReversed()) {
      if (!('was' in insertion)) continue;
      const there = this.value(insertion.at);
      const was = parseJson(insertion.was ?? 'null');
      const isEmptied = isEmpty(there) && (was === null || isEmpty(was));
      const isAsBefore = Array.isArray(there) && isDeepStrictEqual(there, [was].flat());
      if (there !== undefined && !isEmptied && !isAsBefore) continue;
      if (hasComments(this.#json(), insertion.at)) continue;
      if (there !== undefined) {
        this.#text =
          insertion.was === null
            ? takeOutProperty(this.#json(), insertion.at)
            : replaceValue(this.#json(), insertion.at, pieceIn(this.#text, insertion.was));
      }
      this.#insertions = this.#insertions.filter((other) => other !== insertion);
    }
  }

  #json(): JsonText {
    return this.#read(this.#text);
  }

  #read(text: string): JsonText {
    const json = readJson(text, this.#dialect === 'json' ? 'json' : 'jsonc');
    if ('reason' in json) throw hostFileRefused(this.path, json.reason, json.line);
    return json;
  }
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

function whyNotInto(json: JsonText, at: Path): string {
  // The outermost value on the way to the place that blocks it.
  const depth = at.findIndex((_, index) => typeof valueAt(json, at.slice(0, index + 1)) !== 'object');
  const place = depth < 0 || valueAt(json, at.slice(0, depth + 1)) === undefined ? at : at.slice(0, depth + 1);
  return `nothing can be put into ${place.join('.')}: it is ${textAt(json, place)}`;
}

/** Adds a line, with so many lines above it. The last line of the text ends as it did before. */
export function withLine(text: string, line: string, above: number): string {
  const lines = text === '' ? [] : text.split(/(?<=\n)/);
  const [before, behind] = [lines.slice(0, above).join(''), lines.slice(above).join('')];
  const lineEnd = /\r?\n/.exec(text)?.[0] ?? '\n';
  const isOpen = before !== '' && !before.endsWith('\n');
  return isOpen ? `${before}${lineEnd}${line}` : `${before}${line}${lineEnd}${behind}`;
}

/** Removes the last line with this text; also removes the line end before it if the line has none of its own. */
function withoutLine(text: string, line: string): string {
  const lines = text.split(/(?<=\n)/);
  const index = lines.findLastIndex((each) => each.replace(/\r?\n$/, '') === line);
  if (index < 0) return text;
  const before = lines.slice(0, index).join('');
  const isOpen = index === lines.length - 1 && !text.endsWith('\n');
  return isOpen ? before.replace(/\r?\n$/, '') : before + lines.slice(index + 1).join('');
}

/**
 * The sum of a file without divvy's insertions, which stays the same no matter what divvy inserts and removes;
 * undefined if somebody has changed an insertion since.
 */
export function bareSum(
  path: string,
  before: Before,
  dialect: Dialect,
  insertions: readonly Insertion[],
): string | undefined {
  try {
    const bare = new HostFile(path, before, dialect, insertions);
    return bare.takeOut(() => true).length === 0 ? sumOf(bare.bytes) : undefined;
  } catch (error) {
    if (error instanceof Refusal) return undefined; // If divvy cannot read it, it is no longer as divvy wrote it.
    throw error;
  }
}

/**
 * Opens an existing file; undefined if there is none. Throws a Refusal like the constructor does, and also if the file
 * must not be written.
 */
export function openHostFile(
  root: string,
  path: string,
  dialect: Dialect,
  known: readonly Insertion[],
): HostFile | undefined {
  const before = lookAt(root, path);
  return before && new HostFile(path, before, dialect, known);
}
