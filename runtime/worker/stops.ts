/**
 * How long this worker was stopped (SIGSTOP): that time counts against no timeout. Runs in a worker where items have one. Internal.
 */

/** How often it is looked whether this process runs, in milliseconds. */
const LOOK_EVERY_MS = 100;

/** Counts from when it is made. */
export class Stops {
  /** In milliseconds, all in all. */
  stoppedMs = 0;

  constructor() {
    let lookedAt = performance.now();
    const look = (): void => {
      lookedAt = performance.now();
    };
    // Behind the signals of this turn: this timer may be due before it is known that the process was stopped.
    setInterval(() => setImmediate(look), LOOK_EVERY_MS).unref();
    process.on('SIGCONT', () => {
      this.stoppedMs += performance.now() - lookedAt;
      look();
    });
  }
}
