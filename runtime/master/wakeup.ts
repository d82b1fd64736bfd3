/**
 * Wakes the loop of a run. Each event (a message, an exit, a signal, a timer) is recorded and wakes the loop, which
 * handles all of them together. Runs in the master. Internal.
 */

/** The longest delay of a Node.js timer; a longer one would fire at once. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1;

/** The sleep of one loop, and its alarm. */
export class Wakeup {
  /** Something has happened that the loop has not handled. */
  isAwake = false;
  #resume: (() => void) | undefined;
  #alarm: NodeJS.Timeout | undefined;

  /** Call it when something has happened. */
  readonly wake = (): void => {
    if (this.isAwake) return;
    this.isAwake = true;
    if (this.#resume) setImmediate(this.#resume);
  };

  /**
   * Resolves after something has happened, at the end of that turn of the event loop, so that the loop sees everything
   * from the same turn.
   */
  async sleep(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.isAwake) setImmediate(resolve);
      else this.#resume = resolve;
    });
    this.#resume = undefined;
    this.isAwake = false;
  }

  /** Wakes the loop after `inMs` milliseconds and replaces the earlier alarm. Infinity or 0 sets no alarm. */
  setAlarm(inMs: number): void {
    clearTimeout(this.#alarm);
    this.#alarm = undefined;
    if (inMs > 0 && inMs < Infinity) this.#alarm = setTimeout(this.wake, Math.min(Math.ceil(inMs), LONGEST_TIMER_MS));
  }
}
