/**
 * The numbers of a run for Prometheus (--metrics-file): gathers them, and writes them to a file every few seconds and at
 * the end. The node exporter's textfile collector reads that file. Runs in the master. Internal.
 *
 * Loaded only with the option. Everything but the durations is counted anyway; so an item costs one addition here.
 */

import path from 'node:path';
import { DivvyError } from '../errors.ts';
import type { Counts, RunResult } from '../parallelizable.ts';
import { noCounts } from './counts.ts';
import { MetricsFile } from './metrics-file.ts';

/** How often to write, in milliseconds. */
const WRITE_EVERY_MS = 5000;
/** The upper bounds of the histogram's buckets, in seconds. */
const BOUNDS: readonly number[] = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  ...[120, 300, 600, 1800, 3600],
];
/** The exit codes of a start that is refused. */
const REFUSED: readonly number[] = [2, 75];

/** How a run stands. */
export interface Standing {
  readonly counts: Counts;
  /** Items that a worker has begun and that do not count yet. */
  readonly begun: number;
  /** Processes of workers that run. */
  readonly workers: number;
}

/** The metrics of one run. */
export class Metrics {
  readonly #file: MetricsFile;
  /** The labels of every series. */
  readonly #labels: Labels;
  readonly #startedAt = Date.now();
  /** The task may set another one; in a program, the one before may be of another run. */
  readonly #exitCodeBefore = process.exitCode;
  /** How many items took at most each bound of BOUNDS and more than the one before; the last, longer than all of them. */
  readonly #durations: number[] = new Array(BOUNDS.length + 1).fill(0);
  #totalMs = 0;
  /** The count of a run goes down if a worker gives an item back unstarted, and a counter must never go down. */
  #retried = 0;
  /** Undefined until the run begins. */
  #standing: (() => Standing) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /**
   * Writes nothing yet.
   *
   * file     - absolute path.
   * taskFile - its name is the label `task`.
   * failed   - called once, with the reason, if the file can't be written. Later writes are tried all the same.
   *
   * Throws UsageError if something else than metrics of divvy is at the path.
   */
  constructor(file: string, taskFile: string, failed: (error: unknown) => void) {
    this.#file = new MetricsFile(file, failed);
    // The collector refuses equal series in two files. Tasks of two projects may have the same name, and so have two runs
    // of a task with other arguments; but no two files in its folder.
    this.#labels = { task: path.basename(taskFile).replace(/\.[^.]+$/, ''), file: path.basename(file) };
    process.on('exit', this.#exits);
  }

  /** The run begins: writes for the first time, and from now on every few seconds. */
  begin(standing: () => Standing): void {
    this.#standing = standing;
    this.#write();
    this.#timer = setInterval(() => this.#write(), WRITE_EVERY_MS).unref();
  }

  /** Items are done that took so long each. */
  done(count: number, durationMs: number): void {
    let bucket = 0;
    while (durationMs > (BOUNDS[bucket] ?? Infinity) * 1000) bucket += 1;
    this.#durations[bucket] = (this.#durations[bucket] ?? 0) + count;
    this.#totalMs += count * durationMs;
  }

  /** The run has ended. Returns once that is in the file. Only the first call of this and of `failed` counts. */
  ended({ counts, exitCode }: RunResult): void {
    const own = process.exitCode === this.#exitCodeBefore ? 0 : Number(process.exitCode ?? 0);
    this.#end(exitCode || own, counts); // as cli/main.ts does
  }

  /** The run has failed, perhaps before it began. */
  failed(error: unknown): void {
    const { result, exitCode = 70 } = error instanceof DivvyError ? error : {};
    this.#end(result?.exitCode ?? exitCode, result?.counts);
  }

  /** Something ends the process in the middle of the run, such as the task itself. */
  readonly #exits = (exitCode: number): void => this.#end(exitCode, undefined);

  /** counts - undefined if the run did not come to its end. */
  #end(exitCode: number, counts: Counts | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#timer);
    process.off('exit', this.#exits);
    // Nothing has begun: the file may be that of the same run, which goes on, or of the one before. 0 is a help.
    if (!this.#standing && (exitCode === 0 || REFUSED.includes(exitCode))) return;
    this.#write({ exitCode, counts });
  }

  #write(end?: { readonly exitCode: number; readonly counts: Counts | undefined }): void {
    const standing = this.#standing?.() ?? { counts: noCounts(), begun: 0, workers: 0 };
    const over = end && { counts: end.counts ?? standing.counts, begun: 0, workers: 0 };
    const text = [...this.#families(over ?? standing, end?.exitCode)].flatMap((family) =>
      linesOf(family, this.#labels),
    );
    this.#file.write(`${text.join('\n')}\n`);
  }

  /** The texts never change: the collector compares those of all files that it reads. */
  *#families({ counts, begun, workers }: Standing, exitCode: number | undefined): Generator<Family> {
    const { dispatched, done, failed, skipped, unfinished, retried, crashed } = counts;
    this.#retried = Math.max(this.#retried, retried);
    const isOver = exitCode !== undefined;
    const waiting = isOver ? 0 : Math.max(0, dispatched - done - failed - unfinished - begun);
    const outcomes = Object.entries({ done, failed, skipped, unfinished });
    yield {
      ...{ name: 'divvy_items_total', type: 'counter' },
      help: 'Items of this run by outcome. Skipped: an earlier run has ended it. Unfinished: a stop came first.',
      series: outcomes.map(([outcome, value]) => ({ labels: { outcome }, value })),
    };
    yield counter('divvy_item_retries_total', 'How often a worker got an item again.', this.#retried);
    yield counter('divvy_worker_crashes_total', 'Worker processes that died without being asked to exit.', crashed);
    yield gauge('divvy_items_in_progress', 'Items that a worker has begun and that have no outcome yet.', begun);
    yield gauge('divvy_items_waiting', 'Items that dispatch has yielded and that no worker has begun.', waiting);
    yield gauge('divvy_workers', 'Worker processes that run.', workers);
    yield {
      ...{ name: 'divvy_item_duration_seconds', type: 'histogram' },
      help: 'How long the last attempt of each item took that is done.',
      series: this.#buckets(),
    };
    yield gauge('divvy_run_start_time_seconds', 'When the last run began, since the epoch.', this.#startedAt / 1000);
    yield gauge('divvy_run_in_progress', 'Whether the run goes on: 1, or 0 once it has ended.', isOver ? 0 : 1);
    if (!isOver) return;
    yield gauge('divvy_run_end_time_seconds', 'When the last run ended, since the epoch.', Date.now() / 1000);
    yield gauge('divvy_run_exit_code', 'The exit code of the last run: 0 if every item is done.', exitCode);
  }

  #buckets(): Series[] {
    let value = 0;
    const buckets = this.#durations.map((count, index) => {
      value += count;
      return { suffix: '_bucket', labels: { le: String(BOUNDS[index] ?? '+Inf') }, value };
    });
    // To the microsecond: the rest is noise of the addition.
    const sum = Math.round(this.#totalMs * 1000) / 1e6;
    return [...buckets, { suffix: '_sum', value: sum }, { suffix: '_count', value }];
  }
}

type Labels = Readonly<Record<string, string>>;

interface Series {
  /** Behind the family's name. */
  readonly suffix?: string;
  /** Besides those of every series. */
  readonly labels?: Labels;
  readonly value: number;
}

/** A metric, with all its series. */
interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly series: readonly Series[];
}

const counter = (name: string, help: string, value: number): Family => ({
  ...{ name, type: 'counter', help },
  series: [{ value }],
});

const gauge = (name: string, help: string, value: number): Family => ({ ...counter(name, help, value), type: 'gauge' });

/** Returns the lines of a metric in Prometheus's text format, 0.0.4. */
function linesOf({ name, type, help, series }: Family, common: Labels): string[] {
  const lines = series.map(({ suffix = '', labels = {}, value }) => {
    const all = Object.entries({ ...common, ...labels }).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}${suffix}{${all.join(',')}} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines];
}

/** A name in the file system may have any of these. */
const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
