/** Cuts a journal at every byte, and resumes it each time. */

import fs from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import type { Journal } from '../../../runtime/journal/journal.ts';
import { readJournal } from '../../../runtime/journal/reading.ts';
import { ResultsFile, resultLine } from '../../../runtime/journal/results-file.ts';
import { taskFile } from '../run-task.ts';
import { endedRun, openRun } from './journals.ts';

/** count - how many records the journal has. */
export async function cutEverywhere(folder: string, count: number): Promise<void> {
  const file = path.join(folder, 'cut.ndjson');
  const request = { taskFile: taskFile('ledger'), args: ['a'], runId: 'a-run', file, dryRun: false } as const;
  const failed = (error: Error): void => {
    throw error;
  };
  const { journal } = await openRun({ ...request, mode: 'new', failed });
  if (!journal) throw new Error('there is no journal');
  // Every seventh record is of one that failed, every third of three that are done. Keys occur several times over.
  const name = (number: number): string => `kéy ${number % 20}`;
  const lines: { readonly numbers: readonly number[]; readonly how: 'done' | 'failed' }[] = [];
  for (let number = 0; lines.length < count - 1; number += lines.at(-1)?.numbers.length ?? 1) {
    const isThree = lines.length % 3 === 2;
    const numbers = isThree ? [number, number + 1, number + 2] : [number];
    lines.push({ numbers, how: !isThree && lines.length % 7 === 6 ? 'failed' : 'done' });
  }
  const record = (to: Journal | undefined, { numbers, how }: (typeof lines)[number]): void => {
    const run = endedRun(numbers[0] ?? 0, numbers.map(name));
    if (how === 'failed') to?.failed(run, { name: 'Error', message: 'né' });
    else to?.done(run);
  };
  for (const line of lines) record(journal, line);
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
    // Of the items of each key, as many have ended as are in whole lines, whichever; the rest is to be done.
    const whole = lines.slice(0, Math.max(0, recorded - 1));
    const expected = Map.groupBy(
      whole.flatMap(({ numbers, how }) => numbers.map((number) => ({ number, how }))),
      ({ number }) => name(number),
    );
    for (const key of Array.from({ length: 20 }, (_, number) => name(number))) {
      const hows = (expected.get(key) ?? []).map(({ how }) => how);
      expect(hows.map(() => resumed.keys.count(key).ended).sort()).toEqual(hows.sort());
      expect(resumed.keys.count(key).ended).toBeUndefined();
    }
    for (const line of lines.slice(whole.length)) record(resumed.journal, line);
    resumed.journal?.write();
    await resumed.journal?.close();
    let records = 0;
    const size = readJournal(file, ({ type }) => {
      if (type !== 'run' && type !== 'tick') records += 1; // a tick comes where the clock has moved
    });
    expect([records, size]).toEqual([count - 1, fs.statSync(file).size]);
  }
}

/**
 * Cuts the journal and the file of results of a small run, one against the other, and resumes it each time: every item must
 * have one line in the end. A power cut never leaves fewer results than the journal knows; that is tried, too.
 *
 * where - 'everywhere': each at every byte. Otherwise each at every byte, and the other at the ends of its lines and beside.
 */
export async function cutResultsEverywhere(
  folder: string,
  where: 'everywhere' | 'at the ends of lines',
): Promise<void> {
  const file = path.join(folder, 'cut.ndjson');
  const place = path.join(folder, 'results.ndjson');
  const options = { results: place };
  const failed = (error: Error): void => {
    throw error;
  };
  const request = {
    taskFile: taskFile('ledger'),
    args: ['a'],
    runId: 'a-run',
    file,
    dryRun: false,
    options,
    failed,
  } as const;
  const keys = where === 'everywhere' ? ['a', 'b', 'c', 'd'] : ['a', 'b'];
  const sync = vi.spyOn(fs, 'fdatasyncSync').mockImplementation(() => {});
  onTestFinished(() => sync.mockRestore());
  const lineOf = (key: string): string | Buffer => resultLine(key, keys.indexOf(key) + 1, Buffer.from(`"${key}"`));
  const write = (journal: Journal | undefined, results: ResultsFile, which: readonly string[]): void => {
    for (const key of which) {
      const [end = 0] = results.append([key], lineOf);
      journal?.done(endedRun(keys.indexOf(key) + 1, key), end);
      journal?.write();
      results.counted(end);
    }
  };
  const first = new ResultsFile(place, false);
  const { journal } = await openRun({ ...request, results: first, mode: 'new' });
  journal?.resultsBegin(first.identity);
  write(journal, first, keys);
  await first.close();
  await journal?.close();

  const lines = fs.readFileSync(file);
  const made = fs.readFileSync(place);
  const header = lines.indexOf('{"type":"results"');
  // In the line of the run there is nothing yet, or else only that.
  for (let cut = header; cut <= lines.length; cut++) {
    for (let left = 0; left <= made.length; left++) {
      const isEither = isEnd(lines, cut) || isEnd(made, left);
      if (where !== 'everywhere' && !isEither) continue;
      const text = lines.subarray(0, cut);
      // Before the journal says that results begin, there are none.
      if (!/\{"type":"results".*\n/.test(text.toString()) && left > 0) continue;
      fs.writeFileSync(file, text);
      fs.writeFileSync(place, made.subarray(0, left));
      const results = new ResultsFile(place, false);
      const resumed = await openRun({ ...request, results, mode: 'resume' });
      const isNew = resumed.mode === 'new';
      const toDo = keys.filter((key) => isNew || resumed.keys.count(key).ended === undefined);
      const cutAt = `journal at ${cut}, results at ${left}`;
      // What both say is done stays done.
      const recorded = text
        .toString()
        .split('\n')
        .slice(0, -1)
        .filter((line) => line.startsWith('{"type":"done"')).length;
      const whole = made.subarray(0, left).toString().split('\n').length - 1;
      expect(toDo, cutAt).toEqual(keys.slice(Math.min(recorded, whole)));
      resumed.journal?.resultsBegin(results.identity);
      write(resumed.journal, results, toDo);
      await results.close();
      await resumed.journal?.close();
      expect(fs.readFileSync(place, 'utf8'), cutAt).toBe(made.toString());
      if (isNew) fs.rmSync(file);
    }
  }
}

/** Whether a line ends there, or a byte before or behind it. */
function isEnd(bytes: Buffer, at: number): boolean {
  return at === 0 || bytes.subarray(Math.max(0, at - 2), at + 1).includes(10);
}
