/**
 * The master's end of a worker's lifeline, a pipe. It carries the start message; when the pipe ends, the
 * worker knows that the master is gone. The worker's second thread (worker/lifeline.mjs) answers on it even if the main
 * thread is stuck. Runs in the master. Internal.
 */

import type { Duplex } from 'node:stream';
import { encodeStart, type StartMessage } from '../wire/start-message.ts';

/** How long to wait for the answer to `stack`, in milliseconds. */
const STACK_WITHIN_MS = 4000;
/** Longest possible answer, in bytes. */
const ANSWER_MAX = 16 * 1024 * 1024;
const NOT_ITS_OWN = "the task wrote to file descriptor 3, which is the runtime's";

/** Events of a lifeline. */
export interface LifelineEvents {
  /** Answer to reclaim(): how many items the worker had claimed (only the low 31 bits), or null for "not now". */
  reclaimed(claimed: number | null): void;
  /** The process is about to exit with this code and runs no more of its own code. */
  exits(code: number): void;
  /** The data is not a valid answer: the task's code has written to the pipe. */
  broke(why: string): void;
}

/** One worker's lifeline. */
export class Lifeline {
  readonly #pipe: Duplex | null | undefined;
  readonly #events: LifelineEvents;
  readonly #waitingForStack: ((stack: string) => void)[] = [];
  /** Answers to reclaim() that have not arrived yet. */
  #reclaims = 0;
  /** The beginning of an incomplete line. */
  #rest = '';

  /** pipe - undefined or null if there were no file descriptors left: then there is no worker, either. */
  constructor(pipe: Duplex | null | undefined, events: LifelineEvents) {
    this.#pipe = pipe;
    this.#events = events;
    pipe?.on('error', () => {}); // it closes with the process
    pipe?.on('data', (chunk: Buffer) => this.#hear(chunk));
  }

  start(message: StartMessage): void {
    this.#pipe?.write(encodeStart(message));
  }

  /**
   * Asks the worker how many items it has claimed, and stops it from claiming more of them. Works even if its main
   * thread is stuck.
   */
  reclaim(): void {
    this.#reclaims += 1;
    this.#pipe?.write('<');
  }

  /**
   * The worker kills itself in so many milliseconds, unless this is called again before; Infinity for never. By the clock that
   * all processes of a machine share: the worker may read this late.
   */
  fence(inMs: number): void {
    const at = Number(process.hrtime.bigint() / 1_000_000n) + Math.floor(inMs);
    this.#pipe?.write(`!${inMs === Infinity ? '' : at}\n`);
  }

  /** Resolves with the current stack of the main thread, one line per frame. */
  stack(): Promise<string> {
    return new Promise((resolve) => {
      this.#waitingForStack.push(resolve);
      setTimeout(() => resolve('    does not answer'), STACK_WITHIN_MS).unref();
      this.#pipe?.write('?');
    });
  }

  /** The process has exited. */
  exited(): void {
    for (const tell of this.#waitingForStack.splice(0)) tell('    has exited');
  }

  #hear(chunk: Buffer): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > ANSWER_MAX) this.#events.broke(NOT_ITS_OWN);
    for (const line of lines) this.#take(answerIn(line));
  }

  #take(answer: Answer | undefined): void {
    if (typeof answer === 'string') this.#waitingForStack.shift()?.(answer);
    else if (answer === undefined) this.#events.broke(NOT_ITS_OWN);
    else if (typeof answer === 'number') this.#reclaimed(answer);
    else if (answer === null) this.#reclaimed(null);
    else this.#events.exits(answer.exits);
  }

  #reclaimed(claimed: number | null): void {
    if (this.#reclaims === 0) {
      this.#events.broke(NOT_ITS_OWN);
      return;
    }
    this.#reclaims -= 1;
    this.#events.reclaimed(claimed);
  }
}

/** Possible answers: a stack, a number of claimed items or null, or the exit code. */
type Answer = string | number | null | { readonly exits: number };

/** Returns the answer; undefined if the line is not a valid one. */
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
