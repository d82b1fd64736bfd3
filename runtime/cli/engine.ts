/**
 * How the runner gets to the engine, which takes a run over several machines. Its files are in a project only on demand
 * (`divvy add engine`), so nothing here imports them by name. Runs in the master. Internal.
 */

import fs from 'node:fs';
import { engineIsMissing } from '../errors.ts';
import type { EngineRole } from '../master/engine-role.ts';
import type { MasterOptions } from '../options.ts';
import type { RunResult } from '../parallelizable.ts';
import type { Flags, Request } from './arguments.ts';

const FILE = new URL('../engine/cli.ts', import.meta.url);

/** Runs the task once, in a role, and resolves with the result. */
export type RunInRole = (
  options: MasterOptions,
  args: readonly string[],
  role: EngineRole,
  begun: (way: WayToEnd) => void,
) => Promise<RunResult>;

/** How a role ends its run before its time. */
export interface WayToEnd {
  fail(fault: Error): void;
  /** Kills every worker at once, and ends the run. */
  killAll(): void;
  /** The run has ended, and others are told so: a signal no longer ends this process at once. */
  over(): void;
}

/** What engine/cli.ts exports. */
export interface EngineCli {
  readonly flags: Flags;
  /** The part of the help that is about these. */
  readonly help: string;
  /** Takes part in the runs of the task, as a dispatcher or as a host. Resolves with the result of the last one. */
  run(
    request: Request & { want: 'run' },
    say: (text: string, isProblem: boolean) => void,
    run: RunInRole,
  ): Promise<RunResult>;
  /** Prints how the queue of the task stands. */
  showStatus(request: Extract<Request, { taskFile: string }>): Promise<void>;
}

/** Returns the engine if the command line names one. Rejects with UsageError if its files are not there. */
export async function engineFor(argv: readonly string[]): Promise<EngineCli | undefined> {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  if (!argv.slice(0, end).some((word) => word === '--engine' || word.startsWith('--engine='))) return undefined;
  if (!hasEngine()) throw engineIsMissing();
  return (await import(FILE.href)) as EngineCli;
}

/** Whether the engine's files are there. */
export const hasEngine = (): boolean => fs.existsSync(FILE);
