/** Runs the contestants, one after another, as programs of their own. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Load, Report } from './load.ts';
import { median } from './median.ts';
import type { Contestant, Unit, Work } from './works.ts';

/** What a contestant writes: a Report, or when its first item was started, by the system's clock, in milliseconds. */
type Written = Report | { readonly startedAt: number };

/** How long a run is to take where the count follows from that. */
const AIM_SECONDS = 2;
const MOST_ITEMS = 4_000_000;
/**
 * Before a round counts. In each, a contestant gets as many items as it would have done in time at the pace of the one before: a
 * short run shows how fast a program starts, and how slow it is before it is compiled.
 */
export const UNCOUNTED_ROUNDS = 4;
export const QUICK: Partial<Load> = { count: 10, napMs: 5, firstNapMs: 5 };

/** A contestant could not start, or did not do what it was told: there is nothing to compare. */
export class ContestantFailed extends Error {}

/** What was measured of one work: for each contestant, its figure in each round. */
export interface Measured {
  readonly work: Work;
  readonly counts: ReadonlyMap<string, number>;
  readonly figures: ReadonlyMap<string, readonly number[]>;
  /** Who did not take part, since it is not installed. */
  readonly absent: readonly string[];
}

/**
 * Has every contestant of every work run once a round. What runs one after another in a round shares what else the machine
 * does, so figures of the same round are what can be compared.
 *
 * rounds - how many, behind those that are not counted.
 * quick  - a few items only, and every round counts: whether everything runs, not how fast.
 * folder - where the contestants keep what is temporary.
 * say    - is told what is going on.
 */
export async function contest(
  works: readonly Work[],
  { rounds, quick, folder, say }: { rounds: number; quick: boolean; folder: string; say: (line: string) => void },
): Promise<Measured[]> {
  const entered = works.map((work) => ({
    work,
    contestants: work.contestants.filter(isInstalled),
    counts: new Map<string, number>(),
    figures: new Map<string, number[]>(),
    absent: work.contestants.filter((contestant) => !isInstalled(contestant)).map(({ name }) => name),
  }));
  for (const { contestants, figures } of entered) {
    for (const { name } of contestants) figures.set(name, []); // in the order of the table
  }
  for (let round = quick ? 1 : 1 - UNCOUNTED_ROUNDS; round <= rounds; round++) {
    for (const { work, contestants, counts, figures } of entered) {
      if (round < 0 && work.unit !== 'items/s') continue; // its count is fixed, and once fills the caches
      say(round < 1 ? `${work.name}, not counted` : `${work.name}, round ${round} of ${rounds}`);
      for (const contestant of round % 2 ? contestants : contestants.toReversed()) {
        const { name, asManyAs } = contestant;
        const count = counts.get(asManyAs ?? name);
        // A round that is not counted shows how many items are enough, or else only fills the caches.
        const few = quick || (round < 1 && work.unit !== 'items/s');
        const load = contestant.load && { ...contestant.load, ...(count && { count }), ...(few && QUICK) };
        const figure = await run({ ...contestant, ...(load && { load }) }, work.unit, folder);
        if (round > 0) figures.get(name)?.push(figure);
        else if (work.unit === 'items/s') counts.set(name, enough(figure, work.aimSeconds));
      }
    }
  }
  return entered;
}

function isInstalled({ needs: [command, ...args] = [] }: Contestant): boolean {
  return command === undefined || spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/**
 * Runs one contestant, and returns its figure. Throws ContestantFailed.
 *
 * nodeOptions - options for each Node.js process of it.
 */
export async function run(
  { name, command: [file = '', ...args], load, cold }: Contestant,
  unit: Unit,
  folder: string,
  nodeOptions = '',
): Promise<number> {
  // The compile cache is in the folder for what is temporary.
  const temporary = cold ? mkdtempSync(join(folder, 'cold-')) : join(folder, 'warm');
  mkdirSync(temporary, { recursive: true });
  const began = performance.timeOrigin + performance.now();
  const child = spawn(file, load ? [...args, JSON.stringify(load)] : args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary, NODE_OPTIONS: nodeOptions },
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.prependOnceListener('exit', kill); // before the folder that it works in is deleted
  const [stdout, stderr, [status, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  process.off('exit', kill);
  const failed = (what: string): ContestantFailed =>
    new ContestantFailed(`${name}: ${what}\n${stdout}${stderr}`.trimEnd());
  if (status !== 0) throw failed(`it ended with ${signal ?? `exit code ${status}`}`);
  const written = JSON.parse(stdout) as Written;
  if ('startedAt' in written) return written.startedAt - began;
  const { items, seconds, peakBytes } = written;
  if (load && items !== load.count) throw failed(`${items} of ${load.count} items were done`);
  return unit === 'items/s' ? items / seconds : unit === 'MB' ? peakBytes / 2 ** 20 : seconds;
}

/** How many items a contestant gets that does so many in a second: a number of two digits and zeros. */
export function enough(itemsPerSecond: number, aimSeconds = AIM_SECONDS): number {
  const most = MOST_ITEMS * (aimSeconds / AIM_SECONDS);
  return Math.min(most, Math.max(1, Number((itemsPerSecond * aimSeconds).toPrecision(2))));
}

/** The median of what the figures of two contestants, or of one, come to in each round. Throws for one that is not there. */
export function inEachRound(
  { figures, work }: Measured,
  one: string,
  other: string,
  combine: (one: number, other: number) => number,
): number {
  const of = (name: string): readonly number[] => {
    const each = figures.get(name);
    if (!each) throw new Error(`bench/works.ts: ${work.name} has no contestant '${name}'`);
    return each;
  };
  const others = of(other);
  return median(of(one).map((figure, round) => combine(figure, others[round] ?? Number.NaN)));
}
