/**
 * Node.js 22 to 26 may hang in process.exit: the compiler's threads and the main thread wait for each other
 * (https://github.com/nodejs/node/issues/54918). A worker says with which code it exits as the last that it does
 * (worker/exit-hang.ts). Where its process is not gone a second later it is killed here, and has exited with that code. Runs in the
 * master. Internal.
 *
 * Both files can go once every Node.js that package.json allows has the mend.
 */

import type { ChildProcess } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { WorkerExit } from '../parallelizable.ts';

/** How long a process that has run all of its code may take to be gone, in milliseconds. */
const GONE_WITHIN_MS = 1000;

/** One worker's exit. */
export class ExitHang {
  readonly #isHeld: () => boolean;
  #exits: WorkerExit | undefined;

  /** isHeld - whether what the process writes waits for a slow reader: then it may take longer. */
  constructor(isHeld: () => boolean) {
    this.#isHeld = isHeld;
  }

  /** The process has said that it exits with this code. */
  told(code: number, child: ChildProcess | undefined): void {
    this.#exits = { code, signal: null };
    const killWhenOverdue = (): void => {
      const kill = (): void => (this.#isHeld() ? killWhenOverdue() : void child?.kill('SIGKILL'));
      setTimeout(kill, GONE_WITHIN_MS).unref();
    };
    killWhenOverdue();
  }

  /** Returns how the process has exited, as far as it could: what the system says, or what it said before it hung. */
  exitOf(exit: WorkerExit): WorkerExit {
    return exit.signal === 'SIGKILL' && this.#exits ? this.#exits : exit;
  }
}

/**
 * Exits this process, and does not hang in it: the compiler's threads, once much has been allocated, wait for a collection of
 * garbage, which nobody makes any more. So one is made before.
 */
export function exitWithoutHang(code: number): never {
  setFlagsFromString('--expose-gc');
  runInNewContext('globalThis.gc?.()');
  process.exit(code);
}
