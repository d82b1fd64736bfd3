/** Asks something of a running run, through its control socket. Runs in a process of its own, beside that of the run. Internal. */

import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { controlFailed } from './errors.ts';
import { type ControlAnswer, type ControlRequest, LINE_BYTES_MAX } from './messages.ts';

/** How long the master may take to answer, in milliseconds. */
const PATIENCE_MS = 5000;
/** How long the socket of a run that has just begun is waited for, and how often it is tried, in milliseconds. */
const BEGINS_WITHIN_MS = 2000;
const AGAIN_AFTER_MS = 50;
/** An answer may list very many workers. */
const ANSWER_BYTES_MAX = 1024 * LINE_BYTES_MAX;

/** Resolves with the answer. Rejects with DivvyError if there is none. */
export async function ask(socketPath: string, request: ControlRequest): Promise<ControlAnswer> {
  const line = `${JSON.stringify(request)}\n`;
  for (const until = performance.now() + BEGINS_WITHIN_MS; ; ) {
    try {
      return JSON.parse(await lineFrom(socketPath, line)) as ControlAnswer;
    } catch (error) {
      // A run opens its socket a moment after it has begun; it is there before anybody listens.
      const isSoon = ['ENOENT', 'ECONNREFUSED'].includes(String((error as NodeJS.ErrnoException).code));
      if (!isSoon || performance.now() > until) throw controlFailed(socketPath, error);
      await sleep(AGAIN_AFTER_MS);
    }
  }
}

function lineFrom(socketPath: string, line: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  const socket = net.connect(socketPath, () => socket.end(line));
  const deadline = setTimeout(() => {
    socket.destroy();
    reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`));
  }, PATIENCE_MS);
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > ANSWER_BYTES_MAX) socket.destroy();
  });
  socket.on('error', reject);
  socket.on('close', () => {
    clearTimeout(deadline);
    resolve(text);
  });
  return promise;
}
