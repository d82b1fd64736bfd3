/** The command line of `npm run bench`. */

import { parseArgs } from 'node:util';
import { type Commit, commitOf } from './commit.ts';
import { type Contestant, WORKS, type Work } from './works.ts';

export const HELP = `npm run bench -- [options]
  --only WORK       only this work, as often as there are works to do: ${WORKS.map(({ name }) => name).join(', ')}
  --rounds N        how often each contestant runs (5)
  --quick           ten items each, once: whether everything runs, not how fast
  --write           put the result into docs/benchmarks.md and docs/benchmarks.svg
  --against COMMIT  compare this tree's runtime with the one of a commit, without the peers
  --profile WORK    show where this runtime spends its time in one work
  --journal         with --profile: with the journal
  --help`;

interface Wanted {
  readonly works: readonly Work[];
  readonly rounds: number;
  readonly quick: boolean;
  readonly write: boolean;
  readonly help: boolean;
  readonly against: Commit | undefined;
  readonly profile: { readonly work: Work; readonly contestant: Contestant } | undefined;
}

/** Throws if the command line asks for something that doesn't exist, or for things that exclude each other. */
export function wantedBy(args: string[]): Wanted {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      against: { type: 'string' },
      profile: { type: 'string' },
      journal: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { only, quick, write, against, profile, journal, help } = values;
  const chosen = only.map((name) => workOf('--only', name));
  const rounds = Number(values.rounds ?? (quick ? 1 : 5));
  if (!(Number.isSafeInteger(rounds) && rounds >= 1)) {
    throw new Error(`--rounds must be a whole number of at least 1, not '${values.rounds}'`);
  }
  if (write && (quick || only.length > 0 || against !== undefined || profile !== undefined)) {
    throw new Error('--write: the docs take a whole run, without --quick, --only, --against and --profile');
  }
  if (profile !== undefined && (only.length > 0 || values.rounds !== undefined || against !== undefined)) {
    throw new Error('--profile names its one work itself, and runs it once: leave out --only, --rounds and --against');
  }
  if (journal && profile === undefined) throw new Error('--journal belongs to --profile: give --profile too');
  return {
    works: chosen.length === 0 ? WORKS : WORKS.filter((work) => chosen.includes(work)),
    rounds,
    quick,
    write,
    help,
    profile: profile === undefined ? undefined : toProfile(workOf('--profile', profile), journal),
    against: against === undefined ? undefined : commitOf(against),
  };
}

function workOf(option: string, name: string): Work {
  const work = WORKS.find((each) => each.name === name);
  if (!work) throw new Error(`${option}: there is no work '${name}'`);
  return work;
}

function toProfile(work: Work, journal: boolean): { work: Work; contestant: Contestant } {
  const contestant = journal ? work.contestants.find(({ load }) => load?.journal) : work.contestants[0];
  if (!contestant) throw new Error(`--journal: '${work.name}' is never done with the journal; leave --journal out`);
  return { work, contestant };
}
