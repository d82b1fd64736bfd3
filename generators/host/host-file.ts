/** A file of the repository that was there before divvy, while it is edited: text goes in, or what was put in comes out. */

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
import type { Insertion } from '../json/insertions.ts';
import { parseJson } from '../json/parse.ts';
import { type JsonText, lineAt, nodeAt, type Path, readJson, textAt, valueAt } from '../json/text.ts';
import { notUtf8 } from '../terminal/errors.ts';
import { Refusal } from '../terminal/refusal.ts';
import { hostFileRefused } from './errors.ts';
import { inList, inPackageJson, inSettings } from './order.ts';

/** How a file is written. */
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
   * known - what is in the file by divvy, as the lock has it.
   *
   * Throws a Refusal with exit code 3, with file and line, for a file that cannot be edited: JSON with a fault in it, or
   * with a key twice, and what is not UTF-8.
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

  /** What is in it by divvy now. */
  get insertions(): readonly Insertion[] {
    return this.#insertions;
  }

  /** What was put in now. */
  get added(): readonly Insertion[] {
    return this.#insertions.filter((insertion) => !this.#known.includes(insertion));
  }

  /** The line on the disk that the value at a place begins in, from 1; of what is not there, that of what is around it. */
  lineOf(at: Path): number {
    return lineAt(this.#read(this.before.bytes.toString('utf8')), at);
  }

  /** The value at a place; undefined where there is none. */
  value(at: Path): unknown {
    return valueAt(this.#json(), at);
  }

  /**
   * Puts a property in, where it has not that value already. Throws a Refusal where another value is there.
   *
   * order - where it goes, and an object that has to be made for it; by default to the end.
   */
  putProperty(
    at: Path,
    key: string,
    value: string,
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
   * Puts an element into an array, where it is not there already.
   *
   * standing - it is there only because the array is, and stays for as long as somebody else has something in that.
   */
  putElement(at: Path, element: string, standing = false): void {
    const there = this.value(at);
    if (Array.isArray(there) && there.includes(element)) return;
    const { root, text } = this.#json();
    const list = nodeAt(root, at);
    // Before the first of `["b", "c"]` it would stand without the space that is between the others.
    const isTight = list !== undefined && /\S/.test(text[list.offset + 1] ?? '');
    this.#put(at, undefined, element, (where, ...wanted) => {
      const isAround = !isDeepStrictEqual(where, at);
      if (isAround) return (this.path === PACKAGE_JSON ? inPackageJson : inSettings)(where, ...wanted);
      const place = inList(where, ...wanted);
      return place === 0 && isTight ? undefined : place;
    });
    this.#insertions = [...this.#insertions, { at, element, ...(standing && { standing }) }];
  }

  #put(at: Path, key: string | undefined, value: string, order?: Order): void {
    const put = putIn(this.#json(), at, key, value, order);
    if (put === undefined) {
      throw hostFileRefused(this.path, whyNotInto(this.#json(), at), this.lineOf(at));
    }
    this.#text = put.text;
    this.#insertions = [...this.#insertions, ...put.made];
  }

  /**
   * Gives each element a line of its own in the arrays that something was put into now, and that are in one line: formatters want
   * that where a line gets too long.
   *
   * Returns what takes that back.
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
   * Takes another text in place of its own, such as a formatter's: where what was put in now comes out of that again to the byte.
   *
   * Returns whether it does.
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

  /** Puts lines at the end, where they are not in it already. The last line ends as it did before. */
  putLines(lines: readonly string[]): void {
    const there = new Set(this.#text.split(/\r?\n/).map((line) => line.trim()));
    const lineEnd = /\r?\n/.exec(this.#text)?.[0] ?? '\n';
    const endsOpen = this.#text !== '' && !this.#text.endsWith('\n');
    for (const line of lines.filter((each) => !there.has(each))) {
      this.#text += endsOpen ? `${lineEnd}${line}` : `${line}${lineEnd}`;
      this.#insertions = [...this.#insertions, { line }];
    }
  }

  /** Gives a property that is there another value. It is not an insertion: what takes it back is the same once more. */
  setValue(at: Path, value: string): void {
    this.#text = replaceValue(this.#json(), at, JSON.stringify(value));
  }

  /** Takes a property out that divvy has put in as part of the whole file, where it still has that value. */
  dropProperty(at: Path, value: string): void {
    if (this.value(at) === value) this.#text = takeOutProperty(this.#json(), at);
  }

  /** Takes an object out that divvy has made as part of the whole file, where nothing is left in it. */
  dropEmptied(at: Path): void {
    if (isEmpty(this.value(at)) && !hasComments(this.#json(), at)) this.#text = takeOutProperty(this.#json(), at);
  }

  /**
   * Takes out what divvy has put in.
   *
   * which - whether one is to go.
   *
   * Returns why some had to stay: they have been changed since.
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

  /** Whether an array has other elements than these, or a comment, which nobody but its owner has put there. */
  #hasOthers(at: Path, elements: readonly string[]): boolean {
    const there = this.value(at);
    const isUsed = hasComments(this.#json(), at);
    return Array.isArray(there) && (isUsed || there.some((element) => !elements.includes(element)));
  }

  /** Returns why it has to stay. What somebody else has taken out already is nothing to be said. */
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

  /** What was made goes, or is as it was, once it is empty, or what it was in one line; inner ones first. */
  #removeEmptied(): void {
    for (const insertion of this.#insertions.toReversed()) {
      if (!('was' in insertion)) continue;
      const there = this.value(insertion.at);
      const was = parseJson(insertion.was ?? 'null');
      const isEmptied = isEmpty(there) && (was === null || isEmpty(was));
      if (there !== undefined && !isEmptied && !(Array.isArray(there) && isDeepStrictEqual(there, was))) continue;
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
  // Of what is on the way to it, the outermost that is in the way.
  const depth = at.findIndex((_, index) => typeof valueAt(json, at.slice(0, index + 1)) !== 'object');
  const place = depth < 0 || valueAt(json, at.slice(0, depth + 1)) === undefined ? at : at.slice(0, depth + 1);
  return `nothing can be put into ${place.join('.')}: it is ${textAt(json, place)}`;
}

/** Takes the last line that is this text out; with the line end before it where it has none of its own. */
function withoutLine(text: string, line: string): string {
  const lines = text.split(/(?<=\n)/);
  const index = lines.findLastIndex((each) => each.replace(/\r?\n$/, '') === line);
  if (index < 0) return text;
  const before = lines.slice(0, index).join('');
  const isOpen = index === lines.length - 1 && !text.endsWith('\n');
  return isOpen ? before.replace(/\r?\n$/, '') : before + lines.slice(index + 1).join('');
}

/**
 * The sum of a file without what divvy has put into it, which stays the same whatever is put in and taken out; undefined
 * where some of that was changed since.
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
    if (error instanceof Refusal) return undefined; // What cannot be read is not as it was written.
    throw error;
  }
}

/** A file that is there; undefined where there is none. Throws as the constructor does, and where it must not be written. */
export function openHostFile(
  root: string,
  path: string,
  dialect: Dialect,
  known: readonly Insertion[],
): HostFile | undefined {
  const before = lookAt(root, path);
  return before && new HostFile(path, before, dialect, known);
}
