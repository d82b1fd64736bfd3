// The bench runs: every contestant does the work that it is told to do. How fast is nothing for a test.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';

const bench = join(import.meta.dirname, '../bench/bench.ts');

/** Runs the bench with ten items for each contestant, and returns what it prints. */
function quick(...args: string[]): string {
  return execFileSync(process.execPath, [bench, '--quick', ...args], { encoding: 'utf8', stdio: 'pipe' });
}

/** Expects a row for each contestant, with a figure in this unit. */
function expectRows(printed: string, names: readonly string[], unit: string): void {
  const rows = printed.split('\n');
  for (const name of names) {
    const row = rows.find((each) => each.startsWith(`| ${name} |`) || each.startsWith(`| **${name}** |`));
    expect(row, name).toMatch(new RegExp(`\\| [\\d.,]+ ${unit} \\|`));
  }
}

test('every contestant does ten items, and has its row', { timeout: 300_000 }, () => {
  const printed = quick('--only', 'numbers');
  const contestants = [
    'divvy',
    'divvy (journal on)',
    'limit (no guarantees)',
    'jest-worker (processes)',
    'jest-worker (processes, JSON)',
    'workerpool (processes)',
    'workerpool (threads)',
    'piscina (threads)',
    'tinypool (threads)',
    'fork IPC (1 in flight)',
    'fork IPC (32 in flight)',
  ];
  expectRows(printed, contestants, 'items/s');
  // A goal is met or not: with ten items it may be either.
  expect(printed).toMatch(
    /^\| Numbers \| at least 0\.6 × limit \(no guarantees\) \| [\d.]+ × \| (met|\*\*not met\*\*) \|$/m,
  );
  expect(printed).toMatch(/^\| Numbers; the journal's cost \| shown \| -?[\d.]+ µs per item \| {2}\|$/m);
});

test('large Buffers beside a program written by hand, and memory with and without the journal', () => {
  const printed = quick('--only', 'buffers', '--only', 'memory');
  expectRows(printed, ['divvy', 'hand-written (same design)', 'piscina (threads, moved)'], 'items/s');
  expect(printed).toMatch(/^\| Buffers of 1 MB \| at least 0\.8 × hand-written \(same design\) \|/m);
  for (const journal of ['', ', journal on']) {
    const runs = ['100,000', '1,000,000', '4,000,000'].map((count) => `divvy (${count} items${journal})`);
    expectRows(printed, runs, 'MB');
    for (const run of runs.slice(1)) {
      expect(printed).toContain(`| Peak memory of the master; ${run} | at most 10 MB above ${runs[0]} |`);
    }
  }
});

test('a run with metrics beside one without', () => {
  const printed = quick('--only', 'metrics');
  expectRows(printed, ['divvy', 'divvy (--metrics-file)'], 'items/s');
  expect(printed).toMatch(
    /^\| Numbers, with metrics and without; divvy \(--metrics-file\) \| at least 0\.97 × divvy \| [\d.]+ × \|/m,
  );
});

test('a profile has the processor time, and the functions of the master and of the workers', () => {
  const printed = quick('--profile', 'numbers', '--journal');
  expect(printed).toMatch(/^Numbers, divvy \(journal on\), 100,000 items: [\d.,]+ items\/s, and /);
  // The run may be over before the second worker is there.
  expect(printed).toMatch(/^\| {2}\| master \| worker 1 \|( worker 2 \|)?$/m);
  expect(printed).toMatch(/^\| kernel( \| \d+\.\d\d s){2,3} \|$/m);
  const [, master = '', workers = ''] = printed.split(/^### (?:Master|Workers)$/m);
  for (const functions of [master, workers]) {
    for (const name of ['(idle)', '(program)', '(garbage collector)', 'all others']) {
      expect(functions).toContain(`\n| ${name} |  | `);
    }
    const shares = [...functions.matchAll(/ ([\d.]+) % \|$/gm)].map(([, share]) => Number(share));
    expect(shares).toHaveLength(3 + 15 + 1);
    expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(100, -1);
  }
  expect(printed).toMatch(/^\| .+ \| runtime\/[\w/.-]+:\d+ \| [\d.]+ % \|$/m);
});

test('this tree and a commit, side by side: each has a figure, and nothing is left', () => {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-test-'));
  const args = [bench, '--quick', '--against', 'HEAD', '--only', 'numbers', '--only', 'first-item'];
  const printed = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: 'pipe',
    env: { ...process.env, TMPDIR: folder },
  });
  const commit = git('rev-parse', '--short', 'HEAD').trim();
  expect(printed).toContain(`| work |  | this tree | ${commit} | ratio of the medians | each round |`);
  const figures = (unit: string): string =>
    `[\\d.,]+ ${unit} \\| [\\d.,]+ ${unit} \\| [\\d.]+ × \\| [\\d.]+ to [\\d.]+ \\|$`;
  expect(printed).toMatch(new RegExp(`^\\| Numbers \\| divvy \\| ${figures('items/s')}`, 'm'));
  expect(printed).toMatch(new RegExp(`^\\| Numbers \\| divvy \\(journal on\\) \\| ${figures('items/s')}`, 'm'));
  expect(printed).toMatch(new RegExp(`^\\| The first item \\| divvy \\| ${figures('ms')}`, 'm'));
  expectNothingIn(folder);
});

test('Ctrl+C while two commits are compared leaves no worktree', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-test-'));
  const child = spawn(process.execPath, [bench, '--quick', '--against', 'HEAD', '--only', 'naps'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A worker whose master was killed ends a moment later, and would make the folder again for the cache.
    env: { ...process.env, TMPDIR: folder, NODE_DISABLE_COMPILE_CACHE: '1' },
  });
  const exited = once(child, 'exit');
  for await (const line of createInterface(child.stderr)) {
    if (!line.startsWith('naps, round 1')) continue;
    expect(git('worktree', 'list')).toContain(folder);
    child.kill('SIGINT');
  }
  expect(await exited).toEqual([130, null]);
  expectNothingIn(folder);
});

test('a commit without this layout of the runtime is refused', () => {
  // The commit is made in a folder for git's objects apart from the repository's own.
  const folder = mkdtempSync(join(tmpdir(), 'divvy-test-'));
  const person = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a' };
  const env = {
    ...process.env,
    ...person,
    GIT_OBJECT_DIRECTORY: folder,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: git('rev-parse', '--path-format=absolute', '--git-path', 'objects').trim(),
  };
  const made = { cwd: import.meta.dirname, encoding: 'utf8', env, input: '' } as const;
  const tree = execFileSync('git', ['mktree'], made).trim();
  const commit = execFileSync('git', ['commit-tree', '-m', 'empty', tree], made).trim();
  const { status, stdout, stderr } = spawnSync(process.execPath, [bench, '--against', commit], made);
  rmSync(folder, { recursive: true });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(`--against: commit '${commit}' has no runtime/index.ts, which the contestants start`);
});

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' });
}

function expectNothingIn(folder: string): void {
  expect(git('worktree', 'list')).not.toContain(folder);
  expect(readdirSync(folder)).toEqual([]);
  rmdirSync(folder);
}

test.each([
  [['--only', 'nothing'], "--only: there is no work 'nothing'"],
  [['--rounds', '0'], "--rounds must be a whole number of at least 1, not '0'"],
  [['--fast'], "Unknown option '--fast'"],
  [['--write', '--quick'], '--write: the docs take a whole run'],
  [['--write', '--against', 'HEAD'], '--write: the docs take a whole run'],
  [['--against', 'no-such-commit'], "--against: git finds no commit 'no-such-commit' here"],
  [['--profile', 'nothing'], "--profile: there is no work 'nothing'"],
  [['--profile', 'numbers', '--rounds', '3'], 'leave out --only, --rounds and --against'],
  [['--profile', 'naps', '--journal'], "--journal: 'naps' is never done with the journal"],
  [['--journal'], '--journal belongs to --profile'],
])('refused with what there is: %s', (args, message) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bench, ...args], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).toContain('numbers, metrics, objects, async, strings');
});
