/** Cuts a journal at every byte, and resumes it each time. */

import fs from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import { readJournal } from '../../../runtime/journal/records.ts';
import { taskFile } from '../run-task.ts';
import { openRun } from './journals.ts';

/** count - how many records the journal has. */
export async function cutEverywhere(folder: string, count: number): Promise<void> {
  const file = path.join(folder, 'cut.ndjson');
  const request = { taskFile: taskFile('ledger'), args: ['a'], runId: 'a-run', file, dryRun: false } as const;
  const failed = (error: Error): void => {
    throw error;
  };
  const { journal } = await openRun({ ...request, mode: 'new', failed });
  if (!journal) throw new Error('there is no journal');
  // Every seventh has failed. Keys occur several times over.
  const outcome = (number: number) => ({ number, key: '', attempts: 1, crashes: 0, worker: 1, durationMs: 7 });
  const name = (number: number): [string, number] => [`kéy ${number % 20}`, 1 + Math.floor(number / 20)];
  for (let number = 0; number < count - 1; number++) {
    if (number % 7 === 6) journal.failed(...name(number), outcome(number), { name: 'Error', message: 'né' });
    else journal.done(...name(number), outcome(number));
  }
  journal.write();
  await journal.close();

  // What is tried is what is in the file, not what is on the disk; syncing each time would take most of the time.
  const sync = vi.spyOn(fs, 'fdatasyncSync').mockImplementation(() => {});
  onTestFinished(() => sync.mockRestore());
  const bytes = fs.readFileSync(file);
  for (let cut = 0; cut < bytes.length; cut++) {
    fs.writeFileSync(file, bytes.subarray(0, cut));
    const recorded = bytes.subarray(0, cut).filter((byte) => byte === 10).length;
    const resumed = await openRun({ ...request, mode: 'resume', failed });
    // What is recorded is ended, as it was; the rest is to be done.
    const taken = Array.from({ length: count - 1 }, (_, number) => {
      return { number, ...resumed.keys.count(name(number)[0]) };
    });
    const ended = taken.map(({ number }) =>
      number >= recorded - 1 ? undefined : number % 7 === 6 ? 'failed' : 'done',
    );
    expect(taken.map((item) => item.ended).join()).toBe(ended.join());
    const left = taken.filter((item) => item.ended === undefined);
    for (const { number, occurrence } of left) resumed.journal?.done(name(number)[0], occurrence, outcome(number));
    resumed.journal?.write();
    await resumed.journal?.close();
    let records = 0;
    const whole = readJournal(file, ({ type }) => {
      if (type !== 'run') records += 1;
    });
    expect([records, whole]).toEqual([count - 1, fs.statSync(file).size]);
  }
}
