/**
 * Node.js 22 to 26 may hang in process.exit: the compiler's threads and the main thread wait for each other
 * (https://github.com/nodejs/node/issues/54918). As its last act, a worker reports its exit code (worker/exit-hang.ts).
 * If the process still exists a second later, the master kills it here and treats it as exited with that code. Runs in
 * the master. Internal.
 *
 * Delete both files once every Node.js that package.json allows has the fix.
 */

import type { ChildProcess } from 'node:child_process';
import type { WorkerExit } from '../parallelizable.ts';

/** How long a process may take to disappear after it has run all of its code, in milliseconds. */
const GONE_WITHIN_MS = 1000;

/** One worker's exit. */
export class ExitHang {
  readonly #isHeld: () => boolean;
  #exits: WorkerExit | undefined;

  /** isHeld - whether the process's output waits for a slow reader: then it may take longer. */
  constructor(isHeld: () => boolean) {
    this.#isHeld = isHeld;
  }

  /** The process has reported that it is about to exit with this code. */
  told(code: number, child: ChildProcess | undefined): void {
    this.#exits = { code, signal: null };
    const killWhenOverdue = (): void => {
      const kill = (): void => (this.#isHeld() ? killWhenOverdue() : void child?.kill('SIGKILL'));
      setTimeout(kill, GONE_WITHIN_MS).unref();
    };
    killWhenOverdue();
  }

  /** Returns how the process exited: as the system says, or, if it hung and was killed, as it said itself. */
  exitOf(exit: WorkerExit): WorkerExit {
    return exit.signal === 'SIGKILL' && this.#exits ? this.#exits : exit;
  }
}

/**
 * Exits this process without the hang. After many allocations, the compiler's threads wait for a garbage collection
 * that nobody runs any more; so run one first.
 */
export function exitWithoutHang(code: number): never {
  // Not imported: at the start of the process it would delay the first item.
  process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
  process.getBuiltinModule('node:vm').runInNewContext('globalThis.gc?.()');
  process.exit(code);
}
