/** The time of a run, as charts show it. */

import type { ChartData } from './data.ts';

/** Milliseconds between the ticks of an axis of time: what people count in. */
export const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000],
  ...[1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14_400].map((minutes) => minutes * 60_000),
];

/** A line of more points than this is more noise than line. */
const POINTS_MAX = 120;

/** Returns the columns of a run, each two, three, … as one if there are many. */
export function thinned({ columns }: ChartData): ChartData['columns'] {
  const { widthMs, done, failed, retried, running } = columns;
  const each = Math.ceil(done.length / POINTS_MAX);
  const sums = (row: readonly number[]): number[] =>
    Array.from({ length: Math.ceil(row.length / each) }, (_, at) =>
      row.slice(at * each, (at + 1) * each).reduce((sum, count) => sum + count, 0),
    );
  return {
    widthMs: widthMs * each,
    done: sums(done),
    failed: sums(failed),
    retried: sums(retried),
    running: sums(running).map((sum, at) => sum / Math.min(each, running.length - at * each)),
  };
}

/** Returns the ticks of an axis up to `end`, at least so far apart that `most` of them fit. */
export function ticks(end: number, most: number): number[] {
  const step = STEPS.find((each) => end / each <= most) ?? end;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, at) => at * step);
}
