/**
 * Puts outcomes into the order of `dispatch` (--ordered): holds back what ended before its turn. Pure; runs in the master,
 * and in the simulator of the tests.
 *
 * An item's turn comes when every item before it has its outcome, recorded or on its way to be. One that has failed, or was
 * skipped, leaves a gap. One that a stop leaves unfinished has no outcome: what is held back behind it is unfinished, too.
 */

/** How many items may be dispatched from the first one without an outcome on. */
const HELD_MAX = 10_000;

/** What the delivery rules know of the run. */
export interface Standstill {
  readonly stopping: 'no' | 'gracefully' | 'forcefully';
  readonly leased: number;
  readonly settling: number;
}

/** The outcomes of one run. */
export class Order<Outcome> {
  /** Every item up to this one has had its turn. */
  #passed: number;
  /** By number: what has ended before its turn; undefined if there is nothing to write for it. */
  readonly #early = new Map<number, Outcome | undefined>();
  #held = 0;
  readonly #heldMax: number;

  /**
   * numbersFrom - the number of the last item before the first of this run.
   * heldMax     - how many items may be dispatched from the first one without an outcome on.
   */
  constructor(numbersFrom: number, heldMax: number = HELD_MAX) {
    this.#passed = numbersFrom;
    this.#heldMax = heldMax;
  }

  /** The number of the first item that has not had its turn. */
  get firstOpen(): number {
    return this.#passed + 1;
  }

  /** How many outcomes are held back. */
  get held(): number {
    return this.#held;
  }

  /**
   * Whether the turn of what is held back will never come: a stop has ended everything else, and left an item before it
   * unfinished.
   *
   * settling - how many items have ended and do not count yet, with those that are held back.
   */
  isStuck({ stopping, leased, settling }: Standstill): boolean {
    return this.#held > 0 && stopping !== 'no' && leased === 0 && settling === this.#held;
  }

  /** How many more items may be dispatched now. `last` is the number of the last one that was. */
  roomAfter(last: number): number {
    return Math.max(0, this.#heldMax - (last - this.#passed));
  }

  /** An item is done. Returns the outcomes whose turn it is, in their order. */
  done(number: number, outcome: Outcome): Outcome[] {
    this.#early.set(number, outcome);
    this.#held += 1;
    return this.#next();
  }

  /** An item has failed, or is skipped. Returns the outcomes whose turn it is, in their order. */
  left(number: number): Outcome[] {
    this.#early.set(number, undefined);
    return this.#next();
  }

  /** The turn of none of them will come: returns them. */
  giveUp(): Outcome[] {
    const outcomes = [...this.#early.values()].flatMap((early) => (early === undefined ? [] : [early]));
    this.#early.clear();
    this.#held = 0;
    return outcomes;
  }

  #next(): Outcome[] {
    const outcomes: Outcome[] = [];
    for (let next = this.#passed + 1; this.#early.has(next); next++) {
      const early = this.#early.get(next);
      this.#early.delete(next);
      this.#passed = next;
      if (early === undefined) continue;
      this.#held -= 1;
      outcomes.push(early);
    }
    return outcomes;
  }
}
