/**
 * What happens in a run, as events, and how they are said to people on stderr. Runs in the master.
 */

import { describeError, describeExit } from './errors.ts';
import { fromHere } from './here.ts';
import type { ItemError, Outcome, RunResult, WorkerExit } from './parallelizable.ts';

/** Something that happened. */
export type RunEvent =
  | {
      readonly type: 'started';
      readonly runId: string;
      readonly pid: number;
      readonly workers: number;
      readonly socket: string | undefined;
      readonly journal: string | undefined;
      readonly total: number | undefined;
    }
  | { readonly type: 'worker forked'; readonly worker: number; readonly pid: number | undefined }
  | { readonly type: 'worker ready'; readonly worker: number }
  | { readonly type: 'worker exited'; readonly worker: number; readonly exit: WorkerExit }
  | {
      readonly type: 'worker died';
      readonly worker: number;
      readonly exit: WorkerExit;
      readonly why: string | undefined;
      readonly items: readonly number[];
      readonly bootInMs: number;
    }
  | { readonly type: 'boot failed'; readonly worker: number; readonly error: ItemError }
  | {
      readonly type: 'hook failed';
      readonly hook: string;
      readonly worker: number | undefined;
      readonly error: ItemError;
    }
  | { readonly type: 'items handed'; readonly worker: number; readonly numbers: readonly number[] }
  | { readonly type: 'item done'; readonly outcome: Outcome }
  | { readonly type: 'item retried'; readonly outcome: Outcome; readonly error: ItemError }
  | { readonly type: 'item failed'; readonly outcome: Outcome; readonly error: ItemError }
  | {
      readonly type: 'stopping';
      readonly by: string;
      readonly how: 'gracefully' | 'forcefully';
      readonly inProgress: number;
      readonly againAfterMs: number | undefined;
    }
  | { readonly type: 'signal ignored'; readonly signal: string; readonly forInMs: number | undefined }
  | { readonly type: 'workers changed'; readonly workers: number }
  | { readonly type: 'state'; readonly lines: readonly string[] }
  /** In a dry run: an item that would be processed. */
  | { readonly type: 'item'; readonly number: number; readonly value: unknown }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'ended'; readonly result: RunResult };

/** Events that are said only with -v. */
const VERBOSE: ReadonlySet<RunEvent['type']> = new Set([
  'worker forked',
  'worker ready',
  'worker exited',
  'items handed',
  'item done',
  'item retried',
]);

/**
 * Returns what says events to people.
 *
 * say     - writes one line.
 * verbose - say everything.
 * chatty  - say how the run starts and ends even where all is well.
 */
export function reportTo(
  say: (line: string) => void,
  { verbose, chatty }: { verbose: boolean; chatty: boolean },
): (event: RunEvent) => void {
  return (event) => {
    if (!verbose && VERBOSE.has(event.type)) return;
    if (!verbose && !chatty && event.type === 'started') return;
    if (!verbose && !chatty && event.type === 'ended' && event.result.exitCode === 0) return;
    for (const line of describe(event, verbose)) say(`divvy: ${line}`);
  };
}

function describe(event: RunEvent, verbose: boolean): string[] {
  switch (event.type) {
    case 'started': {
      const total = event.total === undefined ? '' : `, ${plural(event.total, 'item')}`;
      const socket = verbose && event.socket !== undefined ? `, socket ${event.socket}` : '';
      const journal = event.journal === undefined ? '' : `, journal ${fromHere(event.journal)}`;
      const workers = `up to ${plural(event.workers, 'worker')}`;
      return [`run ${event.runId}: master ${event.pid}, ${workers}${total}${journal}${socket}`];
    }
    case 'worker forked':
      return [`worker ${event.worker} is process ${event.pid ?? '(none)'}`];
    case 'worker ready':
      return [`worker ${event.worker} is ready`];
    case 'worker exited':
      return [`worker ${event.worker} ${describeExit(event.exit)}`];
    case 'worker died': {
      const on = event.items.length === 0 ? '' : ` while on ${listOf(event.items)}`;
      const why = event.why === undefined ? '' : ` (${event.why})`;
      const wait = event.bootInMs > 0 ? `; the next is booted in ${seconds(event.bootInMs)}` : '';
      return [`worker ${event.worker} ${describeExit(event.exit)}${on}${why}${wait}`];
    }
    case 'boot failed':
      return withStack(`worker ${event.worker} could not boot: ${describeError(event.error)}`, event.error, true);
    case 'hook failed': {
      const where = event.worker === undefined ? '' : ` (worker ${event.worker})`;
      return withStack(`the hook ${event.hook}${where} threw: ${describeError(event.error)}`, event.error, true);
    }
    case 'items handed':
      return [`worker ${event.worker} has ${listOf(event.numbers)}`];
    case 'item done':
      return [
        `item ${event.outcome.number} is done (worker ${event.outcome.worker}, ${seconds(event.outcome.durationMs)})`,
      ];
    case 'item retried':
      return withStack(
        `item ${event.outcome.number} will be tried again: ${describeError(event.error)}`,
        event.error,
        verbose,
      );
    case 'item failed': {
      // It says itself which item it is, and the stack would be the runtime's own.
      if (event.error.name === 'UnfitError') return [`${event.error.message}; the item has failed`];
      const tries = event.outcome.attempts > 1 ? ` after ${event.outcome.attempts} attempts` : '';
      return withStack(
        `item ${event.outcome.number} failed${tries}: ${describeError(event.error)}`,
        event.error,
        verbose,
      );
    }
    case 'stopping': {
      if (event.how === 'forcefully')
        return [`${event.by}: stopping now; ${plural(event.inProgress, 'item')} in progress will be unfinished`];
      const awaited =
        event.inProgress === 0 ? 'nothing is in progress' : `${plural(event.inProgress, 'item')} in progress awaited`;
      const again =
        event.againAfterMs === undefined
          ? ''
          : `; a second signal abandons them from ${seconds(event.againAfterMs)} on`;
      return [`${event.by}: stopping; ${awaited}${event.inProgress > 0 ? again : ''}`];
    }
    case 'signal ignored':
      return [
        event.forInMs === undefined
          ? `${event.signal} ignored, as --ignore-hup says`
          : `${event.signal} ignored: stopping already; from ${seconds(event.forInMs)} on, another abandons what is awaited`,
      ];
    case 'workers changed':
      return [`up to ${plural(event.workers, 'worker')} from now on`];
    case 'state':
      return [...event.lines];
    case 'item':
      return []; // printed on stdout, by the runner
    case 'note':
      return [event.text];
    case 'ended':
      return [summary(event.result)];
  }
}

function summary({ counts, stoppedBy }: RunResult): string {
  const parts = [`${plural(counts.done, 'item')} done`];
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  if (counts.unfinished > 0) parts.push(`${counts.unfinished} unfinished`);
  if (counts.retried > 0) parts.push(`${counts.retried} handed out again`);
  if (counts.crashed > 0) parts.push(`${plural(counts.crashed, 'worker')} died`);
  return `${stoppedBy === undefined ? '' : `stopped by ${stoppedBy}: `}${parts.join(', ')}`;
}

function withStack(line: string, error: ItemError, wanted: boolean): string[] {
  return wanted ? [line, ...stackOf(error)] : [line];
}

/** A frame of Node.js, or of the runtime: it says nothing about the task. */
const FOREIGN = new RegExp(
  `\\(?(node:|${new URL('.', import.meta.url).href.replace(/[^\w/:]/g, '.')})|\\(<anonymous>\\)`,
);
/** Where a syntax error is: Node.js puts the file, the line and a caret in front of the message. */
const PLACE = /^\S.*:\d+\n[\s\S]*?\n(?=\n\w*SyntaxError)/;

/** The frames of an error and of its causes that are the task's own, one a line. */
export function stackOf(error: ItemError): string[] {
  const lines: string[] = [];
  for (let at: ItemError | undefined = error; at; at = at.cause) {
    if (at !== error) lines.push(`  caused by ${describeError(at)}`);
    lines.push(
      ...(PLACE.exec(at.stack ?? '')?.[0].split('\n') ?? []).map((line) => `  ${line}`.trimEnd()).filter(Boolean),
      ...(at.stack?.split('\n').filter((frame) => /^\s+at /.test(frame) && !FOREIGN.test(frame)) ?? []).map(
        (frame) => `  ${frame.trim()}`,
      ),
    );
  }
  return lines;
}

/** `1 item`, `1,000 items`. */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** `350 ms`, `1.5 s`, `2 min`. */
export function seconds(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1000).toFixed(1))} s`;
  return `${Math.round(ms / 60_000)} min`;
}

function listOf(numbers: readonly number[]): string {
  const most = 10;
  const more = numbers.length > most ? ` and ${numbers.length - most} more` : '';
  return `${numbers.length === 1 ? 'item' : 'items'} ${numbers.slice(0, most).join(', ')}${more}`;
}
