/** The runner: from a command line to an exit code. Runs in the master. */

import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArgumentsHelp, DivvyError, exitCodeOf, nothingCaught, Shutdown } from '../errors.ts';
import type { Observed } from '../events.ts';
import type { EngineRole } from '../master/engine-role.ts';
import { exitWithoutHang } from '../master/exit-hang.ts';
import { Master } from '../master/master.ts';
import type { Spare } from '../master/spare.ts';
import type { RunResult } from '../parallelizable.ts';
import { SIGNALS, type Takeover, takeOverSignals } from '../signals.ts';
import { closeDeclarations } from '../task/declared.ts';
import { needFolder } from '../task/task.ts';
import { flushed, share } from '../text/shared-stream.ts';
import { type Request, readArguments } from './arguments.ts';
import { engineFor, type RunInRole, type WayToEnd } from './engine.ts';
import { Reporting, sayError } from './reporting.ts';

/** After a forceful stop, how long the reader has for the rest of the output, in milliseconds. */
const READ_WITHIN_MS = 1000;
/** How long a signal that this process sends to itself may take to end it, in milliseconds. */
const RAISED_WITHIN_MS = 1000;

/**
 * Runs what the command line asks for, and ends this process with an exit code documented in errors.ts.
 *
 * spare - the process that the first worker takes, if there is a run.
 */
export async function main(argv: readonly string[], spare?: Spare): Promise<void> {
  // The reader of either may go at any time; the master's own listener handles what that means for the run.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  // Before the task is loaded: if the task replaces the `write` of these streams, the workers' output must not go
  // through it.
  share(process.stdout);
  share(process.stderr);
  // With --inline, nothing else may keep Node.js running: it would exit with 0 in the middle of the run.
  setInterval(() => {}, 2 ** 31 - 1);
  const signals = new EndingSignals();
  let exitCode = 0;
  let stoppedBy: string | undefined;
  let patience = new Promise<undefined>(() => {});
  const json = argv.includes('--json');
  let reporting: Reporting | undefined;
  try {
    needFolder();
    const engine = await engineFor(argv);
    const request = readArguments(argv, engine?.flags);
    if (request.want === 'run') {
      const messages = await Reporting.of(request, argv);
      reporting = messages;
      const runInRole: RunInRole = (options, args, role, begun) =>
        run({ ...request, options, args }, messages, {
          role,
          begun: (way) => begun({ ...way, over: () => signals.over() }),
        });
      const result = await (engine?.run(request, messages.say, runInRole) ?? run(request, messages, { spare }));
      // The task may have set an exit code for something that the run's own does not show.
      exitCode = result.exitCode || Number(process.exitCode ?? 0);
      stoppedBy = result.stoppedBy;
    } else {
      const { show } = await import('./show.ts');
      if (engine && 'taskFile' in request) await engine.showStatus(request);
      else await show(request);
      if (engine && request.want === 'help') process.stdout.write(engine.help);
    }
  } catch (error) {
    if (error instanceof ArgumentsHelp) process.stdout.write(error.message);
    else exitCode = reporting ? reporting.error(error) : sayError(error, json);
    if (error instanceof DivvyError) stoppedBy = error.result?.stoppedBy;
    if (error instanceof Shutdown) patience = sleep(READ_WITHIN_MS, undefined);
  }
  signals.over();
  await spare?.dismiss();
  const written = Promise.all([flushed(process.stdout), flushed(process.stderr), reporting?.written()]);
  const givenUpBy = await Promise.race([patience, written.then(() => undefined), signals.givenUp]);
  signals.end(exitCode, stoppedBy ?? givenUpBy);
}

/**
 * The signals that end this process. It holds them from start to end: if it gave them back in between, a signal could
 * get lost.
 */
class EndingSignals {
  /** Resolves with the signal that ends the wait for the reader of the output: TERM, or any other that comes twice. */
  readonly givenUp: Promise<NodeJS.Signals>;
  readonly #takeover: Takeover;
  #isOver = false;
  #count = 0;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
    const came = (by: NodeJS.Signals) => (): void => {
      this.#count += 1;
      // While a task runs, the master handles the signals; before that, nothing has begun.
      if (!this.#isOver) this.end(exitCodeOf(by), by);
      else if (by === 'SIGTERM' || this.#count > 1) resolve(by);
    };
    const ending = SIGNALS.filter(({ action }) => action === 'graceful' || action === 'forceful');
    this.#takeover = takeOverSignals(new Map(ending.map(({ signal }) => [signal, came(signal)])));
    this.givenUp = promise;
  }

  /** All work is done; this process only waits for the reader of the output. */
  over(): void {
    this.#isOver = true;
  }

  /**
   * Ends this process, even if the task has left something open. If a signal ended the run, this process ends by the
   * same signal, so that a shell or a supervisor sees it. As PID 1 the kernel would ignore that signal, so it ends with
   * the exit code for it.
   */
  end(exitCode: number, stoppedBy: string | undefined): void {
    if (stoppedBy?.startsWith('SIG') !== true || process.pid === 1) exitWithoutHang(exitCode);
    this.#takeover.end();
    process.removeAllListeners(stoppedBy);
    process.kill(process.pid, stoppedBy);
    setTimeout(() => exitWithoutHang(exitCode), RAISED_WITHIN_MS);
  }
}

/** How a run begins: with a process that waits for it, or in a role. */
interface Beginning {
  readonly spare?: Spare | undefined;
  readonly role?: EngineRole;
  readonly begun?: (way: Omit<WayToEnd, 'over'>) => void;
}

async function run(
  request: Request & { want: 'run' },
  reporting: Reporting,
  { spare, role, begun }: Beginning,
): Promise<RunResult> {
  const { taskFile, options, args } = request;
  const stop = new AbortController();
  // For example a rejected promise of dispatch that nobody awaits: Node.js would end this process and abandon items in
  // progress.
  const caught = (error: unknown): void => {
    if (process.listenerCount('uncaughtException') > 1) return; // the task handles it itself
    const fault = nothingCaught(error);
    if (reporting.hasStarted) stop.abort(fault);
    else exitWithoutHang(reporting.error(fault)); // nothing is in progress, and the thing it waits for may never come
  };
  process.on('uncaughtException', caught);
  const own = {
    concurrentRun: false,
    ...options,
    args,
    observe: (event: Observed): void => {
      if (event.type === 'started') closeDeclarations();
      reporting.observe(event, master);
    },
    itemEvents: reporting.wantsItems,
  };
  const master: Master = new Master(taskFile, own, role, spare);
  begun?.({
    fail: (fault) => stop.abort(fault),
    killAll: () => {
      for (const worker of master.workers) worker.kill('SIGKILL');
      master.shutdownNow();
    },
  });
  process.argv = [process.execPath, path.resolve(taskFile), ...master.args];
  try {
    return await master.run({ signal: stop.signal });
  } finally {
    reporting.ended();
    if (role) process.off('uncaughtException', caught); // its host may run the task again
  }
}
