/** What was measured, as bars: an SVG that shows how many items a second each contestant got done. */

import type { Measured } from './contest.ts';
import { median } from './median.ts';
import { shown } from './tables.ts';

const WIDTH = 760;
const LABEL_WIDTH = 220;
const VALUE_WIDTH = 130;
const BAR_HEIGHT = 18;
const HEAD_HEIGHT = 40;
const MARGIN = 16;

export function plotOf(measured: readonly Measured[]): string {
  const parts: string[] = [];
  let y = MARGIN;
  for (const { work, figures } of measured) {
    if (work.unit !== 'items/s') continue;
    const rates = [...figures].map(([name, each]) => ({ name, rate: median(each) }));
    const longest = Math.max(...rates.map(({ rate }) => rate));
    parts.push(text(MARGIN, y + HEAD_HEIGHT / 2, work.title, 'font-weight="bold"'));
    y += HEAD_HEIGHT;
    for (const { name, rate } of rates) {
      const length = Math.max(1, (rate / longest) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH - 2 * MARGIN));
      const colour = name.startsWith('divvy') ? '#1a7f5a' : '#9aa4ad';
      const middle = y + BAR_HEIGHT / 2;
      parts.push(
        text(MARGIN + LABEL_WIDTH - 8, middle, name, 'text-anchor="end"'),
        `<rect x="${MARGIN + LABEL_WIDTH}" y="${y + 2}" width="${length.toFixed(1)}" height="${BAR_HEIGHT - 4}" fill="${colour}"/>`,
        text(MARGIN + LABEL_WIDTH + length + 6, middle, shown(rate, work.unit)),
      );
      y += BAR_HEIGHT;
    }
  }
  const height = y + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    '<title>Items per second of each contestant</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('`', '');
  return `<text x="${x.toFixed(1)}" y="${y}" dominant-baseline="central" fill="#1f2328" ${attributes}>${escaped}</text>`;
}
