/**
 * A worker as the master sees it: its number, and its current process. Runs in the master. worker-process.ts handles
 * the process; kills.ts decides when it is asked to go and when it is killed.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import type { ItemError, WorkerExit, WorkerHandle } from '../parallelizable.ts';
import type { ToMaster, ToWorker } from '../wire/messages.ts';
import type { Outlet } from './barrier.ts';

/** Events of a booted process. */
export interface WorkerEvents {
  said(message: ToMaster): void;
  /**
   * Answer to reclaim(): how many items the worker had claimed (only the low 31 bits). Null: the worker has not yet
   * heard of the last reclaim, and nothing was reclaimed.
   */
  reclaimed(claimed: number | null): void;
  /** Its socket is full, or has room again. */
  backpressure(isOn: boolean): void;
  /** The process has ended, and all its messages have been read: it is reaped. `why` is set if there is more to say. */
  exited(exit: WorkerExit, why?: string): void;
}

/** A running process; with --inline, this one. */
export interface RunningWorker {
  readonly pid: number | undefined;
  send(message: ToWorker): void;
  kill(signal: NodeJS.Signals): boolean;
  /** Kills the processes that its items started and left behind, because it exited badly. */
  killGroup(): void;
  /** Reclaims unstarted items, even from a blocked worker; events.reclaimed gets the answer. */
  reclaim(): void;
  /** It kills itself in so many milliseconds, unless this is called again before; Infinity for never (engine/). */
  fence?(inMs: number): void;
  /** Resolves with its current stack, one line per frame. */
  stack(): Promise<string>;
  /** When its output last kept it from exiting, by performance.now(); -Infinity for never. */
  heldUntil(): number;
  /** Its output. */
  readonly output: Outlet & {
    readonly ended?: Promise<unknown>;
    /** An item has ended and left lines open. */
    openTo(bytes: readonly number[]): void;
    /** Returns how long reading was held since the last call, in milliseconds. */
    takeHeldMs(now: number): number;
  };
}

/** How a worker gets a process: forkWorkers in worker-process.ts, or inline.ts. */
export type BootWorker = (worker: WorkerHandle, events: WorkerEvents) => RunningWorker;

const ENTRY = fileURLToPath(new URL('../worker/start.mjs', import.meta.url));

/** A worker: it has a number and boots one process after another. Public as WorkerHandle. */
export class Worker implements WorkerHandle {
  readonly number: number;
  readonly socket: string;
  status: WorkerExit | undefined;
  env: NodeJS.ProcessEnv = {};
  /** Undefined while it has no process. Internal. */
  process: RunningWorker | undefined;
  /** The uncaught error that its process reported. Internal. */
  uncaught: ItemError | undefined;
  /** Whether its last process became ready. Internal. */
  ready = false;

  constructor(number: number, socket: string) {
    this.number = number;
    this.socket = socket;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  get running(): boolean {
    return this.process !== undefined;
  }

  /** Resolves with where it is in its code, one line per frame, even if it is stuck in a loop: stack.ts. Internal. */
  async stack(): Promise<string[]> {
    // A worker whose output waits for a reader is stuck in its write, and answers nothing.
    if (this.process?.output.isHeld) return ['    waits for its output to be read'];
    return ((await this.process?.stack()) ?? '').split('\n');
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    return this.process?.kill(signal) ?? false;
  }
}

/** Starts a worker's process, which then waits for its start message. Throws any error of spawn. */
export function startProcess(env: NodeJS.ProcessEnv): ChildProcess {
  // spawn, not fork: flags of this Node.js process, such as --inspect, are not passed on. A session of its own: Ctrl+C
  // reaches the master alone, and what its items start can be killed with it.
  const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const;
  return spawn(process.execPath, [ENTRY], { stdio: [...stdio], env, detached: true });
}

/**
 * Returns the environment of a worker's process, before the hook beforeFork may change it. `traced` is what the run's trace
 * adds to it.
 */
export function environmentOf(
  worker: Pick<WorkerHandle, 'number'>,
  traced: NodeJS.ProcessEnv | undefined,
): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...traced, DIVVY_WORKER: String(worker.number) };
  const cache = module.getCompileCacheDir?.();
  if (cache !== undefined) env['NODE_COMPILE_CACHE'] ??= cache;
  if (process.stdout.isTTY && env['NO_COLOR'] === undefined) env['FORCE_COLOR'] ??= '1';
  return env;
}
