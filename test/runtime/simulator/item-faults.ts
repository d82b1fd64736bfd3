/** Faults in what happens to an item and to the worker that has it: faults.ts puts them in. */

import type { Fault } from './fault.ts';

export const ITEM_FAULTS: readonly Fault[] = [
  // ---- output ----
  {
    what: 'an outcome counts in the turn in which it was read, when not all of its output may have been',
    file: 'barrier.ts',
    find: 'if (!group.isNew) group.mark ??= outlet.mark();',
    put: 'group.mark ??= outlet.mark();',
  },
  {
    what: 'a pipe that is not read counts as read',
    file: 'barrier.ts',
    find: 'if (outlet.caughtUp()) for',
    put: 'for',
  },
  {
    what: 'what is read counts as out',
    file: 'barrier.ts',
    find: "if (isOut === 'not yet') break;",
    put: '',
  },
  {
    what: 'output that is lost counts as out',
    file: 'barrier.ts',
    find: "release(group.ended, isOut === 'lost');",
    put: 'release(group.ended, false);',
  },
  {
    what: 'an outcome that waits for output is forgotten',
    file: 'barrier.ts',
    find: 'if (!last) this.#groups.delete(outlet);',
    put: 'this.#groups.delete(outlet);\n      if (!last) {}',
  },
  {
    what: 'the turn that an outcome waits for does not come by itself',
    file: 'barrier.ts',
    find: 'if (!last.mark && !outlet.isHeld) again = true;',
    put: '',
  },
  {
    what: 'what waits together with more does not count when its output is out',
    file: 'barrier.ts',
    find: 'for (let group = groups[0]; group?.mark; group = groups[0]) {',
    put: 'for (let group = groups[0]; group?.mark && groups.length < 2; group = groups[0]) {',
  },
  {
    what: 'time counts against an item while its output is held back',
    file: 'slot.ts',
    find: 'this.startedAt[index] = Math.min(now, startedAt + ms);',
    put: 'this.startedAt[index] = Math.min(now, startedAt);',
  },
  // ---- leases ----
  {
    what: 'an exit leaves its leases with the worker',
    file: 'slot.ts',
    find: 'for (const run of this.leases.splice(0)) {',
    put: 'for (const run of this.leases) {',
    searched: true,
  },
  {
    what: 'an exit loses what was in progress',
    find: 'else for (const item of started.toReversed()) if (this.#suspect(item)) failed.push(item);',
    put: '',
    searched: true,
  },
  {
    what: 'an ack of another worker than the holder is taken',
    find: 'const slot = this.slot(worker);\n    const runs = slot.take(first,',
    put: 'const slot = this.slots.find(({ leases }) => leases.some((run) => run.number === first)) ?? this.slot(worker);\n    const runs = slot.take(first,',
  },
  {
    what: 'an ack does not end the lease',
    file: 'slot.ts',
    find: '      if (piece === run) {\n',
    put: '      if (piece === run && before > 0) {\n',
    searched: true,
  },
  {
    what: 'a range of acks ends where a lease ends',
    file: 'slot.ts',
    find: 'index < leases.length && left > 0; ) {',
    put: 'index < leases.length && taken.length === 0; ) {',
  },
  {
    what: 'an ack of more than the worker has takes as many of others',
    file: 'slot.ts',
    find: 'Math.min(run.number + run.count, first + count) - run.number - skipped',
    put: 'Math.min(run.count - skipped, count)',
  },
  {
    what: 'an ack from the middle of a run takes what is before it, too',
    file: 'slot.ts',
    find: '      if (skipped > 0) {\n',
    put: '      if (skipped > 99) {\n',
  },
  {
    what: 'a worker is handed one item more than it may have',
    file: 'handing.ts',
    find: '&& slot.held < slot.most) least = slot;',
    put: '&& slot.held <= slot.most) least = slot;',
  },
  {
    what: 'one worker takes what another has room for',
    file: 'handing.ts',
    find: 'const share = Math.ceil(',
    put: 'const share = 99 * Math.ceil(',
  },
  {
    what: 'a run is handed out that is longer than the room for it',
    file: 'handing.ts',
    find: 'Math.min(share, least.most - least.held, room)',
    put: 'Math.min(share, room)',
  },
  {
    what: 'a full socket is sent more',
    file: 'handing.ts',
    find: '&& !slot.reserved && !slot.backpressure);\n    const handed',
    put: '&& !slot.reserved);\n    const handed',
  },
  {
    what: 'what is returned is dropped',
    find: 'const failed = this.#giveBack(runs);',
    put: 'const failed: Run<Payload>[] = [];',
  },
  {
    what: 'ranges that are returned go on over gaps',
    file: 'run.ts',
    find: 'numbers[to] === first + to - from;',
    put: 'numbers[to] !== undefined;',
  },
  {
    what: 'of a range that is returned the last item is forgotten',
    file: 'run.ts',
    find: 'yield [first, to - from];',
    put: 'yield [first, Math.max(1, to - from - 1)];',
  },
  {
    what: 'what is returned counts as started',
    find: '      run.starts -= 1;\n',
    put: '',
  },
  {
    what: 'a piece of a run is taken to be new',
    file: 'run.ts',
    find: '    Object.assign(front, { starts, throws,',
    put: '    Object.assign(front, { throws,',
  },
  {
    what: 'the items behind a piece of a run keep their place in the worker',
    file: 'run.ts',
    find: '    this.position += count;\n',
    put: '',
  },
  {
    what: 'the items behind a piece of a run keep their number',
    file: 'run.ts',
    find: '    this.number += count;\n',
    put: '',
    searched: true,
  },
  {
    what: 'what is returned counts as retried',
    find: '      if (run.starts > 1) this.counts.retried -= run.count;\n',
    put: '',
  },

  // ---- what waits in a worker ----
  {
    what: 'what has been started is reclaimed',
    file: 'slot.ts',
    find: 'position + index > first',
    put: 'position + index >= first',
  },
  {
    what: 'what is taken back is not all that waits',
    file: 'slot.ts',
    find: 'position + index > first',
    put: 'position + index > first + 1',
  },
  {
    what: 'what a new process has been handed is counted on from the one before',
    file: 'slot.ts',
    find: '    this.handed = 0;\n',
    put: '',
  },
  {
    what: 'of a worker that batches acks only what is first may have been started',
    file: 'slot.ts',
    find: 'batchAcks ? Math.min(count, ended) : 0',
    put: '0',
    searched: true,
  },
  {
    what: 'a worker is taken to hold back fewer acks than it may',
    file: 'slot.ts',
    find: 'let ended = this.#acksGathered;',
    put: 'let ended = this.#acksGathered - 1;',
    searched: true,
  },
  {
    what: 'a worker is taken to hold back more acks than it may',
    file: 'slot.ts',
    find: 'let ended = this.#acksGathered;',
    put: 'let ended = this.#acksGathered + 1;',
    searched: true,
  },
  {
    what: 'all that a dead worker had is taken to have been started',
    file: 'slot.ts',
    find: 'let left = this.maybeStarted;',
    put: 'let left = this.held;',
    searched: true,
  },
  {
    what: 'of a run that was divided by a death what was not started is lost',
    file: 'slot.ts',
    find: '      if (front !== run) unstarted.push(run);\n',
    put: '      if (!front) unstarted.push(run);\n',
    searched: true,
  },
  {
    what: 'a suspect may be acked late',
    file: 'handing.ts',
    find: 'runs: [suspect], batchAcks: false',
    put: 'runs: [suspect], batchAcks: this.#batchesAcks(slot.pace)',
  },
  {
    what: 'however large items are, they wait in workers',
    file: 'slot.ts',
    find: '(this.bytes < this.#prefetchBytes ? this.prefetch : 0)',
    put: 'this.prefetch',
  },
  {
    what: 'an item joins one that was handed out before',
    file: 'run.ts',
    find: 'if (this.worker > 0 || ',
    put: 'if (',
  },
  {
    what: 'items that are not consecutive are joined',
    file: 'run.ts',
    find: ' || number !== this.number + this.count) return false;',
    put: ') return false;',
  },
  {
    what: 'large items are joined',
    file: 'run.ts',
    find: 'this.size > 0 || size > JOINED_BYTES || ',
    put: '',
  },
  {
    what: 'however large items are, they are pulled',
    find: 'const mayPrefetch = this.backlog.pendingBytes < (this.#rules.prefetchBytes ?? PREFETCH_BYTES);',
    put: 'const mayPrefetch = true;',
  },
  {
    what: 'a worker that gave items back gets them again behind the slow one',
    find: '    this.#setPace(slot, UNKNOWN_PACE);\n    const failed = this.#giveBack(runs);',
    put: '    const failed = this.#giveBack(runs);',
  },
  {
    what: 'a new process is taken to be as fast as the one before',
    find: '    this.#setPace(slot, UNKNOWN_PACE);\n    this.#commands',
    put: '    this.#commands',
  },
  {
    what: 'an item that waited is taken to have been in progress all the time',
    file: 'slot.ts',
    find: '      startedAt.splice(before, piece.count);\n',
    put: '',
  },
  {
    what: 'an item that waits can be overdue',
    file: 'slot.ts',
    find: 'const most = Math.min(this.held, this.concurrency);',
    put: 'const most = this.held;',
  },
  {
    what: 'no worker is booted for items that wait in another',
    file: 'boots.ts',
    find: 'reserved ? Math.min(0, room) : room;',
    put: 'reserved ? 0 : Math.max(0, room);',
  },

  // ---- suspects and crashes ----
  {
    what: 'a suspect gets company',
    file: 'handing.ts',
    find: '      slot.reserved = true;\n      this.#lease(slot, suspect, false, now);',
    put: '      this.#lease(slot, suspect, false, now);',
  },
  {
    what: 'items that died together are a suspect together',
    file: 'slot.ts',
    find: 'started.push(...front.apart());',
    put: 'started.push(front);',
    searched: true,
  },
  {
    what: 'no worker is kept free for a suspect',
    file: 'handing.ts',
    find: '    if (keep) keep.reserved = true;\n',
    put: '',
  },
  {
    what: 'a suspect is forgotten to be one',
    find: '    item.suspect = true;\n',
    put: '',
  },
  {
    what: 'a death in company counts as a crash of each',
    find: 'else for (const item of started.toReversed()) if (this.#suspect(item)) failed.push(item);',
    put: 'else failed.push(...started.filter((item) => this.#crashedAlone(item)));',
    searched: true,
  },
  {
    what: 'an item crashes once too often',
    find: 'item.crashes < this.#rules.maxCrashes',
    put: 'item.crashes <= this.#rules.maxCrashes',
    searched: true,
  },
  {
    what: 'a crash at a forceful stop counts',
    find: "const expected = !crashed || this.stopping === 'forcefully' || timedOut !== undefined;",
    put: 'const expected = !crashed || timedOut !== undefined;',
  },

  // ---- retries ----
  {
    what: 'a retry never becomes due',
    file: 'backlog.ts',
    find: 'while (this.dueAt <= now) {',
    put: 'while (this.dueAt < 0) {',
    searched: true,
  },
  {
    what: 'nobody is woken for a retry',
    find: 'Math.min(this.backlog.dueAt, this.#boots.wakeAt(now), gateAt)',
    put: 'Math.min(this.#boots.wakeAt(now), gateAt)',
    searched: true,
  },
  {
    what: 'there is a retry too many',
    find: 'item.throws > this.#rules.retries',
    put: 'item.throws > this.#rules.retries + 1',
    searched: true,
  },
  { what: 'a permanent error is retried', find: "if (how === 'threw for good' || item", put: 'if (item' },
  {
    what: 'the wait before a retry does not double',
    file: 'backoff.ts',
    find: 'firstMs * 2 ** doublings',
    put: 'firstMs',
  },
];
