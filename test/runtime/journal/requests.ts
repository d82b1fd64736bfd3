/** What tests of the journal ask of it, and the folders that they work in. */

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { machineHere } from '../../../runtime/journal/processes.ts';
import { taskFile } from '../run-task.ts';
import type { RunRequest } from './journals.ts';

/** A folder of a test's own, which goes with it. */
export function scratch(): string {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'divvy-journal-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a run asks of its journal. */
export const requestFor = (file: string, more: Partial<RunRequest> = {}): RunRequest => ({
  taskFile: taskFile('ledger'),
  args: [],
  runId: 'a-run',
  file,
  mode: 'new',
  dryRun: false,
  failed: (error) => {
    throw error;
  },
  ...more,
});

/** The text of a lock of a process here. */
export const heldBy = (pid: number, started: string | undefined): string =>
  JSON.stringify({ pid, started, ...machineHere(), at: '2026-01-01T00:00:00.000Z' });
