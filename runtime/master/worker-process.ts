/**
 * A worker's process as the master sees it: starts it, talks to it, reads it to its end, reaps it. Runs in the master.
 * Internal.
 */

import type { ChildProcess } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import type { WorkerExit, WorkerHandle } from '../parallelizable.ts';
import type { ToWorker } from '../wire/messages.ts';
import type { Link, Server } from '../wire/server.ts';
import { LIFELINE_FD, type StartMessage } from '../wire/start-message.ts';
import { ExitHang } from './exit-hang.ts';
import { Lifeline } from './lifeline.ts';
import { type Outputs, type Passage, ProcessOutput } from './output.ts';
import type { Spare } from './spare.ts';
import { type BootWorker, type RunningWorker, startProcess, type WorkerEvents } from './worker.ts';

/**
 * How long a pipe that an exited process left open may stay quiet, in milliseconds: a child of that process may hold it
 * for ever.
 */
const LINGER_MS = 1000;
/** More bytes than an exited worker can have left in a pipe: anything beyond comes from a child of it. */
const LEFT_BYTES = 4 * 1024 * 1024;

/** What all workers of a run share. */
export interface WorkerProcessOptions {
  /** The socket that they connect to. */
  readonly server: Server;
  /** What all workers are told at their start. */
  readonly start: Omit<StartMessage, 'token' | 'number' | 'socket'>;
  /** Where their output goes. */
  readonly outputs: Outputs;
  /** The first worker's process, if it has already been started. */
  readonly spare: Spare | undefined;
}

/** Returns the function that gives a worker its process. */
export function forkWorkers(options: WorkerProcessOptions): BootWorker {
  return (worker, events) => new WorkerProcess(worker, options, events);
}

class WorkerProcess implements RunningWorker {
  readonly output: ProcessOutput;
  readonly #server: Server;
  readonly #events: WorkerEvents;
  readonly #child: ChildProcess | undefined;
  readonly #lifeline: Lifeline;
  readonly #exitHang = new ExitHang(() => this.output.isHeld);
  readonly #token: Buffer;
  #link: Link | undefined;
  #exit: WorkerExit | undefined;
  /** More about its exit. */
  #why: string | undefined;
  #isReaped = false;
  /** It has closed its socket. Only output may follow. */
  #hasHungUp = false;
  /** When it last wrote something after it had closed its socket. */
  #lastHeardAt = -Infinity;

  constructor(worker: WorkerHandle, { server, start, outputs, spare }: WorkerProcessOptions, events: WorkerEvents) {
    this.#server = server;
    this.#events = events;
    this.#child = this.#begin(worker, spare);
    this.#token = server.invite({
      connected: (link) => {
        this.#link = link;
      },
      said: events.said,
      backpressure: events.backpressure,
      broke: (why) => this.#broke(why),
      disconnected: () => {
        this.#link = undefined;
        this.#hasHungUp = true;
        this.#reap();
      },
    });
    // If file descriptors have run out, there are no pipes; the spawn reports that error itself.
    this.#lifeline = new Lifeline(this.#child?.stdio?.[LIFELINE_FD] as Duplex | null | undefined, {
      reclaimed: events.reclaimed,
      exits: (code) => this.#exitHang.told(code, this.#child),
      broke: (why) => this.#broke(why),
    });
    this.#lifeline.start({
      ...start,
      number: worker.number,
      socket: server.path,
      token: this.#token.toString('hex'),
    });
    this.output = new ProcessOutput(this.#passages(outputs));
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  send(message: ToWorker): void {
    this.#link?.send(message);
  }

  kill(signal: NodeJS.Signals): boolean {
    return !this.#exit && (this.#child?.kill(signal) ?? false);
  }

  /** Kills the whole process group, which the worker leads. */
  killGroup(): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // The group is empty.
    }
  }

  reclaim(): void {
    this.#lifeline.reclaim();
  }

  fence(inMs: number): void {
    this.#lifeline.fence(inMs);
  }

  stack(): Promise<string> {
    return this.#lifeline.stack();
  }

  heldUntil(): number {
    return Math.max(this.#lastHeardAt, this.output.heldUntil);
  }

  #begin(worker: WorkerHandle, spare: Spare | undefined): ChildProcess | undefined {
    const notStarted = (error: unknown): void => {
      this.#why = error instanceof Error ? error.message : String(error);
      if (!this.#exit) this.#exited({ code: null, signal: null });
    };
    try {
      const child = spare?.take(worker.env) ?? startProcess(worker.env);
      child.on('error', (error) => {
        if (child.pid === undefined) notStarted(error);
      });
      child.on('exit', (code, signal) => {
        const exit = { code, signal };
        this.#exited(this.#why === undefined ? this.#exitHang.exitOf(exit) : exit);
      });
      return child;
    } catch (error) {
      setImmediate(notStarted, error);
      return undefined;
    }
  }

  #passages(outputs: Outputs): Passage[] {
    const child = this.#child;
    if (!child) return [];
    return (['stdout', 'stderr'] as const).flatMap((name) => {
      const from = child[name];
      if (!from) return [];
      const passage = outputs[name].take(from);
      endWith(child, from, passage);
      from.on('data', () => {
        if (this.#hasHungUp) this.#lastHeardAt = performance.now();
      });
      return passage;
    });
  }

  /** The task's code has disturbed the conversation. */
  #broke(why: string): void {
    this.#why ??= why;
    this.#child?.kill('SIGKILL');
  }

  #exited(exit: WorkerExit): void {
    this.#exit = exit;
    this.#lifeline.exited();
    const awaitNoMore = (): void => {
      this.#server.disinvite(this.#token);
      if (this.#link) setTimeout(() => this.#link?.destroy(), LINGER_MS);
      this.#reap();
    };
    if (this.#link || this.#hasHungUp) awaitNoMore();
    // A busy master hears of the exit first. It accepts one connection per turn, so the worker's may still be waiting.
    else afterTurns(2 + this.#server.awaited, awaitNoMore);
  }

  /** An exit counts only once the socket has been read to its end: an ack that was written is an ack. */
  #reap(): void {
    if (!this.#exit || this.#link || this.#isReaped) return;
    this.#isReaped = true;
    this.#events.exited(this.#exit, this.#why);
  }
}

/** Calls `act` after so many turns of the event loop. */
function afterTurns(turns: number, act: () => void): void {
  setImmediate(() => (turns > 1 ? afterTurns(turns - 1, act) : act()));
}

/** If a child of an exited worker keeps its output open, read it until it has been quiet. */
function endWith(child: ChildProcess, from: Readable, passage: Passage): void {
  child.on('exit', () => {
    if (from.closed) return;
    let heard = true;
    let held = passage.isHeld;
    let left = LEFT_BYTES;
    let patience = 5; // a child may write again and again
    const timer = setInterval(() => {
      // If it was held, it waited for a slow reader of the master, and nothing of it may be lost.
      if (!held && (!heard || --patience === 0)) from.destroy();
      heard = false;
      held = passage.isHeld;
    }, LINGER_MS);
    from.on('pause', () => {
      held = true;
    });
    from.on('data', (chunk: Buffer) => {
      heard = true;
      left -= chunk.length;
      if (left < 0) from.destroy();
    });
    from.on('close', () => clearInterval(timer));
  });
}
