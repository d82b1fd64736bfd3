/**
 * Measures how long this worker was stopped (SIGSTOP): that time does not count for timeouts. Runs in a worker whose
 * items have a timeout. Internal.
 */

/** How often to record that this process runs, in milliseconds. */
const LOOK_EVERY_MS = 100;

/** Counts from the moment it is created. */
export class Stops {
  /** Total, in milliseconds. */
  stoppedMs = 0;

  constructor() {
    let lookedAt = performance.now();
    const look = (): void => {
      lookedAt = performance.now();
    };
    // After the signals of this turn: the timer may fire before the SIGCONT that shows that the process was stopped.
    setInterval(() => setImmediate(look), LOOK_EVERY_MS).unref();
    process.on('SIGCONT', () => {
      this.stoppedMs += performance.now() - lookedAt;
      look();
    });
  }
}
