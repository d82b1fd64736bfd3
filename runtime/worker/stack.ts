/**
 * Finds where a worker's main thread is in its code. Runs in the thread of the worker's lifeline, because the main
 * thread may be stuck.
 */

import { Session } from 'node:inspector';

/**
 * How long a thread may take to pause after it got the request, in milliseconds. A thread that runs no JavaScript never
 * pauses.
 */
const PAUSE_WITHIN_MS = 500;
/**
 * How long it may take to get the request, in milliseconds. A thread in a system call or in native code never gets it.
 */
const HEAR_WITHIN_MS = 2500;

/**
 * Asks the main thread for its stack. Runs in a worker, in the thread of its lifeline.
 *
 * @param tell gets the stack, one line per frame, or why there is none; called once, after 2.5 s at the latest.
 */
export function stackOfMainThread(tell: (stack: string) => void): void {
  const session = new Session();
  session.connectToMainThread();
  let told = false;
  const end = (stack: string): void => {
    if (told) return;
    told = true;
    clearTimeout(timer);
    session.disconnect(); // also lets the main thread go on
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
