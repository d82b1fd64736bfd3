// A journal that is read for a report: once, while it grows, cut short, damaged, of a later release.
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DivvyError } from '../../../runtime/errors.ts';
import type { JournalRecord } from '../../../runtime/journal/records.ts';
import { Followed } from '../../../runtime/report/follow.ts';
import { begun, done, ended, failed, tick } from './made.ts';

const RECORDS: readonly JournalRecord[] = [
  begun(),
  tick(120),
  done(['a', 'b'], 3),
  failed('ö', 5),
  tick(300),
  done(['c'.repeat(500)], 7),
  ended(),
];
const text = (records: readonly JournalRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

function journalOf(content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-follow-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'journal.ndjson');
  writeFileSync(file, content);
  return file;
}

function whole(): object {
  const followed = new Followed(journalOf(text(RECORDS)));
  followed.read();
  return followed.collector.data();
}

describe('a journal that is followed', () => {
  test('says the same however it grows', () => {
    const bytes = Buffer.from(text(RECORDS));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 8 }), (cuts) => {
        const places = [...cuts.sort((a, b) => a - b), bytes.length];
        const file = journalOf(bytes.subarray(0, places[0]));
        const followed = new Followed(file);
        followed.read();
        for (const [at, place] of places.entries()) {
          appendFileSync(file, bytes.subarray(places[at - 1] ?? places[0] ?? 0, place));
          followed.read();
        }
        expect(followed.collector.data()).toEqual(whole());
        expect(followed.cut).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  test('is read up to a torn end, which is nothing odd', () => {
    const followed = new Followed(journalOf(text(RECORDS.slice(0, 3)) + text(RECORDS.slice(3)).slice(0, 40)));
    expect(followed.read()).toBe(true);
    expect(followed.read()).toBe(false);
    expect([followed.collector.data().done, followed.cut]).toEqual([2, undefined]);
  });

  test('is read up to a line that is damaged, and says so', () => {
    const lines = text(RECORDS).split('\n');
    const followed = new Followed(journalOf(lines.with(4, `${lines[4]?.slice(0, 9)}`).join('\n')));
    followed.read();
    expect([followed.collector.data().done, followed.collector.data().failed]).toEqual([2, 1]);
    expect(followed.cut).toMatch(
      /^the journal is damaged: line 5 of .* is not JSON; keep a copy of the file, and remove that line/,
    );
    expect(followed.read()).toBe(false);
  });

  test.each([
    [
      'of a later format',
      '{"type":"run","format":2,"release":"9.0.0"}\n',
      2,
      "use the release that wrote it ('9.0.0')",
    ],
    ['that is no journal', 'key,value\n1,2\n', 74, 'line 1 of'],
  ])('is refused if it is one %s', (_, content, exitCode, message) => {
    let thrown: unknown;
    try {
      new Followed(journalOf(content)).read();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(DivvyError);
    expect(thrown).toMatchObject({ exitCode, message: expect.stringContaining(message) });
  });
});
