/**
 * When items may be handed out, by the simulator's own account: how far the items so far have used up the time that
 * --rate gives them, and until when a pause, `throttle` and RateLimited hold everything back.
 */

import { ensure } from './violation.ts';

/** How much of the rate may be caught up at once. */
const BURST_MS = 100;
/** Sums of fractions differ by less, in milliseconds. */
const ROUNDING = 1e-3;

export class TrueGate {
  /** How long an item takes of the rate, and how far behind it may be. */
  readonly #itemMs: number;
  readonly #slackMs: number;
  /** When the time of all items so far is used up. */
  #usedUntil: number | undefined;
  readonly #heldUntil = new Map<string, number>();

  constructor(rate: number) {
    this.#itemMs = 1000 / rate;
    this.#slackMs = Math.max(0, BURST_MS - this.#itemMs);
  }

  /** The master looks at it for the first time: one item may be handed out. */
  begin(now: number): void {
    this.#usedUntil ??= now;
  }

  hold(holder: 'pause' | 'throttle' | 'RateLimited', until: number): void {
    this.#heldUntil.set(holder, until);
  }

  /** At least as long as somebody else has asked for. */
  holdLonger(until: number): void {
    this.hold('RateLimited', Math.max(until, this.#heldUntil.get('RateLimited') ?? 0));
  }

  handed(number: number, now: number): void {
    const earlyMs = this.opensAt - now;
    ensure(earlyMs < ROUNDING, `item ${number} was handed out ${earlyMs} ms before the gate was open`);
    // What was not used for longer than the slack is lost.
    this.#usedUntil = Math.max(this.#usedUntil ?? now, now - this.#slackMs) + this.#itemMs;
  }

  cameBack(now: number): void {
    this.#usedUntil = Math.max((this.#usedUntil ?? now) - this.#itemMs, now - this.#slackMs);
  }

  /** When the next item may be handed out. */
  get opensAt(): number {
    return Math.max(this.#usedUntil ?? 0, ...this.#heldUntil.values());
  }

  /** Whether an item may be handed out, without a doubt. */
  isOpen(now: number): boolean {
    return this.opensAt <= now - (this.#itemMs === 0 ? 0 : ROUNDING);
  }

  /** How many items may be handed out at most. */
  room(now: number): number {
    if (Math.max(0, ...this.#heldUntil.values()) > now) return 0;
    if (this.#itemMs === 0) return Infinity;
    const used = Math.max(this.#usedUntil ?? now, now - this.#slackMs);
    return used > now + ROUNDING ? 0 : 1 + Math.floor((now - used + ROUNDING) / this.#itemMs);
  }
}
