/**
 * The runner: from a command line to an exit code. Runs in the master.
 */

import fs from 'node:fs';
import path from 'node:path';
import { DivvyError, Shutdown, TaskError, toItemError } from '../errors.ts';
import { Master } from '../master.ts';
import type { RunResult } from '../parallelizable.ts';
import { reportTo, stackOf } from '../report.ts';
import { readArguments } from './arguments.ts';
import { help } from './help.ts';

/** How long a signal that was raised again may take to end this process, in milliseconds. */
const RAISED_WITHIN_MS = 1000;

/** Runs what the command line asks for, and ends this process with the exit code that errors.ts documents. */
export async function main(argv: readonly string[]): Promise<void> {
  // Whoever reads either may go at any time; the master's own listener sees to what that means for the run.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  // With --inline there may be nothing else that Node.js would wait for; it would end, with 0, in the middle of the run.
  setInterval(() => {}, 2 ** 31 - 1);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  let exitCode: number;
  let stoppedBy: string | undefined;
  try {
    const result = await runRequest(argv, say);
    exitCode = result?.exitCode ?? 0;
    stoppedBy = result?.stoppedBy;
  } catch (error) {
    if (!(error instanceof DivvyError)) {
      say(`divvy: this is a bug in the runtime, please report it:\n${error instanceof Error ? error.stack : error}`);
      exitCode = 70;
    } else {
      // The summary has said it already where a run was stopped.
      if (!(error instanceof Shutdown)) say(`divvy: ${error.message}`);
      if (error instanceof TaskError && error.cause !== undefined)
        for (const line of stackOf(toItemError(error.cause))) say(line);
      exitCode = error.result?.exitCode ?? error.exitCode;
      stoppedBy = error.result?.stoppedBy;
    }
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  end(exitCode, stoppedBy);
}

async function runRequest(argv: readonly string[], say: (line: string) => void): Promise<RunResult | undefined> {
  const request = readArguments(argv);
  if (request.want !== 'run') {
    process.stdout.write(request.want === 'help' ? help() : `${version()}\n`);
    return undefined;
  }
  const { taskFile, options, args } = request;
  const verbose = options.verbose ?? false;
  const observe = reportTo(say, { verbose, chatty: process.stderr.isTTY });
  process.argv = [process.execPath, path.resolve(taskFile), ...args];
  return new Master(taskFile, { ...options, args, observe }).run();
}

function version(): string {
  try {
    return fs.readFileSync(new URL('../VERSION', import.meta.url), 'utf8').trim();
  } catch {
    return 'unreleased';
  }
}

/** Resolves when what was written has left this process, or cannot any more: exit() by itself would cut a pipe short. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}

/**
 * Ends this process, whatever the task has left open in it. A run that a signal ended ends by that signal, so that a
 * shell or a supervisor sees what it was; as PID 1, where the kernel would ignore it, by the exit code that stands for it.
 */
function end(exitCode: number, stoppedBy: string | undefined): void {
  if (stoppedBy?.startsWith('SIG') !== true || process.pid === 1) process.exit(exitCode);
  process.kill(process.pid, stoppedBy);
  setTimeout(() => process.exit(exitCode), RAISED_WITHIN_MS);
}
