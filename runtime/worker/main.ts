/**
 * The program of a worker: connect, show the token, get ready, process items, exit. start.mjs loads it once the
 * lifeline is held; the master never imports it.
 *
 * Signals: the worker ignores INT, QUIT, HUP and USR2, because the master decides what they mean. On TERM it finishes
 * the items in progress and exits with 0. Listeners that the task adds for these signals are never called (signals.ts).
 * A worker leads its own process group and session.
 */

import net from 'node:net';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { masterOutOfReach, toItemError } from '../errors.ts';
import type { WorkerSelf } from '../parallelizable.ts';
import { becomeWorker } from '../role.ts';
import { takeOverSignals } from '../signals.ts';
import { closeDeclarations, offer } from '../task/declared.ts';
import { type AnyTask, loadTask } from '../task/task.ts';
import { FLUSH_MS, flushTraces } from '../tracing.ts';
import { FrameReader } from '../wire/frames.ts';
import type { FromMaster, ToMaster } from '../wire/messages.ts';
import { Sender } from '../wire/sender.ts';
import type { StartMessage } from '../wire/start-message.ts';
import { Claims } from './claims.ts';
import { tellExits } from './exit-hang.ts';
import { writeBlocking } from './output.ts';
import { Processing } from './processing.ts';

/** As much as the system's socket buffer holds. */
const CHUNK_BYTES = 256 * 1024;

/** The start message as start.mjs passes it on, with the memory shared with the lifeline. */
interface Start extends StartMessage {
  readonly claims: Int32Array;
}

const start = getEnvironmentData('divvy start') as Start;
setEnvironmentData('divvy start', undefined);
trapSignals();
const tags = start.tag ? new (await import('./tags.ts')).Tags(start.number) : undefined;
const output = writeBlocking(tags);
becomeWorker(start.number);
process.title = `divvy worker ${start.number}`;
process.argv = [process.execPath, start.taskFile, ...start.args];
offer(start.args);

const self: WorkerSelf = { number: start.number, pid: process.pid };
/** The buffer that the socket reads into, reused for each read. */
const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
const reader = new FrameReader(0);
reader.allowItems(start.maxItemBytes);
const socket = net.connect({ path: start.socket, onread: { buffer: chunk, callback: hear } });
const sender = new Sender(socket, () => {
  if (sender.waiting === 0) processing?.goOn();
});
const heard: FromMaster[] = [];
let processing: Processing | undefined;
let toldToLeave = false;
let ending = false;
listen();
tellExits((error) => send({ kind: 'uncaught', error: toItemError(error) }));
send({ kind: 'hello', token: Buffer.from(start.token, 'hex') });
// The master waits only 2 s for the hello, and loading a task file can block this thread for longer.
await new Promise<void>((resolve) => socket.write('', () => resolve()));
await boot();

async function boot(): Promise<void> {
  let task: AnyTask;
  try {
    task = await loadTask(start.taskFile, start.imports, start.args);
    closeDeclarations();
    await task.afterFork?.(self);
  } catch (error) {
    send({ kind: 'boot failed', error: toItemError(error) });
    return endProcess(() => process.exit(1));
  }
  processing = new Processing(task, {
    self,
    concurrency: start.concurrency,
    maxItemBytes: start.maxItemBytes,
    keepsResults: start.keepsResults,
    timeoutMs: start.timeoutMs ?? Infinity,
    recycleAfter: start.recycleAfter ?? Infinity,
    recycleAboveBytes: start.recycleAboveBytes ?? Infinity,
    claims: new Claims(start.claims),
    output,
    tags,
    send,
    exit: (how) => {
      if (how === 'at once') endProcess(() => process.kill(process.pid, 'SIGKILL'));
      else void leaveGracefully(task);
    },
  });
  // However this process ends, its finished items are acked, so that they are not done again.
  process.on('exit', () => processing?.exiting());
  send({ kind: 'ready' });
  for (const message of heard.splice(0)) processing.hear(message);
  if (toldToLeave) processing.leave();
}

async function leaveGracefully(task: AnyTask): Promise<void> {
  const killedAt = performance.now() + (start.killAfterMs ?? Infinity);
  try {
    await task.beforeExit?.(self);
  } catch (error) {
    send({ kind: 'hook failed', hook: 'beforeExit', error: toItemError(error) });
  }
  await flushTraces(Math.min(FLUSH_MS, (killedAt - performance.now()) / 2));
  endProcess(() => process.exit(0));
}

/** Ends this process once all its output has left it: exit() alone would cut the socket short. */
function endProcess(end: () => void): void {
  ending = true;
  let open = 1;
  const flushed = (): void => {
    open -= 1;
    if (open === 0) end();
  };
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.writable) continue; // the task has closed it
    open += 1;
    stream.write('', flushed);
  }
  socket.end(flushed);
}

function send(message: ToMaster): boolean {
  sender.send(message);
  return sender.waiting === 0;
}

function hear(bytes: number): boolean {
  for (let message = reader.read(chunk.subarray(0, bytes)); message; message = reader.read()) {
    if (processing) processing.hear(message as FromMaster);
    else heard.push(message as FromMaster);
  }
  return true;
}

function listen(): void {
  // Without the master's socket the worker can do nothing. Only the lifeline knows whether the master is alive.
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.syscall === 'connect') console.error(masterOutOfReach(start.number, error));
  });
  socket.on('close', () => {
    if (ending) return;
    // Same as the lifeline, which may not have noticed yet: also kill what the items have started.
    if (processing) process.kill(-process.pid, 'SIGKILL');
    process.exit(1);
  });
}

function trapSignals(): void {
  const ignore = (): void => {};
  takeOverSignals(
    new Map<NodeJS.Signals, () => void>([
      ['SIGINT', ignore],
      ['SIGQUIT', ignore],
      ['SIGHUP', ignore],
      ['SIGUSR2', ignore],
      [
        'SIGTERM',
        () => {
          toldToLeave = true;
          processing?.leave();
        },
      ],
    ]),
  );
}
