/** Holds signals back until the write is done, which takes milliseconds. */

const HELD = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const held: NodeJS.Signals[] = [];
let holding = 0;
const hold = (signal: NodeJS.Signals) => held.push(signal);

/** Runs `act` without interruption; raises INT, TERM and HUP again afterwards if they came meanwhile. */
export function holdingSignals<Result>(act: () => Result): Result {
  if (holding++ === 0) for (const signal of HELD) process.on(signal, hold);
  try {
    return act();
  } finally {
    // The write is synchronous: Node delivers a signal that came meanwhile when the event loop turns, and only then may
    // we remove our listener.
    setImmediate(() => {
      if (--holding > 0) return;
      for (const signal of HELD) process.off(signal, hold);
      const first = held.splice(0)[0];
      if (first !== undefined) process.kill(process.pid, first);
    });
  }
}
