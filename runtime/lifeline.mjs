/**
 * The lifeline: a thread in each worker that reads a pipe which the master holds open. Runs in a worker, beside its main
 * thread, so that it goes on when that is stuck in a loop.
 *
 * End of file: the master is gone, however it went, and so is this process, at once. A byte: the master wants to know
 * where in its code the main thread is; the answer goes back by the same pipe, as a line of JSON.
 *
 * Plain JavaScript, and no import that is not needed at once: a thread that has to load what takes types out of a file
 * stands three times as late, and until it stands nothing ends a worker whose main thread is stuck.
 */

import net from 'node:net';
import { workerData } from 'node:worker_threads';

// fs.read would hold one of the few threads of the pool for as long as the worker lives; a net.Socket waits for nothing.
const lifeline = new net.Socket({ fd: workerData.fd, readable: true, writable: true });
const die = () => process.kill(process.pid, 'SIGKILL');

lifeline.on('data', () => {
  import('./stack.ts').then(({ stackOfMainThread }) => {
    stackOfMainThread((stack) => lifeline.write(`${JSON.stringify(stack)}\n`));
  });
});
lifeline.on('error', die);
lifeline.on('close', die);
