/**
 * The script of a report: draws the charts, and follows a live one. Runs in the browser. Without it the page has the same
 * numbers in its tables.
 */

import { drawCharts } from './charts.ts';
import type { Chart, ChartData } from './data.ts';

const place = document.getElementById('report');
let charts: readonly Chart[] = [];

/** Times in the reader's own zone. */
function localTimes(): void {
  for (const time of document.querySelectorAll('time')) {
    const date = new Date(time.dateTime);
    if (!Number.isNaN(date.getTime()))
      time.textContent = date.toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' });
  }
}

/** A command is marked by a click, and copied where the browser allows that. */
function copyable(): void {
  for (const code of document.querySelectorAll('.command code')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Copy';
    button.addEventListener('click', async () => {
      getSelection()?.selectAllChildren(code);
      try {
        await navigator.clipboard.writeText(code.textContent ?? '');
        button.textContent = 'Copied';
      } catch {
        button.textContent = 'Marked: press Ctrl+C'; // a page from a file may not copy by itself
      }
    });
    code.after(button);
  }
}

function show(data: ChartData): void {
  for (const chart of charts) chart.end();
  localTimes();
  copyable();
  charts = drawCharts(data);
}

show(JSON.parse(document.getElementById('data')?.textContent ?? 'null'));

const redraw = (): void => {
  for (const chart of charts) chart.draw();
};
// Paper is white, whatever the screen is.
const paper = matchMedia('print');
paper.addEventListener('change', redraw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
addEventListener('beforeprint', redraw);
addEventListener('afterprint', redraw);
let width = innerWidth;
addEventListener('resize', () => {
  if (innerWidth !== width) redraw();
  width = innerWidth;
});

/** Which parts the reader has opened, by their place: they stay open when the page is renewed. */
function opened(): boolean[] {
  return [...document.querySelectorAll('details')].map((each) => each.open);
}

function follow(): void {
  const events = new EventSource('events');
  const note = document.createElement('p');
  note.className = 'live';
  note.setAttribute('role', 'status');
  note.textContent = 'Live: this page follows the run.';
  document.body.prepend(note);
  events.onmessage = ({ data }) => {
    const { title, html, chart } = JSON.parse(data);
    const open = opened();
    const { scrollY } = window;
    document.title = title;
    if (place) place.innerHTML = html;
    for (const [at, each] of [...document.querySelectorAll('details')].entries()) each.open = open[at] ?? false;
    show(chart);
    scrollTo(0, scrollY);
  };
  events.addEventListener('over', () => {
    events.close();
    note.textContent = 'The run has ended. This page stays as it is; the terminal says where the report was written.';
  });
  events.onerror = () => {
    events.close();
    note.textContent = 'divvy report --live has ended, so this page no longer follows the run.';
  };
}

if (document.body.hasAttribute('data-live')) follow();
