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

  /** continued - is told when this process has been continued. */
  constructor(continued: (afterMs: number) => void = () => {}) {
    this.#timer = setInterval(() => (this.#lookedAt = performance.now()), LOOK_EVERY_MS).unref();
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
