/**
 * The master's end of a worker's lifeline: the pipe by which the worker is told who it is, which tells it by its end that the master
 * is gone, and by which its other thread (worker/lifeline.mjs) answers where the main one is stuck. Runs in the master. Internal.
 */

import type { Duplex } from 'node:stream';
import { encodeStart, type StartMessage } from '../wire/start-message.ts';

/** How long the answer to `stack` may take, in milliseconds. */
const STACK_WITHIN_MS = 4000;
/** No answer is longer. */
const ANSWER_MAX = 16 * 1024 * 1024;
const NOT_ITS_OWN = "the task wrote to file descriptor 3, which is the runtime's";

/** What comes by a lifeline. */
export interface LifelineEvents {
  /** What reclaim() asked for has been done: so many items had been claimed, of which the last 31 bits are told; null for not now. */
  reclaimed(claimed: number | null): void;
  /** The process is about to exit with this code, and runs no more code of its own. */
  exits(code: number): void;
  /** What came is no answer: the task's code has written to the pipe. */
  broke(why: string): void;
}

/** One worker's lifeline. */
export class Lifeline {
  readonly #pipe: Duplex | null | undefined;
  readonly #events: LifelineEvents;
  readonly #waitingForStack: ((stack: string) => void)[] = [];
  /** Answers to reclaim() that are still to come. */
  #reclaims = 0;
  /** The beginning of a line that has not come whole. */
  #rest = '';

  /** pipe - undefined or null where file descriptors have run out: then there is no worker, either. */
  constructor(pipe: Duplex | null | undefined, events: LifelineEvents) {
    this.#pipe = pipe;
    this.#events = events;
    pipe?.on('error', () => {}); // it closes with the process
    pipe?.on('data', (chunk: Buffer) => this.#hear(chunk));
  }

  start(message: StartMessage): void {
    this.#pipe?.write(encodeStart(message));
  }

  /** Has the worker say how many items it has claimed, and claim no more of those that it has; also where its main thread is stuck. */
  reclaim(): void {
    this.#reclaims += 1;
    this.#pipe?.write('<');
  }

  /** Resolves with where in its code the main thread is, one line a frame. */
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
    else if (answer !== null && typeof answer === 'object') this.#events.exits(answer.exits);
    else if (this.#reclaims === 0) this.#events.broke(NOT_ITS_OWN);
    else {
      this.#reclaims -= 1;
      this.#events.reclaimed(answer);
    }
  }
}

/** What a lifeline may answer: a stack, how many items have been claimed, or null, or with which code the process exits. */
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
