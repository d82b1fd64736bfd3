/** The runtime of this tree beside the one of another commit, in one interleaved run. */

import { join, relative, sep } from 'node:path';
import { type Commit, checkOut } from './commit.ts';
import { contest, type Measured } from './contest.ts';
import { median } from './median.ts';
import { shown, table } from './tables.ts';
import { type Contestant, RUNTIME, type Work } from './works.ts';

/**
 * Runs this runtime's contestants with both runtimes, and returns the result as Markdown. The contestants' programs are
 * those of this tree, so the commit may be older than they are.
 */
export async function against(
  works: readonly Work[],
  commit: Commit,
  options: { rounds: number; quick: boolean; folder: string; say: (line: string) => void },
): Promise<string> {
  const tree = join(options.folder, 'tree');
  checkOut(commit, tree);
  const theirs = (own: Contestant): Contestant => ({
    ...own,
    name: nameOfTheirs(own, commit),
    command: own.command.map((word) => (isOfRuntime(word) ? join(tree, 'runtime', relative(RUNTIME, word)) : word)),
    asManyAs: own.name, // the start counts for less in a longer run
  });
  const pairs = works.map((work) => {
    const [first, ...others] = work.contestants.filter(isOwn).flatMap((own) => [own, theirs(own)]);
    if (first === undefined) throw new Error(`bench/works.ts: no contestant of '${work.name}' runs this runtime`);
    return { ...work, contestants: [first, ...others], goals: [] } satisfies Work;
  });
  const measured = await contest(pairs, options);
  const rows = measured.flatMap((each) =>
    each.work.contestants.flatMap((own) => (own.asManyAs === undefined ? [rowOf(each, own, commit)] : [])),
  );
  const rounds = options.rounds === 1 ? 'one round' : `medians of ${options.rounds} rounds`;
  return [
    `This tree against ${commit.short}: ${rounds}. Above 1 this tree is better: faster, or with less memory.`,
    table(['work', '', 'this tree', commit.short, 'ratio of the medians', 'each round'], rows),
  ].join('\n\n');
}

const isOfRuntime = (word: string): boolean => word.startsWith(RUNTIME + sep);

/**
 * Without a cache there is nothing to compare: it shows what Node.js does. And a commit may be older than the metrics, which are
 * compared with a run that has none.
 */
function isOwn({ command, cold, load }: Contestant): boolean {
  return !cold && !load?.metrics && command.some(isOfRuntime);
}

const nameOfTheirs = ({ name }: Contestant, { short }: Commit): string => `${name} of ${short}`;

function rowOf({ work, figures }: Measured, own: Contestant, commit: Commit): string[] {
  const ours = figures.get(own.name) ?? [];
  const theirs = figures.get(nameOfTheirs(own, commit)) ?? [];
  const ratio = (mine = Number.NaN, other = Number.NaN): number =>
    work.unit === 'items/s' ? mine / other : other / mine;
  const each = ours.map((figure, round) => ratio(figure, theirs[round]));
  return [
    work.title,
    own.name,
    shown(median(ours), work.unit),
    shown(median(theirs), work.unit),
    `${ratio(median(ours), median(theirs)).toFixed(3)} ×`,
    `${Math.min(...each).toFixed(3)} to ${Math.max(...each).toFixed(3)}`,
  ];
}
