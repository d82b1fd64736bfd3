/** What `dispatch` yields in one run, and which of it is taken: by the real Intake and KeySet, held against the journal. */

import type { KeySet } from '../../../runtime/journal/key-set.ts';
import type { At } from '../../../runtime/journal/ledger.ts';
import { nameAt } from '../../../runtime/journal/marks.ts';
import type { Mark } from '../../../runtime/journal/records.ts';
import type { Cursor } from '../../../runtime/master/cursor.ts';
import type { Intake } from '../../../runtime/master/intake.ts';
import type { AnyTask } from '../../../runtime/task/task.ts';
import type { Scenario } from './scenario.ts';
import { same } from './violation.ts';
import type { Row, Work, World } from './world.ts';

/** What a master needs of the code under test to know what earlier runs have ended. */
export interface IntakeCode {
  readonly Cursor: typeof Cursor;
  readonly Intake: typeof Intake;
  readonly KeySet: typeof KeySet;
}

/** An item that `dispatch` has yielded. */
export interface Yielded {
  readonly work: Work;
  readonly key: string;
  readonly occurrence: number;
  readonly at: At | undefined;
  readonly taken: boolean;
}

/** How far `dispatch` may be ahead of the first item without an outcome: small enough to matter. */
export const AHEAD = 12;

/** Of two of these no third is sent ahead. */
const LARGE_BYTES = 2 * 1024 * 1024;

export class Input {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #run: number;
  readonly #intake: Intake;
  readonly #seen = new Map<string, number>();
  readonly #works: Work[] = [];
  /** By key: the name of the items that have it. */
  readonly #named = new Map<string, string>();
  /** By name, where equal items are interchangeable: those that there are, the ended ones first. */
  readonly #equal = new Map<string, Work[]>();
  /** With a cursor: how far the run has come, and what it lists. */
  readonly cursor: Cursor | undefined;
  readonly #rows: readonly Row[] = [];
  #place = 0;
  #taken = 0;
  #failedBefore = 0;

  /** run - which of the runs of a seed it is: what is new in it has a name of its own. */
  constructor(scenario: Scenario, world: World, run: number, { Cursor, Intake, KeySet }: IntakeCode) {
    this.#scenario = scenario;
    this.#world = world;
    this.#run = run;
    const { journal } = scenario;
    const keys = journal && new KeySet(world.journal.length);
    const last = new Map<Work, string>();
    const forgotten = new Set<Work>();
    let isRetry = false;
    for (const recorded of world.journal) {
      const { key, work, how } = recorded;
      // A run that retries begins with a line that says so, and so does the one after it.
      if (keys && recorded.isRetry !== isRetry) keys.readsRetries = recorded.isRetry === true;
      isRetry = recorded.isRetry === true;
      if (how === 'done' && !isRetry && recorded.number <= (world.marks.get(recorded.run)?.number ?? 0)) {
        if (journal) last.set(work, how);
        forgotten.add(work);
        continue;
      }
      const name = recorded.at ? nameAt(recorded.at.place, key) : key;
      keys?.ended(name, recorded.occurrence > 1 ? recorded.occurrence : undefined, how);
      if (journal) last.set(work, how);
    }
    keys?.isRead();
    this.#failedBefore = [...last.values()].filter((how) => how === 'failed').length;
    if (journal && !journal.ownKeys) this.#sortEqual(forgotten);
    const { mode = 'new', limit = Infinity, ties } = journal ?? {};
    if (ties !== undefined) {
      this.#makeRows(ties);
      const begin = mode === 'retry-failed' ? this.#beforeFailed(last) : [...world.marks.values()].at(-1);
      if (mode !== 'retry-failed') world.marks.set(run, begin ?? { place: -1, number: 0 });
      for (const row of world.rows)
        if (mode !== 'retry-failed' && row.isListed && begin && row.place <= Number(begin.place)) this.#checkEnded(row);
      this.cursor = new Cursor(begin, mode !== 'retry-failed', AHEAD);
      this.#rows = world.rows.filter(({ place }) => place > Number(begin?.place ?? -1));
    }
    const cursor = (): number => this.#place;
    const task = { ...(journal?.ownKeys ? keyed : keyless), ...(ties !== undefined && { cursor }) };
    this.#intake = new Intake({ task, keys, mode, limit, cursor: this.cursor });
  }

  /** No more are wanted. */
  get full(): boolean {
    const { limit = Infinity, mode, ties } = this.#scenario.journal ?? {};
    const isMet = ties !== undefined && mode === 'retry-failed' && this.#failedBefore === 0;
    same('whether no more are wanted', this.#intake.full, isMet || this.#taken >= limit);
    return this.#intake.full;
  }

  /** Returns the next item, or undefined where there are no more. */
  next(): Yielded | undefined {
    const position = this.#works.length;
    const row = this.#rows[position];
    const content = this.cursor ? row?.name : this.#nameOf(position);
    if (content === undefined) return undefined;
    if (row) {
      // A retry also passes rows that were put in behind the mark: nobody promises these.
      if (this.#scenario.journal?.mode !== 'retry-failed') row.isListed = true;
      this.#place = row.place;
    }
    // With a cursor an item is another one at another place.
    const name = row ? `${row.place}: ${content}` : content;
    const { journal } = this.#scenario;
    const occurrence = (this.#seen.get(name) ?? 0) + 1;
    this.#seen.set(name, occurrence);
    const work = this.#equal.get(name)?.[occurrence - 1] ?? this.#workOf(`${name} ${occurrence}`);
    this.#works.push(work);

    const taken = this.#intake.take(content, (this.cursor?.begin?.number ?? 0) + position + 1);
    if (!journal) {
      same(`whether item ${work.id} is taken`, taken !== undefined, true);
      return { work, key: '', occurrence: 1, at: undefined, taken: true };
    }
    const ended = this.#world.outcomeOf(work);
    const wanted = journal.mode === 'retry-failed' ? ended === 'failed' : ended === undefined;
    same(`whether item ${work.id}, which is ${ended ?? 'not ended'}, is taken`, taken !== undefined, wanted);
    if (taken) {
      this.#taken += 1;
      same(`the occurrence of item ${work.id}`, taken.occurrence, journal.ownKeys ? occurrence : 1);
      same(`what has the key of item ${work.id}`, this.#named.get(taken.key) ?? content, content);
      this.#named.set(taken.key, content);
      if (ended === 'failed') this.#failedBefore -= 1;
    }
    const { key = '', occurrence: nth = 1, at } = taken ?? {};
    return { work, key, occurrence: nth, at, taken: taken !== undefined };
  }

  /**
   * A resume skips as many of equal items as have ended, in the order of their outcomes: any others are as good. What is
   * behind the mark it knows nothing of.
   */
  #sortEqual(forgotten: ReadonlySet<Work>): void {
    const { works, journal, outcomeOf } = this.#world;
    const all = new Set(journal.map(({ work }) => work));
    const ended = [...[...all].filter((work) => !forgotten.has(work)), ...forgotten];
    for (const work of [...ended, ...[...works.values()].filter((each) => outcomeOf(each) === undefined)]) {
      const name = work.id.slice(0, work.id.lastIndexOf(' '));
      this.#equal.set(name, [...(this.#equal.get(name) ?? []), work]);
    }
  }

  /** The rows there are at first, and in each run after it some more between or behind them. */
  #makeRows(ties: number): void {
    const { rows, random } = this.#world;
    const { items, journal } = this.#scenario;
    const distinct = journal?.distinct ?? Infinity;
    if (rows.length === 0)
      for (let at = 0; at < items; at++)
        rows.push({ place: Math.floor(at / ties) * 10, name: `${(at % distinct) + 1}`, isListed: false });
    for (let more = journal?.front ?? 0; more > 0; more--) {
      const place = random.whole(0, items) * 10 + random.whole(1, 9); // a place of its own: no run has passed it halfway
      if (rows.every((row) => row.place !== place))
        rows.push({ place, name: `${random.whole(1, Math.min(distinct, items + 5))}`, isListed: false });
    }
    rows.sort((one, other) => one.place - other.place);
  }

  /** Where to begin so that all that has failed is listed. */
  #beforeFailed(last: ReadonlyMap<Work, string>): Mark | undefined {
    const failed = this.#world.journal.filter(({ work, isRetry }) => !isRetry && last.get(work) === 'failed');
    const [first] = failed.toSorted((one, other) => Number(one.at?.place) - Number(other.at?.place));
    return first?.at?.after;
  }

  /** What is behind the mark has its outcome. */
  #checkEnded({ place, name }: Row): void {
    for (const [id, work] of this.#world.works)
      if (id.startsWith(`${place}: ${name} `))
        same(`whether item ${id} behind the mark is lost`, this.#world.outcomeOf(work) === undefined, false);
  }

  /** After a run that nothing stopped: each item has an outcome, and the failed ones of earlier runs were counted. */
  checkEnded(): void {
    if (!this.#scenario.journal) return;
    same('items that had failed before', this.#intake.failedBefore, this.#failedBefore);
    if (this.#scenario.journal.mode === 'retry-failed') return;
    for (const work of this.#works)
      same(`whether item ${work.id} is lost`, this.#world.outcomeOf(work) === undefined, false);
  }

  #nameOf(position: number): string | undefined {
    const { items, journal } = this.#scenario;
    if (!journal) return position < items ? `${position + 1}` : undefined;
    if (position < journal.front) return `new in run ${this.#run}: ${position + 1}`;
    const index = position - journal.front;
    if (index >= items) return undefined;
    const at = journal.reversed ? items - 1 - index : index;
    return `${(at % journal.distinct) + 1}`;
  }

  #workOf(id: string): Work {
    const { works, random } = this.#world;
    const known = works.get(id);
    if (known) return known;
    const nature = random.among(this.#scenario.natures);
    const size = random.chance(this.#scenario.large) ? LARGE_BYTES : 1;
    const work: Work = { id, nature, size, tantrums: random.whole(1, 3), runs: 0, processed: 0, excuses: 0 };
    works.set(id, work);
    return work;
  }
}

const keyless: AnyTask = { dispatch: () => [], process: () => {} };
const keyed: AnyTask = { dispatch: () => [], process: () => {}, key: (item) => `own ${item}` };
