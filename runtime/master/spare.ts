/**
 * The spare: a worker's process that the master starts before it has an item for it, so that both load what they run at the same
 * time. It runs nothing of the task, and has no part in the run, until a worker takes it for its own and it is sent its start message.
 * Runs in the master. Internal.
 *
 * A worker has what the master had when the first item came: the environment, the working directory, and more that a task may
 * have changed until then, in dispatch. Where the spare would be another, a new process is started.
 */

import type { ChildProcess } from 'node:child_process';
import os from 'node:os';

/** Starts a worker's process. */
export type StartProcess = (env: NodeJS.ProcessEnv) => ChildProcess;

export class Spare {
  #child: ChildProcess | undefined;
  readonly #inherited: string;
  /** Resolves when the process is gone that nobody has taken. */
  #gone: Promise<unknown> | undefined;

  /** Where no process can be started now, there is none: the worker that would have taken it says why. */
  constructor(start: StartProcess, env: NodeJS.ProcessEnv) {
    this.#inherited = inherited(env);
    try {
      const child = start(env);
      child.on('error', this.#lost);
      child.on('exit', this.#lost);
      this.#child = child;
    } catch {
      this.#lost();
    }
  }

  /** Returns the process, once; undefined where it is gone, or is not as one would be that is started now. */
  take(env: NodeJS.ProcessEnv): ChildProcess | undefined {
    const child = this.#child;
    if (child?.pid === undefined || inherited(env) !== this.#inherited) {
      void this.dismiss();
      return undefined;
    }
    child.off('error', this.#lost);
    child.off('exit', this.#lost);
    this.#lost();
    return child;
  }

  /** Ends it, where nobody has taken it. Resolves when it is gone. */
  async dismiss(): Promise<void> {
    const child = this.#child;
    if (child?.kill('SIGKILL')) this.#gone = new Promise((resolve) => child.on('exit', resolve));
    this.#lost();
    await this.#gone;
  }

  readonly #lost = (): void => {
    this.#child = undefined;
  };
}

/** What a process that is started now would have of this one, and of `env`. */
function inherited(env: NodeJS.ProcessEnv): string {
  const ids = [process.getuid?.(), process.getgid?.(), process.getgroups?.()];
  const variables = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([folder(), process.umask(), os.getPriority(), ids, process.execPath, variables]);
}

function folder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined; // it is gone
  }
}
