/** The simulator's own record of a run's items: what each has been through, and what has come of it. */

import type { DeliveryRules } from '../../../runtime/master/rules.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { ensure, same, Violation } from './violation.ts';
import type { Work } from './world.ts';

/** Where an item is: at exactly one of these. */
type Place = 'waiting' | 'later' | 'held' | 'settling' | 'done' | 'failed' | 'unfinished';

export interface Entry {
  readonly work: Work;
  readonly number: number;
  place: Place;
  /** The process that was handed it and has not answered, as far as the master can know. */
  holder: SimulatedProcess | undefined;
  /** What it is going to be, once its outcome is recorded. */
  verdict: 'done' | 'failed' | undefined;
  /** Hand-outs, less those that came back unstarted. */
  starts: number;
  throws: number;
  crashesAlone: number;
  /** It was with a worker that went down. */
  suspect: boolean;
  /** A person has cancelled it: it is never handed out again. */
  cancelled: boolean;
  /** Its ack may be gathered with others. */
  batchAcks: boolean;
  /** Where it is to be tried again: not before, and by then at the latest. */
  notBefore: number;
  /** Since when it may be in progress, as far as the master knows. */
  startedAt: number;
  latest: number;
}

/** How often an item is tried, and after how long. */
type Rules = Pick<DeliveryRules, 'retries' | 'backoffMs' | 'backoffCapMs'>;

export class TrueItems {
  readonly entries: Entry[] = [];
  /** Items that are still to be processed. */
  readonly active = new Set<Entry>();
  /** Items whose outcome is being recorded. */
  readonly settling = new Set<Entry>();
  readonly ended = { done: 0, failed: 0, unfinished: 0 };
  readonly distributed = new Set<Entry>();
  retried = 0;
  skipped = 0;
  stopping: 'no' | 'gracefully' | 'forcefully' = 'no';
  readonly #rules: Rules;
  readonly #numbersFrom: number;
  readonly #byNumber = new Map<number, Entry>();

  constructor(rules: Rules, numbersFrom: number) {
    this.#rules = rules;
    this.#numbersFrom = numbersFrom;
  }

  entry(number: number): Entry {
    const entry = this.#byNumber.get(number);
    if (!entry) throw new Violation(`there is no item ${number}`);
    return entry;
  }

  dispatched(work: Work, number: number): void {
    const entry: Entry = {
      work,
      number: this.#numbersFrom + this.entries.length + this.skipped + 1,
      place: 'waiting',
      holder: undefined,
      verdict: undefined,
      starts: 0,
      throws: 0,
      crashesAlone: 0,
      suspect: false,
      cancelled: false,
      batchAcks: false,
      notBefore: 0,
      latest: 0,
      startedAt: 0,
    };
    this.entries.push(entry);
    this.#byNumber.set(entry.number, entry);
    this.active.add(entry);
    same('the number of an item', number, entry.number);
    if (work.nature === 'unfit') this.judge(entry, 'failed');
    else if (this.stopping !== 'no') this.end(entry, 'unfinished');
  }

  handed(entry: Entry, holder: SimulatedProcess, batchAcks: boolean, now: number): void {
    entry.place = 'held';
    entry.batchAcks = batchAcks;
    entry.holder = holder;
    entry.starts += 1;
    entry.startedAt = now;
    if (entry.starts > 1) this.retried += 1;
    this.distributed.add(entry);
  }

  attemptFailed(entry: Entry, permanent: boolean, now: number, afterMs?: number): 'failed' | 'later' | 'unfinished' {
    entry.throws += 1;
    if (this.stopping === 'forcefully') return this.end(entry, 'unfinished');
    const { retries, backoffMs, backoffCapMs } = this.#rules;
    if (permanent || entry.cancelled || entry.throws > retries) return this.judge(entry, 'failed');
    if (this.stopping !== 'no') return this.end(entry, 'unfinished');
    entry.place = 'later';
    const backoff = Math.min(Math.max(backoffCapMs, backoffMs), backoffMs * 2 ** (entry.throws - 1));
    entry.latest = now + (afterMs ?? backoff);
    entry.notBefore = now + (afterMs ?? backoff / 2);
    return 'later';
  }

  /** It was started, but that does not count. */
  putBack(entry: Entry): 'failed' | undefined {
    this.uncount(entry);
    return this.wait(entry);
  }

  /** Its last hand-out counts as none. */
  uncount(entry: Entry): void {
    entry.starts -= 1;
    if (entry.starts > 0) this.retried -= 1;
  }

  wait(entry: Entry): 'failed' | undefined {
    if (entry.cancelled) return this.judge(entry, 'failed');
    if (this.stopping === 'no') entry.place = 'waiting';
    else this.end(entry, 'unfinished');
    return undefined;
  }

  /** Its outcome is to be recorded. */
  judge<Verdict extends 'done' | 'failed'>(entry: Entry, verdict: Verdict): Verdict {
    this.active.delete(entry);
    this.settling.add(entry);
    entry.place = 'settling';
    entry.verdict = verdict;
    return verdict;
  }

  end(entry: Entry, outcome: 'done' | 'failed' | 'unfinished'): 'unfinished' {
    const isFirst = this.active.delete(entry) || this.settling.delete(entry);
    ensure(isFirst, `item ${entry.number} has a second outcome: ${outcome}`);
    entry.place = outcome;
    this.ended[outcome] += 1;
    return 'unfinished';
  }

  /** Items that wait for a worker, and of those that are to be tried later the ones that are due. */
  waiting(due: (entry: Entry) => boolean): number {
    let waiting = 0;
    for (const entry of this.active) {
      if ((entry.place === 'waiting' || entry.place === 'later') && due(entry)) waiting += 1;
    }
    return waiting;
  }

  settled(number: number, outcome: 'done' | 'failed' | 'unfinished'): void {
    const entry = this.entry(number);
    const right = outcome === 'unfinished' || outcome === entry.verdict;
    ensure(right, `item ${number} was settled as ${outcome}, and is ${entry.verdict}`);
    same(`item ${number} before it is settled`, entry.place, 'settling');
    if (outcome === 'unfinished') entry.work.excuses += 1;
    this.end(entry, outcome);
  }

  /** The master is killed: what is in progress, or not recorded, may have to be processed again. */
  masterDied(): void {
    for (const { place, work } of this.entries) if (place === 'held' || place === 'settling') work.excuses += 1;
  }

  stop(how: 'gracefully' | 'forcefully'): void {
    if (this.stopping !== 'forcefully') this.stopping = how;
    for (const entry of this.active) {
      if (entry.place === 'waiting' || entry.place === 'later') this.end(entry, 'unfinished');
    }
  }
}
