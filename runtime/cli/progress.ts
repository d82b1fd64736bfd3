/**
 * Shows the progress of a run. On a terminal it is a line at the bottom, which is erased before any other line is
 * written; elsewhere a plain line now and then. Runs in the master. Internal.
 */

import { fstatSync } from 'node:fs';
import type { Counts } from '../parallelizable.ts';
import { Rate } from '../text/rate.ts';
import { beforeWrites, isLineOpen, writeAside } from '../text/shared-stream.ts';
import { coloured, columnsOf, type Look, takesEscapes, widthOf } from '../text/terminal.ts';
import { grouped, plural, seconds } from '../text/words.ts';

const DRAWN_EVERY_MS = 250;
const SAID_EVERY_MS = 60_000;
/** The time left is an estimate, shown once there is enough to go by: a share of the items, or some time. */
const LEFT_FROM_SHARE = 0.02;
const LEFT_FROM_MS = 5000;
const BAR = 12;

const ERASE = '\r\x1b[K';
/**
 * Moves below a line that is still open, and back to its end. At the bottom of the terminal, moving down scrolls, so
 * save the position after that.
 */
const BELOW = '\x1bD\x1b[A\x1b7\x1b[B';
const BACK = '\x1b8';

/** The state of the run. */
export interface Standing {
  readonly counts: Counts;
  /** How many items there will be, if known. */
  readonly total: number | undefined;
  /** How many items are behind the place at which `dispatch` goes on. */
  readonly before: number;
  /** How many workers are running. */
  readonly workers: number;
  readonly isPaused: boolean;
}

/** A part of the line, and how it looks. */
interface Part {
  readonly text: string;
  readonly look: Look;
}

/** Puts the state into words, and measures the rate over the last seconds. */
export class Progress {
  readonly #began: number;
  readonly #rate: Rate;

  constructor(now: number = performance.now()) {
    this.#began = now;
    this.#rate = new Rate(now);
  }

  /** Returns the parts of the line: first the count, then everything else that is known. */
  parts({ counts, total, before, workers, isPaused }: Standing, now: number = performance.now()): Part[] {
    const { done, failed, retried, skipped } = counts;
    const ended = done + failed;
    const met = before + ended + skipped;
    const rate = this.#rate.perSecond(ended, now);
    const parts: Part[] = [];
    const isKnown = total !== undefined && rate > 0 && !isPaused;
    const add = (text: string, look: Look = 'plain'): number => parts.push({ text, look });
    if (total === undefined) add(`${plural(met, 'item')}`);
    else add(`${grouped(met)} of ${grouped(total)}`);
    if (rate > 0) add(`${rate < 10 ? rate.toFixed(1) : grouped(Math.round(Number(rate.toPrecision(3))))}/s`);
    if (isPaused) add('paused', 'again');
    const left = isKnown ? Math.max(0, total - met) / rate : undefined;
    const isGuess = total !== undefined && met / total < LEFT_FROM_SHARE && now - this.#began < LEFT_FROM_MS;
    if (left !== undefined && !isGuess) add(`${seconds(Math.ceil(left) * 1000)} left`);
    if (failed > 0) add(`${grouped(failed)} failed`, 'bad');
    if (retried > 0) add(`${grouped(retried)} retried`, 'again');
    add(plural(workers, 'worker'), 'dim');
    return parts;
  }
}

/** Returns the share that is done, as a bar and a percentage. */
function barOf(share: number): string {
  const full = Math.round(share * BAR);
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${Math.floor(share * 100)}%`;
}

/** Returns the line for a terminal of this width, with colours. */
export function drawn(
  parts: readonly Part[],
  share: number | undefined,
  columns: number,
  stream: NodeJS.WriteStream,
): string {
  const [first = { text: '', look: 'plain' as const }, ...others] = parts;
  const bar = share === undefined ? '' : `${barOf(share)}  `;
  const hasBar = bar !== '' && widthOf(bar + first.text) < columns;
  let used = widthOf(first.text) + (hasBar ? widthOf(bar) : 0);
  if (used >= columns) return first.text.slice(0, Math.max(0, columns - 1));
  let line = `${hasBar ? coloured(bar, 'good', stream) : ''}${first.text}`;
  for (const { text, look } of others) {
    used += 3 + widthOf(text);
    if (used >= columns) break;
    line += coloured(' · ', 'dim', stream) + coloured(text, look, stream);
  }
  return line;
}

/** Returns the same for a log. */
export function plainly(parts: readonly Part[], share: number | undefined): string {
  const percent = share === undefined ? '' : ` (${Math.floor(share * 100)}%)`;
  return parts.map(({ text }, at) => (at === 0 ? `${text}${percent}` : text)).join(', ');
}

function shareOf({ counts: { done, failed, skipped }, before, total }: Standing): number | undefined {
  if (total === undefined) return undefined;
  return total === 0 ? 1 : Math.min(1, (before + done + failed + skipped) / total);
}

/**
 * Draws the line until it is stopped. It writes past the patched `write`, so that the lines of others are not affected.
 *
 * Returns a function that stops it.
 */
export function drawProgress(standing: () => Standing): () => void {
  const stream = process.stderr;
  const progress = new Progress();
  const streams = [process.stdout, stream].filter(({ isTTY }) => isTTY);
  const write = (text: string): void => writeAside(stream, text);
  let shown: 'no' | 'on its line' | 'below an open one' = 'no';
  const erase = (): void => {
    if (shown !== 'no') write(shown === 'on its line' ? ERASE : `${ERASE}${BACK}`);
    shown = 'no';
  };
  const draw = (): void => {
    erase();
    const now = standing();
    const isOpen = streams.some((each) => isLineOpen(each));
    const line = drawn(progress.parts(now), shareOf(now), columnsOf(stream), stream);
    write(`${isOpen ? BELOW : ''}\r${line}\x1b[K`);
    shown = isOpen ? 'below an open one' : 'on its line';
  };
  const ends = streams.map((each) => beforeWrites(each, erase));
  const timer = setInterval(draw, DRAWN_EVERY_MS);
  return () => {
    clearInterval(timer);
    erase();
    for (const end of ends) end();
  };
}

/**
 * Reports the progress now and then until it is stopped.
 *
 * Returns a function that stops it.
 */
export function sayProgress(
  say: (text: string) => void,
  standing: () => Standing,
  everyMs: number = SAID_EVERY_MS,
): () => void {
  const progress = new Progress();
  const timer = setInterval(() => {
    const now = standing();
    say(plainly(progress.parts(now), shareOf(now)));
  }, everyMs);
  return () => clearInterval(timer);
}

/**
 * Returns how to show progress: drawn on a terminal, as lines elsewhere. If stdout is piped, the reader may be a pager,
 * which owns the terminal; so nothing is drawn there unless asked for.
 *
 * wanted - the value of --progress and --no-progress.
 */
export function waysOfProgress(wanted: boolean | undefined): 'draw' | 'say' | 'none' {
  if (wanted === false) return 'none';
  if (!process.stderr.isTTY || !takesEscapes(process.stderr)) return 'say';
  return wanted || !isPiped() ? 'draw' : 'none';
}

function isPiped(): boolean {
  try {
    const stdout = fstatSync(1);
    return stdout.isFIFO() || stdout.isSocket();
  } catch {
    return false; // it is closed
  }
}
