/**
 * What a worker runs: connect, show the token, get ready, process items, exit. worker-start.mjs loads it, once the lifeline
 * is held; the master never imports it.
 *
 * Signals here: INT, QUIT, HUP and USR2 are ignored, since the master decides what they mean. TERM: finish the items in progress,
 * and exit with 0. Listeners of the task's own are never called for these (traps.ts); a worker leads a process group and a
 * session of its own.
 */

import fs from 'node:fs';
import net from 'node:net';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { Begun } from './begun.ts';
import { masterOutOfReach, toItemError } from './errors.ts';
import type { WorkerSelf } from './parallelizable.ts';
import { Processing, type WorkerOutput } from './processing.ts';
import { FrameReader, type FromMaster, type ToMaster } from './protocol.ts';
import { becomeWorker } from './role.ts';
import { Sender } from './sender.ts';
import { type AnyTask, loadTask } from './task.ts';
import { takeOverSignals } from './traps.ts';
import type { ReadLetter } from './worker.ts';

/** As much as the system's buffer of a socket holds. */
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

const letter = getEnvironmentData('divvy letter') as ReadLetter;
setEnvironmentData('divvy letter', undefined);
trapSignals();
const output = writeBlocking();
becomeWorker(letter.number);
process.title = `divvy worker ${letter.number}`;
process.argv = [process.execPath, letter.taskFile, ...letter.args];

const self: WorkerSelf = { number: letter.number, pid: process.pid };
/** What the socket reads into, again and again. */
const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
const reader = new FrameReader(0);
reader.allowItems(letter.maxItemBytes);
const socket = net.connect({ path: letter.socket, onread: { buffer: chunk, callback: hear } });
const sender = new Sender(socket, () => {
  if (sender.waiting === 0) processing?.goOn();
});
const heard: FromMaster[] = [];
let processing: Processing | undefined;
let toldToLeave = false;
let ending = false;
listen();
sayWhenExiting();
send({ kind: 'hello', token: Buffer.from(letter.token, 'hex') });
// The master waits two seconds for it, and loading a task file can keep this thread for longer.
await new Promise<void>((resolve) => socket.write('', () => resolve()));
await boot();

async function boot(): Promise<void> {
  let task: AnyTask;
  try {
    task = await loadTask(letter.taskFile, letter.imports);
    await task.afterFork?.(self);
  } catch (error) {
    send({ kind: 'boot failed', error: toItemError(error) });
    return endProcess(() => process.exit(1));
  }
  processing = new Processing(task, {
    self,
    concurrency: letter.concurrency,
    maxItemBytes: letter.maxItemBytes,
    timeoutMs: letter.timeoutMs ?? Infinity,
    recycleAfter: letter.recycleAfter ?? Infinity,
    recycleAboveBytes: letter.recycleAboveBytes ?? Infinity,
    begun: new Begun(letter.begun),
    output,
    send,
    exit: (how) => {
      if (how === 'at once') endProcess(() => process.kill(process.pid, 'SIGKILL'));
      else void leaveGracefully(task);
    },
  });
  // Whatever ends this process: what has ended is not done again.
  process.on('exit', () => processing?.exiting());
  send({ kind: 'ready' });
  for (const message of heard.splice(0)) processing.hear(message);
  if (toldToLeave) processing.leave();
}

async function leaveGracefully(task: AnyTask): Promise<void> {
  try {
    await task.beforeExit?.(self);
  } catch (error) {
    send({ kind: 'hook failed', hook: 'beforeExit', error: toItemError(error) });
  }
  endProcess(() => process.exit(0));
}

/** Has the master know when nothing of the task runs any more: from then on the process may hang. */
function sayWhenExiting(): void {
  const say = (code: number): void => {
    try {
      fs.writeSync(letter.lifelineFd, `${JSON.stringify({ exits: code })}\n`);
    } catch {
      // The master is gone, or does not read: it sees the exit.
    }
  };
  // The last of what process.exit does in JavaScript.
  const ending = process as unknown as { reallyExit: (code: number) => never };
  const exit = ending.reallyExit;
  ending.reallyExit = (code): never => {
    say(code);
    return exit.call(process, code);
  };
  // What nobody catches ends the process without it: there this is the last listener.
  process.on('uncaughtExceptionMonitor', (error) => {
    const caught = process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
    if (caught) return;
    send({ kind: 'uncaught', error: toItemError(error) });
    process.on('exit', say);
  });
}

/** Ends this process once all that it wrote has left it: exit() by itself would cut the socket short. */
function endProcess(end: () => void): void {
  ending = true;
  let open = 1;
  const flushed = (): void => {
    open -= 1;
    if (open === 0) end();
  };
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.writable) continue; // the task has ended it
    open += 1;
    stream.write('', flushed);
  }
  socket.end(flushed);
}

/**
 * What is written is in the pipe when the call returns, and so before any ack: nothing of it is lost with this process, and nothing
 * piles up in its memory, however slowly it is read. A process that an item starts may share the pipe, and make it non-blocking
 * again: so it is made blocking before each write, and what waits all the same keeps acks back.
 */
function writeBlocking(): WorkerOutput {
  const streams = [process.stdout, process.stderr] as const;
  const open = [false, false];
  const writes = streams.map((stream, index) => {
    const { _handle } = stream as NodeJS.WriteStream & { _handle?: { setBlocking?: (is: boolean) => void } | null };
    const write = stream.write;
    stream.on('error', () => {}); // the master is gone, or the task has ended the stream and writes on
    _handle?.setBlocking?.(true);
    stream.write = ((...written: Parameters<typeof write>): boolean => {
      const [chunk] = written as unknown[];
      const last = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk.at(-1) : undefined;
      if (last !== undefined) {
        open[index] = last !== '\n' && last !== NEWLINE;
        _handle?.setBlocking?.(true);
      }
      return Reflect.apply(write, stream, written);
    }) as typeof write;
    return write;
  });
  const waits = ({ writableLength, writableCorked, writable }: NodeJS.WriteStream): boolean =>
    writableLength > 0 && writableCorked === 0 && writable;
  return {
    openLines: () =>
      open.includes(true) ? streams.map(({ bytesWritten }, index) => (open[index] ? bytesWritten : 0)) : undefined,
    isWritten: (then) => {
      const index = streams.findIndex(waits);
      const stream = streams[index];
      if (!stream) return true;
      Reflect.apply(writes[index] ?? stream.write, stream, ['', then]);
      return false;
    },
  };
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
  // Without the master's socket there is nothing to do here. The lifeline says whether the master lives.
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.syscall === 'connect') console.error(masterOutOfReach(letter.number, error));
  });
  socket.on('close', () => {
    if (ending) return;
    // As the lifeline does, which may not have seen it yet: what items have started goes too.
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
