/** Reports the events of a run to people, on stderr. Runs in the master. */

import type { Keys, RunEvent } from '../events.ts';
import type { ItemError, Outcome } from '../parallelizable.ts';
import { chainOf, detailsOf, Failures, itemLabel, stackOf } from './failures.ts';
import { fromHere } from './here.ts';
import type { Line } from './terminal.ts';
import { describeExit, grouped, itemsInProgress, plural, seconds, whatFinishes } from './words.ts';

/** Events reported only with -v. */
const VERBOSE: ReadonlySet<RunEvent['type']> = new Set([
  'worker forked',
  'worker ready',
  'worker exited',
  'items handed',
  'item done',
  'item retried',
]);
/** Events reported even with -q. */
const QUIET: ReadonlySet<RunEvent['type']> = new Set([
  'worker died',
  'boot failed',
  'hook failed',
  'item failed',
  'item unfinished',
  'state',
]);

/** Without -v: how many failures of one error are reported with details, and how many failures are reported at all. */
const AT_LENGTH_MAX = 100;
const SAID_MAX = 1000;

/** How much to report. */
export interface ReportOptions {
  readonly verbose: boolean;
  /** Only failures and errors. */
  readonly quiet?: boolean;
  /** Report the start of the run. */
  readonly start: boolean;
  /** Report the end: always, or only if something went wrong. */
  readonly end: 'always' | 'unless well';
  /** Counts failures by error. */
  readonly failures?: Failures;
}

/**
 * Returns a function that reports events to people.
 *
 * say - writes one line.
 */
export function reportTo(say: (line: Line) => void, options: ReportOptions): (event: RunEvent) => void {
  const { verbose, quiet = false, start, end, failures = new Failures() } = options;
  const teller = new Teller(verbose, failures);
  return (event) => {
    const lines = teller.tell(event);
    if (quiet ? !QUIET.has(event.type) && !(event.type === 'note' && event.isProblem) : isLeftOut(event)) return;
    for (const line of lines) say({ ...line, text: `divvy: ${line.text}` });
  };

  function isLeftOut(event: RunEvent): boolean {
    if (verbose) return false;
    if (event.type === 'started') return !start;
    if (event.type === 'ended') return end !== 'always' && event.result.exitCode === 0;
    return VERBOSE.has(event.type);
  }
}

/** Puts events into words. */
class Teller {
  readonly #verbose: boolean;
  readonly #failures: Failures;
  /** What has held items back so far. */
  readonly #heldBy = new Set<string>();
  #keys: Keys = 'none';
  #journal: string | undefined;

  constructor(verbose: boolean, failures: Failures) {
    this.#verbose = verbose;
    this.#failures = failures;
  }

  /** One case for each event, to read like a table. */
  tell(event: RunEvent): Line[] {
    switch (event.type) {
      case 'started':
        this.#keys = event.keys;
        this.#journal = event.journal;
        return [{ text: startOf(event, this.#verbose) }];
      case 'worker forked':
        return [dim(`worker ${event.worker} is process ${event.pid ?? '(none)'}`)];
      case 'worker ready':
        return [dim(`worker ${event.worker} is ready`)];
      case 'worker exited':
        return [dim(`worker ${event.worker} ${describeExit(event.exit)}`)];
      case 'worker died': {
        const names = event.items.map((number, at) => itemLabel(number, event.keys[at] ?? '', this.#keys));
        const on = names.length === 0 ? '' : ` while on ${listOf(names)}`;
        const why = event.why === undefined ? '' : ` (${event.why})`;
        const error = event.error ? `: ${chainOf(event.error)}` : '';
        const wait = event.bootInMs > 0 ? `; the next one starts in ${seconds(event.bootInMs)}` : '';
        return [
          { text: `worker ${event.worker} ${describeExit(event.exit)}${on}${why}${error}${wait}`, look: 'again' },
        ];
      }
      case 'boot failed':
        return withStack(`worker ${event.worker} could not boot: ${chainOf(event.error)}`, event.error);
      case 'hook failed': {
        const where = event.worker === undefined ? '' : ` (worker ${event.worker})`;
        return withStack(`the hook ${event.hook}${where} threw: ${chainOf(event.error)}`, event.error);
      }
      case 'items handed':
        return [dim(`worker ${event.worker} has ${listOf(event.numbers.map((number) => `item ${number}`))}`)];
      case 'item done': {
        const { worker, durationMs } = event.outcome;
        return [{ text: `${this.#label(event)} is done (worker ${worker}, ${seconds(durationMs)})`, look: 'good' }];
      }
      case 'item retried':
        return [
          { text: `${this.#label(event)} will be tried again: ${chainOf(event.error)}`, look: 'again' },
          ...detailsOf(event.error, true).map(dim),
        ];
      case 'item slow': {
        const name = itemLabel(event.number, event.key ?? '', this.#keys);
        const where = `in worker ${event.worker} for ${seconds(event.ms)} (--warn-after)`;
        return [{ text: `${name} has been ${where}`, look: 'again' }, ...event.stack.map(dim)];
      }
      case 'held back':
        return this.#heldBack(event);
      case 'item failed':
        return this.#failed(event.outcome, event.error);
      case 'item unfinished': {
        if (event.error)
          return [
            {
              text: `${this.#label(event)} failed, and that could not be recorded; a resume tries it again: ${chainOf(event.error)}`,
              look: 'bad',
            },
          ];
        return this.#verbose
          ? [{ text: `${this.#label(event)} was processed, and that could not be recorded; a resume does it again` }]
          : [];
      }
      case 'stopping':
        return stopOf(event);
      case 'signal ignored': {
        const { signal, forInMs, waitsFor } = event;
        if (forInMs === undefined) return [{ text: `${signal} is ignored (--ignore-hup)` }];
        const again = `In ${seconds(forInMs)}, ${keyOf(signal)} again abandons ${pronounOf(waitsFor)}.`;
        return [{ text: `Already stopping: waiting for ${waitsFor}. ${again}` }];
      }
      case 'paused': {
        const finish = whatFinishes(event.inProgress, event.isQueue);
        return [{ text: `Paused: no item starts until the run is continued.${finish}`, look: 'again' }];
      }
      case 'continued':
        return [{ text: 'No longer paused: the run goes on.' }];
      case 'item cancelled': {
        const name = itemLabel(event.number, this.#keys === 'none' ? '' : event.key, this.#keys);
        return [{ text: `somebody cancels ${name} in worker ${event.worker}`, look: 'again' }];
      }
      case 'workers changed':
        return [{ text: `up to ${plural(event.workers, 'worker')} from now on` }];
      case 'state':
        return event.lines.map((text) => ({ text }));
      case 'item':
        return []; // the runner prints it on stdout
      case 'note':
        return [{ text: event.text, look: event.isProblem ? 'bad' : 'plain' }];
      case 'ended':
        return [{ text: endOf(event), look: 'counts' }];
    }
  }

  #label({ outcome }: { outcome: Outcome }): string {
    return itemLabel(outcome.number, this.#keys === 'none' ? '' : outcome.key, this.#keys);
  }

  /** Without -v, only the first time for each reason: it may be so every second. */
  #heldBack({ by, ms, number, error }: RunEvent & { type: 'held back' }): Line[] {
    const isFirst = !this.#heldBy.has(by);
    this.#heldBy.add(by);
    if (!isFirst && !this.#verbose) return [];
    const why = error ? `item ${number} threw ${chainOf(error)}` : `${by} asked for it`;
    const more = this.#verbose ? '' : ' (later waits only with -v)';
    return [{ text: `no item starts for ${seconds(ms)}: ${why}${more}`, look: 'again' }];
  }

  /** If there are very many failures, the first get details, the next one line each, and the rest are only counted. */
  #failed(outcome: Outcome, error: ItemError): Line[] {
    const { number, attempts } = outcome;
    const own = this.#keys === 'own' ? outcome.key : undefined;
    const nth = this.#failures.note(error, own, own ?? String(number));
    const all = this.#failures.count;
    if (!this.#verbose && all > SAID_MAX) return [];
    const tries = attempts > 1 ? ` after ${plural(attempts, 'attempt')}` : '';
    // The message already names the item, and the stack would be the runtime's own.
    const isUnfit = error.name === 'UnfitError';
    const what = isUnfit
      ? error.message.replace(/^item \d+(: | )/, (_, end) => (end === ': ' ? '' : 'it '))
      : chainOf(error);
    const lines: Line[] = [{ text: `${this.#label({ outcome })} failed${tries}: ${what}`, look: 'bad' }];
    if (nth <= AT_LENGTH_MAX && !isUnfit) lines.push(...detailsOf(error, this.#verbose).map(dim));
    if (!this.#verbose && all === SAID_MAX) {
      const where =
        this.#journal === undefined
          ? '--events FILE keeps them all'
          : `the journal has them all: ${fromHere(this.#journal)}`;
      lines.push({ text: `${plural(all, 'failure')} so far. From here on they are only counted; ${where}` });
    }
    return lines;
  }
}

function startOf(event: RunEvent & { type: 'started' }, verbose: boolean): string {
  const total = event.total === undefined ? '' : `, ${plural(event.total, 'item')}`;
  const socket = verbose && event.socket !== undefined ? `, socket ${event.socket}` : '';
  const journal = event.journal === undefined ? '' : `, journal ${fromHere(event.journal)}`;
  const workers = `up to ${plural(event.workers, 'worker')}`;
  return `run ${event.runId}: master ${event.pid}, ${workers}${total}${journal}${socket}`;
}

function stopOf({
  by,
  failing,
  how,
  already,
  inProgress,
  isQueue,
  unread,
  waitsFor,
  againAfterMs,
}: RunEvent & { type: 'stopping' }): Line[] {
  // The error with which the run fails is reported at its end.
  if (failing && inProgress === 0) return [];
  if (how === 'forcefully') {
    const left = inProgress === 0 ? '' : `: ${itemsInProgress(inProgress, isQueue)} will be unfinished`;
    const lost = unread === 0 ? '' : ` ${plural(unread, 'item')} whose output nobody reads will be unfinished, too.`;
    return [{ text: `Stopping now (${by})${left}.${lost}` }];
  }
  const again =
    againAfterMs === undefined
      ? ''
      : ` After ${seconds(againAfterMs)}, ${keyOf(by)} again abandons ${pronounOf(waitsFor)}.`;
  const begin = already ? 'Already stopping' : `Stopping (${by})`;
  if (inProgress === 0 && unread === 0 && !already) return [{ text: `${begin}: nothing is in progress.` }];
  return [{ text: `${begin}: waiting for ${waitsFor}.${again}` }];
}

/** How a person sends the signal. */
function keyOf(signal: string): string {
  return signal === 'SIGINT' ? 'Ctrl+C' : signal;
}

function pronounOf(waitsFor: string): string {
  return /^(1|a) /.test(waitsFor) ? 'it' : 'them';
}

/**
 * Returns how the run ended: what happened to the items, how many retries and crashes there were, and how long it took.
 */
export function endOf({ result, durationMs, skipped }: RunEvent & { type: 'ended' }): string {
  const { counts, stoppedBy } = result;
  const { dispatched, done, failed, unfinished, retried, crashed } = counts;
  const earlier = skipped.done + skipped.failed + skipped.left + skipped.others;
  const parts = dispatched > 0 ? [plain(done, 'done')] : [];
  if (counts.skipped > earlier) parts.push(`${plain(counts.skipped - earlier, 'would be processed')} (dry run)`);
  if (failed > 0) parts.push(plain(failed, 'failed'));
  if (unfinished > 0) parts.push(plain(unfinished, 'unfinished'));
  if (earlier > 0) parts.push(`${plain(earlier, 'skipped')} (${whySkipped(skipped)})`);
  const more = retried > 0 ? [plain(retried, 'retried')] : [];
  if (crashed > 0) more.push(`${plural(crashed, 'worker')} died`);
  const why = stoppedBy === 'stdout closed' ? ': nobody reads stdout any more' : ` by ${stoppedBy}`;
  const stopped = stoppedBy === undefined ? '' : `Stopped${why}. `;
  const items = `${plural(dispatched + counts.skipped, 'item')}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}.`;
  return `${stopped}${items}${more.length > 0 ? ` ${more.join(', ')}.` : ''} Took ${seconds(durationMs)}.`;
}

function plain(count: number, what: string): string {
  return `${grouped(count)} ${what}`;
}

/** Returns `done in an earlier run`, or `4 done in an earlier run, 1 failed in an earlier run`. */
function whySkipped({ done, failed, left, others }: (RunEvent & { type: 'ended' })['skipped']): string {
  const kinds = [
    [done, 'done in an earlier run'],
    [failed, 'failed in an earlier run'],
    [left, 'not processed yet'],
    [others, 'had not failed'],
  ] as const;
  const some = kinds.filter(([count]) => count > 0);
  return some.map(([count, what]) => (some.length === 1 ? what : plain(count, what))).join(', ');
}

function withStack(text: string, error: ItemError): Line[] {
  return [{ text, look: 'bad' }, ...stackOf(error).map(dim)];
}

function dim(text: string): Line {
  return { text, look: 'dim' };
}

function listOf(names: readonly string[]): string {
  const most = 10;
  const more = names.length > most ? ` and ${grouped(names.length - most)} more` : '';
  return `${names.slice(0, most).join(', ')}${more}`;
}
