/**
 * Node.js 22 to 26 may hang in process.exit: the compiler's threads and the main thread wait for each other
 * (https://github.com/nodejs/node/issues/54918). So a worker tells the master, as the last that it does, with which code it
 * exits; where it is not gone a second later, master/exit-hang.ts kills it and counts that code as its own. Runs in a worker.
 * Internal.
 *
 * Both files can go once every Node.js that package.json allows has the mend.
 */

import fs from 'node:fs';
import { LIFELINE_FD } from '../wire/start-message.ts';

/**
 * Has the master know when nothing of the task runs any more: from then on the process may hang.
 *
 * uncaught - is told of an error that nobody catches, before the process ends for it.
 */
export function tellExits(uncaught: (error: unknown) => void): void {
  const tell = (code: number): void => {
    try {
      fs.writeSync(LIFELINE_FD, `${JSON.stringify({ exits: code })}\n`);
    } catch {
      // The master is gone, or does not read: it sees the exit.
    }
  };
  // The last of what process.exit does in JavaScript.
  const ending = process as unknown as { reallyExit: (code: number) => never };
  const exit = ending.reallyExit;
  ending.reallyExit = (code): never => {
    tell(code);
    return exit.call(process, code);
  };
  // What nobody catches ends the process without it: there this is the last listener.
  process.on('uncaughtExceptionMonitor', (error) => {
    const caught = process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
    if (caught) return;
    uncaught(error);
    process.on('exit', tell);
  });
}
