/**
 * Shows the progress of a run. On a terminal it is a line that always stands below all output (footer.ts); elsewhere a
 * plain line now and then. Runs in the master. Internal.
 */

import { fstatSync } from 'node:fs';
import type { Counts } from '../parallelizable.ts';
import { type Expected, outlookOf } from '../text/outlook.ts';
import { Rate } from '../text/rate.ts';
import { isSameTerminal } from '../text/same-place.ts';
import { coloured, columnsOf, type Look, takesEscapes, widthOf } from '../text/terminal.ts';
import { cutTo, grouped, plural, seconds } from '../text/words.ts';
import { Footer } from './footer.ts';

/** How often what the line says is worked out. It is drawn as often as output needs it. */
const WORKED_OUT_EVERY_MS = 250;
const SAID_EVERY_MS = 60_000;
/** The time left is an estimate, shown once there is enough to go by: a share of the items, or some time. */
const LEFT_FROM_SHARE = 0.02;
const LEFT_FROM_MS = 5000;
const BAR = 12;

/** The state of the run. */
export interface Standing {
  readonly counts: Counts;
  readonly expected: Expected;
  /** How many workers are running. */
  readonly workers: number;
  /** How many hosts take part; undefined if the run is on this machine alone. */
  readonly hosts?: number | undefined;
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
  parts({ counts, expected, workers, hosts, isPaused }: Standing, now: number = performance.now()): Part[] {
    const { failed, retried } = counts;
    const { met, total, left } = outlookOf(counts, expected);
    const rate = this.#rate.perSecond(counts, now);
    const parts: Part[] = [];
    const add = (text: string, look: Look): number => parts.push({ text, look });
    if (total === undefined) add(`${plural(met, 'item')}`, 'good');
    else add(`${grouped(met)} of ${grouped(total)}`, 'good');
    if (rate > 0) add(`${rate < 10 ? rate.toFixed(1) : grouped(Math.round(Number(rate.toPrecision(3))))}/s`, 'dim');
    if (isPaused) add('paused', 'again');
    const isGuess = total !== undefined && met / total < LEFT_FROM_SHARE && now - this.#began < LEFT_FROM_MS;
    if (left && rate > 0 && !isPaused && !isGuess) add(`${seconds(Math.ceil(left / rate) * 1000)} left`, 'dim');
    if (failed > 0) add(`${grouped(failed)} failed`, 'bad');
    if (retried > 0) add(`${grouped(retried)} retried`, 'again');
    add(hosts === undefined ? plural(workers, 'worker') : plural(hosts, 'host'), 'dim');
    return parts;
  }
}

/** Returns the share that is done, as a bar. */
function barOf(share: number): string {
  const full = Math.round(share * BAR);
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)} `;
}

/** Returns the line for a terminal of this width, with colours. It is always narrower than that. */
export function drawn(
  parts: readonly Part[],
  share: number | undefined,
  columns: number,
  stream: NodeJS.WriteStream,
): string {
  const [first = { text: '', look: 'plain' as const }, ...others] = parts;
  const percent = share === undefined ? [] : [`${Math.floor(share * 100)}%`];
  // If the terminal is too narrow for all of it, less is better than a number that is cut.
  const heads = [
    ...percent.map((text) => `${barOf(share ?? 0)}${text}  ${first.text}`),
    first.text,
    ...percent,
    cutTo(first.text, Math.max(1, columns - 1)),
  ];
  const widthWith = (more: readonly Part[]): number => more.reduce((sum, { text }) => sum + 3 + widthOf(text), 0);
  // What failed is the last thing to be left out.
  const failures = others.filter(({ look }) => look === 'bad');
  const fits = (text: string, more: readonly Part[]): boolean => widthOf(text) + widthWith(more) < columns;
  const head = heads.find((text) => fits(text, failures)) ?? heads.find((text) => fits(text, [])) ?? '';
  let shown = fits(head, failures) ? failures : [];
  for (const part of others) {
    const more = others.filter((each) => each === part || shown.includes(each));
    if (!fits(head, more)) break;
    shown = more;
  }
  const told = shown.map(({ text, look }) => coloured(' · ', 'dim', stream) + coloured(text, look, stream));
  return coloured(head, first.look, stream) + told.join('');
}

/** Returns the same for a log. */
export function plainly(parts: readonly Part[], share: number | undefined): string {
  const percent = share === undefined ? '' : ` (${Math.floor(share * 100)}%)`;
  return parts.map(({ text }, at) => (at === 0 ? `${text}${percent}` : text)).join(', ');
}

function shareOf({ counts, expected }: Standing): number | undefined {
  const { met, total } = outlookOf(counts, expected);
  if (total === undefined) return undefined;
  return total === 0 ? 1 : met / total;
}

/**
 * Draws the line until it is stopped.
 *
 * Returns a function that stops it.
 */
export function drawProgress(
  standing: () => Standing,
  { stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'> = process,
): () => void {
  const progress = new Progress();
  const footer = new Footer(isSameTerminal(stdout, stderr) ? [stderr, stdout] : [stderr]);
  let parts: readonly Part[] = [];
  let share: number | undefined;
  const draw = (): void => footer.show(drawn(parts, share, columnsOf(stderr), stderr));
  const workOut = (): void => {
    const now = standing();
    parts = progress.parts(now);
    share = shareOf(now);
    draw();
  };
  workOut();
  const timer = setInterval(workOut, WORKED_OUT_EVERY_MS);
  stderr.on('resize', draw);
  return () => {
    clearInterval(timer);
    stderr.off('resize', draw);
    footer.end();
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
