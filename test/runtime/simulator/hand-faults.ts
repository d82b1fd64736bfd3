/** Faults in what a person does with a running run: a pause, and items that are cancelled. */

import type { Fault } from './fault.ts';

export const HAND_FAULTS: readonly Fault[] = [
  {
    what: 'a pause holds nothing back',
    file: 'gate.ts',
    find: 'Math.max(pause, throttle, RateLimited)',
    put: 'Math.max(throttle, RateLimited)',
  },
  {
    what: 'an item that waits in a worker can be cancelled',
    find: 'slot.inProgress.some((each) => each.number === number) ? slot.single(number) : undefined',
    put: 'slot.single(number)',
  },
  {
    what: 'with an item the whole run that it is in is cancelled',
    file: 'slot.ts',
    find: 'if (!run || run.count === 1) return run;',
    put: 'if (run) return run;',
    searched: true,
  },
  {
    what: 'an item that is cut out of its run loses those behind it',
    file: 'slot.ts',
    find: '...before, item, ...(item === run ? [] : [run]));',
    put: '...before, item);',
  },
  {
    what: 'a cancelled item that throws is tried again',
    find: "if (how === 'threw for good' || item.cancelled || item.throws",
    put: "if (how === 'threw for good' || item.throws",
  },
  {
    what: 'a cancelled item that is limited is tried again',
    find: "if (how !== 'rate limited' || run.cancelled) return",
    put: "if (how !== 'rate limited') return",
    searched: true,
  },
  {
    what: 'a cancelled item that comes back goes to the next worker',
    find: 'const failed = runs.filter((run) => this.#failsAsCancelled(run));',
    put: 'const failed: Run<Payload>[] = [];',
    searched: true,
  },
  {
    what: 'a cancelled item whose worker dies is tried again',
    find: '    if (this.#failsAsCancelled(item)) return true;\n',
    put: '',
    searched: true,
  },
  {
    what: 'a cancelled item whose worker dies is said to be tried again, and is not',
    find: 'if (this.#suspect(item)) failed.push(item);',
    put: 'this.#suspect(item);',
    searched: true,
  },
  {
    what: 'cancelled items that come back are not said to have failed',
    find: '    this.#afterLease(slot);\n    return failed;',
    put: '    this.#afterLease(slot);\n    return [];',
    searched: true,
  },
];
