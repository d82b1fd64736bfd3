/**
 * The start of a worker's process: loads what a worker needs of the runtime, reads the master's start message, which may
 * take long (master/spare.ts), holds the lifeline, and only then begins the work. The master never imports it.
 *
 * Load no code of the task before the lifeline runs: the master may die while its workers boot. While this process
 * waits for the start message, the end of the pipe shows that.
 */

import fs from 'node:fs';
import { Worker as Thread } from 'node:worker_threads';
import { load } from '../load.mjs';

/** File descriptor of the master's pipe: after stdin, stdout and stderr. */
const LIFELINE_FD = 3;

const { work } = await load(() => import('./main.ts'));
const start = readStart();
const claims = new Int32Array(new SharedArrayBuffer(4));
// If the working directory is gone, no thread can start. No task can, either: main.ts reports that and exits.
if (hasFolder()) holdLifeline();
await work({ ...start, claims });

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
  // Without the thread, nothing would end this process if its master is killed: better to end it now.
  thread.on('error', (error) => {
    throw error;
  });
}

/** Reads the start message, the first data on the lifeline (wire/start-message.ts). The token comes no other way. */
function readStart() {
  const read = (bytes) => {
    const buffer = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; ) {
      const got = fs.readSync(LIFELINE_FD, buffer, at, bytes - at, null);
      if (got === 0) process.exit(1); // the master is already gone
      at += got;
    }
    return buffer;
  };
  return JSON.parse(read(read(4).readUInt32LE(0)).toString());
}
