/**
 * Holds an item's outcome back until all is out that its worker had written before. Pure: no input or output, no clock. Runs in the
 * master; the simulator in the tests drives it too. Internal.
 *
 *   ack read ─> a whole turn of the event loop ─> all that was in the pipes has been read: a mark
 *            ─> all up to the mark has left the master by a completed write ─> the outcome goes on to count
 *
 * A worker writes in blocking mode: what it wrote before its ack is in the pipe when the ack is. So what a turn reads that
 * begins after the ack was read is all of it, whoever wrote it and how. A worker that writes nothing delays no item: its
 * outcome waits for that one turn, and its lease has ended before.
 */

/** What one worker's process has written, as far as the master has come with it. */
export interface Outlet {
  /** Nothing has been written that is not out. Undefined where that cannot be known before a turn has passed. */
  readonly isClear?: boolean;
  /** Asked once a turn: whether all has been read that was written before it. */
  caughtUp(): boolean;
  /** Nothing more is read for now: somebody else's reading is waited for. */
  readonly isHeld: boolean;
  /** Returns where it has come to with reading. */
  mark(): Mark;
  /** Whether all up to a mark is out, or some of it will never be. */
  isOut(mark: Mark): 'yes' | 'not yet' | 'lost';
}

/** A place in what was written: by stream, in bytes. */
export type Mark = readonly number[];

/** Outcomes of one worker that were read together. */
interface Group<Ended> {
  readonly ended: readonly Ended[];
  isNew: boolean;
  mark: Mark | undefined;
}

/** The outcomes of one run that wait for output. */
export class Barrier<Ended> {
  readonly #groups = new Map<Outlet, Group<Ended>[]>();

  /** Whether any outcome waits. */
  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** Outcomes of this worker's were read. */
  hold(outlet: Outlet, ended: readonly Ended[]): void {
    const group = { ended, isNew: true, mark: undefined };
    const groups = this.#groups.get(outlet);
    if (groups) groups.push(group);
    else this.#groups.set(outlet, [group]);
  }

  /**
   * Called at the end of each turn of the event loop. Hands `release` what may go on, in the order in which it was held, and
   * whether some of their output is lost. Returns whether the next turn may have more, without anything else happening.
   */
  turn(release: (ended: readonly Ended[], isLost: boolean) => void): boolean {
    let again = false;
    for (const [outlet, groups] of this.#groups) {
      if (outlet.caughtUp()) for (const group of groups) if (!group.isNew) group.mark ??= outlet.mark();
      for (let group = groups[0]; group?.mark; group = groups[0]) {
        const isOut = outlet.isOut(group.mark);
        if (isOut === 'not yet') break;
        release(group.ended, isOut === 'lost');
        groups.shift();
      }
      const last = groups.at(-1);
      if (!last) this.#groups.delete(outlet);
      else {
        for (const group of groups) group.isNew = false;
        if (!last.mark && !outlet.isHeld) again = true;
      }
    }
    return again;
  }
}
