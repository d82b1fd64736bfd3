/** Where the processor time of this runtime goes, in the master and in the workers. */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ContestantFailed, enough, QUICK, run, UNCOUNTED_ROUNDS } from './contest.ts';
import { shown, table } from './tables.ts';
import type { Contestant, Work } from './works.ts';

const HOME = join(import.meta.dirname, '..');
/** Time between two samples, in microseconds. */
const INTERVAL = 200;
const MOST_FUNCTIONS = 15;
/** Numbers in a quick profile: with the few items of QUICK, hardly a function but those that load modules would be seen. */
const QUICK_NUMBERS = 100_000;
/** What V8 calls the time in no function: these rows are always there. */
const NO_FUNCTION = ['(idle)', '(program)', '(garbage collector)'];

/** What contestants/usage.mjs writes. */
interface Usage {
  readonly pid: number;
  /** The number of a worker; the master has none. */
  readonly worker?: string;
  readonly user: number;
  readonly kernel: number;
}

/** What V8 writes, as far as it is needed. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/**
 * Runs a contestant twice with the same items, without the profiler and with it, and returns the result as Markdown. The
 * processor time is that of the first run, because the profiler needs some of its own.
 */
export async function profile(
  { title, unit }: Work,
  wanted: Contestant,
  { quick, folder, say }: { quick: boolean; folder: string; say: (line: string) => void },
): Promise<string> {
  let contestant = wanted;
  if (wanted.load && quick) {
    const few = wanted.load.items === 'numbers' ? { ...QUICK, count: QUICK_NUMBERS } : QUICK;
    contestant = { ...wanted, load: { ...wanted.load, ...few } };
  }
  for (let round = 0; round < UNCOUNTED_ROUNDS && !quick; round++) {
    say('not counted');
    const figure = await run(contestant, unit, folder);
    if (contestant.load && unit === 'items/s') {
      contestant = { ...contestant, load: { ...contestant.load, count: enough(figure) } };
    }
  }
  say('without the profiler');
  const plain = join(folder, 'plain');
  const figure = await run(contestant, unit, folder, observed(plain));
  say('with the profiler');
  const profiled = join(folder, 'profiled');
  const sampling = `--cpu-prof --cpu-prof-interval=${INTERVAL} --cpu-prof-dir=${quoted(profiled)}`;
  const slowed = await run(contestant, unit, folder, `${observed(profiled)} ${sampling}`);

  const count = contestant.load?.count;
  const items = count === undefined ? '' : `, ${count.toLocaleString('en')} items`;
  const [master = [], workers = []] = profilesIn(profiled);
  return [
    `${title}, ${wanted.name}${items}: ${shown(figure, unit)}, and ${shown(slowed, unit)} with the profiler.`,
    `### Processor time\n\n${usageTable(usagesIn(plain), count)}`,
    `### Master\n\n${functionTable(master)}`,
    `### Workers\n\n${functionTable(workers)}`,
  ].join('\n\n');
}

/** The options that make each process write its Usage into this folder. */
function observed(folder: string): string {
  mkdirSync(folder);
  const url = pathToFileURL(join(import.meta.dirname, 'contestants/usage.mjs'));
  url.searchParams.set('folder', folder);
  return `--import=${url.href}`;
}

/** As NODE_OPTIONS takes a word with spaces in it. */
function quoted(word: string): string {
  return `"${word.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** What the processes wrote: the master first, then the workers by their numbers. */
function usagesIn(folder: string): Usage[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.usage.json'))
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Usage)
    .toSorted((a, b) => Number(a.worker ?? 0) - Number(b.worker ?? 0));
}

/** The profiles of the main threads: of the master, and of the workers. Throws if one has none: it was killed. */
function profilesIn(folder: string): [CpuProfile[], CpuProfile[]] {
  const files = readdirSync(folder);
  const found: [CpuProfile[], CpuProfile[]] = [[], []];
  for (const { pid, worker } of usagesIn(folder)) {
    // CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile
    const file = files.find(
      (name) => name.endsWith('.cpuprofile') && name.split('.').slice(3, 5).join() === `${pid},0`,
    );
    if (file !== undefined) {
      found[worker === undefined ? 0 : 1].push(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile);
    }
  }
  const [master, workers] = found.map(({ length }) => length);
  if (!master || !workers) {
    throw new ContestantFailed(
      `${master ? 'no worker' : 'the master'} wrote a profile: was a process killed? Each must end by itself; try again`,
    );
  }
  return found;
}

function usageTable(usages: readonly Usage[], count: number | undefined): string {
  const row = (title: string, of: (usage: Usage) => string): string[] => [title, ...usages.map(of)];
  return table(
    ['', ...usages.map(({ worker }) => (worker === undefined ? 'master' : `worker ${worker}`))],
    [
      row('user', ({ user }) => `${user.toFixed(2)} s`),
      row('kernel', ({ kernel }) => `${kernel.toFixed(2)} s`),
      ...(count === undefined
        ? []
        : [row('both, for each item of the run', ({ user, kernel }) => microseconds((user + kernel) / count))]),
    ],
  );
}

const microseconds = (seconds: number): string => `${(seconds * 1e6).toFixed(2)} µs`;

/** The functions that took most time themselves, without what they called. */
function functionTable(profiles: readonly CpuProfile[]): string {
  const times = selfTimes(profiles);
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const share = (time: number): string => `${((100 * time) / total).toFixed(1)} %`;
  const functions = [...times].filter(([row]) => !NO_FUNCTION.includes(row)).toSorted(([, a], [, b]) => b - a);
  const rest = functions.slice(MOST_FUNCTIONS).reduce((sum, [, time]) => sum + time, 0);
  return table(
    ['function', 'where', 'self time'],
    [
      ...NO_FUNCTION.map((name) => [name, '', share(times.get(name) ?? 0)]),
      ...functions.slice(0, MOST_FUNCTIONS).map(([row, time]) => [...row.split('\n'), share(time)]),
      ['all others', '', share(rest)],
    ],
  );
}

/** The time of each function, by its name, a line feed and its place; in no function, by V8's name for that. */
function selfTimes(profiles: readonly CpuProfile[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const { nodes, samples, timeDeltas } of profiles) {
    const rows = new Map(nodes.map(({ id, callFrame }) => [id, rowOf(callFrame)]));
    samples.forEach((id, index) => {
      const row = rows.get(id) ?? '';
      times.set(row, (times.get(row) ?? 0) + (timeDeltas[index] ?? 0));
    });
  }
  return times;
}

function rowOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  if (NO_FUNCTION.includes(functionName)) return functionName;
  const file = url.startsWith('file:') ? relative(HOME, fileURLToPath(url)) : url;
  // V8 counts lines from 0, and its own functions have no file.
  return `${functionName || '(anonymous)'}\n${file === '' ? 'native' : `${file}:${lineNumber + 1}`}`;
}
