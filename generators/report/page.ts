/** The whole page, in one file that needs nothing else. */

import { createHash } from 'node:crypto';
import { readIfThere } from '../package.ts';
import { noPageBundle } from './errors.ts';
import { Html, html, scriptData } from './html.ts';
import type { ReportData } from './read.ts';
import { sections, verdictOf } from './sections.ts';

/** How a page of ours begins: a file that begins so may be replaced. */
export const BEGINNING = '<!doctype html><!-- a report of divvy -->';

/** What the charts of the page are drawn from. */
function chartData({ columns, durations, lanes, samples, parts, tookMs }: ReportData): object {
  return {
    ...{ columns, durations, samples, tookMs },
    lanes: lanes.map(({ first, last, busy, deaths }) => ({ first, last, busy, deaths })),
    parts: parts.map(({ fromMs }) => fromMs),
  };
}

/** What changes in a page while its run goes on: its sections, and what its charts are drawn from. */
export function contents(name: string, data: ReportData): { title: string; html: string; chart: object } {
  return { title: titleOf(name, data), html: sections(name, data).text, chart: chartData(data) };
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
<title>${titleOf(name, data)}</title>
<style>${new Html(style)}</style></head>
<body${isLive && new Html(' data-live')}>
<div id="report">${sections(name, data)}</div>
<noscript><p class="about">Without a script there are no charts. The tables have the same numbers.</p></noscript>
<script type="application/json" id="data">${scriptData(chartData(data))}</script>
<script>${new Html(script)}</script>
</body></html>
`.text
  }`;
}

const titleOf = (name: string, data: ReportData): string => `${name}: ${verdictOf(data).word}`;

function bundled(path: string): string {
  const bytes = readIfThere(path);
  if (bytes === undefined) throw noPageBundle();
  return bytes.toString('utf8').trim();
}

const hashOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
