// A report of a run with retries: what it says of items is what became of each in the end.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JournalRecord } from '../../../runtime/journal/records.ts';
import { Collector } from '../../../runtime/report/collect.ts';
import { begun, done, failed, tick } from './made.ts';

const ITEMS = 30;
const RESULT = 10;

interface Outcome {
  readonly key: string;
  readonly how: 'done' | 'failed';
  readonly ms: number;
  readonly atMs: number;
  readonly error: string;
}

const OUTCOME = fc.record({
  item: fc.nat(ITEMS - 1),
  how: fc.constantFrom('done', 'failed'),
  ms: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 900 })),
  error: fc.constantFrom('one', 'two', 'three'),
});
const PART = fc.record({
  isRetry: fc.boolean(),
  /** How many of the results written last are lost before this part. */
  lost: fc.nat(3),
  outcomes: fc.array(OUTCOME, { maxLength: 40 }),
});

/** Makes the lines of a run and of its resumes, and knows by itself what became of each item. */
class Told {
  readonly records: JournalRecord[] = [];
  readonly items = new Map<string, Outcome>();
  readonly #written: { readonly key: string; readonly before: Outcome | undefined }[] = [];
  readonly #hasResults: boolean;
  ended = 0;
  #ms = 0;

  constructor(hasResults: boolean) {
    this.#hasResults = hasResults;
  }

  begin(isRetry: boolean, lost: number): void {
    for (let left = Math.min(lost, this.#written.length); left > 0; left--) {
      const { key = '', before } = this.#written.pop() ?? {};
      if (before) this.items.set(key, before);
      else this.items.delete(key);
    }
    const mode = this.records.length === 0 ? 'new' : isRetry ? 'retry-failed' : 'resume';
    this.records.push(begun({ mode, ...(this.#hasResults && { results: this.#written.length * RESULT }) }));
    this.#ms = this.#atMs;
  }

  #atMs = 0;

  /** A retry takes only what has failed, and everything else only what is not there yet. */
  end(isRetry: boolean, item: number, { how, ms, error }: Omit<Outcome, 'key' | 'atMs'>): void {
    const key = `k${item}`;
    const before = this.items.get(key);
    if ((before?.how === 'failed') !== isRetry || (!isRetry && before)) return;
    this.#atMs += 100;
    this.ended += 1;
    this.records.push(tick(this.#atMs - this.#ms));
    this.items.set(key, { key, how, ms, atMs: this.#atMs, error });
    if (how === 'failed') this.records.push(failed(key, ms, { error: { name: 'Error', message: error } }));
    else if (!this.#hasResults) this.records.push(done([key], ms));
    else {
      this.#written.push({ key, before });
      this.records.push(done([key], ms, { results: this.#written.length * RESULT }));
    }
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);

test('each item counts once, with its last outcome, however often it was retried and whatever results were lost', () => {
  fc.assert(
    fc.property(fc.array(PART, { minLength: 1, maxLength: 6 }), fc.boolean(), (parts, hasResults) => {
      const told = new Told(hasResults);
      for (const [at, { isRetry, lost, outcomes }] of parts.entries()) {
        told.begin(isRetry, hasResults ? lost : 0);
        for (const { item, ...outcome } of outcomes) told.end(at > 0 && isRetry, item, outcome);
      }
      const collector = new Collector();
      for (const record of told.records) collector.see(record);
      const { durations, slowest, failures, otherFailures, columns, ...data } = collector.data();
      const all = [...told.items.values()];
      const failing = all.filter(({ how }) => how === 'failed');
      expect([data.done, data.failed, data.unmatched]).toEqual([
        all.length - failing.length,
        failing.length,
        undefined,
      ]);
      // An attempt of 0 ms died with its worker.
      const timed = all.filter(({ how, ms }) => how === 'done' || ms > 0).sort((one, other) => other.ms - one.ms);
      const timedFailing = timed.filter(({ how }) => how === 'failed').length;
      expect([sum(durations.done), sum(durations.failed)]).toEqual([timed.length - timedFailing, timedFailing]);
      expect(durations.max).toBe(timed[0]?.ms ?? 0);
      expect(slowest.map(({ ms }) => ms)).toEqual(timed.slice(0, 20).map(({ ms }) => ms));
      const named = slowest.map(({ key, ms, how, atMs }) => ({ key, ms, how, atMs }));
      expect(named).toEqual(named.map(({ key }) => ({ ...told.items.get(key ?? ''), error: undefined })));
      expect(new Set(named.map(({ key }) => key)).size).toBe(named.length);
      expect([sum(failures.map(({ left }) => left)), otherFailures]).toEqual([failing.length, 0]);
      for (const { error, left, first, firstMs, lastMs } of failures) {
        const those = failing.filter((each) => `Error: ${each.error}` === error).sort((a, b) => a.atMs - b.atMs);
        expect([left, firstMs, lastMs]).toEqual([those.length, those[0]?.atMs ?? 0, those.at(-1)?.atMs ?? 0]);
        expect(first).toEqual(those.slice(0, 5).map(({ key }) => key));
      }
      // What went on over time is another thing: each end of an item is one.
      expect(sum(columns.done) + sum(columns.failed)).toBe(told.ended);
    }),
    { numRuns: 500 },
  );
});

test('with more items than it remembers, the slowest are still those that took longest in the end', () => {
  const items = Array.from({ length: 3000 }, (_, at) => at + 1);
  const collector = new Collector();
  const see = (...records: JournalRecord[]): void => {
    for (const record of records) collector.see(record);
  };
  see(begun(), ...items.map((ms) => failed(`k${ms}`, ms)));
  see(begun({ mode: 'retry-failed' }), ...items.slice(2510).map((ms) => done([`k${ms}`], 1)));
  // Of what is faster than those that were left out, nobody knows which were slow.
  see(begun({ mode: 'resume' }), done(['other'], 2400));
  expect(collector.data().slowest.map(({ key }) => key)).toEqual(
    Array.from({ length: 10 }, (_, at) => `k${2510 - at}`),
  );
  expect(sum(collector.data().durations.failed)).toBe(2510);
});
