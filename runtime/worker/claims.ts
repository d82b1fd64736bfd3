/**
 * The count of items that a worker has claimed (started or given back), shared by its main thread and its lifeline
 * (lifeline.mjs). Runs in a worker. Internal.
 *
 * While an item keeps the main thread busy, that thread reads no messages, so it can't give back the items that wait
 * behind. The master then asks the lifeline to reclaim them. One number in shared memory counts the claimed items, in
 * the order in which they came. Each thread changes the number only if it still has the value that the thread expects:
 *
 *   the main thread    n -> n + 1, before it starts the next item (n + k: before it gives k items back)
 *   the lifeline       n -> -1 - n: everything after the first n is reclaimed. It reports n to the master.
 *
 * Whoever comes first wins. If it was the lifeline, the main thread starts nothing until the master sends `forget`,
 * which arrives after the last of the reclaimed items. The main thread drops those items and counts on from there.
 */

/** Keeps the count a non-negative 32-bit number: it wraps around to 0. */
const COUNT_BITS = 0x7fff_ffff;

/** The main thread's side of the count. */
export class Claims {
  readonly #shared: Int32Array;
  #count = 0;

  /** shared - one number, 0 at first, in memory shared with the lifeline. */
  constructor(shared: Int32Array = new Int32Array(1)) {
    this.#shared = shared;
  }

  /** Claims the next `items` items, to start them or to give them back. Returns false if they have been reclaimed. */
  take(items: number): boolean {
    const count = (this.#count + items) & COUNT_BITS;
    if (Atomics.compareExchange(this.#shared, 0, this.#count, count) !== this.#count) return false;
    this.#count = count;
    return true;
  }

  /** Drops the next `items` items, all that are waiting: they were reclaimed and now belong to other workers. */
  forgotten(items: number): void {
    this.#count = (this.#count + items) & COUNT_BITS;
    Atomics.store(this.#shared, 0, this.#count);
  }
}
