/**
 * Decides when items may be handed out: --rate, and what holds all items back for a time (a pause, `throttle`,
 * RateLimited).
 * Pure; runs in the master, and in the simulator of the tests.
 *
 * --rate is a bucket of tokens. It fills at the rate, each hand-out takes a token, and an item that comes back unstarted
 * returns its token. The bucket holds at most the tokens of BURST_MS, so no burst follows a quiet time.
 */

/** How much of the rate may be caught up at once, in milliseconds. */
const BURST_MS = 100;
/** 0.9999999 of a token counts as one. */
const ROUNDING = 1e-6;

/** What holds items back. */
export type Holder = 'pause' | 'throttle' | 'RateLimited';

/** The gate of one run. */
export class Gate {
  readonly #perMs: number;
  readonly #most: number;
  #tokens = 1;
  /** When the bucket was filled last. Infinity: not yet. */
  #filledAt = Infinity;
  /** Until when each holder keeps the gate closed. */
  readonly #until: Record<Holder, number> = { pause: -Infinity, throttle: -Infinity, RateLimited: -Infinity };

  /** rate - how many items may be handed out in a second, above 0; Infinity for no limit. */
  constructor(rate: number) {
    this.#perMs = rate / 1000;
    this.#most = Math.max(1, this.#perMs * BURST_MS);
  }

  /** Stays closed until that time, for this holder's sake. */
  close(holder: Holder, until: number): void {
    this.#until[holder] = until;
  }

  /** Until when it is closed for this holder's sake. */
  closedUntil(holder: Holder): number {
    return this.#until[holder];
  }

  /** How many items may be handed out now. */
  room(now: number): number {
    const isClosed = now < this.#closedForAllUntil;
    if (this.#perMs === Infinity) return isClosed ? 0 : Infinity;
    this.#fill(now); // also while it is closed: the bucket fills from the first look on
    return isClosed ? 0 : Math.floor(this.#tokens + ROUNDING);
  }

  /** When the next item may be handed out; `now` if it may already. */
  opensAt(now: number): number {
    const at = Math.max(now, this.#closedForAllUntil);
    if (this.#perMs === Infinity) return at;
    this.#fill(now);
    return Math.max(at, now + Math.max(0, 1 - this.#tokens) / this.#perMs);
  }

  /** Items were handed out. */
  passed(count: number): void {
    if (this.#perMs < Infinity) this.#tokens -= count;
  }

  /** Items came back unstarted. */
  returned(count: number): void {
    if (this.#perMs < Infinity) this.#tokens = Math.min(this.#most, this.#tokens + count);
  }

  get #closedForAllUntil(): number {
    const { pause, throttle, RateLimited } = this.#until;
    return Math.max(pause, throttle, RateLimited);
  }

  #fill(now: number): void {
    const ms = Math.max(0, now - this.#filledAt);
    this.#tokens = Math.min(this.#most, this.#tokens + ms * this.#perMs);
    this.#filledAt = now;
  }
}
