/** A cursor in a small case: how far the run has come, and the mark that the journal has. */

import type { Mark } from '../../../runtime/journal/records.ts';
import type { Cursor } from '../../../runtime/master/cursor.ts';
import type { Code } from './simulation.ts';
import { ensure } from './violation.ts';

/** So many items may be listed from the mark on: as few as make a difference. */
const AHEAD = 2;

export interface SmallCursor {
  cursor: Cursor;
  /** What the journal has. */
  mark: Mark | undefined;
  /** How many items share a place. */
  readonly ties: number;
}

type Journal = readonly (string | undefined)[];

/** A run begins, after the mark that the one before has recorded. */
export function beginCursor({ Cursor }: Code, ties: number, mark: Mark | undefined): SmallCursor {
  return { cursor: new Cursor(mark, true, Math.max(AHEAD, ties + 1)), mark, ties };
}

/** `dispatch` yields an item; `isTaken` is whether it has no outcome. */
export function listed({ cursor, mark, ties }: SmallCursor, number: number, isTaken: boolean): void {
  const ahead = number - (mark?.number ?? 0);
  ensure(ties > 1 || ahead <= AHEAD, `item ${number} is listed, ${ahead} items behind the mark in the journal`);
  cursor.yielded(placeOf(number, ties), number);
  if (!isTaken) cursor.ended(number, 1);
}

/** The mark is written to the journal: behind it nothing is left to do, also of the items that share its place. */
export function writeMark(small: SmallCursor, journal: Journal): void {
  const { cursor, ties } = small;
  const mark = cursor.unrecorded;
  if (!mark) return;
  for (const [index, how] of journal.slice(0, mark.number).entries())
    ensure(how !== undefined, `item ${index + 1} has no outcome, and the mark is at item ${mark.number}`);
  const next = placeOf(mark.number + 1, ties);
  ensure(mark.number === journal.length || next !== mark.place, `the mark divides the items of place ${next}`);
  small.mark = mark;
  cursor.recorded();
}

function placeOf(number: number, ties: number): number {
  return Math.ceil(number / ties);
}

/** How the rest of a search tells them apart. */
export function nameOfCursor({ cursor, mark }: SmallCursor): string {
  const { _ended, _last, _endedAhead, _passed, _next, _recorded } = cursor as unknown as {
    readonly _ended: number;
    readonly _last: number;
    readonly _endedAhead: ReadonlySet<number>;
    readonly _passed: readonly Mark[];
    readonly _next: number;
    readonly _recorded: Mark | undefined;
  };
  const passed = _passed.slice(_next).map(({ number }) => number);
  const marks = [cursor.begin, cursor.mark, _recorded, mark].map((each) => each?.number);
  return [_ended, _last, [..._endedAhead].toSorted(), passed, marks].join('|');
}
