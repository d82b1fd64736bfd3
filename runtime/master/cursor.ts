/**
 * Keeps track of how far a run has come in the order of its `dispatch`, if its task has a `cursor`: so a resume need not
 * list again what is behind it. Pure; runs in the master, and in the simulator of the tests.
 *
 * The mark is the last place at which every item, and every one before it, has its outcome. A place becomes the mark only
 * once an item of another place has been dispatched: until then, more items of that place may come. A resume begins after
 * the mark, and numbers its items on from it.
 *
 * With a cursor an item is known across runs by its place and its key. So an outcome of an item behind the mark is never
 * taken for that of an equal one further on.
 */

import { cursorIsNone, cursorKinds, cursorWentBack } from '../errors.ts';
import type { At } from '../journal/ledger.ts';
import { AHEAD_MAX } from '../journal/marks.ts';
import type { Mark } from '../journal/records.ts';
import type { Place } from '../parallelizable.ts';

/** The cursor of one run. */
export class Cursor {
  /** Where `dispatch` begins; undefined for its beginning. */
  readonly begin: Mark | undefined;
  /** The mark; undefined at the beginning of all. */
  mark: Mark | undefined;
  #recorded: Mark | undefined;
  /** Where the last item is that was dispatched. */
  #at: At | undefined;
  #last: number;
  /** All items up to this one have their outcomes. */
  #ended: number;
  /** By number: items behind #ended that have their outcomes. */
  readonly #endedAhead = new Set<number>();
  /** The places that may become the mark, in their order, from index #next on. */
  #passed: Mark[] = [];
  #next = 0;

  /** An item came too late, so no mark of this journal can be relied on: a resume begins at the beginning. */
  isUnordered = false;
  readonly #hasMarks: boolean;
  readonly #aheadMax: number;

  /**
   * begin    - the mark at which `dispatch` begins; undefined for its beginning.
   * hasMarks - whether its marks are recorded, so that a resume goes by them.
   * aheadMax - how far `dispatch` may be ahead of the last mark that is recorded.
   */
  constructor(begin: Mark | undefined, hasMarks: boolean, aheadMax: number = AHEAD_MAX) {
    this.#hasMarks = hasMarks;
    this.#recorded = begin;
    this.#aheadMax = aheadMax;
    this.begin = begin;
    this.mark = begin;
    this.#last = begin?.number ?? 0;
    this.#ended = this.#last;
  }

  /** How many more items may be dispatched now. */
  get room(): number {
    const room = this.#aheadMax - this.#ahead;
    if (room > 0 || this.unrecorded) return room;
    // If very many items share the place of the first open one, the mark can't move before they are over: go by that item.
    const isShared = this.#at !== undefined && this.#at.after === this.#recorded;
    return isShared ? this.#aheadMax - (this.#last - this.#ended) : room;
  }

  /** The number of the first item without an outcome. */
  get firstOpen(): number {
    return this.#ended + 1;
  }

  /** The mark, if it is to be recorded: it has moved since. */
  get unrecorded(): Mark | undefined {
    return this.#hasMarks && !this.isUnordered && this.mark !== this.#recorded ? this.mark : undefined;
  }

  /** The mark is to be recorded soon, so that `dispatch` need not wait. */
  get isPressing(): boolean {
    return this.#ahead > this.#aheadMax / 2;
  }

  /** The mark is recorded. */
  recorded(): void {
    this.#recorded = this.mark;
  }

  get #ahead(): number {
    return this.#last - (this.#hasMarks ? (this.#recorded?.number ?? 0) : this.#ended);
  }

  /**
   * `dispatch` has yielded an item, with what `cursor` returned for it. Returns where it is. Throws TaskError if that is
   * no place, or comes before the place of the item before it.
   */
  yielded(place: unknown, number: number): At {
    if (!isPlace(place)) throw cursorIsNone(number, place);
    this.#last = number;
    const before = this.#at?.place ?? this.mark?.place;
    if (before !== undefined && typeof before !== typeof place) throw cursorKinds(number, place, before);
    if (this.#at && place === before) return this.#at;
    const isBack = typeof place === 'number' && typeof before === 'number' ? place <= before : place === before;
    if (isBack) {
      this.isUnordered = this.#at !== undefined;
      throw cursorWentBack(number, place, before as Place, this.#at === undefined);
    }
    const after = this.#at ? { place: this.#at.place, number: number - 1 } : this.mark;
    if (this.#at && after) this.#passed.push(after);
    this.#at = { place, after };
    this.#advance();
    return this.#at;
  }

  /** Items have their outcomes, recorded by this run or by one before it: `count` of them, numbered from `first`. */
  ended(first: number, count: number): void {
    if (first === this.#ended + 1) this.#ended += count;
    else for (let number = first; number < first + count; number++) this.#endedAhead.add(number);
    while (this.#endedAhead.size > 0 && this.#endedAhead.delete(this.#ended + 1)) this.#ended += 1;
    this.#advance();
  }

  #advance(): void {
    for (let next = this.#passed[this.#next]; next && next.number <= this.#ended; next = this.#passed[this.#next]) {
      this.mark = next;
      this.#next += 1;
    }
    // Not `shift`: that would copy the whole list for each place.
    if (this.#next * 2 < this.#passed.length) return;
    this.#passed = this.#passed.slice(this.#next);
    this.#next = 0;
  }
}

function isPlace(value: unknown): value is Place {
  return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));
}
