/**
 * Holds an item's outcome back until everything that its worker wrote before it is out. Pure: no input or output, no
 * clock. Runs in the master; the simulator in the tests drives it too. Internal.
 *
 *   ack read ─> one whole turn of the event loop ─> everything in the pipes has been read: set a mark
 *            ─> the master has written everything up to the mark ─> the outcome may count
 *
 * A worker sends an ack only after its output is in the pipe (worker/acks.ts). So a turn
 * that begins after the master read the ack reads all of that output, no matter who wrote it or how. A worker that
 * writes nothing delays no item: its outcome waits for that one turn, and the item's lease has already ended.
 */

/** The output of one worker process, as far as the master has read it. */
export interface Outlet {
  /** Everything written is out. Undefined if the master can't know before a turn has passed. */
  readonly isClear?: boolean;
  /** Called once a turn. Returns whether the master has read everything written before this turn. */
  caughtUp(): boolean;
  /** The master reads no more for now: it waits until somebody reads what it wrote itself. */
  readonly isHeld: boolean;
  /** Returns how far the master has read. */
  mark(): Mark;
  /** Returns whether everything up to the mark is out, or part of it is lost for good. */
  isOut(mark: Mark): 'yes' | 'not yet' | 'lost';
}

/** A position in the output: bytes per stream. */
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

  /** Holds outcomes that were read from this worker. */
  hold(outlet: Outlet, ended: readonly Ended[]): void {
    const group = { ended, isNew: true, mark: undefined };
    const groups = this.#groups.get(outlet);
    if (groups) groups.push(group);
    else this.#groups.set(outlet, [group]);
  }

  /**
   * Called at the end of each turn of the event loop. Hands outcomes that may go on to `release`, in the order in which
   * they were held, and tells it whether some of their output is lost. Returns whether the next turn may release more,
   * even if nothing else happens.
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
