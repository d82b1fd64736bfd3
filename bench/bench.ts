/**
 * `npm run bench`: this runtime beside its peers, as whole programs, in one interleaved run. Prints Markdown on stdout; what
 * is going on, on stderr. `npm run bench -- --help` says what it can be told.
 */

import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { availableParallelism, constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { against } from './against.ts';
import { HELP, wantedBy } from './arguments.ts';
import { ContestantFailed, contest, type Measured } from './contest.ts';
import { plotOf } from './plot.ts';
import { profile } from './profile.ts';
import { tablesOf } from './tables.ts';

/** Where in docs/benchmarks.md the result stands. */
const BEGIN = '<!-- npm run bench -- --write: begin -->';
const END = '<!-- npm run bench -- --write: end -->';
const docs = (file: string): string => join(import.meta.dirname, '../docs', file);

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
  let wanted: ReturnType<typeof wantedBy>;
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
  const options = { rounds, quick, folder: temporaryFolder(), say: (line: string): void => console.error(line) };
  if (wanted.profile) {
    console.log(await profile(wanted.profile.work, wanted.profile.contestant, options));
    return;
  }
  if (wanted.against) {
    console.log(await against(works, wanted.against, options));
    return;
  }
  const measured = await contest(works, options);
  const result = `${circumstances(rounds, measured)}\n\n${tablesOf(measured)}`;
  console.log(result);
  if (!write) return;
  writeFileSync(docs('benchmarks.md'), withResult(result));
  writeFileSync(docs('benchmarks.svg'), plotOf(measured));
}

/** It goes when this process exits, also by a signal. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-bench-'));
  // Again if it isn't empty: a worker may still be on its way out.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
  return folder;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ContestantFailed)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
