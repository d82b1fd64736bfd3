/** Says where in a class a new member goes, and what has to stand around it there. */

import { ts } from 'ts-morph';
import { endOfTrailingComments, type Insertion, indentAt, type Style } from './insertion.ts';
import { isStatic, memberName } from './task-class.ts';

/**
 * Returns the insertion of a method into a class.
 *
 * name  - of the method; one of `order`.
 * order - in which members of these names stand: the new one goes behind the nearest of those before it that the class
 *         has, else before the first of those after it, else to the end.
 * lines - of the method, each with the levels that it is indented by.
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

  // White space at the end of a line stays on it.
  const [, gap = '', next = ''] = /^([ \t]*)(\r?\n|.|$)/.exec(text.slice(end)) ?? [];
  const at = end + gap.length;
  // Something follows on this line, such as the brace of a class that is written on one: it gets a line of its own.
  if (!next.endsWith('\n')) return { at, text: before + written + eol + (next === '}' ? outer : eol + inner) };
  const nextLine = text.slice(at + next.length);
  return { at, text: before + written + (/^[ \t]*(\}|\r?\n)/.test(nextLine) ? '' : eol) };
}

/** Returns the member that the new one follows; undefined where it comes first. */
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
  // A stray semicolon after a method is a member of its own.
  while (node.members[index + 1]?.kind === ts.SyntaxKind.SemicolonClassElement) index++;
  return node.members[index];
}

/** Returns the place after the brace that opens a class. */
function openBraceEnd(node: ts.ClassLikeDeclaration, file: ts.SourceFile): number {
  return node.getChildren(file).find((each) => each.kind === ts.SyntaxKind.OpenBraceToken)?.end ?? node.members.pos;
}

/** Returns the indentation of the class, of its members, and what is added for one level more. */
function indentation(
  file: ts.SourceFile,
  node: ts.ClassLikeDeclaration,
  { indent }: Style,
): { outer: string; inner: string; unit: string } {
  const outer = indentAt(file.text, node.getStart(file));
  const starts = node.members.map((member) => member.getStart(file));
  const own = starts.find((start) => /(^|\n)[ \t]*$/.test(file.text.slice(0, start)));
  const inner = own === undefined ? outer + indent : indentAt(file.text, own);
  // A class may be indented in a way of its own.
  const unit = inner.startsWith(outer) && inner.length > outer.length ? inner.slice(outer.length) : indent;
  return { outer, inner, unit };
}
