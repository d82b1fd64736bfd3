/** Faults in how far a run with a cursor has come, and in what a resume knows its items by. */

import type { Fault } from './fault.ts';

export const CURSOR_FAULTS: readonly Fault[] = [
  {
    what: 'the mark passes items that have no outcome',
    file: 'cursor.ts',
    find: 'next && next.number <= this.#ended;',
    put: 'next && next.number <= this.#last;',
    searched: true,
  },
  {
    what: 'the mark passes an item that is dispatched after it, and not before',
    file: 'cursor.ts',
    find: '{ place: this.#at.place, number: number - 1 }',
    put: '{ place: this.#at.place, number: number - 2 }',
    searched: true,
  },
  {
    what: 'items that end out of their order are forgotten',
    file: 'cursor.ts',
    find: 'this.#endedAhead.add(number);',
    put: 'this.#endedAhead.delete(number);',
    searched: true,
  },
  {
    what: 'of items that end together the first is counted',
    file: 'cursor.ts',
    find: 'this.#ended += count;',
    put: 'this.#ended += 1;',
  },
  {
    what: 'dispatch is ever further ahead of an item that takes long',
    file: 'cursor.ts',
    find: 'const room = this.#aheadMax - this.#ahead;',
    put: 'const room = this.#aheadMax;',
    searched: true,
  },
  {
    what: 'dispatch goes by how far the run has come, and not by the mark that is recorded',
    file: 'cursor.ts',
    find: '(this.#hasMarks ? (this.#recorded?.number ?? 0) : this.#ended)',
    put: 'this.#ended',
    searched: true,
  },
  {
    what: 'what a resume skips keeps the mark where it is',
    file: 'intake.ts',
    find: '    if (!taken) cursor?.ended(number, 1);\n',
    put: '',
  },
  {
    what: 'an item is taken for an equal one at another place',
    file: 'intake.ts',
    find: 'nameAt(at.place, key)',
    put: 'key',
  },
  {
    what: 'equal items are counted on at another place',
    file: 'intake.ts',
    find: '    if (at !== this.#at) this.#seenThere.clear();\n',
    put: '',
  },
  {
    what: 'a retry goes on when all that had failed is met',
    file: 'intake.ts',
    find: "mode === 'retry-failed' && this.#taken >= (keys?.failed ?? 0);",
    put: 'false;',
  },
];
