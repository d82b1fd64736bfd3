/**
 * Reads what a project's own runner says of a run (`--report-data`). That is the runtime's `ReportData`; it may be of
 * another release, or changed by its owner, so it is checked.
 */

import { parseJson } from '../json/parse.ts';
import { whyNotAs } from '../schema/schema.ts';
import { notAReport } from './errors.ts';

const SCHEMA = 'generators/report/report.schema.json';

/** Resolves with the report that a line of JSON is. Rejects with a Refusal with exit code 2 if it is none. */
export async function readReport(line: string): Promise<ReportData> {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch {
    throw notAReport(`it is not JSON: ${line.slice(0, 200)}`);
  }
  const { format } = Object(value) as { format?: unknown };
  if (format !== 1) throw notAReport(`it has the format ${JSON.stringify(format)}, and this divvy draws 1`);
  const why = await whyNotAs(SCHEMA, value, 'the report');
  if (why !== undefined) throw notAReport(why);
  return value as ReportData;
}

export interface ReportData {
  readonly format: 1;
  readonly taskFile: string;
  readonly runId: string;
  /** `unknown`: the journal is damaged, so how the run ended is not known. */
  readonly state: 'running' | 'complete' | 'unfinished' | 'unknown';
  /** The run is paused. */
  readonly paused?: true;
  /** Why the run ended early, if it did. */
  readonly stoppedBy?: string;
  readonly why?: string;
  readonly exitCode?: number;
  /** When the run began, and when the last part of it ended, as ISO 8601. */
  readonly began: string;
  readonly ended?: string;
  /** When this was read from the journal, as ISO 8601. */
  readonly at: string;
  readonly done: number;
  readonly failed: number;
  readonly retried: number;
  /** How many worker processes died, or were killed. */
  readonly died: number;
  /** How many items there are, if the task knows. */
  readonly total?: number;
  /** How long the run and its resumes took together. */
  readonly tookMs: number;
  /** The task's own arguments, on one line. */
  readonly args: string;
  /** The options of the run, on one line. */
  readonly options: string;
  /** What to do next, a line each. */
  readonly next: readonly string[];
  /** The folder in which that works. If it is long, its end. */
  readonly folder?: string;
  /** Why the report is not whole; absent if it is. */
  readonly cut?: string;
  readonly columns: Columns;
  readonly parts: readonly Part[];
  /** How many parts between the first and the last ones are left out. */
  readonly partsLeftOut: number;
  readonly durations: Durations;
  readonly lanes: readonly Lane[];
  /** The names of the hosts that the lanes stand for, of a run over several machines: that of the first one first. */
  readonly hosts?: readonly string[];
  readonly samples: Samples;
  readonly failures: readonly FailureGroup[];
  /** How many more items failed: with errors that `failures` does not list, or too many to know with which. */
  readonly otherFailures: number;
  /** How many items a retry has ended whose failure before is not remembered, because there were too many; absent for none. */
  readonly unmatched?: number;
  readonly slowest: readonly SlowItem[];
}

/** What happened in each column. */
export interface Columns {
  readonly widthMs: number;
  readonly done: readonly number[];
  readonly failed: readonly number[];
  readonly retried: readonly number[];
  /** How many items were in progress, on average. */
  readonly running: readonly number[];
}

/** The first run, or one that resumed it. */
export interface Part {
  readonly mode: 'new' | 'resume' | 'retry-failed';
  readonly at: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly user: string;
  readonly host: string;
  readonly commit?: string;
  readonly release?: string;
  readonly done: number;
  readonly failed: number;
  /** `complete`, `unfinished`, `SIGINT`, …; `running`; `cut short` if the journal does not say how it ended, `not known` if it is damaged. */
  readonly how: string;
}

/** How long items took: counts in bins that have equal width on a logarithmic axis. */
export interface Durations {
  readonly binsPerDecade: number;
  /** The first bin begins at 10 to the power of `from / binsPerDecade` milliseconds. */
  readonly from: number;
  readonly done: readonly number[];
  readonly failed: readonly number[];
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** One worker, or several neighbours if there are more than a hundred. */
export interface Lane {
  readonly first: number;
  readonly last: number;
  /** How busy it was in each column: a digit from 0 to z (base 36). */
  readonly busy: string;
  /** In which columns a process of it died or was killed. */
  readonly deaths: readonly number[];
  readonly done: number;
  readonly failed: number;
  readonly retried: number;
  /** How much of the time it had an item in progress, from 0; above 1 with several at once. */
  readonly load: number;
  /** How many processes it had; 0 if the master did its work (--inline). */
  readonly processes: number;
  readonly died: number;
  /** The most memory that was seen in one process; absent if none was. */
  readonly megabytes?: number;
}

/** The samples: when, how many items waited, how many workers held, and memory in megabytes; 0 where none was measured. */
export interface Samples {
  readonly at: readonly number[];
  readonly pending: readonly number[];
  readonly leased: readonly number[];
  readonly workers: readonly number[];
  readonly master: readonly number[];
  readonly median: readonly number[];
  readonly largest: readonly number[];
}

/** Items that failed with the same error; one that failed again with another is in the group of that. */
export interface FailureGroup {
  readonly error: string;
  readonly count: number;
  /** How many of them were not done by a retry since. What follows is of these alone. */
  readonly left: number;
  /** The first items: the keys, or the numbers of those without a key of the task's own. */
  readonly first: readonly (string | number)[];
  /** When the first and the last one failed; 0 if none is left. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Of one: the rest of the message, fields, and the stack. */
  readonly details: readonly string[];
}

export interface SlowItem {
  /** Absent if it has none of the task's own. */
  readonly key?: string;
  readonly number: number;
  readonly ms: number;
  readonly atMs: number;
  readonly worker: number;
  readonly attempts: number;
  readonly how: 'done' | 'failed';
}
