/**
 * A row: hooks that were put in one behind the other, with nothing of the author's between them. Of the white space
 * around it, what was put in belongs to the row and not to one of its hooks.
 */

import { ts } from 'ts-morph';
import { type Inserted, partsOf } from './inserted.ts';
import { isStatic, memberName } from './task-class.ts';

/** The places of a row's neighbours: where the one before ends, and where the one behind begins, its line included. */
export interface Row {
  /** The end of the hook before, where only line breaks are between. */
  readonly before: number | undefined;
  /** The start of the line of the hook behind, where only line breaks are between. */
  readonly behind: number | undefined;
}

/** Returns where a method's hooks of the same row are. `written` is where it begins, its indentation included. */
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

/** Returns what was put in for a new method: where it came to stand in a row, the white space is that of the row. */
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

/** Returns where a member begins, its doc comment included. */
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
