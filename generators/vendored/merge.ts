/** Merges a file three ways, line by line: what its owner changed, and what a release changed. Only this file merges. */

import { diff3Merge, diffIndices } from 'node-diff3';

export interface Texts {
  readonly base: string;
  readonly mine: string;
  readonly theirs: string;
}

export interface Merged {
  /** With the markers of each conflict. */
  readonly text: string;
  readonly conflicts: number;
}

/** The lines that begin and end a conflict, without the one in its middle, which is `=======` for every program. */
export interface Markers {
  readonly mine: string;
  readonly base: string;
  readonly theirs: string;
}

export const MIDDLE = '=======';

/**
 * The markers for a merge. None of them is a line of the texts: so a marker that is in the file afterwards is one of ours.
 *
 * names - what the markers call the two sides, and the base.
 */
export function markersFor(texts: Texts, names: Markers): Markers {
  const lines = new Set(Object.values(texts).flatMap((text: string) => text.split(/\r?\n/)));
  const free = (marker: string): string => (lines.has(marker) ? free(`${marker}'`) : marker);
  return {
    mine: free(`<<<<<<< ${names.mine}`),
    base: free(`||||||| ${names.base}`),
    theirs: free(`>>>>>>> ${names.theirs}`),
  };
}

/** Merges three texts, which all have LF. What both sides changed in the same way is no conflict. */
export function merge({ base, mine, theirs }: Texts, markers: Markers): Merged {
  const regions = diff3Merge(linesOf(mine), linesOf(base), linesOf(theirs), { excludeFalseConflicts: true });
  let conflicts = 0;
  const side = (marker: string, lines: readonly string[]) => `${marker}\n${ended(lines.join(''))}`;
  const parts = regions.map(({ ok, conflict }) => {
    if (conflict === undefined) return (ok ?? []).join('');
    conflicts++;
    return [
      side(markers.mine, conflict.a),
      side(markers.base, conflict.o),
      side(MIDDLE, conflict.b),
      `${markers.theirs}\n`,
    ].join('');
  });
  return { text: parts.join(''), conflicts };
}

/** Each line with its end: so a last line without one differs from the same line with one. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

/** How many lines one text has that the other has not. */
export function changedLines(before: string, after: string): { readonly added: number; readonly removed: number } {
  const changes = diffIndices(linesOf(before), linesOf(after));
  const sum = (side: 'buffer1' | 'buffer2') => changes.reduce((all, change) => all + change[side][1], 0);
  return { added: sum('buffer2'), removed: sum('buffer1') };
}

/**
 * A merged text with the line ends that its lines have in a file; lines that are not in it get the end that most of its lines have.
 * All lines of `merged` end with LF.
 */
export function endedAs(file: string, merged: string): string {
  if (!file.includes('\r\n')) return merged;
  const lines = linesOf(file);
  const plain = lines.map((line) => line.replace(/\r\n$/, '\n'));
  const isCrlf = lines.filter((line) => line.endsWith('\r\n')).length * 2 > lines.length;
  const result = linesOf(merged);
  let [from, to] = [0, 0];
  const keep = (end: number) => {
    for (; from < end; from++, to++) result[to] = lines[from] ?? '';
  };
  for (const { buffer1, buffer2 } of diffIndices(plain, [...result])) {
    keep(buffer1[0]);
    const end = buffer2[0] + buffer2[1];
    if (isCrlf) for (let at = buffer2[0]; at < end; at++) result[at] = (result[at] ?? '').replace(/\n$/, '\r\n');
    [from, to] = [buffer1[0] + buffer1[1], end];
  }
  keep(plain.length);
  return result.join('');
}
