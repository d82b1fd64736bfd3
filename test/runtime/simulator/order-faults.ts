/** Faults in the order of results. */

import type { Fault } from './fault.ts';

export const ORDER_FAULTS: readonly Fault[] = [
  {
    what: 'a result is written before its turn',
    file: 'order.ts',
    find: 'for (let next = this.#passed + 1; this.#early.has(next); next++)',
    put: 'for (let next = Math.min(...this.#early.keys()); this.#early.has(next); next++)',
    searched: true,
  },
  {
    what: 'results wait for ever behind an item that has failed',
    file: 'order.ts',
    find: '    this.#early.set(number, undefined);\n',
    put: '',
    searched: true,
  },
  {
    what: 'ever more results are held back',
    file: 'order.ts',
    find: 'this.#heldMax - (last - this.#passed)',
    put: 'this.#heldMax',
  },
  {
    what: 'after a stop, results wait for ever behind an item that is unfinished',
    file: 'order.ts',
    find: "return this.#held > 0 && stopping !== 'no' && leased === 0 && settling === this.#held;",
    put: 'return false;',
    searched: true,
  },
  {
    what: 'at a stop, results are given up while an item before them is in progress',
    file: 'order.ts',
    find: "stopping !== 'no' && leased === 0 && settling === this.#held",
    put: "stopping !== 'no'",
    searched: true,
  },
  {
    what: 'a run with a cursor waits for the turns of items before the mark',
    file: 'order.ts',
    find: 'this.#passed = numbersFrom;',
    put: 'this.#passed = 0;',
  },
  {
    what: 'what is given up has no outcome at all',
    file: 'order.ts',
    find: 'early === undefined ? [] : [early]',
    put: '[]',
    searched: true,
  },
];
