/** All messages of the runner: lines for people or events as NDJSON, and the progress. Runs in the master. Internal. */

import { inspect } from 'node:util';
import { DivvyError, eventsLost, Shutdown, TaskError, toItemError } from '../errors.ts';
import type { EventHead, Observed } from '../events.ts';
import type { Master } from '../master/master.ts';
import { withoutSecrets } from '../task/words.ts';
import { Failures, stackOf } from '../text/failures.ts';
import { reportTo } from '../text/report.ts';
import { wholeWith } from '../text/shell.ts';
import { type Line, linesTo } from '../text/terminal.ts';
import type { Request } from './arguments.ts';
import { EventsFile } from './events-file.ts';
import { drawProgress, sayProgress, waysOfProgress } from './progress.ts';
import { failureLines, waysToGoOn } from './summary.ts';

const write = linesTo(process.stderr);

function log(line: Line): void {
  write({ ...line, text: `divvy: ${line.text}` });
}

/** The messages of one run. */
export class Reporting {
  readonly #request: Request & { want: 'run' };
  readonly #argv: readonly string[];
  readonly #failures = new Failures();
  readonly #report: (event: Observed) => void;
  #events: EventsFile | undefined;
  #stopProgress = (): void => {};
  #hasStarted = false;

  private constructor(request: Request & { want: 'run' }, argv: readonly string[]) {
    this.#request = request;
    this.#argv = argv;
    this.#report = reportTo(write, {
      verbose: request.options.verbose ?? false,
      quiet: request.quiet,
      start: process.stderr.isTTY,
      end: 'always',
      failures: this.#failures,
    });
  }

  /** Rejects with UsageError if the file of --events can't be opened. `argv` is the command line that was read. */
  static async of(request: Request & { want: 'run' }, argv: readonly string[]): Promise<Reporting> {
    const reporting = new Reporting(request, argv);
    if (request.events !== undefined) {
      reporting.#events = await EventsFile.open(request.events, (error) => reporting.#lost(error));
    }
    return reporting;
  }

  /** Tells the user something that is no event of the run. */
  readonly say = (text: string, isProblem: boolean): void => {
    const { json, quiet } = this.#request;
    if (this.wantsItems) this.#record({ ...headOf(null), type: 'note', text, isProblem });
    if (!json && (isProblem || !quiet)) log({ text, ...(isProblem && { look: 'bad' }) });
  };

  /** Whether the run has begun. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** Whether it needs an event for each item. */
  get wantsItems(): boolean {
    return this.#request.json || this.#events !== undefined;
  }

  /** Handles an event of the master's run. */
  observe(event: Observed, master: Master): void {
    if (event.type === 'started') {
      this.#hasStarted = true;
    }
    if (event.type === 'ended') this.#stopProgress();
    if (event.type === 'item') {
      process.stdout.write(`${lineOf(event.value)}\n`);
      if (this.wantsItems) this.#record({ ...event, value: undefined });
      return;
    }
    if (this.wantsItems) this.#record(event);
    if (this.#request.json) return;
    if (event.type === 'ended') this.#sayEnd(event, master);
    else this.#report(event);
    if (event.type === 'started') this.#startProgress(master);
  }

  /** The run has ended; from now on only an error is reported. */
  ended(): void {
    this.#stopProgress();
  }

  /** Reports the error, and returns its exit code. */
  error(error: unknown): number {
    if (this.#events) this.#events.add(errorEvent(error));
    return sayError(error, this.#request.json);
  }

  /** Resolves when everything is written. */
  async written(): Promise<void> {
    await this.#events?.end();
  }

  #record(event: object): void {
    this.#events?.add(event);
    if (this.#request.json) process.stderr.write(`${JSON.stringify(event)}\n`);
  }

  #lost(error: Error): void {
    const text = eventsLost(this.#request.events ?? '', error);
    if (this.#request.json) process.stderr.write(`${JSON.stringify({ ...headOf(null), type: 'note', text })}\n`);
    else log({ text, look: 'bad' });
  }

  #startProgress(master: Master): void {
    const { json, quiet, progress, options } = this.#request;
    if (json || quiet || options.dryRun) return;
    const way = waysOfProgress(progress);
    const standing = () => ({
      counts: master.counts,
      expected: master.expected,
      workers: master.workers.filter((worker) => worker.running).length,
      hosts: master.hosts,
      isPaused: master.paused,
    });
    // With -v there is already a line for each item.
    if (way === 'draw' && (progress || !options.verbose)) this.#stopProgress = drawProgress(standing);
    if (way === 'say') this.#stopProgress = sayProgress((text) => log({ text }), standing);
  }

  /** The command line that names this run, without secrets. */
  #commandLine({ takenOver, argumentNames: names }: Master): readonly string[] {
    return wholeWith(withoutSecrets(this.#argv, this.#request.args, names), takenOver);
  }

  #sayEnd(event: Observed & { type: 'ended' }, master: Master): void {
    if (this.#request.quiet) return;
    const { result } = event;
    const { counts, exitCode, stoppedBy } = result;
    // If the run failed before the first item, the error says everything.
    if (exitCode > 1 && stoppedBy === undefined && counts.dispatched + counts.skipped === 0) return;
    this.#report(event);
    for (const line of failureLines(this.#failures)) log(line);
    const limited = counts.dispatched >= (this.#request.options.limit ?? Infinity);
    for (const line of waysToGoOn(result, this.#commandLine(master), limited)) log(line);
  }
}

/** Reports the error, even if there is no run, and returns its exit code. */
export function sayError(error: unknown, json: boolean): number {
  if (json) {
    const event = errorEvent(error);
    process.stderr.write(`${JSON.stringify(event)}\n`);
    return event.exitCode;
  }
  if (!(error instanceof DivvyError)) {
    const stack = error instanceof Error ? error.stack : String(error);
    process.stderr.write(`divvy: this is a bug in the runtime, please report it:\n${stack}\n`);
    return 70;
  }
  // If the run was stopped, the summary has already said so.
  const [first = '', ...more] = error instanceof Shutdown ? [] : error.message.split('\n');
  if (first) log({ text: first, look: 'bad' });
  for (const text of more) write({ text: `  ${text}`, look: 'bad' });
  if (error instanceof TaskError && error.cause !== undefined)
    for (const text of stackOf(toItemError(error.cause))) write({ text, look: 'dim' });
  return exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  return error instanceof DivvyError ? (error.result?.exitCode ?? error.exitCode) : 70;
}

/** The last event of a command line that fails. */
function errorEvent(error: unknown): EventHead & { type: 'error'; message: string; exitCode: number; error?: unknown } {
  const runId = error instanceof DivvyError ? (error.result?.runId ?? null) : null;
  const cause = error instanceof TaskError ? error.cause : error instanceof DivvyError ? undefined : error;
  const message = error instanceof Error ? error.message : String(error);
  return {
    ...headOf(runId),
    type: 'error',
    message,
    exitCode: exitCodeOf(error),
    ...(cause !== undefined && { error: toItemError(cause) }),
  };
}

function headOf(runId: string | null): EventHead {
  return { at: Date.now(), runId };
}

/**
 * Returns an item on one line: as JSON, with a Map or a Set as a list. If JSON can't express it, as Node.js prints it.
 */
function lineOf(item: unknown): string {
  const plain = (_: string, value: unknown): unknown =>
    typeof value === 'bigint' ? `${value}n` : value instanceof Map || value instanceof Set ? [...value] : value;
  try {
    return JSON.stringify(item, plain) ?? inspect(item);
  } catch {
    return inspect(item, { breakLength: Infinity, compact: true });
  }
}
