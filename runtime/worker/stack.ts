/** Where the main thread of a worker is in its code. Runs in the worker's lifeline, since that thread itself may be stuck. */

import { Session } from 'node:inspector';

/** How long a thread that has heard that it is to pause may take, in milliseconds. One that runs no JavaScript does not. */
const PAUSE_WITHIN_MS = 500;
/** How long it may take to hear it: one that is in a system call, or in somebody's native code, does not. */
const HEAR_WITHIN_MS = 2500;

/**
 * Asks the main thread for its stack. Runs in a worker, in the thread of its lifeline.
 *
 * @param tell gets the stack, a frame a line, or why there is none; at once, or after 2.5 s at the latest. It is called once.
 */
export function stackOfMainThread(tell: (stack: string) => void): void {
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
