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

/**
 * Merges three texts, which all have LF. What both sides changed in the same way is no conflict.
 *
 * Two changes that touch are a conflict. Where a change stands is not always clear: of two equal lines side by side either may
 * be the new one. So the merge is tried with each change as far up as it can be, and as far down, and the one with fewer
 * conflicts is taken.
 */
export function merge({ base, mine, theirs }: Texts, markers: Markers): Merged {
  const lines = { base: linesOf(base), mine: linesOf(mine), theirs: linesOf(theirs) };
  const tries = [regionsOf(lines)];
  const isClean = () => tries.some((each) => conflictsIn(each) === 0);
  for (const moves of MOVES) if (!isClean()) tries.push(regionsOf(aligned(lines, ...moves)));
  const [best = []] = tries.toSorted((a, b) => conflictsIn(a) - conflictsIn(b));
  return written(best, markers);
}

/** A line, or a line that is known to be that of the base. */
type Line = string;
type Lines = { readonly [side in keyof Texts]: Line[] };

/** Lines that go together, or the three sides of a conflict. */
type Region = Line[] | Lines;

const regionsOf = ({ base, mine, theirs }: Lines): Region[] =>
  diff3Merge(mine, base, theirs, { excludeFalseConflicts: true }).map(({ ok, conflict }) =>
    conflict === undefined ? (ok ?? []) : { mine: conflict.a, base: conflict.o, theirs: conflict.b },
  );

/** A change: where it begins in the base and in the other text, and how many lines of each it takes. */
interface Change {
  at: [number, number];
  readonly length: readonly [number, number];
}

/**
 * The lines with a mark on each that says which line of the base it is. So they are compared as the changes
 * were moved, and not as equal lines happen to meet.
 */
function aligned({ base, mine, theirs }: Lines, ofMine: Move, ofTheirs: Move): Lines {
  const marked = (other: readonly Line[], move: Move): Line[] => {
    const changes = diffIndices([...base], [...other]).map<Change>(
      ({ buffer1: [at, length], buffer2: [to, more] }) => ({
        at: [at, to],
        length: [length, more],
      }),
    );
    move(changes, base, other);
    const lines = [...other];
    let [from, to] = [0, 0];
    const keep = (end: number) => {
      for (; from < end; from++, to++) lines[to] = `${lines[to]}${MARK}${from}`;
    };
    for (const { at, length } of changes) {
      keep(at[0]);
      [from, to] = [at[0] + length[0], at[1] + length[1]];
    }
    keep(base.length);
    return lines;
  };
  return {
    base: base.map((line, index) => `${line}${MARK}${index}`),
    mine: marked(mine, ofMine),
    theirs: marked(theirs, ofTheirs),
  };
}

/** Stands in no text. */
const MARK = '\0';

const bare = (line: Line): string => line.replace(/\0\d+$/, '');

type Move = (changes: Change[], base: readonly Line[], other: readonly Line[]) => void;

/** Moves what was only put in or only taken out down, as long as the line below it is its first. */
const down: Move = (changes, base, other) => {
  for (const [index, change] of [...changes.entries()].toReversed()) {
    const [end, otherEnd] = changes[index + 1]?.at ?? [base.length, other.length];
    const side = sideOf(change);
    if (side === undefined) continue;
    const [text, number] = [side === 0 ? base : other, change.length[side]];
    for (let [at, to] = change.at; ; at++, to++) {
      change.at = [at, to];
      const here = side === 0 ? at : to;
      const isFree = at + change.length[0] < end && to + change.length[1] < otherEnd;
      if (!isFree || text[here] !== text[here + number]) break;
    }
  }
};

/** The same upwards. */
const up: Move = (changes, base, other) => {
  for (const [index, change] of changes.entries()) {
    const before = changes[index - 1];
    const [start, otherStart] = before ? [before.at[0] + before.length[0], before.at[1] + before.length[1]] : [0, 0];
    const side = sideOf(change);
    if (side === undefined) continue;
    const [text, number] = [side === 0 ? base : other, change.length[side]];
    for (let [at, to] = change.at; ; at--, to--) {
      change.at = [at, to];
      const here = (side === 0 ? at : to) - 1;
      const isFree = at > start && to > otherStart;
      if (!isFree || text[here] !== text[here + number]) break;
    }
  }
};

/** How the changes of mine, and those of theirs, are moved in each try. */
const MOVES = [
  [down, down],
  [up, up],
  [up, down],
  [down, up],
] as const;

/** The side that has the lines of a change: 0 the base, 1 the other; undefined if both have some. */
const sideOf = ({ length: [inBase, inOther] }: Change): 0 | 1 | undefined =>
  inBase === 0 ? 1 : inOther === 0 ? 0 : undefined;

const conflictsIn = (regions: readonly Region[]): number => regions.filter((each) => !Array.isArray(each)).length;

function written(regions: readonly Region[], markers: Markers): Merged {
  const text = (lines: readonly Line[]) => lines.map(bare).join('');
  const side = (marker: string, lines: readonly Line[]) => `${marker}\n${ended(text(lines))}`;
  const parts = regions.map((region) =>
    Array.isArray(region)
      ? text(region)
      : [
          side(markers.mine, region.mine),
          side(markers.base, region.base),
          side(MIDDLE, region.theirs),
          `${markers.theirs}\n`,
        ].join(''),
  );
  return { text: parts.join(''), conflicts: conflictsIn(regions) };
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
