/**
 * Node.js 22 to 26 may hang in process.exit: the compiler's threads and the main thread wait for each other
 * (https://github.com/nodejs/node/issues/54918). So, as its last act, a worker tells the master its exit code. If the
 * worker is not gone a second later, master/exit-hang.ts kills it and counts that code as its own. Runs in a worker.
 * Internal.
 *
 * Delete both files once every Node.js that package.json allows has the fix.
 */

import fs from 'node:fs';
import { LIFELINE_FD } from '../wire/start-message.ts';

/**
 * Tells the master when no more code of the task runs: from then on the process may hang.
 *
 * uncaught - called with an error that nobody catches, before the process ends because of it.
 */
export function tellExits(uncaught: (error: unknown) => void): void {
  const tell = (code: number): void => {
    try {
      fs.writeSync(LIFELINE_FD, `${JSON.stringify({ exits: code })}\n`);
    } catch {
      // The master is gone or does not read: it will see the exit itself.
    }
  };
  // The last JavaScript function that process.exit calls.
  const ending = process as unknown as { reallyExit: (code: number) => never };
  const exit = ending.reallyExit;
  ending.reallyExit = (code): never => {
    tell(code);
    return exit.call(process, code);
  };
  // An uncaught error ends the process without calling reallyExit. So report from an exit listener, the last one to
  // run.
  process.on('uncaughtExceptionMonitor', (error) => {
    const caught = process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
    if (caught) return;
    uncaught(error);
    process.on('exit', tell);
  });
}
