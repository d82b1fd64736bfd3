/**
 * A worker as the master sees it: its number, and the process that it has at the moment. Runs in the master. worker-process.ts has
 * the process; kills.ts says when it is asked to go, and killed.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import type { ItemError, WorkerExit, WorkerHandle } from '../parallelizable.ts';
import type { ToMaster, ToWorker } from '../wire/messages.ts';
import type { Outlet } from './barrier.ts';

/** What comes of a process that was booted. */
export interface WorkerEvents {
  said(message: ToMaster): void;
  /**
   * What reclaim() asked for has been done: so many items were claimed, of which the last 31 bits are told. Null: the worker has
   * still to hear of the last time, and nothing was reclaimed.
   */
  reclaimed(claimed: number | null): void;
  /** Its socket is full, or has room again. */
  backpressure(isOn: boolean): void;
  /** Its process has ended, and all that it said has been read: it is reaped. Why, where there is more to say. */
  exited(exit: WorkerExit, why?: string): void;
}

/** A process that runs, or in --inline this one. */
export interface RunningWorker {
  readonly pid: number | undefined;
  send(message: ToWorker): void;
  kill(signal: NodeJS.Signals): boolean;
  /** Kills what its items have started and left behind: it has exited, and not as it should. */
  killGroup(): void;
  /** Reclaims the items that it has not claimed, also where its main thread is stuck: events.reclaimed tells. */
  reclaim(): void;
  /** Resolves with where in its code it is, one line a frame. */
  stack(): Promise<string>;
  /** When its output last kept it from exiting, by performance.now(); -Infinity for never. */
  heldUntil(): number;
  /** What it writes. */
  readonly output: Outlet & {
    readonly ended?: Promise<unknown>;
    /** An item has ended, and left lines open. */
    openTo(bytes: readonly number[]): void;
    /** Returns for how long it was held back since this was asked last, in milliseconds. */
    takeHeldMs(now: number): number;
  };
}

/** How a worker gets a process: forkWorkers in worker-process.ts, or inline.ts. */
export type BootWorker = (worker: WorkerHandle, events: WorkerEvents) => RunningWorker;

const ENTRY = fileURLToPath(new URL('../worker/start.mjs', import.meta.url));

/** A worker's place: it has a number, and boots one process after another. Public as WorkerHandle. */
export class Worker implements WorkerHandle {
  readonly number: number;
  readonly socket: string;
  status: WorkerExit | undefined;
  env: NodeJS.ProcessEnv = {};
  /** Undefined while no process of it runs. Internal. */
  process: RunningWorker | undefined;
  /** What its process said that nobody caught. Internal. */
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

  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    return this.process?.kill(signal) ?? false;
  }
}

/** Starts a worker's process, which waits for its start message. Throws what spawn throws. */
export function startProcess(env: NodeJS.ProcessEnv): ChildProcess {
  // Flags of this process's own Node.js, such as --inspect, are not handed on: spawn, not fork.
  // A session of its own: Ctrl+C reaches the master alone, and what its items start can be killed with it.
  const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const;
  return spawn(process.execPath, [ENTRY], { stdio: [...stdio], env, detached: true });
}

/** What a worker's process starts with, before the hook beforeFork has had its say. */
export function environmentOf(worker: WorkerHandle): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, DIVVY_WORKER: String(worker.number) };
  const cache = module.getCompileCacheDir?.();
  if (cache !== undefined) env['NODE_COMPILE_CACHE'] ??= cache;
  if (process.stdout.isTTY && env['NO_COLOR'] === undefined) env['FORCE_COLOR'] ??= '1';
  return env;
}
