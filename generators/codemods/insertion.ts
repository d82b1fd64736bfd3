/**
 * The basis of every codemod in this folder: inserts pieces of text into a source, and keeps all of its own bytes. Also
 * reads the style of the source, so that inserted text looks as if its author had written it.
 */

import { ts } from 'ts-morph';

/** A piece of text to insert, before the character at this place of the source. */
export interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** Inserts the pieces into the source. Pieces at the same place stay in the given order. */
export function insert(source: string, insertions: readonly Insertion[]): string {
  let text = '';
  let from = 0;
  for (const insertion of insertions.toSorted((a, b) => a.at - b.at)) {
    text += source.slice(from, insertion.at) + insertion.text;
    from = insertion.at;
  }
  return text + source.slice(from);
}

/** A piece of a source to remove. */
export interface Cut {
  readonly from: number;
  /** The first place after it. */
  readonly to: number;
}

/** Removes pieces from the source; they must not overlap. */
export function cut(source: string, cuts: readonly Cut[]): string {
  let text = '';
  let from = 0;
  for (const piece of cuts.toSorted((a, b) => a.from - b.from)) {
    text += source.slice(from, piece.from);
    from = piece.to;
  }
  return text + source.slice(from);
}

/** The style in which a source is written. */
export interface Style {
  readonly eol: '\n' | '\r\n';
  /** One level of indentation. */
  readonly indent: string;
  readonly quote: "'" | '"';
  /** The end of a statement: `;` or nothing. */
  readonly semicolon: ';' | '';
}

/** Reads the style of a source. Defaults, if the source does not tell: LF, two spaces, single quotes, semicolons. */
export function styleOf(file: ts.SourceFile): Style {
  const text = file.text;
  const crlf = text.split('\r\n').length - 1;
  const lf = text.split('\n').length - 1 - crlf;
  let single = 0;
  let double = 0;
  let ended = 0;
  let open = 0;
  let indent: string | undefined;
  const look = (node: ts.Node): void => {
    if (ts.isStringLiteral(node)) text[node.getStart(file)] === '"' ? double++ : single++;
    if (endsInSemicolon(node)) text[node.end - 1] === ';' ? ended++ : open++;
    indent ??= indentWithin(node, file);
    ts.forEachChild(node, look);
  };
  look(file);
  return {
    eol: crlf > lf ? '\r\n' : '\n',
    indent: indent ?? '  ',
    quote: double > single ? '"' : "'",
    semicolon: open > ended ? '' : ';',
  };
}

/** Returns the white space at the beginning of the line of this place. */
export function indentAt(text: string, at: number): string {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  return /^[\uFEFF]?([ \t]*)/.exec(text.slice(start))?.[1] ?? '';
}

/** Returns where the comments after this place on its line end; the place itself, if code follows them. */
export function endOfTrailingComments(text: string, at: number): number {
  const end = ts.getTrailingCommentRanges(text, at)?.at(-1)?.end ?? at;
  return /^[ \t]*(\r?\n|$)/.test(text.slice(end)) ? end : at;
}

/** Returns the line of a place, from 1. */
export function lineOf(file: ts.SourceFile, at: number): number {
  return file.getLineAndCharacterOfPosition(at).line + 1;
}

/** Returns how much more the first part of a body is indented than the body itself; undefined if it does not tell. */
function indentWithin(node: ts.Node, file: ts.SourceFile): string | undefined {
  const [first] = ts.isClassLike(node) ? node.members : ts.isBlock(node) ? node.statements : [];
  if (!first) return undefined;
  const outer = indentAt(file.text, node.getStart(file));
  const inner = indentAt(file.text, first.getStart(file));
  return inner.startsWith(outer) && inner.length > outer.length ? inner.slice(outer.length) : undefined;
}

/** Whether a semicolon may end this statement or member; some authors leave it out. */
function endsInSemicolon(node: ts.Node): boolean {
  return (
    ts.isImportDeclaration(node) ||
    ts.isVariableStatement(node) ||
    ts.isExpressionStatement(node) ||
    ts.isReturnStatement(node) ||
    ts.isThrowStatement(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isPropertyDeclaration(node)
  );
}
