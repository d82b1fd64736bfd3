/**
 * What a worker's process starts with: it loads what a worker needs of the runtime, reads the master's start message, which may be
 * long in coming (master/spare.ts), holds the lifeline, and only then begins what it runs, main.ts. The master never imports it.
 *
 * Nothing of the task is loaded before the lifeline stands: a master may be gone while its workers boot. While the
 * start message is waited for, the end of the pipe says so.
 */

import fs from 'node:fs';
import 'node:net'; // main.ts needs it
import { setEnvironmentData, Worker as Thread } from 'node:worker_threads';

/** Where the master's pipe is: behind stdin, stdout and stderr. */
const LIFELINE_FD = 3;

await Promise.all(
  ['../task/task.ts', '../signals.ts', '../wire/sender.ts', './processing.ts', './output.ts', './exit-hang.ts'].map(
    (file) => import(file),
  ),
);
const start = readStart();
const claims = new Int32Array(new SharedArrayBuffer(4));
// Where the working directory is gone no thread can start. Nor can a task: main.ts says so, and exits.
if (hasFolder()) holdLifeline();
// From one module of this process to another; it is gone once it is read, since threads of a task's own get a copy.
setEnvironmentData('divvy start', { ...start, claims });
await import('./main.ts');

function hasFolder() {
  try {
    return process.cwd() !== '';
  } catch {
    return false;
  }
}

function holdLifeline() {
  const thread = new Thread(new URL('./lifeline.mjs', import.meta.url), {
    workerData: { fd: LIFELINE_FD, claims },
    execArgv: [],
    name: 'divvy lifeline',
  });
  thread.unref();
  // Without the thread nothing would end this process when its master is killed: better to end it now.
  thread.on('error', (error) => {
    throw error;
  });
}

/** The start message is the first on the lifeline (wire/start-message.ts). The token comes no other way. */
function readStart() {
  const read = (bytes) => {
    const buffer = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; ) {
      const got = fs.readSync(LIFELINE_FD, buffer, at, bytes - at, null);
      if (got === 0) process.exit(1); // the master is gone already
      at += got;
    }
    return buffer;
  };
  return JSON.parse(read(read(4).readUInt32LE(0)).toString());
}
