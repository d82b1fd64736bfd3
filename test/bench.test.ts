// The bench runs: every contestant does the work that it is told to do. How fast is nothing for a test.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const bench = join(import.meta.dirname, '../bench/bench.ts');

test('every contestant does ten items, and has its row', { timeout: 300_000 }, () => {
  const printed = execFileSync(process.execPath, [bench, '--quick', '--only', 'numbers'], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  const rows = printed.split('\n');
  const contestants = [
    '**divvy**',
    'divvy (journal on)',
    'jest-worker (processes)',
    'jest-worker (processes, JSON)',
    'workerpool (processes)',
    'workerpool (threads)',
    'piscina (threads)',
    'tinypool (threads)',
    'fork IPC (1 in flight)',
    'fork IPC (32 in flight)',
  ];
  for (const name of contestants) {
    expect(rows.find((row) => row.startsWith(`| ${name} |`))).toMatch(/\| [\d.,]+ items\/s \|/);
  }
  // A goal is met or not: with ten items it may be either.
  expect(printed).toMatch(
    /^\| Numbers \| at least 20 × jest-worker \(processes\) \| [\d.]+ × \| (met|\*\*not met\*\*) \|$/m,
  );
  expect(printed).toMatch(/^\| Numbers; the journal's cost \| shown \| -?[\d.]+ µs per item \| {2}\|$/m);
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
