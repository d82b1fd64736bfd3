// A report has the same numbers as its journal, for any lines.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JournalRecord } from '../../../runtime/journal/records.ts';
import { Collector } from '../../../runtime/report/collect.ts';
import { begun, done, ended, exited, failed, forked, retried, sampled, tick } from './made.ts';

function collected(records: readonly JournalRecord[]) {
  const collector = new Collector();
  for (const record of records) collector.see(record);
  return collector.data();
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);

const MS = fc
  .oneof(fc.constant(0), fc.double({ min: 0.001, max: 5e6, noNaN: true }))
  .map((ms) => Number(ms.toPrecision(3)));
const WORKER = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 10_000 }));
const KEY = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.string({ maxLength: 30 }));

/** Lines that stand between a `run` line and its end. Time goes on by itself: `tick` here is a step. */
const LINE = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('done'),
      keys: fc.array(KEY, { minLength: 1, maxLength: 40 }),
      ms: MS,
      worker: WORKER,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ is: fc.constant('failed'), key: KEY, ms: MS, worker: WORKER, text: fc.string() }),
  },
  fc.record({ is: fc.constant('retry'), key: KEY, ms: MS, worker: WORKER }),
  fc.record({ is: fc.constant('exit'), worker: WORKER, inOrder: fc.boolean() }),
  fc.record({ is: fc.constant('worker'), worker: WORKER }),
  fc.record({ is: fc.constant('sample'), worker: WORKER, megabytes: fc.integer({ min: 1, max: 9999 }) }),
  { weight: 3, arbitrary: fc.record({ is: fc.constant('tick'), step: fc.integer({ min: 100, max: 10_000_000 }) }) },
  fc.record({ is: fc.constant('run') }),
);

/** Makes the lines, and counts them by itself. */
function told(lines: readonly Record<string, unknown>[]) {
  const records: JournalRecord[] = [begun()];
  const counts = { done: 0, failed: 0, retried: 0, died: 0, length: 0, unknown: 0 };
  const durations: number[] = [];
  const memory = new Map<number, number>();
  let ms = 0;
  for (const line of lines) {
    const { worker, ms: took } = line as { worker: number; ms: number };
    if (line['is'] === 'done') {
      const keys = line['keys'] as string[];
      records.push(done(keys, took, { worker }));
      counts.done += keys.length;
      durations.push(...keys.map(() => took));
    } else if (line['is'] === 'failed') {
      records.push(failed(String(line['key']), took, { worker, error: { name: 'E', message: String(line['text']) } }));
      counts.failed += 1;
      // With 0 its worker had died, and nobody knows.
      if (took > 0) durations.push(took);
      else counts.unknown += 1;
    } else if (line['is'] === 'retry') {
      records.push(retried(String(line['key']), took, { worker }));
      counts.retried += 1;
    } else if (line['is'] === 'exit') {
      records.push(exited(worker, line['inOrder'] === true));
      if (line['inOrder'] !== true) counts.died += 1;
    } else if (line['is'] === 'worker') records.push(forked(worker));
    else if (line['is'] === 'sample') {
      const megabytes = Number(line['megabytes']);
      records.push(
        sampled([
          [0, 50],
          [worker, megabytes],
        ]),
      );
      memory.set(worker, Math.max(megabytes, memory.get(worker) ?? 0));
    } else if (line['is'] === 'tick') {
      ms += Number(line['step']);
      counts.length += Number(line['step']);
      records.push(tick(ms));
    } else {
      ms = 0;
      records.push(begun({ mode: 'resume' }));
    }
  }
  return { records, counts, durations: durations.sort((a, b) => a - b), memory };
}

describe('a report', () => {
  test('counts what the journal has, in each of its parts', () => {
    fc.assert(
      fc.property(fc.array(LINE, { maxLength: 120 }), (lines) => {
        const { records, counts, durations, memory } = told(lines);
        const data = collected(records);
        const { columns, lanes, parts } = data;
        for (const row of [
          columns,
          {
            done: lanes.map((it) => it.done),
            failed: lanes.map((it) => it.failed),
            retried: lanes.map((it) => it.retried),
          },
        ])
          expect([sum(row.done), sum(row.failed), sum(row.retried)]).toEqual([
            counts.done,
            counts.failed,
            counts.retried,
          ]);
        expect([data.done, data.failed, data.retried, data.died]).toEqual([
          counts.done,
          counts.failed,
          counts.retried,
          counts.died,
        ]);
        expect([sum(data.durations.done), sum(data.durations.failed)]).toEqual([
          counts.done,
          counts.failed - counts.unknown,
        ]);
        expect(sum(lanes.map(({ died }) => died))).toBe(counts.died);
        expect(sum(data.failures.map(({ count }) => count)) + data.otherFailures).toBe(counts.failed);
        if (data.partsLeftOut === 0)
          expect([sum(parts.map((it) => it.done)), sum(parts.map((it) => it.failed))]).toEqual([
            counts.done,
            counts.failed,
          ]);
        expect(data.tookMs).toBe(counts.length);
        expect(columns.done.length * columns.widthMs).toBeGreaterThan(counts.length);
        expect(Math.max(0, ...lanes.map(({ megabytes = 0 }) => megabytes))).toBe(Math.max(0, ...memory.values()));
        const nth = (share: number): number => durations[Math.max(0, Math.ceil(durations.length * share) - 1)] ?? 0;
        const { p50, p90, p99, max } = data.durations;
        expect([p50, p90, p99, max]).toEqual([nth(0.5), nth(0.9), nth(0.99), durations.at(-1) ?? 0]);
        const slowest = data.slowest.map(({ ms }) => ms);
        const most = Math.min(20, slowest.length);
        expect(slowest.slice(0, most)).toEqual(durations.toReversed().slice(0, most));
      }),
      { numRuns: 300 },
    );
  });

  test('has no more busy time than there was, and all that there was if nothing began before the run', () => {
    const steps = fc.array(
      fc.record({ took: fc.integer({ min: 0, max: 5000 }), worker: fc.integer({ min: 1, max: 300 }) }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, (items) => {
        let ms = 0;
        const records = items.flatMap(({ took, worker }, at) => {
          ms += took + 1;
          return [tick(ms), done([String(at)], took, { worker })];
        });
        const { columns } = collected([begun(), ...records]);
        const busy = sum(columns.running) * columns.widthMs;
        const all = sum(items.map(({ took }) => took));
        expect(Math.abs(busy - all)).toBeLessThanOrEqual(all * 0.01 + 1); // they have three significant digits
      }),
      { numRuns: 200 },
    );
  });

  test('has never more in progress than its workers can do at once, and all the time that they took', () => {
    const items = fc.array(fc.record({ took: fc.double({ min: 0.01, max: 400, noNaN: true }), idle: fc.nat(30) }), {
      ...{ minLength: 1, maxLength: 300 },
    });
    fc.assert(
      fc.property(fc.array(items, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 3 }), (each, atOnce) => {
        // What each of the places of each worker does, one item after another.
        const ends = each.flatMap((list, place) => {
          let at = 0;
          return list.map(({ took, idle }) => {
            at += idle + took;
            return { at, took, worker: 1 + Math.floor(place / atOnce) };
          });
        });
        ends.sort((one, other) => one.at - other.at);
        const records: JournalRecord[] = [begun({ options: { concurrency: atOnce } })];
        let ticked = 0;
        for (const { at, took, worker } of ends) {
          if (at - ticked >= 100) {
            ticked = Math.round(at);
            records.push(tick(ticked));
          }
          records.push(done([String(at)], Number(took.toPrecision(3)), { worker }));
        }
        const { columns, lanes } = collected([...records, tick(ticked + 200)]);
        const workers = Math.ceil(each.length / atOnce);
        expect(Math.max(...columns.running)).toBeLessThanOrEqual(workers * atOnce);
        expect(Math.max(...lanes.map(({ load }) => load))).toBeLessThanOrEqual(atOnce);
        const all = sum(ends.map(({ took }) => took));
        const busy = sum(columns.running) * columns.widthMs;
        expect(Math.abs(busy - all)).toBeLessThanOrEqual(all * 0.01 + workers * atOnce);
      }),
      { numRuns: 200 },
    );
  });

  test('has the items of --ordered when they went on, though their lines were written later', () => {
    const quick = Array.from({ length: 90 }, (_, at) => done([`k${at}`], 100, { worker: 2 }));
    const { columns, lanes } = collected([begun(), tick(10_000), done(['slow'], 10_000), ...quick, tick(10_100)]);
    expect(Math.max(...columns.running)).toBeLessThanOrEqual(2);
    expect(sum(columns.running) * columns.widthMs).toBe(19_000);
    expect(lanes.map(({ done: count }) => count)).toEqual([1, 90]);
  });

  test('has the failures that retries have not done since, and says how many they have', () => {
    const data = collected([
      begun(),
      ...['a', 'b', 'c'].map((key) => failed(key, 1)),
      ended({ exitCode: 1 }),
      begun({ mode: 'retry-failed' }),
      done(['a'], 1),
      failed('b', 1),
      ended({ exitCode: 1 }),
    ]);
    expect([data.done, data.failed]).toEqual([1, 2]);
    expect(data.failures.map(({ count, left, first }) => [count, left, first])).toEqual([[3, 2, ['c', 'b']]]);
  });

  test('names of an error only items that have it still', () => {
    const stack = (line: number): string => `Error: no luck\n    at f (file:///tasks/t.ts:${line}:1)`;
    const lost = (message: string, line: number) => ({ error: { name: 'Error', message, stack: stack(line) } });
    const data = collected([
      begun(),
      ...['a', 'b', 'c', 'd'].flatMap((key, at) => [
        tick(1000 * (at + 1)),
        failed(key, 1, lost(`row ${at} is bad`, 5)),
      ]),
      ended({ exitCode: 1 }),
      begun({ mode: 'retry-failed' }),
      tick(1000),
      ...[failed('a', 1, lost('gone', 7)), done(['b'], 1), failed('c', 1, lost('row 9 is bad', 9))],
      done(['d'], 1),
    ]);
    expect(data.failures).toEqual([
      {
        ...{ error: 'Error: row 9 is bad', count: 3, left: 1, first: ['c'], firstMs: 5000, lastMs: 5000 },
        details: ['  at f (/tasks/t.ts:9:1)'],
      },
      {
        ...{ error: 'Error: gone', count: 1, left: 1, first: ['a'], firstMs: 5000, lastMs: 5000 },
        details: ['  at f (/tasks/t.ts:7:1)'],
      },
    ]);
  });

  test('names nothing of an error that retries have done away with', () => {
    const data = collected([begun(), failed('a', 1), begun({ mode: 'retry-failed' }), done(['a'], 1)]);
    expect(data.failures).toEqual([
      { error: 'Error: no luck', count: 1, left: 0, first: [], firstMs: 0, lastMs: 0, details: [] },
    ]);
  });

  test('names items by their numbers if the task has no keys of its own', () => {
    const { ownKeys: _, ...hashed } = begun();
    const both = [1, 2, 2].map((number) => failed('A3yS', 5, { number }));
    const data = collected([hashed, ...both, done(['y_7a', 'B9c-'], 3, { number: 3 })]);
    expect(data.failures.map(({ first }) => first)).toEqual([[1, 2]]);
    expect(data.slowest.map(({ key, number }) => [key, number])).toEqual([1, 2, 2, 3, 4].map((at) => [undefined, at]));
  });

  test('counts an item once, however often a retry has failed with it', () => {
    const again = [begun({ mode: 'retry-failed' }), failed('a', 1), failed('b', 1)];
    const data = collected([begun(), failed('a', 1), failed('b', 1), ...again, ...again]);
    expect(data.failures.map(({ count, left, first }) => [count, left, first])).toEqual([[2, 2, ['a', 'b']]]);
    expect(data.failed).toBe(2);
  });

  /** Words without numbers: each is an error of its own. */
  const word = (at: number): string => [...String(at)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
  const broken = (at: number) => failed(`k${at}`, 1, { error: { name: 'Error', message: `broken in ${word(at)}` } });

  test('has right counts with more errors than it tells apart, however often they are retried', () => {
    const items = Array.from({ length: 600 }, (_, at) => at);
    const again = [begun({ mode: 'retry-failed' }), ...items.map(broken)];
    const both = (data: ReturnType<typeof collected>): number =>
      sum(data.failures.map(({ left }) => left)) + data.otherFailures;
    const twice = collected([begun(), ...items.map(broken), ...again, ...again]);
    expect([twice.failed, both(twice), sum(twice.failures.map(({ count }) => count))]).toEqual([600, 600, 50]);
    const most = items.slice(0, 590).map((at) => done([`k${at}`], 1));
    const data = collected([begun(), ...items.map(broken), ...again, begun({ mode: 'retry-failed' }), ...most]);
    expect([data.failed, both(data), data.unmatched]).toEqual([10, 10, undefined]);
  });

  test('leaves out what it cannot know of more failures than it remembers', () => {
    const items = Array.from({ length: 200_100 }, (_, at) => at);
    const all = items.map((at) => failed(`k${at}`, 1));
    const before = collected([begun(), tick(100), ...all.slice(0, -1), tick(200), ...all.slice(-1)]);
    expect(before.failures.map(({ count, left, firstMs, lastMs }) => [count, left, firstMs, lastMs])).toEqual([
      [200_100, 200_100, 100, 200],
    ]);
    const last = items.slice(200_010).map((at) => done([`k${at}`], 1));
    const data = collected([begun(), ...all, begun({ mode: 'retry-failed' }), done(['k7'], 1), ...last]);
    expect([data.failed, data.unmatched]).toEqual([200_009, 90]);
    expect(data.failures.map(({ count, left }) => [count, left])).toEqual([[200_000, 199_999]]);
    expect(data.otherFailures).toBe(10);
  });

  test('counts each of the items that share a key', () => {
    const items = ['a', 'a', 'a'];
    const before = [begun(), ...items.map((key) => failed(key, 1))];
    const data = collected([...before, begun({ mode: 'retry-failed' }), done(['a', 'a'], 1)]);
    expect(data.failures.map(({ count, left, first }) => [count, left, first])).toEqual([[3, 1, ['a']]]);
  });

  test('has an item as failed again, if the result of its retry was lost', () => {
    const data = collected([
      ...[begun({ results: 0 }), failed('a', 1), failed('b', 1)],
      ...[
        begun({ mode: 'retry-failed', results: 0 }),
        done(['a'], 1, { results: 20 }),
        done(['b'], 1, { results: 40 }),
      ],
      begun({ mode: 'resume', results: 20 }),
    ]);
    expect([data.done, data.failed, data.failures[0]?.left]).toEqual([1, 1, 1]);
  });

  test('has the worker of --inline as busy as the master was with its items, and no memory of it', () => {
    const part = [tick(1000), done(['a'], 500), sampled([[0, 80]], { workers: 0 }), tick(2000), done(['b'], 500)];
    const data = collected([begun(), ...part, ended(), begun({ mode: 'resume' }), forked(1), ...part, exited(1, true)]);
    expect(data.lanes.map(({ load, processes, megabytes }) => [load, processes, megabytes])).toEqual([
      [0.5, 1, undefined],
    ]);
    expect(data.samples).toMatchObject({ master: [80, 80], median: [0, 0], largest: [0, 0] });
  });

  test('knows whether the run is paused', () => {
    const paused = sampled([[0, 1]], { paused: true });
    expect(collected([begun(), paused]).paused).toBe(true);
    expect(collected([begun(), paused, sampled([[0, 1]])])).not.toHaveProperty('paused');
    expect(collected([begun(), paused, ended()])).not.toHaveProperty('paused');
  });

  test('goes on behind the part before, and says how each ended', () => {
    const { parts, tookMs } = collected([
      ...[begun(), tick(5000), done(['a'], 1), ended({ complete: false, stoppedBy: 'SIGINT', exitCode: 130 })],
      ...[begun({ mode: 'resume', user: 'other' }), tick(2000), done(['b'], 1)],
      ...[begun({ mode: 'resume' }), tick(1000), ended()],
    ]);
    expect(parts.map(({ fromMs, toMs, how, user, done: count }) => [fromMs, toMs, how, user, count])).toEqual([
      [0, 5000, 'SIGINT', 'somebody', 1],
      [5000, 7000, 'cut short', 'other', 1],
      [7000, 8000, 'complete', 'somebody', 0],
    ]);
    expect(tookMs).toBe(8000);
  });

  test('stays small, whatever there is', () => {
    const long = 'x<&"\u2028'.repeat(600);
    const records: JournalRecord[] = [];
    for (let part = 0; part < 200; part++) {
      records.push(begun({ mode: 'resume', user: long, host: long, commit: long, release: long, at: long }));
      for (let at = 1; at <= 100; at++) {
        const worker = part * 50 + at;
        const error = {
          name: long,
          message: `${long} ${String.fromCharCode(97 + (at % 26)).repeat(1 + part)}`,
          stack: `E\n${`    at ${long} (file:///x.ts:1:1)\n`.repeat(50)}`,
        };
        records.push(forked(worker), tick(at * 12_345), failed(long + at, at * 777, { worker, error }));
        records.push(
          sampled(Array.from({ length: 100 }, (_, index) => [index + part * 50, 1000])),
          exited(worker, false),
        );
        records.push(done([long], at * 555.5, { worker }));
      }
    }
    const data = collected(records);
    expect(data.lanes.length).toBeLessThanOrEqual(100);
    expect(data.samples.at.length).toBeLessThanOrEqual(240);
    expect(data.parts.length).toBe(50);
    expect(data.partsLeftOut).toBe(150);
    expect(JSON.stringify(data).length).toBeLessThan(250_000);
  });

  test('is of what can be read, if values were edited into nonsense', () => {
    const nonsense = JSON.parse('[{"type":"tick","ms":"x"},{"type":"tick","ms":null},{"type":"tick","ms":1e999}]');
    const worker = { type: 'worker', worker: 'x', pid: 1, started: '' } as unknown as JournalRecord;
    const data = collected([
      begun(),
      ...nonsense,
      worker,
      done(['a'], 1, { worker: -1 }),
      done(['b'], 1, { worker: 1e9 }),
    ]);
    expect([data.done, data.tookMs]).toEqual([2, 0]);
  });
});
