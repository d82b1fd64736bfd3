/** Decides where in a class a new member goes, and which white space goes around it. */

import { ts } from 'ts-morph';
import { endOfTrailingComments, type Insertion, indentAt, type Style } from './insertion.ts';
import { isStatic, memberName } from './task-class.ts';

/**
 * Returns the insertion of a method into a class.
 *
 * name - of the method; one of `order`.
 * order - the order of members. The new method goes after the nearest member that comes before it in this order; if the
 * class has none, before the first member that comes after it; otherwise at the end.
 * lines - of the method, each with its level of indentation.
 */
export function methodInsertion(
  file: ts.SourceFile,
  node: ts.ClassLikeDeclaration,
  method: { name: string; order: readonly string[]; lines: readonly { level: number; text: string }[] },
  style: Style,
): Insertion {
  const { text } = file;
  const { eol } = style;
  const neighbour = memberBefore(node, method.name, method.order);
  const end = endOfTrailingComments(text, neighbour ? neighbour.end : openBraceEnd(node, file));
  const { inner, outer, unit } = indentation(file, node, style);
  const written = method.lines.map((line) => inner + unit.repeat(line.level) + line.text).join(eol);
  const before = neighbour ? eol + eol : eol;

  // White space at the end of a line stays there.
  const [, gap = '', next = ''] = /^([ \t]*)(\r?\n|.|$)/.exec(text.slice(end)) ?? [];
  const at = end + gap.length;
  // Something follows on this line, such as the closing brace of a one-line class: it moves to a line of its own.
  if (!next.endsWith('\n')) return { at, text: before + written + eol + (next === '}' ? outer : eol + inner) };
  const nextLine = text.slice(at + next.length);
  return { at, text: before + written + (/^[ \t]*(\}|\r?\n)/.test(nextLine) ? '' : eol) };
}

/** Returns the member before the new one; undefined if the new one comes first. */
function memberBefore(
  node: ts.ClassLikeDeclaration,
  name: string,
  order: readonly string[],
): ts.ClassElement | undefined {
  const place = order.indexOf(name);
  const indexOf = (wanted: string): number =>
    node.members.findLastIndex((member) => memberName(member) === wanted && !isStatic(member));
  const earlier = order.slice(0, place).map(indexOf);
  const later = order.slice(place + 1).map(indexOf);
  const [next = node.members.length] = later.filter((index) => index !== -1);
  let index = earlier.findLast((each) => each !== -1) ?? next - 1;
  // A stray semicolon after a method counts as a member.
  while (node.members[index + 1]?.kind === ts.SyntaxKind.SemicolonClassElement) index++;
  return node.members[index];
}

/** Returns the place after the opening brace of a class. */
function openBraceEnd(node: ts.ClassLikeDeclaration, file: ts.SourceFile): number {
  return node.getChildren(file).find((each) => each.kind === ts.SyntaxKind.OpenBraceToken)?.end ?? node.members.pos;
}

/** Returns the indentation of the class, of its members, and of one more level. */
function indentation(
  file: ts.SourceFile,
  node: ts.ClassLikeDeclaration,
  { indent }: Style,
): { outer: string; inner: string; unit: string } {
  const outer = indentAt(file.text, node.getStart(file));
  const starts = node.members.map((member) => member.getStart(file));
  const own = starts.find((start) => /(^|\n)[ \t]*$/.test(file.text.slice(0, start)));
  const inner = own === undefined ? outer + indent : indentAt(file.text, own);
  // A class may have an indentation of its own.
  const unit = inner.startsWith(outer) && inner.length > outer.length ? inner.slice(outer.length) : indent;
  return { outer, inner, unit };
}
