/** Finds inserted hooks again after a formatter has rewritten the file. */

import { type Inserted, partsOf } from './inserted.ts';
import { isRefusal } from './refusal.ts';
import { lineStart, startWithDoc } from './row.ts';
import { findTaskClass, memberCalled, parse, type TaskClass } from './task-class.ts';

/**
 * Pure. A hook that its author has changed keeps its old record, so that divvy does not take it for its own.
 *
 * before - the text before formatting, and its insertions.
 * after - the formatted text.
 *
 * Returns the insertions in the formatted text; undefined if it is no task file.
 */
export function reformatted(
  before: { readonly text: string; readonly inserted: Inserted },
  after: string,
  fileName: string,
): Inserted | undefined {
  const [old, now] = [classIn(before.text, fileName), classIn(after, fileName)];
  if (old === undefined || now === undefined) return undefined;
  const hooks = Object.entries(before.inserted.hooks).map(([name, piece]) => {
    const { lead, written, tail } = partsOf(piece);
    const [was, is] = [memberCalled(old.node, name), memberCalled(now.node, name)];
    const isOurs = was !== undefined && before.text.slice(0, was.end).endsWith(written);
    if (!isOurs || is === undefined) return [name, piece] as const;
    return [name, lead + after.slice(lineStart(after, startWithDoc(is)), is.end) + tail] as const;
  });
  return { ...before.inserted, hooks: Object.fromEntries(hooks) };
}

function classIn(text: string, fileName: string): TaskClass | undefined {
  const file = parse(text, fileName);
  const task = isRefusal(file) ? file : findTaskClass(file);
  return isRefusal(task) ? undefined : task;
}
