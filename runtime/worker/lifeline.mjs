/**
 * The lifeline: a thread in each worker that reads a pipe which the master holds open. It runs beside the worker's main
 * thread, so it goes on even if that one is stuck in a loop.
 *
 * End of file: the master is gone, for whatever reason, so this process ends at once. `?`: the master asks for the
 * stack of the main thread. `<`: the master reclaims the items that the main thread has not claimed (claims.ts). The
 * answers go back through the same pipe, each as a line of JSON: a stack, or how many items have been claimed. `!` and a
 * time: this process ends at that time, unless it is told another one before, or none (a run over several machines).
 *
 * Plain JavaScript, with only the imports that it needs at once. If the thread had to load the code that strips types,
 * it would be ready three times as late, and until it is ready nothing ends a worker whose main thread is stuck.
 */

import net from 'node:net';
import { workerData } from 'node:worker_threads';

// fs.read would occupy one of the few threads of the pool for the worker's whole life; a net.Socket blocks nothing.
const lifeline = new net.Socket({ fd: workerData.fd, readable: true, writable: true });
// Kills this process and what its items have started: it leads a process group.
const die = () => {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
};

const answer = (value) => lifeline.write(`${JSON.stringify(value)}\n`);

/** The digits of a time that is being read; undefined between times. */
let digits;
let fence;

lifeline.on('data', (chunk) => {
  for (const byte of chunk.toString('latin1')) {
    if (byte === '!') digits = '';
    else if (byte === '\n' && digits !== undefined) endAt(digits);
    else if (digits !== undefined) digits += byte;
    else if (byte === '<') answer(reclaim());
    else import('./stack.ts').then(({ stackOfMainThread }) => stackOfMainThread(answer));
  }
});
/** Ends this process at that time, in milliseconds of the clock that all processes of this machine share; never if it is ''. */
function endAt(time) {
  digits = undefined;
  clearTimeout(fence);
  if (time !== '') fence = setTimeout(die, Number(time) - Number(process.hrtime.bigint() / 1000000n));
}

lifeline.on('error', die);
lifeline.on('close', die);

/**
 * Returns how many items have been claimed; the others are reclaimed. Null if the main thread has not yet heard of the
 * last reclaim.
 */
function reclaim() {
  const { claims } = workerData;
  for (;;) {
    const count = Atomics.load(claims, 0);
    if (count < 0) return null;
    if (Atomics.compareExchange(claims, 0, count, -1 - count) === count) return count;
  }
}
