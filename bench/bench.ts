/**
 * `npm run bench`: this runtime beside its peers, as whole programs, in one interleaved run. Prints Markdown on stdout; what
 * is going on, on stderr. `npm run bench -- --help` says what it can be told.
 */

import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import manifest from '../package.json' with { type: 'json' };
import { ContestantFailed, contest, type Measured } from './contest.ts';
import { plotOf } from './plot.ts';
import { tablesOf } from './tables.ts';
import { WORKS, type Work } from './works.ts';

const HELP = `npm run bench -- [options]
  --only WORK   only this work, as often as there are works to do: ${WORKS.map(({ name }) => name).join(', ')}
  --rounds N    how often each contestant runs (5)
  --quick       ten items each, once: whether everything runs, not how fast
  --write       put the result into docs/benchmarks.md and docs/benchmarks.svg
  --help`;

/** Where in docs/benchmarks.md the result stands. */
const BEGIN = '<!-- npm run bench -- --write: begin -->';
const END = '<!-- npm run bench -- --write: end -->';
const docs = (file: string): string => join(import.meta.dirname, '../docs', file);

interface Wanted {
  readonly works: readonly Work[];
  readonly rounds: number;
  readonly quick: boolean;
  readonly write: boolean;
  readonly help: boolean;
}

/** Throws where the command line asks for what there is not. */
function wantedBy(args: string[]): Wanted {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { only, quick, write, help } = values;
  for (const name of only) {
    if (!WORKS.some((work) => work.name === name)) throw new Error(`--only: there is no work '${name}'`);
  }
  const rounds = Number(values.rounds ?? (quick ? 1 : 5));
  if (!(Number.isSafeInteger(rounds) && rounds >= 1)) {
    throw new Error(`--rounds must be a whole number of at least 1, not '${values.rounds}'`);
  }
  if (write && (quick || only.length > 0))
    throw new Error('--write: the docs take a whole run, without --quick and --only');
  return {
    works: only.length === 0 ? WORKS : WORKS.filter(({ name }) => only.includes(name)),
    rounds,
    quick,
    write,
    help,
  };
}

/** What the figures depend on. */
function circumstances(rounds: number, measured: readonly Measured[]): string {
  const peers = ['jest-worker', 'piscina', 'tinypool', 'workerpool'] as const;
  const absent = measured.flatMap((each) => each.absent);
  return [
    `Node.js ${process.versions.node} on ${process.platform}, ${availableParallelism()} CPUs; ${rounds === 1 ? 'one round' : `medians of ${rounds} rounds`}.`,
    `Peers: ${peers.map((peer) => `${peer} ${manifest.devDependencies[peer]}`).join(', ')}.`,
    `Journal: on ${fileSystemOf(tmpdir())}; each line written before its item counts as done, synced within 100 ms.`,
    ...(absent.length > 0 ? [`Not installed, and left out: ${absent.join(', ')}.`] : []),
  ].join('\n');
}

/** The names of the file systems that there usually are, by what statfs(2) calls them. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  801189825: 'zfs',
  16914836: 'tmpfs',
  2035054128: 'overlayfs',
};

function fileSystemOf(folder: string): string {
  const { type } = statfsSync(folder);
  return FILE_SYSTEMS[type] ?? `a file system of type 0x${type.toString(16)}`;
}

/** Throws where docs/benchmarks.md has no place for the result. */
function withResult(result: string): string {
  const page = readFileSync(docs('benchmarks.md'), 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/benchmarks.md must have the lines '${BEGIN}' and '${END}'`);
  return `${page.slice(0, begin + BEGIN.length)}\n${result}\n${page.slice(end)}`;
}

async function main(): Promise<void> {
  let wanted: Wanted;
  try {
    wanted = wantedBy(process.argv.slice(2));
  } catch (error) {
    console.error(`bench: ${(error as Error).message}\n${HELP}`);
    process.exitCode = 2;
    return;
  }
  const { works, rounds, quick, write, help } = wanted;
  if (help) {
    console.log(HELP);
    return;
  }
  if (write) withResult(''); // better now than after the run
  const folder = mkdtempSync(join(tmpdir(), 'divvy-bench-'));
  process.once('SIGINT', () => process.exit(130));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const measured = await contest(works, { rounds, quick, folder, say: (line) => console.error(line) });
  const result = `${circumstances(rounds, measured)}\n\n${tablesOf(measured)}`;
  console.log(result);
  if (!write) return;
  writeFileSync(docs('benchmarks.md'), withResult(result));
  writeFileSync(docs('benchmarks.svg'), plotOf(measured));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ContestantFailed)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
