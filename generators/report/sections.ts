/** What the page says, from top to bottom. */

import { bytesOf } from './fitted.ts';
import { type Html, html } from './html.ts';
import { duration, grouped, plural, RETRIES, rate } from './numbers.ts';
import type { FailureGroup, ReportData } from './read.ts';
import { durationsTable, memoryTable, partsTable, slowestTable, throughputTable, workersTable } from './tables.ts';
import { verdictOf } from './verdict.ts';

/** So many errors are shown with keys and times; of the others, a line each. */
const IN_FULL = 20;
const LINE_MAX = 200;

/** All sections. `name` is the task's name; `stacks` says how many bytes all stacks together may take. */
export function sections(name: string, data: ReportData, stacks: number): Html {
  return html`${header(name, data)}
<main>
${figures(data)}
${throughput(data)}
${durations(data)}
${workers(data)}
${failures(data, stacks)}
${slowest(data)}
${memory(data)}
${history(data)}
</main>`;
}

function header(name: string, data: ReportData): Html {
  const { kind, word, sentence } = verdictOf(data);
  const [first] = data.parts;
  const by = first ? html` · by ${first.user} on ${first.host}` : '';
  const given = data.args === '' ? '' : html`<div><dt>Arguments</dt><dd><code>${data.args}</code></dd></div>`;
  const options = data.options === '' ? '' : html`<div><dt>Options</dt><dd><code>${data.options}</code></dd></div>`;
  return html`<header class="${kind}">
<p class="what">divvy run <code>${data.runId}</code></p>
<h1>${name}</h1>
<p class="verdict"><strong>${word}</strong> ${sentence}</p>
${bar(data)}
${data.why !== undefined && html`<p class="why">It failed: <code>${data.why}</code></p>`}
${data.cut !== undefined && html`<p class="cut" role="note">This report is not whole: ${data.cut}</p>`}
${data.next.map((line) => command(line, data.folder))}
<p class="when">Began <time datetime="${data.began}">${data.began}</time>${end(data)}${by} · read from the journal <time datetime="${data.at}">${data.at}</time></p>
<dl class="given">${given}${options}</dl>
</header>`;
}

/** When the run ended. An end before the beginning is none: somebody has put the clock back since. */
function end({ began, ended }: ReportData): Html | string {
  if (ended === undefined) return '';
  if (Date.parse(ended) < Date.parse(began))
    return ' (the clock was put back after that, so when it ended is left out)';
  return html`, ended <time datetime="${ended}">${ended}</time>`;
}

const BAR = 1000;
/** A part of the bar that is narrower can't be seen. */
const NARROWEST = 2;

/** How much is done, failed and left, as one bar. */
function bar({ done, failed, total = 0 }: ReportData): Html {
  const all = Math.max(total, done + failed);
  if (all === 0) return html``;
  const left = all - done - failed;
  const widths = [done, failed, left].map((count) => (count > 0 ? Math.max(NARROWEST, (count / all) * BAR) : 0));
  // The widest gives what the others have too much, so that they stay within the bar.
  const widest = widths.indexOf(Math.max(...widths));
  widths[widest] = BAR - widths.reduce((sum, width, at) => (at === widest ? sum : sum + width), 0);
  const [doneWidth = 0, failedWidth = 0] = widths;
  const part = (what: string, x: number, width: number): Html | false =>
    width > 0 && html`<rect class="${what}" x="${x}" y="0" width="${width}" height="10"/>`;
  const label = `${grouped(done)} done, ${grouped(failed)} failed, ${grouped(left)} left`;
  return html`<svg class="bar" viewBox="0 0 ${BAR} 10" preserveAspectRatio="none" role="img" aria-label="${label}"><rect class="left" width="${BAR}" height="10"/>${part('done', 0, doneWidth)}${part('failed', doneWidth, failedWidth)}</svg>`;
}

/** `to go on: node …`, as a command that can be copied. It works in that folder. */
function command(line: string, folder: string | undefined): Html {
  const at = line.indexOf(': ');
  const [what, text] = at < 0 ? ['', line] : [line.slice(0, at), line.slice(at + 2)];
  const label = what === '' ? '' : `${what[0]?.toUpperCase()}${what.slice(1)}`;
  return html`<div class="command"><span>${label}${folder !== undefined && html`${label !== '' && ', '}in <code>${folder}</code>`}</span><code tabindex="0">${text}</code></div>`;
}

function figures({
  done,
  failed,
  retried,
  died,
  tookMs,
  durations: { p50, p99, ...measured },
  lanes,
  hosts,
}: ReportData): Html {
  const items = done + failed;
  const workers = lanes.at(-1)?.last ?? 0;
  const figure = (value: string, what: string, look = ''): Html =>
    html`<div class="figure ${look}"><dd>${value}</dd><dt>${what}</dt></div>`;
  return html`<section id="figures" aria-label="Figures"><dl class="figures">
${figure(grouped(done), 'done')}
${figure(grouped(failed), 'failed', failed > 0 ? 'failed' : '')}
${figure(grouped(retried), retried === 1 ? 'retry after an error' : RETRIES.toLowerCase())}
${items > 0 && tookMs > 0 && figure(rate((items / tookMs) * 1000), 'on average')}
${measured.done.length > 0 && figure(duration(p50), `half took at most this, 99% at most ${duration(p99)}`)}
${figure(grouped(workers), hosts ? (workers === 1 ? 'host' : 'hosts') : `${workers === 1 ? 'worker' : 'workers'}, ${died === 0 ? 'none died' : `${plural(died, 'process').replace('processs', 'processes')} died`}`)}
</dl></section>`;
}

function throughput(data: ReportData): Html {
  if (data.done + data.failed + data.retried === 0) return html``;
  return html`<section id="throughput"><h2>Throughput</h2>
<p class="about">Items a second, by the time since the start.${data.parts.length > 1 && ' Only time in which the run was going counts. A new shade is a resume.'}${endedTwice(data)}</p>
<div class="chart" data-chart="throughput"></div>
<h3>Items in progress</h3>
<div class="chart low" data-chart="running"></div>
${throughputTable(data)}</section>`;
}

/** What happened over time counts each attempt that ended an item; everything else counts the item. */
function endedTwice({ columns, done, failed }: ReportData): string {
  const ends = [...columns.done, ...columns.failed].reduce((sum, each) => sum + each, 0);
  return ends > done + failed ? ' An item that was begun again after its end counts here each time that it ended.' : '';
}

function durations(data: ReportData): Html {
  const { unmatched = 0 } = data;
  const { p50, p90, p99, max, done } = data.durations;
  const twice =
    unmatched > 0
      ? ` So many items had failed that ${plural(unmatched, 'item')} ended by a retry ${unmatched === 1 ? 'counts' : 'count'} here twice.`
      : ' Each item counts once, with its last attempt.';
  if (done.length === 0) return html``;
  return html`<section id="durations"><h2>How long items took</h2>
<p class="about">Half took at most <b>${duration(p50)}</b>, 90% at most <b>${duration(p90)}</b>, 99% at most <b>${duration(p99)}</b>. The longest took <b>${duration(max)}</b>. The axis is logarithmic.${twice}</p>
<div class="chart" data-chart="durations"></div>
${durationsTable(data)}</section>`;
}

function workers(data: ReportData): Html {
  const { lanes, died, hosts } = data;
  if (lanes.length === 0) return html``;
  const isBand = lanes.some(({ first, last }) => last > first);
  const who = hosts ? 'host' : 'worker';
  const bands = isBand ? ` There are more ${who}s than lanes, so each lane shows several ${who}s.` : '';
  const deaths = died > 0 ? ' A cross is a process that died or was killed.' : '';
  return html`<section id="workers"><h2>${hosts ? 'Hosts' : 'Workers'}</h2>
<p class="about">A lane for each ${who}: the fuller the colour, the busier it was.${bands}${deaths}${endedTwice(data)}</p>
<div class="lanes" data-chart="lanes"></div>
${workersTable(data)}</section>`;
}

function failures({ failures: groups, otherFailures, unmatched }: ReportData, stacks: number): Html {
  if (groups.length === 0 && otherFailures === 0) return html``;
  let left = stacks;
  const shown = groups.slice(0, IN_FULL).map((group) => {
    const length = bytesOf(group.details.join('\n'));
    const isShown = length <= left && length > 0;
    if (isShown) left -= length;
    return failure(group, isShown, length > 0);
  });
  const rest = groups
    .slice(IN_FULL)
    .map(
      (group) =>
        html`<li><b>${grouped(group.left || group.count)} ×</b> <code>${cut(group.error)}</code>${doneSince(group)}</li>`,
    );
  const done = groups.reduce((sum, { count, left }) => sum + count - left, 0);
  const since =
    done > 0 && unmatched === undefined
      ? ` Of the items that had these errors, a retry has done ${grouped(done)} since.`
      : '';
  return html`<section id="failures"><h2>Failures</h2>
<p class="about">Equal errors are one group; … stands for the part that differs. Times count from the start.${since}</p>
<ol class="failures">${shown}</ol>
${rest.length > 0 && html`<details><summary>${plural(rest.length, 'more error')}</summary><ul>${rest}</ul></details>`}
${otherFailures > 0 && html`<p>${grouped(otherFailures)} ${groups.length > 0 && 'more '}${otherFailures === 1 ? 'item' : 'items'} failed: <code>divvy failures</code> lists them all.</p>`}
</section>`;
}

function failure(group: FailureGroup, isShown: boolean, has: boolean): Html {
  const { error, count, left, first, firstMs, lastMs, details } = group;
  const when = left === 1 ? `at ${duration(firstMs)}` : `from ${duration(firstMs)} to ${duration(lastMs)}`;
  // Of items without keys of the task's own, there are the numbers.
  const noun = first.some((item) => typeof item === 'string') ? 'key' : 'item';
  const listed = first.map(
    (item, at) => html`${at > 0 && ', '}<code>${typeof item === 'number' ? grouped(item) : item}</code>`,
  );
  const keys = html` · ${left > first.length ? 'first ' : ''}${plural(first.length, noun).replace(/^1 /, '')}: ${listed}`;
  const more =
    has && !isShown ? html`<p class="about">The stack is left out: <code>divvy failures</code> has it.</p>` : '';
  return html`<li><p class="error"><b>${plural(left || count, 'item')}</b> <code>${error}</code></p>
<p class="about">${left > 0 && html`${when}${first.length > 0 && keys}`}${doneSince(group)}</p>
${isShown && html`<details><summary>Where</summary><pre tabindex="0">${details.join('\n')}</pre></details>`}${more}</li>`;
}

/** The items of a group that have its error no more. */
function doneSince({ count, left }: FailureGroup): string {
  if (left === count) return '';
  return left > 0 ? ` · ${grouped(count - left)} more done by a retry since` : ' · all done by a retry since';
}

function slowest(data: ReportData): Html {
  if (data.slowest.length === 0) return html``;
  return html`<section id="slowest"><h2>${data.slowest.length === 1 ? 'The slowest item' : 'The slowest items'}</h2>${slowestTable(data)}</section>`;
}

function memory(data: ReportData): Html {
  const { largest, master } = data.samples;
  const worker = Math.max(0, ...largest);
  const main = Math.max(0, ...master);
  if (worker + main === 0) return html``;
  const had = [
    ...(worker > 0 ? [`the largest worker had ${grouped(worker)} MB`] : []),
    ...(main > 0 ? [`the master had ${grouped(main)} MB`] : []),
  ].join(', ');
  const about = `${had[0]?.toUpperCase()}${had.slice(1)}.`;
  return html`<section id="memory"><h2>Memory</h2><p class="about">${about}</p>
<div class="chart low" data-chart="memory"></div>
${memoryTable(data)}</section>`;
}

function history(data: ReportData): Html {
  return html`<section id="history"><h2>History</h2>${partsTable(data)}</section>`;
}

const cut = (text: string): string => (text.length > LINE_MAX ? `${[...text].slice(0, LINE_MAX).join('')}…` : text);
