/**
 * The spare: a worker process that the master starts before it has an item, so that master and worker load their
 * modules at the same time. The spare runs no code of the task and has no part in the run until a worker takes it and
 * the master sends the start message. Runs in the master. Internal.
 *
 * A worker inherits from the master as it was when the first item came: the environment, the working directory, user,
 * umask, priority, and on Linux also limits, processors and cgroup. The task may change them until then, while it is
 * loaded or in dispatch. If the spare would differ, the master starts a new process.
 */

import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { environmentOf, startProcess } from './worker.ts';

/** Starts a worker's process. */
export type StartProcess = (env: NodeJS.ProcessEnv) => ChildProcess;

export class Spare {
  #child: ChildProcess | undefined;
  readonly #inherited: string;
  /** Resolves when the dismissed process is gone. */
  #gone: Promise<unknown> | undefined;

  /** If no process can be started now, there is no spare: the worker that would have taken it reports why. */
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

  /** Whether the process is there, and one started now would not differ from it. */
  isAsIfStarted(env: NodeJS.ProcessEnv): boolean {
    return this.#child?.pid !== undefined && inherited(env) === this.#inherited;
  }

  /** Returns the process, once; undefined if it is not as if started now. */
  take(env: NodeJS.ProcessEnv): ChildProcess | undefined {
    const child = this.#child;
    if (!child || !this.isAsIfStarted(env)) {
      void this.dismiss();
      return undefined;
    }
    child.off('error', this.#lost);
    child.off('exit', this.#lost);
    this.#lost();
    return child;
  }

  /** Ends the process if nobody has taken it. Resolves when it is gone. */
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

/** With these there is no run, or none with worker processes. */
const WITHOUT_WORKERS =
  /^(-h|--(help|version|status|runs|failures|report-data|report-live|control|inline|dry-run|engine)(=.*)?)$/;

/**
 * Starts the spare of this command line, before anything else of it is known: if it turns out that nobody needs the
 * process, nobody takes it.
 */
export function spareFor(argv: readonly string[]): Spare | undefined {
  const options = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const isRun = options.length > 0 && !options.some((option) => WITHOUT_WORKERS.test(option));
  if (!isRun || process.platform === 'win32') return undefined;
  return new Spare(startProcess, environmentOf({ number: 1 }, undefined));
}

/** Returns what a process started now would inherit from this one and from `env`. */
function inherited(env: NodeJS.ProcessEnv): string {
  const ids = [process.getuid?.(), process.geteuid?.(), process.getgid?.(), process.getegid?.(), process.getgroups?.()];
  const variables = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1));
  const own = [folder(), process.umask(), os.getPriority(), ids, process.execPath, variables];
  return JSON.stringify([...own, process.platform === 'linux' && INHERITED_FILES.map(linesOf)]);
}

/** What Linux has of a process that those which it starts inherit. */
const INHERITED_FILES = ['status', 'limits', 'cgroup', 'oom_score_adj'];
/** Lines of `status` that change by themselves. */
const OTHER_LINES = /^(?!(Uid|Gid|Cap\w+|NoNewPrivs|Seccomp|Cpus_allowed|Mems_allowed):).*\n/gm;

function linesOf(file: string): string | undefined {
  try {
    const text = fs.readFileSync(`/proc/self/${file}`, 'utf8');
    return file === 'status' ? text.replaceAll(OTHER_LINES, '') : text;
  } catch {
    return undefined; // there is no /proc
  }
}

function folder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined; // the folder is gone
  }
}
