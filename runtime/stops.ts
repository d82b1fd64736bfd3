/**
 * How long this process was stopped (Ctrl+Z, SIGSTOP): that time counts against no timeout. Runs in the master and in a worker
 * where items have one. Internal.
 */

/** How often it is looked whether this process runs, in milliseconds. */
const LOOK_EVERY_MS = 100;

/** Counts from when it is made. */
export class Stops {
  /** In milliseconds, all in all. */
  stoppedMs = 0;
  #lookedAt = performance.now();
  readonly #continued: () => void;
  readonly #timer: NodeJS.Timeout;

  /** continued - is told, when this process goes on, for how long it was stopped, in milliseconds. */
  constructor(continued: (stoppedMs: number) => void = () => {}) {
    const look = (): void => {
      this.#lookedAt = performance.now();
    };
    // Behind the signals of this turn: this timer may be due before it is known that the process was stopped.
    this.#timer = setInterval(() => setImmediate(look), LOOK_EVERY_MS).unref();
    this.#continued = () => {
      const now = performance.now();
      const ms = now - this.#lookedAt;
      this.#lookedAt = now;
      this.stoppedMs += ms;
      continued(ms);
    };
    process.on('SIGCONT', this.#continued);
  }

  end(): void {
    clearInterval(this.#timer);
    process.off('SIGCONT', this.#continued);
  }
}
