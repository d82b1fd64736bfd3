/**
 * Wakes the one loop of a run. Whatever happens (a message, an exit, a signal, a timer) is noted down and wakes it; the loop
 * acts on all of it together. Runs in the master. Internal.
 */

/** What a timer of Node.js can wait at most; a longer one would go off at once. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1;

/** The sleep of one loop, and what ends it. */
export class Wakeup {
  /** Something has happened that the loop has not acted on. */
  isAwake = false;
  #resume: (() => void) | undefined;
  #alarm: NodeJS.Timeout | undefined;

  /** Something has happened. */
  readonly wake = (): void => {
    if (this.isAwake) return;
    this.isAwake = true;
    if (this.#resume) setImmediate(this.#resume);
  };

  /** Resolves once something has happened, together with what else happens in the same turn of the event loop. */
  async sleep(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.isAwake) setImmediate(resolve);
      else this.#resume = resolve;
    });
    this.#resume = undefined;
    this.isAwake = false;
  }

  /** Wakes the loop after so many milliseconds, in place of the alarm before; none where they are Infinity, or 0. */
  setAlarm(inMs: number): void {
    clearTimeout(this.#alarm);
    this.#alarm = undefined;
    if (inMs > 0 && inMs < Infinity) this.#alarm = setTimeout(this.wake, Math.min(Math.ceil(inMs), LONGEST_TIMER_MS));
  }
}
