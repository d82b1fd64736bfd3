/** The charts of a report, by uPlot, and the lanes. */

import uPlot from 'uplot';
import { duration, grouped, RETRIES, rateBeside, short } from '../generators/report/numbers.ts';
import { type Chart, type ChartData, colour } from './data.ts';
import { drawLanes } from './lanes.ts';
import { STEPS, thinned } from './time.ts';

/** Draws every chart for which the page has a place. */
export function drawCharts(data: ChartData): Chart[] {
  const makers: Readonly<Record<string, (place: HTMLElement) => Chart>> = {
    throughput: (place) => plotIn(place, () => throughput(data)),
    running: (place) => plotIn(place, () => running(data)),
    durations: (place) => plotIn(place, () => durations(data)),
    memory: (place) => plotIn(place, () => memory(data)),
    lanes: (place) => drawLanes(place, data),
  };
  return [...document.querySelectorAll<HTMLElement>('[data-chart]')].flatMap((place) => {
    const maker = makers[place.dataset['chart'] ?? ''];
    return maker ? [maker(place)] : [];
  });
}

interface Plot {
  readonly label: string;
  readonly options: Omit<uPlot.Options, 'width' | 'height'>;
  readonly data: uPlot.AlignedData;
}

/** uPlot reads colours once, so a chart is made anew to change them. */
function plotIn(place: HTMLElement, make: () => Plot): Chart {
  let plot: uPlot | undefined;
  const draw = (): void => {
    plot?.destroy();
    const { label, options, data } = make();
    place.setAttribute('role', 'img');
    place.setAttribute('aria-label', label);
    const height = place.classList.contains('low') ? 160 : 240;
    plot = new uPlot({ ...options, width: place.clientWidth, height }, data, place);
  };
  draw();
  return { draw, end: () => plot?.destroy() };
}

/** As the lanes have it, so that all charts over time have one axis. */
const PADDING: uPlot.Padding = [12, 24, 0, 0];

/** Shorter durations count as this. */
const SHORTEST_MS = 0.001;
const FEWEST_BINS = 12;
/** Between the ticks of an axis that counts items: there is no half of one. */
const WHOLE = Array.from({ length: 16 }, (_, zeros) => [1, 2, 5].map((step) => step * 10 ** zeros)).flat();

const font = '12px system-ui, sans-serif';

function axis(values: (value: number) => string, size = 44): uPlot.Axis {
  return {
    stroke: colour('muted'),
    font,
    grid: { stroke: colour('grid'), width: 1 },
    ticks: { stroke: colour('grid'), width: 1, size: 4 },
    values: (_, splits) => splits.map((split) => (split === null ? '' : values(split))),
    size,
    gap: 4,
  };
}

const timeAxis = (): uPlot.Axis => ({ ...axis((ms) => duration(ms), 30), incrs: STEPS, space: 70 });

const line = (label: string, stroke: string, more: Partial<uPlot.Series> = {}): uPlot.Series => ({
  label,
  stroke,
  width: 2,
  points: { show: false },
  value: (_, value) => (value === null || value === undefined ? '–' : short(value)),
  ...more,
});

const timeSeries: uPlot.Series = {
  label: 'At',
  value: (_, ms) => (ms === null || ms === undefined ? '–' : duration(ms)),
};

/** Parts of a run have shades by turns, so that a resume can be seen. */
function shades({ parts, tookMs }: ChartData): uPlot.Plugin {
  return {
    hooks: {
      drawClear: ({ ctx, bbox, valToPos }) => {
        if (parts.length < 2) return;
        for (const [at, from] of parts.entries()) {
          if (at % 2 === 0) continue;
          const left = valToPos(from, 'x', true);
          const right = valToPos(parts[at + 1] ?? tookMs, 'x', true);
          ctx.fillStyle = colour('shade');
          ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
        }
      },
    },
  };
}

/** A chart over the time of the run. */
function overTime(
  data: ChartData,
  label: string,
  at: readonly number[],
  series: uPlot.Series[],
  rows: readonly (readonly (number | null)[])[],
  unit: (value: number) => string,
): Plot {
  const end = Math.max(data.tookMs, at.at(-1) ?? 0, 1);
  return {
    label,
    data: [at, ...rows] as unknown as uPlot.AlignedData, // uPlot changes no data
    options: {
      scales: { x: { time: false, range: [0, end] }, y: { range: (_, __, most) => [0, Math.max(most * 1.08, 0.5)] } },
      axes: [timeAxis(), axis(unit, 68)],
      series: [timeSeries, ...series],
      plugins: [shades(data)],
      padding: PADDING,
      cursor: { points: { size: 6 }, y: false, drag: { x: false, y: false } },
      legend: { live: true },
    },
  };
}

type Columns = ChartData['columns'];

const middles = ({ widthMs, done }: Columns, tookMs: number): number[] =>
  done.map((_, at) => Math.min((at + 0.5) * widthMs, Math.max(tookMs, widthMs / 2)));

function throughput(data: ChartData): Plot {
  const columns = thinned(data);
  const { widthMs } = columns;
  const last = columns.done.length - 1;
  // The last column is not over when the run is.
  const width = (at: number): number => (at === last ? Math.max(data.tookMs - at * widthMs, widthMs / 10) : widthMs);
  const perSecond = (row: readonly number[]): number[] => row.map((count, at) => (count / width(at)) * 1000);
  // Where there is none there is no line: the one at zero is that of the axis.
  const shown = (row: readonly number[]): (number | null)[] => perSecond(row).map((each) => (each > 0 ? each : null));
  const points = pointsOf(columns.done);
  const series: uPlot.Series[] = [];
  const rows: (number | null)[][] = [];
  if (some(columns.done)) {
    series.push(line('Done', colour('done'), { fill: colour('done-fill'), points }));
    rows.push(perSecond(columns.done));
  }
  if (some(columns.failed)) {
    series.push(
      line('Failed', colour('failed'), { width: 2, points: { show: true, size: 5, fill: colour('failed') } }),
    );
    rows.push(shown(columns.failed));
  }
  if (some(columns.retried)) {
    series.push(line(RETRIES, colour('retried'), { dash: [6, 4], points: { show: true, size: 6, width: 2 } }));
    rows.push(shown(columns.retried));
  }
  return overTime(
    data,
    'A chart of items a second over time; the table below has its numbers',
    middles(columns, data.tookMs),
    series,
    rows,
    rateBeside(Math.max(0, ...rows.flat().map(Number))),
  );
}

function running(data: ChartData): Plot {
  const columns = thinned(data);
  const points = pointsOf(columns.running);
  const series = [line('In progress', colour('done'), { fill: colour('done-fill'), points })];
  return overTime(
    data,
    'A chart of how many items were in progress over time',
    middles(columns, data.tookMs),
    series,
    [columns.running],
    short,
  );
}

function memory(data: ChartData): Plot {
  const { at, master, median, largest } = data.samples;
  const points = pointsOf(at);
  const value: uPlot.Series['value'] = (_, each) => (each === null || each === undefined ? '–' : megabytes(each));
  const lines = [
    { row: largest, series: line('Largest worker', colour('largest'), { value, points }) },
    { row: median, series: line('Median worker', colour('done'), { value, points, dash: [8, 3] }) },
    { row: master, series: line('Master', colour('retried'), { value, points, dash: [2, 3] }) },
  ].filter(({ row }) => row.some((each) => each > 0));
  // With 0 none was measured: nothing is drawn there.
  const rows = lines.map(({ row }) => row.map((each) => (each > 0 ? each : null)));
  return overTime(
    data,
    'A chart of memory over time',
    at,
    lines.map(({ series }) => series),
    rows,
    megabytes,
  );
}

const some = (row: readonly number[]): boolean => row.some((count) => count > 0);

/** One value alone is no line, so of few there are points. */
const pointsOf = (values: readonly unknown[]): uPlot.Series.Points => ({ show: values.length < 3 });

const megabytes = (value: number): string => `${grouped(value)} MB`;

/** Bars of equal width on a logarithmic axis: uPlot gets the number of each bin. */
function durations({ durations: { from, binsPerDecade, done, failed, p50, p90, p99 } }: ChartData): Plot {
  const msAt = (bin: number): number => 10 ** ((from + bin) / binsPerDecade);
  const binOf = (ms: number): number => Math.log10(ms) * binsPerDecade - from;
  // A few bins alone would be very wide bars.
  const beside = Math.max(0, Math.ceil((FEWEST_BINS - done.length) / 2));
  const bins = Array.from({ length: done.length + 2 * beside }, (_, at) => at - beside);
  // A bar of 0 would still be a line at the axis, so there is none.
  const counts = (of: (bin: number) => number): (number | null)[] => bins.map((bin) => of(bin) || null);
  const failedIn = (bin: number): number => failed[bin] ?? 0;
  const bars = uPlot.paths.bars?.({ size: [0.9, Number.POSITIVE_INFINITY], align: 1 });
  const bar = (label: string, name: string, value: uPlot.Series.Value): uPlot.Series => ({
    ...line(label, colour(name), { width: 1, fill: colour(name), value }),
    ...(bars && { paths: bars }),
  });
  const inBin =
    (counts: readonly number[]): uPlot.Series.Value =>
    (_, __, ___, at) =>
      at === null || at === undefined ? '–' : grouped(counts[at - beside] ?? 0);
  const marks: uPlot.Plugin = {
    hooks: {
      draw: ({ ctx, bbox, valToPos }) => {
        ctx.save();
        ctx.strokeStyle = colour('ink');
        ctx.fillStyle = colour('ink');
        ctx.lineWidth = devicePixelRatio;
        ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
        for (const [at, [name, ms]] of (
          [
            ['p50', p50],
            ['p90', p90],
            ['p99', p99],
          ] as const
        ).entries()) {
          if (!(ms > 0)) continue;
          const x = Math.round(valToPos(binOf(Math.max(ms, SHORTEST_MS)), 'x', true));
          ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
          ctx.setLineDash([]);
          const isRight = x > bbox.left + bbox.width - 60 * devicePixelRatio;
          ctx.textAlign = isRight ? 'right' : 'left';
          ctx.fillText(name, x + (isRight ? -4 : 4) * devicePixelRatio, bbox.top + (12 + at * 14) * devicePixelRatio);
        }
        ctx.restore();
      },
    },
  };
  return {
    label: 'A chart of how long items took; the table below has its numbers',
    data: [
      bins,
      // Bars of what is done stand on those of what failed.
      ...(some(done) ? [counts((bin) => (done[bin] ?? 0) + failedIn(bin))] : []),
      ...(some(failed) ? [counts(failedIn)] : []),
    ] as unknown as uPlot.AlignedData, // uPlot changes no data
    options: {
      scales: {
        x: { time: false, range: [-beside, done.length + beside] },
        y: { range: (_, __, most) => [0, Math.max(1, most * 1.3)] },
      },
      axes: [
        {
          ...axis((bin) => duration(msAt(bin)), 30),
          splits: () => decades(from, done.length + beside, binsPerDecade, -beside),
          space: 1,
        },
        { ...axis(short, 68), incrs: WHOLE },
      ],
      series: [
        { label: 'From', value: (_, bin) => (bin === null || bin === undefined ? '–' : duration(msAt(bin))) },
        ...(some(done) ? [bar('Done', 'done', inBin(done))] : []),
        ...(some(failed) ? [bar('Failed', 'failed', inBin(failed))] : []),
      ],
      plugins: [marks],
      padding: PADDING,
      cursor: { points: { show: false }, y: false, drag: { x: false, y: false } },
      legend: { live: true },
    },
  };
}

/** The bins at which 1 ms, 10 ms, … begin; of few decades also those at 2 and 5. */
function decades(from: number, bins: number, binsPerDecade: number, least: number): number[] {
  const steps = bins - least > 2 * binsPerDecade ? [1] : [1, 2, 5];
  const first = Math.floor((from + least) / binsPerDecade);
  const found: number[] = [];
  for (let decade = first; decade <= first + (bins - least) / binsPerDecade + 1; decade++)
    for (const step of steps) {
      const bin = (decade + Math.log10(step)) * binsPerDecade - from;
      if (bin >= least - 1e-6 && bin <= bins) found.push(bin);
    }
  return found;
}
