// Where a resume and a retry begin, by what several runs have left in one journal.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { keptResults } from '../../../runtime/journal/kept-results.ts';
import { KeySet } from '../../../runtime/journal/key-set.ts';
import { beforeFailed, marksIn, nameAt } from '../../../runtime/journal/marks.ts';
import type { Mark } from '../../../runtime/journal/records.ts';
import { scratch } from './requests.ts';

const at = (place: string | number, number: number): Mark => ({ place, number });

/** A journal of these records, and what they say of each key. */
function journal(...records: object[]): { file: string; keys: KeySet } {
  const file = join(scratch(), 'j.ndjson');
  const keys = new KeySet();
  const run = {
    ...{ type: 'run', format: 1, number: 1, runId: 'r', at: '', taskFile: '/t.ts', taskHash: '', args: [] },
    ...{ options: {}, pid: 1, started: '', host: '', mode: 'new', cursor: true },
  };
  const all = records.map((record) => ('type' in record ? record : { ...run, ...record }));
  writeFileSync(file, `${all.map((record) => JSON.stringify(record)).join('\n')}\n`);
  for (const record of all as { type: string; key: string; place: number; mode: string }[]) {
    if (record.type === 'run') keys.readsRetries = record.mode === 'retry-failed';
    if (record.type === 'failed') keys.ended(nameAt(record.place, record.key), undefined, 'failed');
    if (record.type === 'retried') keys.ended(nameAt(record.place, record.key), undefined, 'done');
  }
  keys.isRead();
  return { file, keys };
}

const failed = (key: string, place: string | number, number: number, after?: Mark) => ({
  ...{ type: 'failed', key, place, number, attempts: 1, worker: 1, ms: 1, error: { name: 'Error', message: '' } },
  ...(after && { after }),
});
const retried = (key: string, place: string | number) => ({ type: 'retried', key, place });
const mark = (place: string | number, number: number) => ({ type: 'mark', place, number });

describe('the marks of a journal', () => {
  test('the last one, and how far each run came; one that came nowhere has the mark at which it began', () => {
    const { file } = journal(
      {},
      mark(10, 3),
      mark(20, 5),
      { mode: 'resume', after: at(20, 5) },
      { mode: 'resume', after: at(20, 5) },
      mark(30, 9),
    );
    expect(marksIn(file)).toEqual({ last: at(30, 9), numbers: [5, 5, 9] });
  });

  test('those that relied on results which are lost are void, also in a later run; those of one that knew it are not', () => {
    const doneAt = (results: number) => ({ type: 'done', number: 1, keys: ['k'], places: [1], results, ms: 1 });
    const { file } = journal(
      { results: 0 },
      ...[doneAt(10), mark(10, 1), doneAt(20), mark(20, 2)],
      { mode: 'resume', results: 20, after: at(20, 2) },
      mark(30, 3),
    );
    expect(marksIn(file, keptResults(file, 20).bounds)).toEqual({ last: at(30, 3), numbers: [2, 3] });
    // The file ends behind the first line, and so does what a resume goes by.
    expect(marksIn(file, keptResults(file, 10).bounds).last).toEqual(at(10, 1));
    const known = journal(
      { results: 0 },
      ...[doneAt(10), mark(10, 1), doneAt(20), mark(20, 2)],
      { mode: 'resume', results: 10, after: at(10, 1) },
      ...[doneAt(20), mark(20, 2)],
    );
    const kept = keptResults(known.file, 20);
    expect(kept).toMatchObject({ bytes: 20, missing: 0, replaced: 1 });
    expect(marksIn(known.file, kept.bounds).last).toEqual(at(20, 2));
  });

  test('a retry moves no mark', () => {
    const { file } = journal({}, mark('b', 3), { mode: 'retry-failed', after: at('a', 1) });
    expect(marksIn(file)).toEqual({ last: at('b', 3), numbers: [3, 0] });
  });

  test('none at the beginning', () => {
    expect(marksIn(journal({}).file)).toEqual({ last: undefined, numbers: [0] });
  });
});

describe('a retry begins', () => {
  test('before the first of what is still failed', () => {
    const { file, keys } = journal(
      {},
      failed('a', 3, 3, at(2, 2)),
      failed('b', 9, 9, at(8, 8)),
      failed('c', 7, 7, at(6, 6)),
    );
    expect(beforeFailed(file, keys)).toEqual(at(2, 2));
    const later = journal(
      {},
      failed('a', 3, 3, at(2, 2)),
      failed('c', 7, 7, at(6, 6)),
      { mode: 'retry-failed' },
      retried('a', 3),
    );
    expect(beforeFailed(later.file, later.keys)).toEqual(at(6, 6));
  });

  test('at the beginning, if the first item failed, and where nothing failed', () => {
    const first = journal({}, failed('b', 9, 9, at(8, 8)), failed('a', 1, 1));
    expect(beforeFailed(first.file, first.keys)).toBe(undefined);
    const none = journal({}, mark(1, 1));
    expect(beforeFailed(none.file, none.keys)).toBe(undefined);
  });

  test('of several runs: numbers by their size, whatever their items are numbered', () => {
    const { file, keys } = journal(
      {},
      failed('a', 70, 30, at(60, 29)),
      { mode: 'resume', after: at(50, 20) },
      failed('b', 55, 40, at(52, 39)),
    );
    expect(beforeFailed(file, keys)).toEqual(at(52, 39));
  });

  test('of several runs: texts cannot be compared, so where the first of these runs began', () => {
    const { file, keys } = journal(
      {},
      mark('m', 20),
      { mode: 'resume', after: at('m', 20) },
      failed('a', 'x', 30, at('w', 29)),
      { mode: 'resume', after: at('m', 20) },
      failed('b', 'o', 40, at('n', 39)),
    );
    expect(beforeFailed(file, keys)).toEqual(at('m', 20));
  });

  test('before equal items of one place, of which the second is still failed', () => {
    const { file, keys } = journal(
      {},
      failed('a', 3, 3, at(2, 2)),
      failed('a', 3, 4, at(2, 2)),
      { mode: 'retry-failed' },
      retried('a', 3),
    );
    expect(beforeFailed(file, keys)).toEqual(at(2, 2));
  });
});
