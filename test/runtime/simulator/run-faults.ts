/** Faults in what concerns a whole run: stops, boots, the gate, dispatch, timeouts, resumes. faults.ts puts them in. */

import type { Fault } from './fault.ts';

export const RUN_FAULTS: readonly Fault[] = [
  // ---- stops ----
  {
    what: 'a stop goes on with what is pending',
    find: '    for (const run of this.backlog.clear()) this.#release(run);\n',
    put: '',
  },
  {
    what: 'a stop drops what is pending',
    file: 'backlog.ts',
    find: 'const runs = [...this.pending.splice(0), ',
    put: 'this.pending.splice(0);\n    const runs = [',
  },
  {
    what: 'a stop drops the suspects',
    file: 'backlog.ts',
    find: ', ...this.suspects.splice(0)];',
    put: '];\n    this.suspects.splice(0);',
  },
  {
    what: 'a stop drops what is to be retried',
    file: 'backlog.ts',
    find: 'return [...runs, ...this.retrying.splice(0).map(({ run }) => run)];',
    put: 'this.retrying.splice(0);\n    return runs;',
  },
  {
    what: 'an item that threw is retried after a stop',
    find: "if (this.stopping === 'no') {\n      const {",
    put: 'if (this.#rules.retries > 0) {\n      const {',
  },
  {
    what: 'an item that was aborted has failed',
    find: "    if (this.stopping === 'forcefully') {\n",
    put: "    if (this.stopping === 'forcefully' && item.throws < 0) {\n",
  },
  {
    what: 'what comes after a stop is handed out',
    find: "if (this.stopping === 'no') this.backlog.push(number, payload, size);\n    else this.counts.unfinished += 1;",
    put: 'this.backlog.push(number, payload, size);',
  },
  {
    what: 'the workers are not told to go at the end',
    find: "const over = this.stopping !== 'no' || (this.#closed && this.#idle);",
    put: "const over = this.stopping !== 'no';",
    searched: true,
  },
  {
    what: 'a worker that could not hear yet is not told again to go',
    find: "    else this.#commands.push({ do: 'drain', worker });",
    put: '   ',
  },
  {
    what: 'a worker that leaves by itself is not told that it may',
    find: '  plan(now: number): readonly Command<Payload>[] {\n',
    put: '  plan(now: number): readonly Command<Payload>[] {\n    this.#commands = [];\n',
  },
  {
    what: 'what was meant for a dead process is said to the next',
    find: 'this.#commands = this.#commands.filter((command) => command.worker !== worker);',
    put: '',
  },

  // ---- boots ----
  {
    what: 'a crash loop never ends',
    file: 'boots.ts',
    find: 'slot.deathsInARow = slot.finished > 0 ? 0 : slot.deathsInARow + 1;',
    put: 'slot.deathsInARow += 1;',
  },
  { what: 'a worker that works is not seen to', find: '    slot.deathsInARow = 0;\n', put: '' },
  {
    what: 'a worker is booted before its time',
    file: 'boots.ts',
    find: '      if (now < slot.bootNotBefore) continue;\n',
    put: '',
  },
  {
    what: 'the wait before a boot has no cap',
    file: 'backoff.ts',
    find: 'const BACKOFF_CAP_MS = 30_000;',
    put: 'const BACKOFF_CAP_MS = Infinity;',
  },
  {
    what: 'nobody is woken for a boot',
    file: 'boots.ts',
    find: 'slot.bootNotBefore > now && ',
    put: 'slot.bootNotBefore === now && ',
  },
  {
    what: 'a dead worker is not replaced while another lives',
    file: 'boots.ts',
    find: "if (slot.state !== 'reaped' || ",
    put: "if (slot.finished > 0 || slot.state !== 'reaped' || ",
  },
  {
    what: 'a boot failure while another worker is on its way',
    find: "noneBooted && this.slots.every((other) => other.state === 'reaped')",
    put: 'noneBooted',
  },
  {
    what: 'a boot failure after a worker had been ready',
    file: 'boots.ts',
    find: 'return this.#counts.crashed > 0 && !this.everReady;',
    put: 'return this.#counts.crashed > 0;',
  },
  {
    what: 'a boot failure is not noticed where the last to exit had been told to',
    find: 'const noneBooted = this.#boots.haveFailed',
    put: 'const noneBooted = !expected && this.#boots.haveFailed',
  },
  {
    what: 'a new process is taken to be as full as the one before',
    file: 'slot.ts',
    find: '    this.backpressure = false;\n',
    put: '',
  },

  // ---- the gate ----
  {
    what: 'more is handed out than --rate allows',
    file: 'gate.ts',
    find: 'if (this.#perMs < Infinity) this.#tokens -= count;',
    put: '',
  },
  {
    what: 'a burst follows a quiet time',
    file: 'gate.ts',
    find: 'const BURST_MS = 100;',
    put: 'const BURST_MS = 1000;',
  },
  {
    what: 'what comes back unstarted has used up its part of the rate',
    file: 'gate.ts',
    find: 'if (this.#perMs < Infinity) this.#tokens = Math.min(this.#most, this.#tokens + count);',
    put: '',
  },
  {
    what: 'what stood beside an item that ran past its timeout uses up nothing of the rate',
    find: 'this.#putBack(started.filter(',
    put: 'this.#giveBack(started.filter(',
  },
  {
    what: 'a suspect passes the closed gate',
    file: 'handing.ts',
    find: '!suspect || this.#gate.room(now) < 1',
    put: '!suspect',
  },
  {
    what: 'items pass the closed gate',
    file: 'handing.ts',
    find: 'this.#backlog.pendingCount > 0 && room >= 1',
    put: 'this.#backlog.pendingCount > 0',
    searched: true,
  },
  {
    what: 'nobody is woken when the gate opens',
    find: 'waits && this.gate.room(now) < 1 ? Math.max(now + 1, this.gate.opensAt(now)) : Infinity',
    put: 'Infinity',
    searched: true,
  },
  {
    what: 'more is pulled than the gate lets through',
    find: 'Math.min(room, Math.max(1, this.gate.room(now)) - waiting)',
    put: 'room',
  },
  {
    what: 'what comes after the last item is asked for only when the gate is open',
    find: 'Math.max(1, this.gate.room(now)) - waiting',
    put: 'this.gate.room(now) - waiting',
  },
  {
    what: 'RateLimited of no time holds nothing back',
    find: 'Math.max(LIMITED_LEAST_MS, afterMs ?? this.#rules.backoffMs)',
    put: 'afterMs ?? 0',
  },
  {
    what: 'RateLimited holds nothing back',
    find: "this.gate.close('RateLimited', Math.max(this.gate.closedUntil('RateLimited'), now + wait));",
    put: '',
    searched: true,
  },
  {
    what: 'a second RateLimited makes the wait shorter',
    find: "Math.max(this.gate.closedUntil('RateLimited'), now + wait)",
    put: 'now + wait',
  },
  {
    what: 'RateLimited is an attempt',
    find: "if (how !== 'rate limited' || run.cancelled) return { run, failed: this.#attemptFailed(run, how, now, afterMs) };",
    put: "return { run, failed: this.#attemptFailed(run, how === 'threw' ? how : 'threw for good', now, afterMs) };",
    searched: true,
  },
  {
    what: 'an item is tried again sooner than its error asks for',
    find: 'now + (afterMs ?? backoff(',
    put: 'now + (0 * Number(afterMs) || backoff(',
  },

  // ---- dispatch, outcomes and counts ----
  {
    what: 'more is pulled than finds a worker',
    find: 'let room = -waiting;',
    put: 'let room = 0;',
  },
  {
    what: 'outcomes that wait for their hooks are not bounded',
    find: 'if (this.#settling >= this.#settlingMax) return 0;',
    put: '',
  },
  {
    what: 'an outcome counts twice',
    find: 'this.counts[outcome] += run.count;',
    put: 'this.counts[outcome] += 2 * run.count;',
    searched: true,
  },
  {
    what: 'an item whose hook threw is lost',
    find: 'this.counts[outcome] += run.count;',
    put: "if (outcome !== 'unfinished') this.counts[outcome] += run.count;",
  },
  {
    what: 'the run ends before its outcomes are recorded',
    find: 'this.#idle && this.#settling === 0 && ',
    put: 'this.#idle && ',
  },

  // ---- timeouts ----
  {
    what: 'an item is overdue when half of its time is over',
    file: 'slot.ts',
    find: 'this.inProgress.filter(({ startedAt }) => now - startedAt > ms)',
    put: 'this.inProgress.filter(({ startedAt }) => now - startedAt > ms / 2)',
  },
  {
    what: 'only the item that was handed out first can be overdue',
    file: 'slot.ts',
    find: 'return this.inProgress.filter(',
    put: 'return this.inProgress.slice(0, 1).filter(',
  },
  {
    what: 'a timeout is a crash of the item',
    find: 'else if (timedOut !== undefined && timedOut.size > 0) {',
    put: 'else if (timedOut !== undefined && timedOut.size > 1) {',
    searched: true,
  },
  {
    what: 'what stood beside an item that ran past its timeout is lost',
    find: '      failed.push(...this.#putBack(started.filter(({ number }) => !timedOut.has(number))));\n',
    put: '',
    searched: true,
  },
  {
    what: 'what stood beside an item that ran past its timeout counts as tried',
    find: 'timedOut.has(item.number) && this.#attemptFailed(',
    put: 'this.#attemptFailed(',
  },
  {
    what: 'an item that ran past its timeout is not tried again',
    find: "this.#attemptFailed(item, 'threw', now)));",
    put: "this.#attemptFailed(item, 'threw for good', now)));",
    searched: true,
  },
  {
    what: 'an item that ran past its timeout is lost',
    find: "failed.push(...started.filter((item) => timedOut.has(item.number) && this.#attemptFailed(item, 'threw', now)));",
    put: '',
    searched: true,
  },
  {
    what: 'a kill for a timeout counts as a death of the worker',
    find: "this.stopping === 'forcefully' || timedOut !== undefined;",
    put: "this.stopping === 'forcefully';",
  },
  {
    what: 'the retries are not held to their order',
    file: 'backlog.ts',
    find: 'while (index > 0 && (this.retrying[index - 1]?.notBefore ?? 0) > notBefore) index -= 1;',
    put: '',
  },

  // ---- resumes ----
  {
    what: 'an item that is skipped is not numbered',
    find: 'return this.#rules.numbersFrom + this.counts.dispatched + this.counts.skipped;',
    put: 'return this.counts.dispatched;',
    searched: true,
  },
  { what: 'an item that is skipped does not count', find: '    this.counts.skipped += 1;\n', put: '', searched: true },
  {
    what: 'a resume does what is done again',
    file: 'intake.ts',
    find: "const isTaken = this.#options.mode === 'retry-failed' ? ended === 'failed' : ended === undefined;",
    put: "const isTaken = this.#options.mode !== 'retry-failed' || ended === 'failed';",
    searched: true,
  },
  {
    what: 'a resume takes what has failed',
    file: 'intake.ts',
    find: "const isTaken = this.#options.mode === 'retry-failed' ? ended === 'failed' : ended === undefined;",
    put: "const isTaken = this.#options.mode === 'retry-failed' ? ended === 'failed' : ended !== 'done';",
    searched: true,
  },
  {
    what: 'a retry of what has failed takes what is new, too',
    file: 'intake.ts',
    find: "const isTaken = this.#options.mode === 'retry-failed' ? ended === 'failed' : ended === undefined;",
    put: "const isTaken = this.#options.mode === 'retry-failed' ? ended !== 'done' : ended === undefined;",
  },
  {
    what: 'what failed before does not count',
    file: 'intake.ts',
    find: 'options.keys?.failed ?? 0',
    put: '0',
  },
  {
    what: 'what failed before and is retried counts as failed still',
    file: 'intake.ts',
    find: "    if (ended === 'failed') this.failedBefore -= 1;\n",
    put: '',
  },
  {
    what: 'what is skipped counts for the limit',
    file: 'intake.ts',
    find: '    const { occurrence, ended } = keys.count(key, !isOwn);\n',
    put: '    const { occurrence, ended } = keys.count(key, !isOwn);\n    if (ended) this.#taken += 1;\n',
  },
  {
    what: 'the second of equal items is taken for the first',
    file: '../journal/key-set.ts',
    find: 'endedOf(occurrence === 1 ? known : this.#look(identity(key, occurrence)))',
    put: 'endedOf(known)',
  },
  {
    what: 'which of equal items has ended is not told apart',
    file: '../journal/key-set.ts',
    find: 'function identity(key: string, occurrence: number, hashed = false): Identity {\n',
    put: 'function identity(key: string, _: number, hashed = false): Identity {\n  const occurrence = 1;\n',
  },
  {
    what: 'what failed and is done now counts as failed still',
    file: '../journal/key-set.ts',
    find: '    if (before !== undefined) this[before] -= 1;\n',
    put: '',
  },
  {
    what: 'how often a key has occurred is forgotten when it has ended',
    file: '../journal/key-set.ts',
    find: 'table.known[place] = known + 1;',
    put: 'table.known[place] = known > SEEN ? known : known + 1;',
  },
  {
    what: 'a run forgets which of its items have a key of the task',
    file: 'intake.ts',
    find: "if (!keys || (mode === 'new' && !isOwn)) {",
    put: "if (!keys || mode === 'new') {",
  },
  {
    what: 'items of the runs before are taken to have come in this one',
    file: '../journal/key-set.ts',
    find: 'known[place] = at(known, place) & ~SEEN;',
    put: 'known[place] = at(known, place);',
    searched: true,
  },
  {
    what: 'the outcome of a retry is taken for that of another item',
    file: '../journal/key-set.ts',
    find: '(this.readsRetries ? this.#nextFailed(key) : this.count(key).occurrence)',
    put: 'this.count(key).occurrence',
  },
];
