/**
 * A line on the terminal that says how far a run is, and gets out of the way of every other line. Runs in the master. Internal.
 */

import type { Counts } from '../parallelizable.ts';
import { plural, seconds } from '../report.ts';

const EVERY_MS = 250;
const ERASE = '\r\x1b[K';

/**
 * Shows the line until it is stopped.
 *
 * counts - how the run stands.
 * total  - how many items there will be, once that is known.
 *
 * Returns what stops it.
 */
export function showProgress(counts: () => Counts, total: () => number | undefined): () => void {
  const began = performance.now();
  let shown = false;
  let drawing = false;
  const erase = (): void => {
    if (!shown || drawing) return;
    shown = false;
    process.stderr.write(ERASE);
  };
  const restore = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write;
    stream.write = ((...written: Parameters<typeof write>): boolean => {
      erase();
      return Reflect.apply(write, stream, written) as boolean;
    }) as typeof write;
    return () => {
      stream.write = write;
    };
  });
  const draw = (): void => {
    drawing = true;
    process.stderr.write(
      `${ERASE}${lineOf(counts(), total(), performance.now() - began).slice(0, (process.stderr.columns ?? 80) - 1)}`,
    );
    drawing = false;
    shown = true;
  };
  const timer = setInterval(draw, EVERY_MS);
  return () => {
    clearInterval(timer);
    erase();
    for (const undo of restore) undo();
  };
}

function lineOf({ done, failed, dispatched, skipped }: Counts, total: number | undefined, ms: number): string {
  const ended = done + failed;
  const rate = ended / (ms / 1000);
  const parts = [
    total === undefined ? `${plural(done, 'item')} done` : `${done} of ${plural(total - skipped, 'item')} done`,
  ];
  if (failed > 0) parts.push(`${failed} failed`);
  parts.push(`${dispatched - ended} in progress`);
  if (ended > 0) parts.push(`${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`);
  if (ended > 0 && total !== undefined)
    parts.push(`${seconds((Math.max(0, total - skipped - ended) / rate) * 1000)} left`);
  return parts.join(', ');
}
