/**
 * What a worker has begun of the items that it was handed, as its main thread and its lifeline (lifeline.mjs) share it. Runs
 * in a worker. Internal.
 *
 * While an item keeps the main thread busy, nothing is read there, and what waits behind it cannot be given back. So the
 * master has the lifeline take it back: one number in shared memory says how many items have been begun, or given back, in the
 * order in which they came. Each thread changes it only from what it believes it to be:
 *
 *   the main thread    n -> n + 1, before it begins the next item (n + k: before it gives k of them back)
 *   the lifeline       n -> -1 - n: all behind the first n are taken back. It tells the master the n.
 *
 * Whichever comes first holds. The main thread then begins nothing until the master has told it to forget what it has (`forget`),
 * which comes behind the last of the items that were taken back; and is counted on from there.
 */

/** The count starts at 0 again before it is no number of 32 bits, or negative. */
const COUNT_BITS = 0x7fff_ffff;

/** The main thread's end of it. */
export class Claims {
  readonly #shared: Int32Array;
  #count = 0;

  /** shared - one number, 0 at first, in memory that the lifeline has too. */
  constructor(shared: Int32Array = new Int32Array(1)) {
    this.#shared = shared;
  }

  /** Returns whether the next so many items are the main thread's, to begin or to give back; if not, they have been taken back. */
  take(items: number): boolean {
    const count = (this.#count + items) & COUNT_BITS;
    if (Atomics.compareExchange(this.#shared, 0, this.#count, count) !== this.#count) return false;
    this.#count = count;
    return true;
  }

  /** The next so many items, all that there are, are somebody else's: they had been taken back. */
  forgotten(items: number): void {
    this.#count = (this.#count + items) & COUNT_BITS;
    Atomics.store(this.#shared, 0, this.#count);
  }
}
