/**
 * Faults that are put into the text of the runtime, to see that the simulator and the search notice. Each `find` is in its
 * file exactly once: where the rules are written anew, the faults are too.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { KeySet } from '../../../runtime/journal/key-set.ts';
import { Barrier } from '../../../runtime/master/barrier.ts';
import { Delivery } from '../../../runtime/master/delivery.ts';
import { Intake } from '../../../runtime/master/intake.ts';
import type { Code } from './simulation.ts';

/** The files of the delivery rules: they are loaded together. */
const RULES = [
  'delivery.ts',
  'handing.ts',
  'gate.ts',
  'slot.ts',
  'backlog.ts',
  'run.ts',
  'boots.ts',
  'backoff.ts',
] as const;

export interface Fault {
  readonly what: string;
  /** Relative to runtime/master/; delivery.ts where nothing is said. */
  readonly file?: (typeof RULES)[number] | 'barrier.ts' | 'intake.ts' | '../journal/key-set.ts';
  readonly find: string;
  readonly put: string;
  /** The search of small cases notices it, too. */
  readonly searched?: true;
}

const master = path.join(import.meta.dirname, '../../../runtime/master');

/** The code as it is. */
export const faultless: Code = { Barrier, Delivery, Intake, KeySet };

/** Returns the code with a fault in it. Throws where the fault has no place in it any more. */
export async function withFault(fault: Fault): Promise<Code> {
  const file = fault.file ?? 'delivery.ts';
  if (isRule(file)) return { ...faultless, ...(await loadRules(fault, (text) => text)) };
  return { ...faultless, ...(await load(file, new Map([[file, textWith(fault)]]))) };
}

/** The same, with the private names of the rules opened, so that the whole of their state can be copied and compared. */
export async function openedCode(fault?: Fault): Promise<Code> {
  const isOfRules = !fault || isRule(fault.file ?? 'delivery.ts');
  const opened = await loadRules(isOfRules ? fault : undefined, (text) => text.replaceAll(/#(?=[a-z])/gi, '_'));
  return { ...faultless, ...(fault && !isOfRules && (await withFault(fault))), ...opened };
}

const isRule = (file: string): boolean => (RULES as readonly string[]).includes(file);

function loadRules(fault: Fault | undefined, change: (text: string) => string): Promise<Partial<Code>> {
  const texts = RULES.map((file): [string, string] => {
    const isFaulty = fault && (fault.file ?? 'delivery.ts') === file;
    return [file, change(isFaulty ? textWith(fault) : readFileSync(path.join(master, file), 'utf8'))];
  });
  return load('delivery.ts', new Map(texts));
}

function textWith({ what, file = 'delivery.ts', find, put }: Fault): string {
  const source = readFileSync(path.join(master, file), 'utf8');
  const places = source.split(find).length - 1;
  if (places !== 1) throw new Error(`"${what}": its text is in runtime/master/${file} ${places} times: ${find}`);
  return source.replace(find, () => put);
}

/** Loads a file of the runtime, where it and others have other texts. */
async function load(entry: string, texts: ReadonlyMap<string, string>): Promise<Partial<Code>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'divvy-fault-'));
  try {
    for (const [file, text] of texts) {
      const from = path.dirname(path.join(master, file));
      const whole = text.replaceAll(/from '(\.[^']+)'/g, (all, to: string) =>
        texts.has(path.basename(to)) ? all : `from '${pathToFileURL(path.join(from, to)).href}'`,
      );
      writeFileSync(path.join(folder, path.basename(file)), whole);
    }
    return (await import(pathToFileURL(path.join(folder, path.basename(entry))).href)) as Partial<Code>;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const faults: readonly Fault[] = [
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
    find: 'else for (const item of started.toReversed()) this.#suspect(item);',
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
    find: '    this.#giveBack(runs);\n    this.#afterLease',
    put: '    this.#afterLease',
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
    find: '(this.bytes < PREFETCH_BYTES ? this.prefetch : 0)',
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
    find: 'const mayPrefetch = this.backlog.pendingBytes < PREFETCH_BYTES;',
    put: 'const mayPrefetch = true;',
  },
  {
    what: 'a worker that gave items back gets them again behind the slow one',
    find: '    this.#setPace(slot, UNKNOWN_PACE);\n    this.#giveBack(runs);',
    put: '    this.#giveBack(runs);',
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
    find: 'else for (const item of started.toReversed()) this.#suspect(item);',
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
    find: "if (this.stopping === 'no') this.backlog.push(this.#number, payload, size);\n    else this.counts.unfinished += 1;",
    put: 'this.backlog.push(this.#number, payload, size);',
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
    find: 'waits && this.gate.room(now) < 1 ? this.gate.opensAt(now) : Infinity',
    put: 'Infinity',
    searched: true,
  },
  {
    what: 'more is pulled than the gate lets through',
    find: 'Math.min(room, this.gate.room(now) - waiting)',
    put: 'room',
  },
  {
    what: 'RateLimited holds nothing back',
    find: "this.gate.hold('RateLimited', Math.max(this.gate.heldUntil('RateLimited'), now + (afterMs ?? 0)));",
    put: '',
    searched: true,
  },
  {
    what: 'a second RateLimited makes the wait shorter',
    find: "Math.max(this.gate.heldUntil('RateLimited'), now + (afterMs ?? 0))",
    put: 'now + (afterMs ?? 0)',
  },
  {
    what: 'RateLimited is an attempt',
    find: "if (how !== 'rate limited') return { run, failed: this.#attemptFailed(run, how, now, afterMs) };",
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
    find: '      this.#putBack(started.filter(({ number }) => !timedOut.has(number)));\n',
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
    find: 'return this.counts.dispatched + this.counts.skipped;',
    put: 'return this.counts.dispatched;',
    searched: true,
  },
  { what: 'an item that is skipped does not count', find: '    this.counts.skipped += 1;\n', put: '', searched: true },
  {
    what: 'a resume does what is done again',
    file: 'intake.ts',
    find: "const isTaken = mode === 'retry-failed' ? ended === 'failed' : ended === undefined;",
    put: "const isTaken = mode !== 'retry-failed' || ended === 'failed';",
    searched: true,
  },
  {
    what: 'a resume takes what has failed',
    file: 'intake.ts',
    find: "const isTaken = mode === 'retry-failed' ? ended === 'failed' : ended === undefined;",
    put: "const isTaken = mode === 'retry-failed' ? ended === 'failed' : ended !== 'done';",
    searched: true,
  },
  {
    what: 'a retry of what has failed takes what is new, too',
    file: 'intake.ts',
    find: "const isTaken = mode === 'retry-failed' ? ended === 'failed' : ended === undefined;",
    put: "const isTaken = mode === 'retry-failed' ? ended !== 'done' : ended === undefined;",
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
