/** The tables of the page: what its charts show, for readers without a script, and what only a table can show. */

import { type Html, html } from './html.ts';
import { duration, grouped, plural, RETRIES, short } from './numbers.ts';
import type { Lane, ReportData } from './read.ts';
import { stopOf } from './verdict.ts';

/** A chart's table has at most so many rows; each stands for several columns of the chart. */
const ROWS_MAX = 60;

interface Table {
  readonly caption: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly (string | Html)[])[];
}

/** A table that can be scrolled where it is too wide, also with the keyboard. */
function table({ caption, heads, rows }: Table): Html {
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first = '', ...others]) =>
      html`<tr><th scope="row">${first}</th>${others.map((cell) => html`<td>${cell}</td>`)}</tr>
`,
  )}</tbody></table></div>`;
}

/** A table behind a word to open it: the chart above shows the same. */
function folded(what: Table): Html {
  return html`<details class="table"><summary>As a table</summary>${table(what)}</details>`;
}

export function throughputTable({ columns, tookMs }: ReportData): Html {
  const { widthMs, done, failed, retried, running } = columns;
  const each = Math.ceil(done.length / ROWS_MAX);
  const sums = (row: readonly number[], at: number): number => sum(row.slice(at, at + each));
  const rows = Array.from({ length: Math.ceil(done.length / each) }, (_, index) => {
    const at = index * each;
    const toMs = Math.min((at + each) * widthMs, Math.max(tookMs, widthMs));
    const perSecond = (toMs - at * widthMs) / 1000 || 1;
    return [
      duration(at * widthMs),
      short(sums(done, at) / perSecond),
      grouped(sums(done, at)),
      grouped(sums(failed, at)),
      grouped(sums(retried, at)),
      short(sums(running, at) / Math.min(each, done.length - at)),
    ];
  });
  const heads = ['From', 'Done a second', 'Done', 'Failed', RETRIES, 'In progress'];
  return folded({ caption: 'Throughput and items in progress over time', heads, rows });
}

export function durationsTable({ durations }: ReportData): Html {
  const { done, failed, from, binsPerDecade } = durations;
  const edge = (bin: number): string => duration(10 ** ((from + bin) / binsPerDecade));
  const rows = done.map((count, bin) => [
    `${edge(bin)} to ${edge(bin + 1)}`,
    grouped(count),
    grouped(failed[bin] ?? 0),
  ]);
  return folded({ caption: 'How long items took', heads: ['Duration', 'Done', 'Failed'], rows });
}

/** The workers of a lane: `3`, or `1,003–1,004`. */
const lane = ({ first, last }: { readonly first: number; readonly last: number }): string =>
  first === last ? grouped(first) : `${grouped(first)}–${grouped(last)}`;

/** A host by its number and its name. */
const hostOf = (each: Lane, hosts: readonly string[]): string => {
  const name = each.first === each.last ? (hosts[each.first - 1] ?? '') : '';
  return name === '' ? lane(each) : `${lane(each)} ${name}`;
};

export function workersTable({ lanes, hosts }: ReportData): Html {
  const rows = lanes.map((each) => [
    hosts ? hostOf(each, hosts) : lane(each),
    grouped(each.done),
    grouped(each.failed),
    grouped(each.retried),
    `${grouped(each.load * 100)}%`,
    each.processes === 0 ? '–' : grouped(each.processes),
    each.processes === 0 && each.died === 0 ? '–' : grouped(each.died),
    megabytes(each.megabytes),
  ]);
  const heads = [hosts ? 'Host' : 'Worker', 'Done', 'Failed', RETRIES, 'Busy', 'Processes', 'Died', 'Most memory'];
  return folded({ caption: hosts ? 'What each host did' : 'What each worker did', heads, rows });
}

const megabytes = (measured = 0): string => (measured > 0 ? `${grouped(measured)} MB` : '–');

export function memoryTable({ samples }: ReportData): Html {
  const { at, master, median, largest, workers, pending, leased } = samples;
  const each = Math.ceil(at.length / ROWS_MAX);
  const rows = at.flatMap((ms, index) => {
    if (index % each > 0) return [];
    const of = (row: readonly number[]): number => row[index] ?? 0;
    return [
      [
        duration(ms),
        megabytes(of(master)),
        megabytes(of(median)),
        megabytes(of(largest)),
        grouped(of(workers)),
        grouped(of(pending)),
        grouped(of(leased)),
      ],
    ];
  });
  const heads = ['At', 'Master', 'Median worker', 'Largest worker', 'Workers', 'Items waiting', 'Items handed out'];
  return folded({ caption: 'Memory and waiting items over time', heads, rows });
}

export function slowestTable({ slowest, hosts }: ReportData): Html {
  const hasKeys = slowest.some(({ key }) => key !== undefined);
  const rows = slowest.map(({ key, number, ms, atMs, worker, attempts, how }) => [
    ...(hasKeys ? [key === undefined ? '–' : html`<code>${key}</code>`] : []),
    grouped(number),
    duration(ms),
    how === 'done' ? 'done' : html`<span class="failed">failed</span>`,
    grouped(worker),
    grouped(attempts),
    duration(atMs),
  ]);
  const key = hasKeys ? ['Key'] : [];
  const heads = [...key, 'Item', 'Last attempt took', 'Outcome', hosts ? 'Host' : 'Worker', 'Attempts', 'Ended at'];
  return table({
    caption: slowest.length === 1 ? 'The slowest item' : `The ${plural(slowest.length, 'slowest item')}`,
    heads,
    rows,
  });
}

const MODES = { new: 'started', resume: 'resumed', 'retry-failed': 'failed items retried' } as const;

export function partsTable({ parts, partsLeftOut }: ReportData): Html {
  const rows = parts.map((part) => [
    html`<time datetime="${part.at}">${part.at}</time>`,
    MODES[part.mode] ?? part.mode,
    duration(part.toMs - part.fromMs),
    grouped(part.done),
    grouped(part.failed),
    stopOf(part.how),
    `${part.user} on ${part.host}`,
    part.commit === undefined ? '–' : html`<code>${part.commit.slice(0, 10)}</code>`,
    part.release ?? '–',
  ]);
  const left =
    partsLeftOut > 0 ? ` (${plural(partsLeftOut, 'part')} between the first ones and the last ones left out)` : '';
  const heads = ['When', 'What', 'Took', 'Done', 'Failed', 'How it ended', 'By', 'Commit', 'divvy'];
  return table({ caption: `The run and its resumes${left}`, heads, rows });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
