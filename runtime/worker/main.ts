/**
 * The program of a worker: connect, show the token, get ready, process items, exit. start.mjs loads it, and calls it once
 * the lifeline is held; the master never imports it.
 *
 * Signals: the worker ignores INT, QUIT, HUP and USR2, because the master decides what they mean. On TERM it finishes
 * the items in progress and exits with 0. Listeners that the task adds for these signals are never called (signals.ts).
 * A worker leads its own process group and session.
 */

import net from 'node:net';
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
import { type WorkerOutput, writeBlocking } from './output.ts';
import { Processing } from './processing.ts';
import type { Tags } from './tags.ts';

/** As much as the system's socket buffer holds. */
const CHUNK_BYTES = 256 * 1024;

/** The start message as start.mjs passes it on, with the memory shared with the lifeline. */
interface Start extends StartMessage {
  readonly claims: Int32Array;
}

/** Is this worker, from its start message on. Resolves once it is ready for items. */
export async function work(start: Start): Promise<void> {
  let program: Program | undefined;
  let isToldToLeave = false;
  trapSignals(() => {
    isToldToLeave = true;
    program?.leave();
  });
  program = new Program(start, start.tag ? new (await import('./tags.ts')).Tags(start.number) : undefined);
  if (isToldToLeave) program.leave();
  await program.begin();
}

/** term - called at each TERM. */
function trapSignals(term: () => void): void {
  const ignore = (): void => {};
  const ignored = (['SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR2'] as const).map((signal) => [signal, ignore] as const);
  takeOverSignals(new Map<NodeJS.Signals, () => void>([...ignored, ['SIGTERM', term]]));
}

class Program {
  readonly #start: Start;
  readonly #tags: Tags | undefined;
  readonly #output: WorkerOutput;
  readonly #self: WorkerSelf;
  readonly #socket: net.Socket;
  readonly #sender: Sender;
  readonly #reader = new FrameReader(0);
  /** The buffer that the socket reads into, reused for each read. */
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  readonly #heard: FromMaster[] = [];
  #processing: Processing | undefined;
  #toldToLeave = false;
  #ending = false;

  constructor(start: Start, tags: Tags | undefined) {
    this.#start = start;
    this.#tags = tags;
    this.#output = writeBlocking(tags);
    becomeWorker(start.number);
    process.title = `divvy worker ${start.number}`;
    process.argv = [process.execPath, start.taskFile, ...start.args];
    offer(start.args);
    this.#self = { number: start.number, pid: process.pid };
    this.#reader.allowItems(start.maxItemBytes);
    const onread = { buffer: this.#chunk, callback: (bytes: number): boolean => this.#hear(bytes) };
    this.#socket = net.connect({ path: start.socket, onread });
    this.#sender = new Sender(this.#socket, () => {
      if (this.#sender.waiting === 0) this.#processing?.goOn();
    });
    this.#listen();
    tellExits((error) => this.#send({ kind: 'uncaught', error: toItemError(error) }));
  }

  /** Ends once the items in progress are done. */
  leave(): void {
    this.#toldToLeave = true;
    this.#processing?.leave();
  }

  async begin(): Promise<void> {
    this.#send({ kind: 'hello', token: Buffer.from(this.#start.token, 'hex') });
    // The master waits only 2 s for the hello, and loading a task file can block this thread for longer.
    await new Promise<void>((resolve) => this.#socket.write('', () => resolve()));
    await this.#boot();
  }

  async #boot(): Promise<void> {
    let task: AnyTask;
    try {
      task = await loadTask(this.#start.taskFile, this.#start.imports, this.#start.args);
      closeDeclarations();
      await task.afterFork?.(this.#self);
    } catch (error) {
      this.#send({ kind: 'boot failed', error: toItemError(error) });
      return this.#endProcess(() => process.exit(1));
    }
    this.#processing = new Processing(task, {
      self: this.#self,
      concurrency: this.#start.concurrency,
      maxItemBytes: this.#start.maxItemBytes,
      keepsResults: this.#start.keepsResults,
      timeoutMs: this.#start.timeoutMs ?? Infinity,
      recycleAfter: this.#start.recycleAfter ?? Infinity,
      recycleAboveBytes: this.#start.recycleAboveBytes ?? Infinity,
      claims: new Claims(this.#start.claims),
      output: this.#output,
      tags: this.#tags,
      send: (message) => this.#send(message),
      exit: (how) => {
        if (how === 'at once') this.#endProcess(() => process.kill(process.pid, 'SIGKILL'));
        else void this.#leaveGracefully(task);
      },
    });
    // However this process ends, its finished items are acked, so that they are not done again.
    process.on('exit', () => this.#processing?.exiting());
    this.#send({ kind: 'ready' });
    for (const message of this.#heard.splice(0)) this.#processing.hear(message);
    if (this.#toldToLeave) this.#processing.leave();
  }

  async #leaveGracefully(task: AnyTask): Promise<void> {
    const killedAt = performance.now() + (this.#start.killAfterMs ?? Infinity);
    try {
      await task.beforeExit?.(this.#self);
    } catch (error) {
      this.#send({ kind: 'hook failed', hook: 'beforeExit', error: toItemError(error) });
    }
    await flushTraces(Math.min(FLUSH_MS, (killedAt - performance.now()) / 2));
    this.#endProcess(() => process.exit(0));
  }

  /** Ends this process once all its output has left it: exit() alone would cut the socket short. */
  #endProcess(end: () => void): void {
    this.#ending = true;
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
    this.#socket.end(flushed);
  }

  #send(message: ToMaster): boolean {
    this.#sender.send(message);
    return this.#sender.waiting === 0;
  }

  #hear(bytes: number): boolean {
    for (let message = this.#reader.read(this.#chunk.subarray(0, bytes)); message; message = this.#reader.read()) {
      if (this.#processing) this.#processing.hear(message as FromMaster);
      else this.#heard.push(message as FromMaster);
    }
    return true;
  }

  #listen(): void {
    // Without the master's socket the worker can do nothing. Only the lifeline knows whether the master is alive.
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.syscall === 'connect') console.error(masterOutOfReach(this.#start.number, error));
    });
    this.#socket.on('close', () => {
      if (this.#ending) return;
      // Same as the lifeline, which may not have noticed yet: also kill what the items have started.
      if (this.#processing) process.kill(-process.pid, 'SIGKILL');
      process.exit(1);
    });
  }
}
