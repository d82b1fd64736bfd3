// What the page of a report says of a run, without a project around it.
import { describe, expect, test } from 'vitest';
import type { ReportData } from '../../generators/report/read.ts';
import { sections } from '../../generators/report/sections.ts';
import { verdictOf } from '../../generators/report/verdict.ts';
import type { JournalRecord } from '../../runtime/journal/records.ts';
import { Collector } from '../../runtime/report/collect.ts';
import { begun, done, ended, failed, forked, retried, tick } from '../runtime/report/made.ts';
import { has } from './reports.ts';

function dataOf(records: readonly JournalRecord[], more: Partial<ReportData> = {}): ReportData {
  const collector = new Collector();
  for (const record of records) collector.see(record);
  const when = { began: '2030-01-01T00:00:00.000Z', at: '2030-01-01T00:31:00.000Z' };
  return {
    ...collector.data(),
    ...when,
    state: 'complete',
    taskFile: 't.ts',
    args: '',
    options: '',
    next: [],
    ...more,
  };
}

const pageOf = (records: readonly JournalRecord[], more: Partial<ReportData> = {}): string =>
  sections('nightly', dataOf(records, more), 40_000).text;

const lacks = (page: string, ...texts: string[]): void =>
  expect(texts.filter((text) => page.includes(text))).toEqual([]);

const [one, other] = [failed('a', 1, { number: 1 }), failed('b', 2, { number: 2 })];

describe('the page of a report', () => {
  test.each([
    ['without an item', [begun(), tick(500), ended()]],
    ['whose items died with their workers', [begun(), tick(500), failed('a', 0), failed('b', 0), ended()]],
  ])('of a run %s has no durations, which nobody has measured', (_, records) => {
    lacks(pageOf(records), 'half took', '<dd>0 s', '<dd>0/s', 'How long items took');
  });

  test('says of percentiles that so many items took at most so long', () => {
    const page = pageOf([begun(), tick(60), done(['a'], 1.86), ended()]);
    has(page, 'half took at most this, 99% at most 1.86 ms', 'Half took at most <b>1.86 ms</b>, 90% at most <b>');
    lacks(page, 'less than');
  });

  test('has no average of a run that took no time', () => {
    lacks(pageOf([begun(), done(['a'], 1), ended()]), 'on average');
  });

  test.each([
    ['1,000 of a million failed', 999_000, 1000, 1_000_000, [998, 2]],
    ['one of a million failed', 999_999, 1, 1_000_000, [998, 2]],
    ['all but one of a million failed', 1, 999_999, 1_000_000, [2, 998]],
    ['two have ended, and a million is left', 1, 1, 1_000_002, [2, 2]],
    ['half is left', 4, 1, 10, [400, 100]],
  ])('shows in its bar, within its room, that %s', (_, doneItems, failedItems, total, widths) => {
    const page = pageOf([begun()], { done: doneItems, failed: failedItems, total });
    const rects = [...page.matchAll(/<rect class="(?:done|failed)" x="([\d.]+)" y="0" width="([\d.]+)"/g)];
    expect(rects.map(([, x]) => Number(x))).toEqual([0, widths[0]]);
    expect(rects.map(([, , width]) => Number(width))).toEqual(widths);
  });

  test('names retries after errors so everywhere', () => {
    const page = pageOf([begun(), forked(1), tick(500), retried('a', 1), done(['a'], 1), ended()]);
    expect(page.match(/Retries after an error|retry after an error/g)).toHaveLength(3);
    lacks(page, 'Retried');
  });

  test('lists the numbers of items that have no keys of their own', () => {
    const { ownKeys: _, ...hashed } = begun();
    const many = [1, 2, 3, 5, 1006, 1007].map((number) => failed('A3yS', 1, { number }));
    const page = pageOf([hashed, ...many, ended()]);
    has(page, 'first 5 items: <code>1</code>, <code>2</code>, <code>3</code>, <code>5</code>, <code>1,006</code>');
    lacks(page, 'A3yS', 'Key</th>');
    has(pageOf([hashed, one, ended()]), ' · item: <code>1</code>');
    has(pageOf([begun(), one, other, ended()]), ' · 2 keys: <code>a</code>, <code>b</code>', 'Key</th>');
  });

  test('says what stopped the run as people know it', () => {
    const stopped = (by: string): string =>
      pageOf([begun(), one, ended({ complete: false, stoppedBy: by })], { state: 'unfinished' });
    has(stopped('halt'), '<strong>Stopped by --halt</strong>', '<td>--halt</td>');
    has(stopped('stdout closed'), '<strong>Stopped: nobody reads stdout any more</strong>');
    has(stopped('SIGINT'), '<strong>Stopped by SIGINT</strong>', '<td>SIGINT</td>');
  });

  test('has one form for numbers, and the right word for one', () => {
    const workers = Array.from({ length: 1200 }, (_, at) => forked(at + 1));
    const page = pageOf([begun(), ...workers, tick(500), done(['a'], 1), ended()]);
    has(page, '1,185–1,200', 'so each lane shows several workers.');
    has(page, '<caption>The slowest item</caption>');
  });

  test('says in which folder its command works', () => {
    const next = ['to go on: node vendor/divvy/run.mjs --resume t.ts'];
    has(pageOf([begun(), one], { next, folder: '/srv/<app>' }), 'To go on, in <code>/srv/&lt;app&gt;</code>');
    has(pageOf([begun(), one], { next }), '<span>To go on</span>');
  });

  test('has no end before the beginning, if the clock was put back', () => {
    const page = pageOf([begun(), one, ended()], { ended: '2029-12-31T22:00:00.000Z' });
    has(page, 'the clock was put back');
    lacks(page, ', ended', '2029-12-31');
  });

  test('says of a retry that goes on what it has done', () => {
    const before = [begun(), one, other, failed('c', 1), ended({ exitCode: 1 }), begun({ mode: 'retry-failed' })];
    const said = (...records: JournalRecord[]): string => {
      const { word, sentence } = verdictOf(dataOf([...before, ...records], { state: 'running' }));
      return `${word}. ${sentence}`;
    };
    expect(said()).toBe('Running. Trying failed items again: of 3 failed items, 0 are done so far.');
    expect(said(done(['a'], 1), one)).toBe(
      'Running. Trying failed items again: of 3 failed items, 1 is done so far, and 1 failed again.',
    );
    const resumed = verdictOf(dataOf([begun(), one, begun({ mode: 'resume' })], { state: 'running' }));
    expect(resumed.sentence).toBe('1 item so far: 0 done, 1 failed.');
  });
});
