/** What `dispatch` yields in one run, and which of it is taken: by the real Intake and KeySet, held against the journal. */

import type { KeySet } from '../../../runtime/journal/key-set.ts';
import type { Intake } from '../../../runtime/master/intake.ts';
import type { AnyTask } from '../../../runtime/task/task.ts';
import type { Scenario } from './scenario.ts';
import { same } from './violation.ts';
import type { Work, World } from './world.ts';

/** What a master needs of the code under test to know what earlier runs have ended. */
export interface IntakeCode {
  readonly Intake: typeof Intake;
  readonly KeySet: typeof KeySet;
}

/** An item that `dispatch` has yielded. */
export interface Yielded {
  readonly work: Work;
  readonly key: string;
  readonly occurrence: number;
  readonly taken: boolean;
}

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
  #taken = 0;
  #failedBefore = 0;

  /** run - which of the runs of a seed it is: what is new in it has a name of its own. */
  constructor(scenario: Scenario, world: World, run: number, { Intake, KeySet }: IntakeCode) {
    this.#scenario = scenario;
    this.#world = world;
    this.#run = run;
    const { journal } = scenario;
    const keys = journal && new KeySet(world.journal.length);
    const last = new Map<Work, string>();
    let isRetry = false;
    for (const recorded of world.journal) {
      const { key, work, how } = recorded;
      // A run that retries begins with a line that says so, and so does the one after it.
      if (keys && recorded.isRetry !== isRetry) keys.readsRetries = recorded.isRetry === true;
      isRetry = recorded.isRetry === true;
      keys?.ended(key, recorded.occurrence > 1 ? recorded.occurrence : undefined, how);
      if (journal) last.set(work, how);
    }
    keys?.isRead();
    this.#failedBefore = [...last.values()].filter((how) => how === 'failed').length;
    if (journal && !journal.ownKeys) this.#sortEqual();
    const { mode = 'new', limit = Infinity } = journal ?? {};
    this.#intake = new Intake({ task: journal?.ownKeys ? keyed : keyless, keys, mode, limit });
  }

  /** No more are wanted. */
  get full(): boolean {
    const { limit = Infinity } = this.#scenario.journal ?? {};
    same('whether the limit is reached', this.#intake.full, this.#taken >= limit);
    return this.#intake.full;
  }

  /** Returns the next item, or undefined where there are no more. */
  next(): Yielded | undefined {
    const position = this.#works.length;
    const name = this.#nameOf(position);
    if (name === undefined) return undefined;
    const { journal } = this.#scenario;
    const occurrence = (this.#seen.get(name) ?? 0) + 1;
    this.#seen.set(name, occurrence);
    const work = this.#equal.get(name)?.[occurrence - 1] ?? this.#workOf(`${name} ${occurrence}`);
    this.#works.push(work);

    const taken = this.#intake.take(name, position + 1);
    if (!journal) {
      same(`whether item ${work.id} is taken`, taken !== undefined, true);
      return { work, key: '', occurrence: 1, taken: true };
    }
    const ended = this.#world.outcomeOf(work);
    const wanted = journal.mode === 'retry-failed' ? ended === 'failed' : ended === undefined;
    same(`whether item ${work.id}, which is ${ended ?? 'not ended'}, is taken`, taken !== undefined, wanted);
    if (taken) {
      this.#taken += 1;
      same(`the occurrence of item ${work.id}`, taken.occurrence, journal.ownKeys ? occurrence : 1);
      same(`what has the key of item ${work.id}`, this.#named.get(taken.key) ?? name, name);
      this.#named.set(taken.key, name);
      if (ended === 'failed') this.#failedBefore -= 1;
    }
    return { work, key: taken?.key ?? '', occurrence: taken?.occurrence ?? 1, taken: taken !== undefined };
  }

  /** A resume skips as many of equal items as have ended, in the order of their outcomes: any others are as good. */
  #sortEqual(): void {
    const { works, journal, outcomeOf } = this.#world;
    const ended = new Set(journal.map(({ work }) => work));
    for (const work of [...ended, ...[...works.values()].filter((each) => outcomeOf(each) === undefined)]) {
      const name = work.id.slice(0, work.id.lastIndexOf(' '));
      this.#equal.set(name, [...(this.#equal.get(name) ?? []), work]);
    }
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
