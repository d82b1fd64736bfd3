// The journal at length: the figures are in docs/delivery.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { cutEverywhere } from './journal-cuts.ts';
import { runProgram } from './run-task.ts';

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-journal-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a journal of 200 records that is cut at any byte goes on with what is whole', async () => {
  await cutEverywhere(scratch(), 200);
});

test('a resume that knows five million keys, with all else that a process needs, fits in 320 MB', async () => {
  const count = 5_000_000;
  const folder = scratch();
  await runProgram('five-million-keys', { args: [folder, `${count}`, 'write'] }).ended();
  const { stdout } = await runProgram('five-million-keys', { args: [folder, `${count}`, 'resume'] }).ended();
  console.log(`five million keys: ${stdout}`);
  const { skipped, ended, megabytes } = JSON.parse(stdout);
  expect([skipped, ended]).toEqual([count, 'no']);
  expect(megabytes).toBeLessThan(320); // 294 were measured; the aim is 250
});
