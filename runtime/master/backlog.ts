/**
 * Items that wait in the master: for any worker, for a worker of their own (suspects), or for their retry time. Pure;
 * runs in the master.
 */

import type { Item } from './item.ts';

/** The waiting items of one run. */
export class Backlog<Payload> {
  /** Items that any worker with room may take. Items that come back go to the front. */
  readonly pending: Item<Payload>[] = [];
  /** Size of the pending items, in bytes. */
  pendingBytes = 0;
  /** Items that need a worker to themselves. */
  readonly suspects: Item<Payload>[] = [];
  /** Items that wait for their retry time, the earliest first. */
  readonly retrying: { readonly item: Item<Payload>; readonly notBefore: number }[] = [];

  get isEmpty(): boolean {
    return this.pending.length + this.suspects.length + this.retrying.length === 0;
  }

  /** When the next retry is due; Infinity for never. */
  get dueAt(): number {
    return this.retrying[0]?.notBefore ?? Infinity;
  }

  /** Adds an item that `dispatch` yielded. */
  push(item: Item<Payload>): void {
    this.pending.push(item);
    this.pendingBytes += item.size;
  }

  /** Takes the first item that any worker may take. */
  shift(): Item<Payload> | undefined {
    const item = this.pending.shift();
    if (item) this.pendingBytes -= item.size;
    return item;
  }

  /** Puts items first in line, in this order. */
  putFirst(items: readonly Item<Payload>[]): void {
    for (const item of items) item.state = 'pending';
    this.suspects.unshift(...items.filter((item) => item.suspect));
    for (const item of items.toReversed()) {
      if (item.suspect) continue;
      this.pending.unshift(item);
      this.pendingBytes += item.size;
    }
  }

  /** Schedules a retry, not before the given time. */
  retryLater(item: Item<Payload>, notBefore: number): void {
    item.state = 'retrying';
    let index = this.retrying.length;
    while (index > 0 && (this.retrying[index - 1]?.notBefore ?? 0) > notBefore) index -= 1;
    this.retrying.splice(index, 0, { item, notBefore });
  }

  /** Moves the retries that are due to the front of the line. */
  takeDue(now: number): void {
    while (this.dueAt <= now) {
      const due = this.retrying.shift();
      if (due) this.putFirst([due.item]);
    }
  }

  /** Removes and returns all items. */
  clear(): Item<Payload>[] {
    const items = [...this.pending.splice(0), ...this.suspects.splice(0)];
    this.pendingBytes = 0;
    return [...items, ...this.retrying.splice(0).map(({ item }) => item)];
  }
}
