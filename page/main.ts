/**
 * The script of a report: draws the charts, and follows a live one. Runs in the browser. Without it the page has the same
 * numbers in its tables.
 */

import morphdom from 'morphdom';
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
  for (const code of document.querySelectorAll('.command > code')) {
    if (code.nextElementSibling) continue;
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
/** What was opened for a print, where nobody can open it, and is closed again behind it. */
let unfolded: HTMLDetailsElement[] = [];

function forPaper(isPaper: boolean): void {
  if (isPaper) unfolded.push(...document.querySelectorAll<HTMLDetailsElement>('details:not([open])'));
  for (const details of unfolded) details.open = isPaper;
  if (!isPaper) unfolded = [];
  // A print is always in light colours.
  redraw();
}

// A browser may say both that it prints, and that it shows how a print would look.
const paper = matchMedia('print');
paper.addEventListener('change', ({ matches }) => forPaper(matches));
addEventListener('beforeprint', () => forPaper(true));
addEventListener('afterprint', () => forPaper(false));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
let width = innerWidth;
addEventListener('resize', () => {
  if (innerWidth !== width) redraw();
  width = innerWidth;
});

/**
 * Changes only what differs: what the reader has opened, marked or focused stays. What scripts have put into the page is
 * theirs.
 */
function renew(html: string): void {
  if (!place) return;
  const focused = document.activeElement;
  morphdom(place, `<div id="report">${html}</div>`, {
    childrenOnly: true,
    onBeforeElUpdated: (from, to) => {
      if (from instanceof HTMLDetailsElement && to instanceof HTMLDetailsElement) to.open = from.open;
      return !from.hasAttribute('data-chart') && !from.isEqualNode(to);
    },
    onBeforeNodeDiscarded: (node) => !(node instanceof HTMLButtonElement),
  });
  // An element that was moved has lost the focus.
  if (focused instanceof HTMLElement && focused !== document.activeElement) focused.focus({ preventScroll: true });
}

const FOLLOWS = 'Live: this page follows the run.';

function follow(): void {
  const events = new EventSource('events');
  const note = document.createElement('p');
  note.className = 'live';
  note.setAttribute('role', 'status');
  note.textContent = FOLLOWS;
  document.body.prepend(note);
  events.onmessage = ({ data }) => {
    const { title, html, chart } = JSON.parse(data);
    document.title = title;
    renew(html);
    show(chart);
    note.textContent = FOLLOWS;
  };
  events.addEventListener('over', ({ data }) => {
    events.close();
    note.textContent = data;
  });
  // The browser tries again by itself.
  events.onerror = () => {
    note.textContent =
      'divvy report --live does not answer: trying again. If you have ended it, this page stays as it is.';
  };
}

if (document.body.hasAttribute('data-live')) follow();
