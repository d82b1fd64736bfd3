/**
 * A worker as the master sees it: forking it, talking to it, killing it, and knowing when it is reaped. Runs in the master.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import module from 'node:module';
import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ItemError, WorkerExit, WorkerHandle } from '../parallelizable.ts';
import type { ToMaster, ToWorker } from '../wire/protocol.ts';
import type { Link, Server } from '../wire/server.ts';
import { encodeStart, LIFELINE_FD, type StartMessage } from '../wire/start-message.ts';
import type { Outlet } from './barrier.ts';
import { type Output, type Passage, ProcessOutput } from './output.ts';
import type { Spare } from './spare.ts';

/** What comes of a process that was booted. */
export interface WorkerEvents {
  said(message: ToMaster): void;
  /**
   * What takeBack() asked for has been done: so many items were begun, of which the last 31 bits are told. Null: the worker has
   * still to hear of the last time, and nothing was taken back.
   */
  tookBack(begun: number | null): void;
  clogged(clogged: boolean): void;
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
  /** Has it say what it has not begun, also where its main thread is stuck: events.tookBack tells. */
  takeBack(): void;
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

/** How a worker gets a process: forkWorkers below, or inline.ts. */
export type BootWorker = (worker: WorkerHandle, events: WorkerEvents) => RunningWorker;

/** How long what a process left open may stay quiet: a child of its own may hold it for ever. */
const LINGER_MS = 1000;
/** How long a process that has run all of its code may take to be gone, in milliseconds. */
const GONE_WITHIN_MS = 1000;
/** More than an exited worker can have left in a pipe: what comes beyond is from a child of its own. */
const LEFT_BYTES = 4 * 1024 * 1024;
/** How long the answer to `stack` may take, in milliseconds. */
const STACK_WITHIN_MS = 4000;
/** No answer of the lifeline is longer. */
const ANSWER_MAX = 16 * 1024 * 1024;
const NOT_ITS_OWN = "the task wrote to file descriptor 3, which is the runtime's";

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
  /** Kills the process when it takes too long to do as it was told. Internal. */
  killTimer: NodeJS.Timeout | undefined;

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

/**
 * Returns what forks workers of a run.
 *
 * server - the socket that they connect to.
 * start - what all of them are told at their start.
 * stdout, stderr - where their output goes.
 * spare - the first of their processes, where it has been started already.
 */
export function forkWorkers(
  server: Server,
  start: Omit<StartMessage, 'token' | 'number' | 'socket'>,
  { stdout, stderr }: { stdout: Output; stderr: Output },
  spare?: Spare,
): BootWorker {
  return (worker, events) => {
    let link: Link | undefined;
    let exit: WorkerExit | undefined;
    /** As it was about to exit, once all of its code had run. */
    let leaving: WorkerExit | undefined;
    let why: string | undefined;
    let reaped = false;
    /** It has closed its socket, the last that it does but for its output. */
    let hungUp = false;
    /** When it last wrote something on its way out. */
    let lastHeardAt = -Infinity;
    const waitingForStack: ((stack: string) => void)[] = [];
    let child: ChildProcess | undefined;

    /** An exit counts once the socket has been read to its end: an ack that was written is an ack. */
    const reap = (): void => {
      if (!exit || link || reaped) return;
      reaped = true;
      events.exited(exit, why);
    };
    const exited = (how: WorkerExit): void => {
      exit = how;
      for (const tell of waitingForStack.splice(0)) tell('    has exited');
      const awaitNoMore = (): void => {
        server.disinvite(token);
        if (link) setTimeout(() => link?.destroy(), LINGER_MS);
        reap();
      };
      if (link || hungUp) awaitNoMore();
      // A master that was busy hears of the exit first: the connection, one in each turn, is still to be accepted.
      else afterTurns(2 + server.awaited, awaitNoMore);
    };
    const notStarted = (error: unknown): void => {
      why = error instanceof Error ? error.message : String(error);
      if (!exit) exited({ code: null, signal: null });
    };

    /** The task's code has broken into the conversation. */
    const broke = (how: string): void => {
      why ??= how;
      child?.kill('SIGKILL');
    };

    try {
      child = spare?.take(worker.env) ?? startProcess(worker.env);
    } catch (error) {
      setImmediate(notStarted, error);
    }
    child?.on('error', (error) => {
      if (child?.pid === undefined) notStarted(error);
    });
    child?.on('exit', (code, signal) =>
      exited(leaving && signal === 'SIGKILL' && why === undefined ? leaving : { code, signal }),
    );

    const token = server.invite({
      connected: (to) => {
        link = to;
      },
      said: events.said,
      clogged: events.clogged,
      broke,
      disconnected: () => {
        link = undefined;
        hungUp = true;
        reap();
      },
    });

    // Where file descriptors have run out there are no pipes, and the error comes by itself.
    const lifeline = child?.stdio?.[LIFELINE_FD] as Duplex | null | undefined;
    lifeline?.on('error', () => {}); // it closes with the process
    lifeline?.write(
      encodeStart({ ...start, number: worker.number, socket: server.path, token: token.toString('hex') }),
    );
    const passages: Passage[] = [];
    for (const [from, to] of [
      [child?.stdout, stdout],
      [child?.stderr, stderr],
    ] as const) {
      if (!from || !child) continue;
      const passage = to.take(from);
      passages.push(passage);
      endWith(child, from, passage);
      from.on('data', () => {
        if (hungUp) lastHeardAt = performance.now();
      });
    }
    const output = new ProcessOutput(passages);
    const heldUntil = (): number => Math.max(lastHeardAt, output.heldUntil);
    /** What it writes at its very end may have to wait for whoever reads this process's output. */
    const killWhenOverdue = (): void => {
      const kill = (): void => (output.isHeld ? killWhenOverdue() : void child?.kill('SIGKILL'));
      setTimeout(kill, GONE_WITHIN_MS).unref();
    };
    let answer = '';
    /** Answers to takeBack() that are still to come. */
    let reclaims = 0;
    lifeline?.on('data', (chunk: Buffer) => {
      const lines = (answer + chunk).split('\n');
      answer = lines.pop() ?? '';
      if (answer.length > ANSWER_MAX) broke(NOT_ITS_OWN);
      for (const line of lines) {
        const told = answerIn(line);
        const isAnswer = told === null || typeof told === 'number';
        if (told === undefined || (isAnswer && reclaims === 0)) broke(NOT_ITS_OWN);
        else if (typeof told === 'string') waitingForStack.shift()?.(told);
        else if (isAnswer) {
          reclaims -= 1;
          events.tookBack(typeof told === 'number' ? told : null);
        } else {
          // Node.js may hang as it exits: the compiler's threads and the main one wait for each other.
          leaving = { code: told.exits, signal: null };
          killWhenOverdue();
        }
      }
    });

    return {
      pid: child?.pid,
      send: (message) => link?.send(message),
      kill: (signal) => !exit && (child?.kill(signal) ?? false),
      killGroup: () => killGroup(child?.pid),
      takeBack: () => {
        reclaims += 1;
        lifeline?.write('<');
      },
      stack: () =>
        new Promise((resolve) => {
          waitingForStack.push(resolve);
          setTimeout(() => resolve('    does not answer'), STACK_WITHIN_MS).unref();
          lifeline?.write('?');
        }),
      heldUntil,
      output,
    };
  };
}

/** Starts a worker's process, which waits for its start message. Throws what spawn throws. */
export function startProcess(env: NodeJS.ProcessEnv): ChildProcess {
  // Flags of this process's own Node.js, such as --inspect, are not handed on: spawn, not fork.
  // A session of its own: Ctrl+C reaches the master alone, and what its items start can be killed with it.
  const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const;
  return spawn(process.execPath, [ENTRY], { stdio: [...stdio], env, detached: true });
}

/** A worker leads a process group. */
function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}

/** What a worker's process starts with, before the hook beforeFork has had its say. */
export function environmentOf(worker: WorkerHandle): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, DIVVY_WORKER: String(worker.number) };
  const cache = module.getCompileCacheDir?.();
  if (cache !== undefined) env['NODE_COMPILE_CACHE'] ??= cache;
  if (process.stdout.isTTY && env['NO_COLOR'] === undefined) env['FORCE_COLOR'] ??= '1';
  return env;
}

/** What a lifeline may answer: a stack, how many items have been begun, or null, or with which code the process exits. */
type Answer = string | number | null | { readonly exits: number };

/** Returns the answer; undefined where it is none. */
function answerIn(line: string): Answer | undefined {
  let told: unknown;
  try {
    told = JSON.parse(line);
  } catch {
    return undefined;
  }
  const fits =
    told === null ||
    typeof told === 'string' ||
    Number.isSafeInteger(told) ||
    Number.isInteger((Object(told) as { exits?: unknown }).exits);
  return fits ? (told as Answer) : undefined;
}

/** Does something once the loop has been around so many times. */
function afterTurns(turns: number, act: () => void): void {
  setImmediate(() => (turns > 1 ? afterTurns(turns - 1, act) : act()));
}

/** Where a child of a worker that has exited holds its output open, it is read until it has been quiet. */
function endWith(child: ChildProcess, from: Readable, passage: Passage): void {
  child.on('exit', () => {
    if (from.closed) return;
    let heard = true;
    let held = passage.isHeld;
    let left = LEFT_BYTES;
    let patience = 5; // a child of its own may say something again and again
    const timer = setInterval(() => {
      // One that was held waited for a slow reader of the master's, and nothing of it may be lost.
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
