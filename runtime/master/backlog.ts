/**
 * Items that wait in the master: for any worker, for a worker of their own (suspects), or for their retry time. Pure;
 * runs in the master.
 */

import { countOf, type Run, runOf } from './run.ts';

/** The waiting items of one run. */
export class Backlog<Payload> {
  /** Items that any worker with room may take. Items that come back go to the front. */
  readonly pending: Run<Payload>[] = [];
  /** How many items are pending, and their size in bytes. */
  pendingCount = 0;
  pendingBytes = 0;
  /** Items that need a worker to themselves, each a run of one. */
  readonly suspects: Run<Payload>[] = [];
  /** Items that wait for their retry time, the earliest first, each a run of one. */
  readonly retrying: { readonly run: Run<Payload>; readonly notBefore: number }[] = [];

  get isEmpty(): boolean {
    return this.pending.length + this.suspects.length + this.retrying.length === 0;
  }

  /** When the next retry is due; Infinity for never. */
  get dueAt(): number {
    return this.retrying[0]?.notBefore ?? Infinity;
  }

  /** Adds an item that `dispatch` yielded; `size` is in bytes. */
  push(number: number, payload: Payload, size: number): void {
    this.pendingCount += 1;
    if (this.pending.at(-1)?.join(number, payload, size)) return;
    const run = runOf(number, payload, size);
    this.pending.push(run);
    this.pendingBytes += run.size;
  }

  /** Takes the first items that any worker may take: consecutive ones, at most `most`. */
  take(most: number): Run<Payload> | undefined {
    const first = this.pending[0];
    if (!first) return undefined;
    const run = first.cut(most);
    if (run === first) this.pending.shift();
    this.pendingCount -= run.count;
    this.pendingBytes -= run.size;
    return run;
  }

  /** Puts items first in line, in this order. */
  putFirst(runs: readonly Run<Payload>[]): void {
    this.suspects.unshift(...runs.filter(({ suspect }) => suspect));
    const others = runs.filter(({ suspect }) => !suspect);
    this.pending.unshift(...others);
    this.pendingCount += countOf(others);
    for (const { size } of others) this.pendingBytes += size;
  }

  /** Schedules a retry, not before the given time. */
  retryLater(run: Run<Payload>, notBefore: number): void {
    let index = this.retrying.length;
    while (index > 0 && (this.retrying[index - 1]?.notBefore ?? 0) > notBefore) index -= 1;
    this.retrying.splice(index, 0, { run, notBefore });
  }

  /** Moves the retries that are due to the front of the line. */
  takeDue(now: number): void {
    while (this.dueAt <= now) {
      const due = this.retrying.shift();
      if (due) this.putFirst([due.run]);
    }
  }

  /** Removes and returns all items. */
  clear(): Run<Payload>[] {
    const runs = [...this.pending.splice(0), ...this.suspects.splice(0)];
    this.pendingCount = 0;
    this.pendingBytes = 0;
    return [...runs, ...this.retrying.splice(0).map(({ run }) => run)];
  }
}
