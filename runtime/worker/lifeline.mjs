/**
 * The lifeline: a thread in each worker that reads a pipe which the master holds open. Runs in a worker, beside its main
 * thread, so that it goes on when that is stuck in a loop.
 *
 * End of file: the master is gone, however it went, and so is this process, at once. `?`: the master wants to know where in
 * its code the main thread is. `<`: it takes back what the main thread has not begun (claims.ts). The answers go back by the same
 * pipe, each a line of JSON: a stack, or how many items have been begun.
 *
 * Plain JavaScript, and no import that is not needed at once: a thread that has to load what takes types out of a file
 * stands three times as late, and until it stands nothing ends a worker whose main thread is stuck.
 */

import net from 'node:net';
import { workerData } from 'node:worker_threads';

// fs.read would hold one of the few threads of the pool for as long as the worker lives; a net.Socket waits for nothing.
const lifeline = new net.Socket({ fd: workerData.fd, readable: true, writable: true });
// With what its items have started: it leads a process group.
const die = () => {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
};

const answer = (value) => lifeline.write(`${JSON.stringify(value)}\n`);

lifeline.on('data', (chunk) => {
  for (const byte of chunk.toString('latin1')) {
    if (byte === '<') answer(reclaim());
    else import('./stack.ts').then(({ stackOfMainThread }) => stackOfMainThread(answer));
  }
});
lifeline.on('error', die);
lifeline.on('close', die);

/** Returns how many items have been begun: the others are taken back. Null where the main thread has still to hear of the last time. */
function reclaim() {
  const { claims } = workerData;
  for (;;) {
    const count = Atomics.load(claims, 0);
    if (count < 0) return null;
    if (Atomics.compareExchange(claims, 0, count, -1 - count) === count) return count;
  }
}
