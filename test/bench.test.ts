// The bench runs: every contestant does the work that it is told to do. How fast is nothing for a test.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
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

test.each([
  [['--only', 'nothing'], "--only: there is no work 'nothing'"],
  [['--rounds', '0'], "--rounds must be a whole number of at least 1, not '0'"],
  [['--fast'], "Unknown option '--fast'"],
  [['--write', '--quick'], '--write: the docs take a whole run'],
])('refused with what there is: %s', (args, message) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bench, ...args], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).toContain('numbers, objects, async, strings');
});
