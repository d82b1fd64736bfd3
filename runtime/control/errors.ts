/** Errors of asking something of a running run: what is wrong, with the value, and what to do next. Internal. */

import { DivvyError, messageOf, mustBe, type UsageError } from '../errors.ts';

export const notAControl = (text: string, most: number): UsageError =>
  mustBe('--control', `pause, continue, 'workers N' (1 to ${most}), 'cancel KEY', stop or 'stop now'`, text);

export const noRunGoesOn = (taskFile: string, args: readonly string[]): DivvyError =>
  new DivvyError(
    `no run of ${taskFile} goes on${args.length > 0 ? ` with the arguments ${args.join(' ')}` : ''}; --runs lists its runs. If its journal was named by --journal FILE, add that; without a journal, use its terminal or kill`,
    1,
  );

/** `runs` are their ids and arguments. */
export const runsGoOn = (runs: readonly string[]): DivvyError =>
  new DivvyError(
    `${runs.length} runs of this task go on: ${runs.join('; ')}; name one after the task file, by its id or its arguments`,
    1,
  );

export const controlRefused = (runId: string, why: string): DivvyError => new DivvyError(`${runId}: ${why}`, 1);

export const noControl = (runId: string, pid: number, host: string): DivvyError =>
  new DivvyError(`run ${runId} can be asked only on its own host; it is process ${pid} on ${host}`, 1);

export const controlFailed = (socketPath: string, error: unknown): DivvyError =>
  new DivvyError(
    `the run does not answer at ${socketPath} (${messageOf(error)}). If it is suspended or busy, it may still do what was asked; if it has just begun or ended, try again`,
    1,
    { cause: error },
  );
