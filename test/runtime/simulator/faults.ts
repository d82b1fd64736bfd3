/**
 * Faults that are put into the text of runtime/delivery.ts, to see that the simulator notices. Each `find` is in that
 * text exactly once: where the rules are written anew, the faults are too.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DeliveryClass } from './simulation.ts';

export interface Fault {
  readonly what: string;
  readonly find: string;
  readonly put: string;
}

const source = readFileSync(join(import.meta.dirname, '../../../runtime/delivery.ts'), 'utf8');

/** Returns the class with a fault in it. Throws where the fault has no place in it any more. */
export async function withFault({ what, find, put }: Fault): Promise<DeliveryClass> {
  const places = source.split(find).length - 1;
  if (places !== 1) throw new Error(`"${what}": its text is in runtime/delivery.ts ${places} times: ${find}`);
  const folder = mkdtempSync(join(tmpdir(), 'divvy-fault-'));
  try {
    const file = join(folder, 'delivery.ts');
    writeFileSync(
      file,
      source.replace(find, () => put),
    );
    const faulty = (await import(pathToFileURL(file).href)) as { Delivery: DeliveryClass };
    return faulty.Delivery;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const faults: readonly Fault[] = [
  // ---- leases ----
  {
    what: 'an exit leaves its leases with the worker',
    find: 'const inProgress = slot.leases.splice(0, this.#rules.concurrency);',
    put: 'const inProgress: Item<Load>[] = [];',
  },
  {
    what: 'an exit loses what was in progress',
    find: 'else for (const item of inProgress.toReversed()) this.#suspect(item);',
    put: '',
  },
  {
    what: 'an ack of another worker than the holder is taken',
    find: '#endLease(worker: number, number: number): Item<Load> | undefined {\n    const slot = this.#slot(worker);',
    put: `#endLease(worker: number, number: number): Item<Load> | undefined {
    const slot = this.slots.find(({ leases }) => leases.some((item) => item.number === number)) ?? this.#slot(worker);`,
  },
  {
    what: 'an ack does not end the lease',
    find: 'slot.leases.splice(index, 1);\n    slot.finished += 1;',
    put: 'slot.finished += 1;',
  },
  {
    what: 'a worker is handed one item more than it may have',
    find: 'least.leases.length >= this.#rules.concurrency',
    put: 'least.leases.length > this.#rules.concurrency',
  },
  {
    what: 'a full socket is sent more',
    find: '&& !slot.alone && !slot.clogged);\n    const handed',
    put: '&& !slot.alone);\n    const handed',
  },
  { what: 'what is returned is dropped', find: '    this.#giveBack([item]);\n', put: '' },
  { what: 'what is returned counts as started', find: '      item.starts -= 1;\n', put: '' },
  {
    what: 'what is returned counts as retried',
    find: '      if (item.starts > 1) this.counts.retried -= 1;\n',
    put: '',
  },

  // ---- suspects and crashes ----
  {
    what: 'a suspect gets company',
    find: '      slot.alone = true;\n      this.#lease(slot, suspect, now);',
    put: '      this.#lease(slot, suspect, now);',
  },
  { what: 'no worker is kept free for a suspect', find: '    if (keep) keep.alone = true;\n', put: '' },
  { what: 'a suspect is forgotten to be one', find: '    item.suspect = true;\n', put: '' },
  {
    what: 'a death in company counts as a crash of each',
    find: 'else for (const item of inProgress.toReversed()) this.#suspect(item);',
    put: 'else failed.push(...inProgress.filter((item) => this.#crashedAlone(item)));',
  },
  {
    what: 'an item crashes once too often',
    find: 'item.crashes < this.#rules.maxCrashes',
    put: 'item.crashes <= this.#rules.maxCrashes',
  },
  {
    what: 'a crash at a forceful stop counts',
    find: "const expected = !crashed || this.stopping === 'forcefully' || timedOut !== undefined;",
    put: 'const expected = !crashed || timedOut !== undefined;',
  },

  // ---- retries ----
  {
    what: 'a retry never becomes due',
    find: 'this.#retrying[0].notBefore <= now',
    put: 'this.#retrying[0].notBefore < 0',
  },
  { what: 'nobody is woken for a retry', find: 'this.#retrying[0]?.notBefore ?? Infinity', put: 'Infinity' },
  {
    what: 'there is a retry too many',
    find: 'item.throws > this.#rules.retries',
    put: 'item.throws > this.#rules.retries + 1',
  },
  { what: 'a permanent error is retried', find: 'if (permanent || item.throws', put: 'if (item.throws' },
  { what: 'the wait before a retry does not double', find: 'firstMs * 2 ** doublings', put: 'firstMs' },

  // ---- stops ----
  {
    what: 'a stop goes on with what is pending',
    find: '    for (const item of this.#pending.splice(0)) this.#release(item);\n',
    put: '',
  },
  {
    what: 'a stop drops what is pending',
    find: 'for (const item of this.#pending.splice(0)) this.#release(item);',
    put: 'this.#pending = [];',
  },
  {
    what: 'a stop drops the suspects',
    find: 'for (const item of this.#suspects.splice(0)) this.#release(item);',
    put: 'this.#suspects = [];',
  },
  {
    what: 'a stop drops what is to be retried',
    find: 'for (const { item } of this.#retrying.splice(0)) this.#release(item);',
    put: 'this.#retrying = [];',
  },
  {
    what: 'an item that threw is retried after a stop',
    find: "if (this.stopping === 'no') this.#retryLater(item, now);",
    put: 'if (this.#rules.retries > 0) this.#retryLater(item, now);',
  },
  {
    what: 'an item that was aborted has failed',
    find: "    if (this.stopping === 'forcefully') {\n",
    put: "    if (this.stopping === 'forcefully' && item.throws < 0) {\n",
  },
  {
    what: 'what comes after a stop is handed out',
    find: "if (this.stopping === 'no') this.#pending.push(item);",
    put: 'if (this.counts.dispatched > 0) this.#pending.push(item);',
  },
  {
    what: 'the workers are not told to go at the end',
    find: "const over = this.stopping !== 'no' || (this.#closed && this.#idle);",
    put: "const over = this.stopping !== 'no';",
  },
  {
    what: 'a worker that could not hear yet is not told again to go',
    find: "    else this.#commands.push({ do: 'drain', worker });",
    put: '   ',
  },
  {
    what: 'a worker that leaves by itself is not told that it may',
    find: '  plan(now: number): readonly Command<Load>[] {\n',
    put: '  plan(now: number): readonly Command<Load>[] {\n    this.#commands = [];\n',
  },
  {
    what: 'what was meant for a dead process is said to the next',
    find: 'this.#commands = this.#commands.filter((command) => command.worker !== worker);',
    put: '',
  },

  // ---- boots ----
  {
    what: 'a crash loop never ends',
    find: 'this.#barrenDeaths = slot.finished > 0 ? 0 : this.#barrenDeaths + 1;',
    put: 'this.#barrenDeaths += 1;',
  },
  {
    what: 'a worker that works is not seen to',
    find: '    if (slot.deathsBefore === this.counts.crashed) this.#barrenDeaths = 0;\n',
    put: '',
  },
  {
    what: 'any worker that works ends the crash loop of another',
    find: 'if (slot.deathsBefore === this.counts.crashed) this.#barrenDeaths = 0;',
    put: 'this.#barrenDeaths = 0;',
  },
  {
    what: 'the wait before a boot has no cap',
    find: 'const BACKOFF_CAP_MS = 30_000;',
    put: 'const BACKOFF_CAP_MS = Infinity;',
  },
  {
    what: 'nobody is woken for a boot',
    find: 'boot ? this.#bootNotBefore : Infinity',
    put: 'boot ? Infinity : Infinity',
  },
  {
    what: 'a dead worker is not replaced while another lives',
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
    find: '&& !this.#everReady && this.stopping',
    put: '&& this.stopping',
  },
  {
    what: 'a boot failure is not noticed where the last to exit had been told to',
    find: 'const noneBooted = this.#barrenDeaths > 0',
    put: 'const noneBooted = !expected',
  },
  { what: 'a new process is taken to be as full as the one before', find: '    slot.clogged = false;\n', put: '' },

  // ---- dispatch, outcomes and counts ----
  {
    what: 'more is pulled than finds a worker',
    find: 'let room = -this.#pending.length - this.#suspects.length;',
    put: 'let room = 0;',
  },
  { what: 'outcomes that wait for their hooks are not bounded', find: 'this.#settling >= WAITING_MAX || ', put: '' },
  { what: 'an unfit item is handed out', find: '    else this.#pending.pop();\n', put: '' },
  { what: 'an outcome counts twice', find: 'this.counts[outcome] += 1;', put: 'this.counts[outcome] += 2;' },
  {
    what: 'an item whose hook threw is lost',
    find: "    if (outcome === 'unfinished') {\n      this.#release(item);\n",
    put: "    if (outcome === 'unfinished') {\n",
  },
  {
    what: 'the run ends before its outcomes are recorded',
    find: 'this.#idle && this.#settling === 0 && ',
    put: 'this.#idle && ',
  },
];
