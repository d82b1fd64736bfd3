// The journal at length: the figures are in docs/delivery.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { endOf } from '../../../runtime/journal/standing.ts';
import { runProgram, runTask } from '../run-task.ts';
import { cutEverywhere, cutResultsEverywhere } from './cuts.ts';

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-journal-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a journal of 200 records that is cut at any byte goes on with what is whole', async () => {
  await cutEverywhere(scratch(), 200);
});

test('a journal and its results that are both cut at any byte: a resume gives each item one line', async () => {
  await cutResultsEverywhere(scratch(), 'everywhere');
});

test('a resume of five million keys fits in 250 MB, and does what is left', async () => {
  const count = 5_000_000;
  const folder = scratch();
  const journal = join(folder, 'j.ndjson');
  await runProgram('long-journal', { args: [journal, `${count}`] }).ended();
  // Once to fill the compile cache, as any run before has done.
  await runTask('many', { env: { COUNT: '1' }, args: ['--no-journal', '-n', '1'] }).ended();
  const began = performance.now();
  const args = ['--resume', '--journal', journal, '-n', '1'];
  const { status, stdout } = await runTask('many', { env: { COUNT: `${count + 1}` }, args }).ended();
  const seconds = Math.round((performance.now() - began) / 1000);
  const [, processed, megabytes] = /^processed (.*)\n(\d+) MB\n$/.exec(stdout) ?? [];
  console.log(`five million keys on Node.js ${process.version}: ${megabytes} MB, ${seconds} s`);
  expect([status, processed]).toEqual([0, `item ${count + 1}`]);
  expect(endOf(journal)?.counts).toMatchObject({ skipped: count, dispatched: 1, done: 1 });
  expect(Number(megabytes)).toBeLessThanOrEqual(250);
});
