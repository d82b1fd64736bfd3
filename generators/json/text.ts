/**
 * Reads somebody else's JSON file so that divvy can edit it by inserting and removing text: everything else stays as it
 * is, byte for byte. Only this file uses jsonc-parser.
 */

import {
  createScanner,
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { conflictsIn, whyUnmerged } from '../disk/markers.ts';

/** Property names, outermost first. */
export type Path = readonly string[];

/** Why divvy cannot edit a file, and where. */
export interface JsonFault {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

/** A file that divvy can edit: its root is an object, and no object in it has a key twice. */
export interface JsonText {
  readonly text: string;
  readonly root: Node;
}

/** What is between two places of a text, apart from white space. */
export interface Between {
  /** The place of the first comma. */
  readonly comma: number | undefined;
  /** The end of the last comma or comment; the beginning if there is none. */
  readonly end: number;
  /**
   * The same, but only up to the end of one line: the comma's line, or the first line if there is no comma. If that
   * line continues up to the other place, it is right after the comma.
   */
  readonly endOnLine: number;
  /** Whether a comment that runs to the end of its line ends at `end`. */
  readonly isLineComment: boolean;
}

/** Copied from SyntaxKind, which exists only for the compiler. */
const OPEN_BRACE = 1;
const CLOSE_BRACE = 2;
const OPEN_BRACKET = 3;
const CLOSE_BRACKET = 4;
const COMMA = 5;
const LINE_COMMENT = 12;
const LINE_BREAK = 14;
const WHITE_SPACE = 15;
const END = 17;

const BYTE_ORDER_MARK = '\uFEFF';

/**
 * Deeper than any file that a person writes. The reader calls itself once for each level, and must not run out of
 * stack.
 */
const MOST_LEVELS = 200;

/**
 * Reads a file.
 *
 * dialect - whether comments and trailing commas are allowed, as in a tsconfig.json.
 */
export function readJson(source: string, dialect: 'json' | 'jsonc'): JsonText | JsonFault {
  // JSON does not allow a byte order mark. A space in its place keeps every offset.
  const text = source.startsWith(BYTE_ORDER_MARK) ? ` ${source.slice(1)}` : source;
  const deep = levelTooMany(text);
  if (deep !== undefined) return faultAt(text, deep, `it is nested more than ${MOST_LEVELS} levels deep`);
  const errors: ParseError[] = [];
  const isStrict = dialect === 'json';
  try {
    const root = parseTree(text, errors, { disallowComments: isStrict, allowTrailingComma: !isStrict });
    const [error] = errors;
    const conflicts = error === undefined ? [] : conflictsIn(text);
    if (conflicts[0] !== undefined) return { line: conflicts[0].from, reason: whyUnmerged(conflicts) };
    if (error !== undefined) return faultAt(text, error.offset, `it is not JSON: ${inWords(error)}`);
    if (root?.type !== 'object') return { line: 1, reason: 'it is not one JSON object' };
    return keyTwice(text, root) ?? { text: source, root };
  } catch (error) {
    if (error instanceof RangeError) return { line: 1, reason: 'too many things are inside each other in it' };
    throw error;
  }
}

const inWords = ({ error }: ParseError): string =>
  printParseErrorCode(error)
    .replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
    .toLowerCase();

const faultAt = (text: string, offset: number, reason: string): JsonFault => ({
  line: text.slice(0, offset).split('\n').length,
  reason,
});

/** The offset at which a text is nested too deeply; undefined if it is not. */
function levelTooMany(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let levels = 0;
  for (let kind: number = scanner.scan(); kind !== END; kind = scanner.scan()) {
    if (kind === OPEN_BRACE || kind === OPEN_BRACKET) levels++;
    if (kind === CLOSE_BRACE || kind === CLOSE_BRACKET) levels--;
    if (levels > MOST_LEVELS) return scanner.getTokenOffset();
  }
  return undefined;
}

/** If a key is there twice, some programs take the first value and some the last: divvy cannot tell which is meant. */
function keyTwice(text: string, node: Node): JsonFault | undefined {
  const seen = new Set<string>();
  for (const child of node.children ?? []) {
    if (node.type === 'object') {
      const key = child.children?.[0];
      const name = String(key?.value);
      if (seen.has(name)) return faultAt(text, child.offset, `it has the key ${JSON.stringify(name)} twice`);
      seen.add(name);
    }
    const within = keyTwice(text, child);
    if (within !== undefined) return within;
  }
  return undefined;
}

/** The value at a place; undefined if there is none. */
export function valueAt({ root }: JsonText, path: Path): unknown {
  const node = nodeAt(root, path);
  return node && getNodeValue(node);
}

/** The text of the value at a place, exactly as in the file. */
export function textAt({ text, root }: JsonText, path: Path): string | undefined {
  const node = nodeAt(root, path);
  return node && text.slice(node.offset, node.offset + node.length);
}

/**
 * The line, from 1, where the value at a place begins; if there is no value, that of the nearest value around the
 * place.
 */
export function lineAt({ text, root }: JsonText, path: readonly (string | number)[]): number {
  const node = nodeAt(root, path);
  if (node === undefined && path.length > 0) return lineAt({ text, root }, path.slice(0, -1));
  return text.slice(0, node?.offset ?? 0).split('\n').length;
}

export const nodeAt = (root: Node, path: readonly (string | number)[]): Node | undefined =>
  findNodeAtLocation(root, [...path]);

export const endOf = ({ offset, length }: Node): number => offset + length;

/** Looks at the text from one offset up to another, outside of every value. */
export function between(text: string, from: number, to: number): Between {
  const scanner = createScanner(text.slice(from, to));
  let comma: number | undefined;
  let end = from;
  let endOnLine: number | undefined;
  let isLineComment = false;
  for (let kind: number = scanner.scan(); kind !== END; kind = scanner.scan()) {
    if (kind === LINE_BREAK) endOnLine ??= end;
    if (kind === LINE_BREAK || kind === WHITE_SPACE) continue;
    end = from + scanner.getTokenOffset() + scanner.getTokenLength();
    isLineComment = kind === LINE_COMMENT;
    if (kind !== COMMA || comma !== undefined) continue;
    comma = end - 1;
    endOnLine = undefined; // The comma may be on a line of its own.
  }
  return { comma, end, endOnLine: endOnLine ?? (comma === undefined ? end : comma + 1), isLineComment };
}
