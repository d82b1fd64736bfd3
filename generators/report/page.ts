/** The whole page, in one file that needs nothing else. */

import { createHash } from 'node:crypto';
import { readIfThere } from '../package.ts';
import { noPageBundle } from './errors.ts';
import { bytesOf, fitted } from './fitted.ts';
import { Html, html, scriptData } from './html.ts';
import type { ReportData } from './read.ts';
import { sections } from './sections.ts';
import { verdictOf } from './verdict.ts';

/** How a page of ours begins: a file that begins so may be replaced. */
export const BEGINNING = '<!doctype html><!-- a report of divvy -->';

/** No page is larger, whatever its run was. */
const BYTES_MAX = 250_000;
/** So much of a page are its stacks at most. */
const STACKS_BYTES = 40_000;
/** How much of what its texts may take there may be room for; the least is next to nothing. */
const SHARES = [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64] as const;

/** What the charts of the page are drawn from. */
function chartData({ columns, durations, lanes, samples, parts, tookMs }: ReportData): object {
  const { at, master, median, largest } = samples;
  return {
    ...{ columns, durations, samples: { at, master, median, largest }, tookMs },
    lanes: lanes.map(({ first, last, busy, deaths }) => ({ first, last, busy, deaths: digitsOf(deaths, busy.length) })),
    parts: parts.map(({ fromMs }) => fromMs),
  };
}

/** Columns as bits, a hexadecimal digit for four: with many crashes, numbers would be most of the page. */
function digitsOf(marked: readonly number[], columns: number): string {
  const digits: number[] = [];
  for (const column of marked) {
    const at = Math.floor(column / 4);
    if (column < columns) digits[at] = (digits[at] ?? 0) | (1 << (column % 4));
  }
  return Array.from(digits, (digit = 0) => digit.toString(16)).join('');
}

/** What changes in a page while its run goes on: its sections, and what its charts are drawn from. */
interface Contents {
  readonly title: string;
  readonly html: string;
  readonly chart: object;
}

/** Returns the contents of a page, within the bytes that it may have beside its style and script. */
export function contents(name: string, data: ReportData): Contents {
  const chart = chartData(data);
  const room = BYTES_MAX - Buffer.byteLength(pageOf({ title: '', html: '', chart }, true));
  let drawn = { title: '', html: '', chart };
  for (const share of SHARES) {
    const shown = fitted(data, share);
    const html = sections(name, shown, STACKS_BYTES * share).text;
    drawn = { title: `${name}: ${verdictOf(shown).word}`, html, chart };
    if (Buffer.byteLength(html) + bytesOf(drawn.title) <= room) break;
  }
  return drawn;
}

/**
 * The page.
 *
 * name - the task's name.
 * isLive - it asks the server that it came from for what is new.
 *
 * Throws a Refusal if this is a checkout that was not built.
 */
export function page(name: string, data: ReportData, isLive: boolean): string {
  return pageOf(contents(name, data), isLive);
}

function pageOf({ title, html: body, chart }: Contents, isLive: boolean): string {
  const script = bundled('dist/page.js');
  const style = bundled('dist/page.css');
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    ...(isLive ? ["connect-src 'self'"] : []),
  ].join('; ');
  return `${BEGINNING}\n${
    html`<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Html(style)}</style></head>
<body${isLive && new Html(' data-live')}>
<div id="report">${new Html(body)}</div>
<noscript><p class="about">Without a script there are no charts. The tables have the same numbers.</p></noscript>
<script type="application/json" id="data">${scriptData(chart)}</script>
<script>${new Html(script)}</script>
</body></html>
`.text
  }`;
}

function bundled(path: string): string {
  const bytes = readIfThere(path);
  if (bytes === undefined) throw noPageBundle();
  return bytes.toString('utf8').trim();
}

const hashOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
