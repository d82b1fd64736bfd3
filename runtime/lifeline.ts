/**
 * The lifeline: a thread in each worker that reads a pipe which the master holds open. Runs in a worker, beside its main
 * thread, so that it goes on when that is stuck in a loop.
 *
 * End of file: the master is gone, however it went, and so is this process, at once. A byte: the master wants to know
 * where in its code the main thread is; the answer goes back by the same pipe, as a line of JSON.
 */

import { Session } from 'node:inspector';
import net from 'node:net';
import { workerData } from 'node:worker_threads';

/** How long a thread that has heard that it is to pause may take, in milliseconds. One that runs no JavaScript does not. */
const PAUSE_WITHIN_MS = 500;
/** How long it may take to hear it: one that is in a system call, or in somebody's native code, does not. */
const HEAR_WITHIN_MS = 2500;

// fs.read would hold one of the few threads of the pool for as long as the worker lives; a net.Socket waits for nothing.
const lifeline = new net.Socket({ fd: (workerData as { fd: number }).fd, readable: true, writable: true });

lifeline.on('data', () => {
  stackOfMainThread((stack) => lifeline.write(`${JSON.stringify(stack)}\n`));
});
lifeline.on('error', die);
lifeline.on('close', die);

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function stackOfMainThread(tell: (stack: string) => void): void {
  const session = new Session();
  session.connectToMainThread();
  let told = false;
  const end = (stack: string): void => {
    if (told) return;
    told = true;
    clearTimeout(timer);
    session.disconnect(); // lets the main thread go on, too
    tell(stack);
  };
  let timer = setTimeout(() => end('    does not answer (it is in native code, or suspended)'), HEAR_WITHIN_MS);
  const urls = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url));
  session.on('Debugger.paused', ({ params }) => {
    const frames = params.callFrames.map(({ functionName, location: { scriptId, lineNumber, columnNumber = 0 } }) => {
      return `    at ${functionName || '(anonymous)'} (${urls.get(scriptId)}:${lineNumber + 1}:${columnNumber + 1})`;
    });
    end(frames.join('\n'));
  });
  session.post('Debugger.enable');
  session.post('Debugger.pause', () => {
    clearTimeout(timer);
    timer = setTimeout(() => end('    waits (no JavaScript is running)'), PAUSE_WITHIN_MS);
  });
}
