/**
 * A row: inserted hooks that directly follow each other, with nothing of the author's between them. The inserted white
 * space around a row belongs to the whole row, and not to one of its hooks.
 */

import { ts } from 'ts-morph';
import { type Inserted, partsOf } from './inserted.ts';
import { isStatic, memberName } from './task-class.ts';

/** The neighbours of a hook in its row. */
export interface Row {
  /** The end of the hook before it, if there are only line breaks between. */
  readonly before: number | undefined;
  /** The start of the first line of the hook after it, if there are only line breaks between. */
  readonly behind: number | undefined;
}

/**
 * Returns the places of a method's neighbours in the same row. `written` is where the method begins, with its
 * indentation.
 */
export function rowOf(node: ts.ClassLikeDeclaration, method: ts.ClassElement, written: number, known: Inserted): Row {
  const [before, behind] = neighbours(node, method);
  const { text } = node.getSourceFile();
  const gap = before && isKnown(before, known) ? text.slice(before.end, written) : '';
  const start = behind && isKnown(behind, known) ? lineStart(text, startWithDoc(behind)) : method.end;
  return {
    before: before && BREAKS.test(gap) ? before.end : undefined,
    behind: BREAKS.test(text.slice(method.end, start)) ? start : undefined,
  };
}

/** Returns the record of a new method: if it joined a row, with the white space of the row. */
export function besideRow(node: ts.ClassLikeDeclaration, name: string, inserted: string, known: Inserted): string {
  const method = node.members.find((each) => memberName(each) === name && !isStatic(each));
  const { written } = partsOf(inserted);
  if (!method) return inserted;
  const { before, behind } = rowOf(node, method, method.end - written.length, known);
  const [earlier, later] = neighbours(node, method);
  const neighbour = before === undefined ? (behind === undefined ? undefined : later) : earlier;
  const other = neighbour && known.hooks[memberName(neighbour) ?? ''];
  if (other === undefined) return inserted;
  const { lead, tail } = partsOf(other);
  return lead + written + tail;
}

/** Returns where a member begins, with its doc comment. */
export const startWithDoc = (member: ts.Node): number => member.getStart(member.getSourceFile(), true);

/** Returns the start of the line of a place. */
export const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1;

const BREAKS = /^(\r?\n){2}$/;

function neighbours(node: ts.ClassLikeDeclaration, method: ts.ClassElement): (ts.ClassElement | undefined)[] {
  const index = node.members.indexOf(method);
  return [node.members[index - 1], node.members[index + 1]];
}

const isKnown = (member: ts.ClassElement, { hooks }: Inserted): boolean =>
  ts.isMethodDeclaration(member) && !isStatic(member) && Object.hasOwn(hooks, memberName(member) ?? '');
