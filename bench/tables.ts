/** What was measured, in Markdown: the goals, then a table for each work. */

import { inEachRound, type Measured } from './contest.ts';
import { median } from './median.ts';
import type { Goal, Unit } from './works.ts';

export function tablesOf(measured: readonly Measured[]): string {
  const goals = measured.flatMap((each) => [
    ...each.work.goals.map((goal) => goalRow(each, goal)),
    ...journalRow(each),
  ]);
  return [
    table(['work', 'goal', 'measured', ''], goals),
    ...measured.map((each) => `### ${each.work.title}\n\n${figuresOf(each)}`),
  ].join('\n\n');
}

/** A figure as it is shown, with its unit. */
export function shown(figure: number, unit: Unit): string {
  if (unit === 's') return `${figure.toFixed(2)} s`;
  if (unit === 'items/s') return `${Number(figure.toPrecision(3)).toLocaleString('en')} items/s`;
  return `${Number(figure.toFixed(unit === 'ms' ? 0 : 1))} ${unit}`;
}

const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`;

function goalRow(measured: Measured, { of, limit, times: peer, above }: Goal): string[] {
  const { unit, title, contestants } = measured.work;
  const name = of ?? contestants[0].name;
  const value = inEachRound(measured, name, peer ?? above ?? name, (own, other) =>
    peer !== undefined ? own / other : above !== undefined ? own - other : own,
  );
  const most = unit !== 'items/s';
  const wanted =
    peer !== undefined
      ? `${limit} × ${peer}`
      : above !== undefined
        ? `${limit} ${unit} above ${above}`
        : `${limit} ${unit}`;
  return [
    name === contestants[0].name ? title : `${title}; ${name}`,
    `at ${most ? 'most' : 'least'} ${wanted}`,
    peer !== undefined ? times(value) : shown(value, unit),
    (most ? value <= limit : value >= limit) ? 'met' : '**not met**',
  ];
}

/** What the journal costs, where a work was done with it and without. */
function journalRow(measured: Measured): string[][] {
  const name = 'divvy (journal on)';
  if (!measured.figures.has(name)) return [];
  const seconds = inEachRound(measured, 'divvy', name, (off, on) => 1 / on - 1 / off);
  return [[`${measured.work.title}; the journal's cost`, 'shown', `${(seconds * 1e6).toFixed(2)} µs per item`, '']];
}

function figuresOf(measured: Measured): string {
  const { work, figures, counts } = measured;
  const [{ name: own }] = work.contestants;
  const compared = work.unit !== 'MB';
  const sized = counts.size > 0;
  const rows = [...figures].map(([name, each]) => {
    const ratio = inEachRound(measured, own, name, (mine, other) =>
      work.unit === 'items/s' ? mine / other : other / mine,
    );
    return [
      name === own ? `**${name}**` : name,
      ...(sized ? [(counts.get(name) ?? Number.NaN).toLocaleString('en')] : []),
      shown(median(each), work.unit),
      ...(compared ? [name === own ? '' : times(ratio)] : []),
    ];
  });
  return table(['', ...(sized ? ['items'] : []), 'median', ...(compared ? ['divvy against it'] : [])], rows);
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
