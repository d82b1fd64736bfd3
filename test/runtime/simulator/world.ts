/**
 * What outlives a master: simulated time, the items as they are, the processes, and what the journal holds. Here it is seen
 * to, across all masters, that no item is in two processes at once, and that none is processed again without an excuse.
 */

import type { At } from '../../../runtime/journal/ledger.ts';
import type { Mark } from '../../../runtime/journal/records.ts';
import { Random } from './random.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { ensure, same } from './violation.ts';

/** What is in an item. */
export type Nature =
  | 'plain'
  | 'slow'
  /** `process` throws the first few times. */
  | 'throws'
  | 'throws for good'
  /** `process` throws RateLimited the first few times. */
  | 'is limited'
  /** Takes its worker down each time, before its ack is written. */
  | 'poison'
  /** Takes its worker down the first few times. */
  | 'poison at first'
  /** Is processed, and its worker goes down once the ack is written. */
  | 'deadly after its ack'
  | 'unfit'
  /** These never end by themselves: only where there is a timeout, or the run is going to be stopped forcefully. */
  | 'stuck, and isAbortable its signal'
  | 'stuck, and deaf'
  | 'blocks its worker';

/** An item as it is in reality, whatever a master believes. It is the same one in every run. */
export interface Work {
  /** Its key, and which item of that key it is. */
  readonly id: string;
  readonly nature: Nature;
  /** In bytes. */
  readonly size: number;
  /** How often it misbehaves before it has done with that. */
  readonly tantrums: number;
  /** How often a process has started it. */
  runs: number;
  /** How often a process has come to its end, and how often it may have to be processed once more for that. */
  processed: number;
  excuses: number;
}

/** The outcomes of one line in the journal: it is there as a whole, or not at all. */
export type Line = readonly Recorded[];

/** An outcome in the journal. */
export interface Recorded {
  readonly work: Work;
  readonly key: string;
  readonly occurrence: number;
  readonly how: 'done' | 'failed';
  /** It was written by a run that retried what had failed. */
  readonly isRetry?: boolean;
  /** In which run of the seed, and with which number there. */
  readonly run: number;
  readonly number: number;
  /** With a cursor: where it is. */
  readonly at: At | undefined;
  /** With results: how many lines their file had with its own. */
  readonly resultsEnd?: number;
}

/** A line in the file of results: of which item, in which run of the seed, and with which number there. */
export interface ResultLine {
  readonly work: Work;
  readonly run: number;
  readonly number: number;
}

/** How long the workers of a dead master live on at most, and how long a resume has patience with them. */
export const ORPHANS_MS = 2000;

/** An item in the order of a cursor. */
export interface Row {
  readonly place: number;
  readonly name: string;
  /** A run has listed it. */
  isListed: boolean;
}

interface Happening {
  readonly time: number;
  readonly act: () => void;
}

export class World {
  readonly random: Random;
  readonly works = new Map<string, Work>();
  /** What a resume reads. */
  readonly journal: Recorded[] = [];
  /** What is in the file of results. */
  readonly results: ResultLine[] = [];
  /** Of each run that wrote any, the last mark, and where it began. */
  readonly marks = new Map<number, Mark>();
  /** With a cursor: what there is to dispatch, in its order. Some of it was put in between two runs. */
  readonly rows: Row[] = [];
  /** The processes that the journal names. */
  readonly named = new Set<SimulatedProcess>();
  readonly log: ((line: string) => void) | undefined;
  now = 0;
  /** What is going to happen, the next last. */
  readonly #future: Happening[] = [];
  readonly #running = new Map<Work, SimulatedProcess>();
  readonly #recorded = new Map<Work, 'done' | 'failed'>();
  #retriesFailed = false;

  constructor(seed: number, log: ((line: string) => void) | undefined) {
    this.random = new Random(seed ^ 0x5eed);
    this.log = log;
  }

  /** Tells what happens, with its time. */
  note(what: string): void {
    this.log?.(`${this.now.toFixed(1)} ms: ${what}`);
  }

  // ---- time ----

  at(time: number, act: () => void): void {
    let index = this.#future.length;
    while (index > 0 && (this.#future[index - 1]?.time ?? Infinity) <= time) index -= 1;
    this.#future.splice(index, 0, { time, act });
  }

  /** Does what is next. Returns false where nothing is. */
  step(): boolean {
    const next = this.#future.pop();
    if (!next) return false;
    this.now = next.time;
    next.act();
    return true;
  }

  // ---- items ----

  began(process: SimulatedProcess, work: Work): void {
    const other = this.#running.get(work);
    ensure(!other, `item ${work.id} is in a process of worker ${other?.worker} and in one of ${process.worker}`);
    const ended = this.outcomeOf(work);
    const again = ended === 'failed' && this.#retriesFailed;
    ensure(!ended || again, `item ${work.id} is started again though the journal has it as ${ended}`);
    this.#running.set(work, process);
  }

  ceased(work: Work): void {
    this.#running.delete(work);
  }

  /** `process` has come to its end with the item. */
  processed(work: Work): void {
    ensure(work.processed <= work.excuses, `item ${work.id} was processed again for no reason`);
    work.processed += 1;
  }

  // ---- the journal ----

  /** The lines are on the disk. */
  write(lines: readonly Line[]): void {
    for (const recorded of lines.flat()) {
      const { work, how } = recorded;
      const before = this.outcomeOf(work);
      const again = before === 'failed' && this.#retriesFailed;
      ensure(before === undefined || again, `item ${work.id} has a second outcome in the journal: ${how}`);
      const { resultsEnd } = recorded;
      const isThere = resultsEnd === undefined || this.results[resultsEnd - 1]?.work === work;
      ensure(isThere, `item ${work.id} is done, and line ${resultsEnd} of the results is not its own`);
      this.journal.push({ ...recorded, isRetry: this.#retriesFailed });
      this.#recorded.set(work, how);
    }
  }

  /** A resume cuts the results where the journal says: then each item that is done has one line, and nothing else has. */
  cutResults(): void {
    const done = this.journal.filter(({ resultsEnd }) => resultsEnd !== undefined);
    this.results.length = Math.max(0, ...done.map(({ resultsEnd = 0 }) => resultsEnd));
    const lines = new Set(this.results.map(({ work }) => work));
    ensure(lines.size === this.results.length, 'an item has two lines in the results');
    same('items with a result', lines.size, done.length);
    for (const { work } of done) ensure(lines.has(work), `item ${work.id} is done, and has no result`);
  }

  readonly outcomeOf = (work: Work): 'done' | 'failed' | undefined => this.#recorded.get(work);

  /** The next master begins. It waits for the workers of the one before, as far as the journal names them. */
  succeed(retriesFailed: boolean): void {
    let patient = true;
    this.at(this.now + ORPHANS_MS, () => {
      patient = false;
    });
    for (;;) {
      const left = [...this.named].filter(({ alive }) => alive);
      if (!patient) for (const process of left) process.die();
      if (left.length === 0 || !this.step()) break;
    }
    this.named.clear();
    this.#retriesFailed = retriesFailed;
  }
}
