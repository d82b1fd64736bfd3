// `npm run bench:generator`: the generator beside create-vite, as whole programs, from the packed tarballs of both.
// Prints a Markdown table. Runs are paired and interleaved, now the one and now the other in front, so that what else the
// machine does falls on both alike.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freshMachine, npm, outside, run } from '../test/package/clients.ts';
import { pack } from '../test/package/pack.ts';
import { startRegistry } from '../test/package/registry.ts';
import { median } from './median.ts';

const PEER = 'create-vite@9.3.0';

const folder = mkdtempSync(join(tmpdir(), 'divvy-bench-'));
await using registry = await startRegistry();
let folders = 0;
const freshFolder = (): string => {
  const path = join(folder, String(++folders));
  mkdirSync(path);
  return path;
};

// Both packages are put into the registry, and installed from it.
const home = freshFolder();
const env = freshMachine(npm, home, registry.url);
writeFileSync(join(home, '.npmrc'), `//${new URL(registry.url).host}/:_authToken=any\n`);
await run(npm, ['pack', '--pack-destination', home, PEER], { cwd: home, env: outside() });
for (const tarball of [pack(home), join(home, `${PEER.replace('@', '-')}.tgz`)]) {
  await run(npm, ['publish', '--provenance=false', tarball], { cwd: home, env });
}
await run(npm, ['install', '--prefix', home, 'create-divvy-task', 'create-vite'], { cwd: home, env });

type Program = (cwd: string) => Promise<unknown>;
const execute = promisify(execFile);
const ours = join(home, 'node_modules/create-divvy-task/dist/create-divvy-task.cjs');
const theirs = join(home, 'node_modules/create-vite/index.js');
const node =
  (...args: string[]): Program =>
  (cwd) =>
    execute(process.execPath, args, { cwd, env });
const npmCreate =
  (...args: string[]): Program =>
  (cwd) =>
    run(npm, ['create', ...args], { cwd, env: freshMachine(npm, cwd, registry.url) });

interface Comparison {
  what: string;
  pairs: number;
  /** The most that it may take, as a multiple of the peer's time. */
  goal: number;
  divvy: Program;
  vite: Program;
}

const VITE_TEMPLATE = ['--template', 'vanilla-ts', '--no-interactive'];
const comparisons: Comparison[] = [
  {
    what: '`--help`',
    pairs: 40,
    goal: 1,
    divvy: node(ours, '--help'),
    vite: node(theirs, '--help'),
  },
  {
    what: 'a `basic` project; `vanilla-ts`',
    pairs: 40,
    goal: 2,
    divvy: node(ours, 'my-app', '--template', 'basic', '--yes', '--no-git', '--no-install'),
    vite: node(theirs, 'my-app', ...VITE_TEMPLATE),
  },
  {
    what: 'the same by `npm create`, nothing cached, registry on loopback',
    pairs: 10,
    goal: 1.25,
    divvy: npmCreate('divvy-task@latest', 'my-app', '--', '--template', 'basic', '--yes', '--no-git', '--no-install'),
    vite: npmCreate('vite@latest', 'my-app', '--', ...VITE_TEMPLATE),
  },
];

/** Nothing is removed before the end: for some seconds after many files went, ext4 takes several times as long to make one. */
async function milliseconds(program: Program): Promise<number> {
  const cwd = freshFolder();
  const start = performance.now();
  await program(cwd);
  return performance.now() - start;
}

console.log(`Node.js ${process.versions.node}, npm ${await run(npm, ['--version'], { cwd: home, env })}`.trim());
console.log(`${PEER}; ${availableParallelism()} cores; medians.\n`);
console.log('| | pairs | create-divvy-task | create-vite | ratio, median of pairs | goal |');
console.log('|---|---|---|---|---|---|');
for (const { what, pairs, goal, divvy, vite } of comparisons) {
  const times: { divvy: number; vite: number }[] = [];
  // The first pair of each, which finds nothing in the system's caches, is not counted.
  for (let pair = -1; pair < pairs; pair++) {
    const early = pair % 2 === 0 ? await milliseconds(divvy) : undefined;
    const peer = await milliseconds(vite);
    const own = early ?? (await milliseconds(divvy));
    if (pair >= 0) times.push({ divvy: own, vite: peer });
  }
  const ratio = median(times.map((pair) => pair.divvy / pair.vite));
  const [own, peer] = [median(times.map((pair) => pair.divvy)), median(times.map((pair) => pair.vite))];
  console.log(
    `| ${what} | ${pairs} | ${own.toFixed(0)} ms | ${peer.toFixed(0)} ms | ${ratio.toFixed(2)} | at most ${goal}: ${ratio <= goal ? 'met' : 'missed'} |`,
  );
}
rmSync(folder, { recursive: true });
