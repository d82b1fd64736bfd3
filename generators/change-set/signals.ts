/** Signals that come while something is written: they are held until it is done, which takes milliseconds. */

const HELD = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const held: NodeJS.Signals[] = [];
let holding = 0;
const hold = (signal: NodeJS.Signals) => held.push(signal);

/** Does something without being interrupted; INT, TERM and HUP that come meanwhile are raised again afterwards. */
export function holdingSignals<Result>(act: () => Result): Result {
  if (holding++ === 0) for (const signal of HELD) process.on(signal, hold);
  try {
    return act();
  } finally {
    // The writing is synchronous: what came meanwhile is delivered when the loop turns, and only then may we let go.
    setImmediate(() => {
      if (--holding > 0) return;
      for (const signal of HELD) process.off(signal, hold);
      const first = held.splice(0)[0];
      if (first !== undefined) process.kill(process.pid, first);
    });
  }
}
