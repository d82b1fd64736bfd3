import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type ChunkItem,
  type ItemOutcome,
  itemsIn,
  reportIn,
  reportText,
  textOf,
} from '../../../runtime/engine/chunk.ts';
import { ProtocolError } from '../../../runtime/errors.ts';
import { decodeValue, encodeValue } from '../../../runtime/wire/codec.ts';

/** Anything that an item may be: also long strings, bytes, and what only v8 can carry. */
const value = fc.oneof(
  fc.anything({ withDate: true, withMap: true, withBigInt: true, withTypedArray: true, maxDepth: 2 }).filter((each) => {
    try {
      encodeValue(each, 'it', 1e6);
      return true;
    } catch {
      return false;
    }
  }),
  fc.string({ unit: 'binary', maxLength: 2000 }).filter((text) => text.isWellFormed()),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);

const items = fc
  .record({
    first: fc.nat(),
    hasKeys: fc.boolean(),
    hasPlaces: fc.boolean(),
    values: fc.array(value, { minLength: 1, maxLength: 20 }),
  })
  .chain(({ first, hasKeys, hasPlaces, values }) =>
    fc.tuple(...values.map(() => fc.tuple(fc.nat(2), fc.string(), fc.integer({ min: 1, max: 3 })))).map((more) => {
      let number = first;
      return values.map((each, at): ChunkItem => {
        const [gap = 0, text = '', occurrence = 1] = more[at] ?? [];
        number += 1 + gap;
        const body = encodeValue(each, 'it', 1e6);
        return { number, key: hasKeys ? text : undefined, occurrence, place: hasPlaces ? text : undefined, body };
      });
    }),
  );

test('a chunk of any items is read as it was written', () => {
  fc.assert(
    fc.property(items, (written) => {
      const read = itemsIn(textOf(written));
      const shown = (all: readonly ChunkItem[]) => all.map((item) => ({ ...item, body: decodeValue(item.body) }));
      expect(shown(read)).toEqual(shown(written));
    }),
    { numRuns: 1000 },
  );
});

const outcome = fc.option(
  fc.record({
    isDone: fc.boolean(),
    attempts: fc.integer({ min: 1, max: 3 }),
    crashes: fc.nat(2),
    durationMs: fc.constantFrom(0, 1, 2.5, 1000),
    body: fc.constantFrom(Buffer.alloc(0), Buffer.from('"it"'), Buffer.from([0, 255])),
  }),
  { nil: undefined },
);

test('a report of any outcomes is read as it was written, but that items which say the same share their time', () => {
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 40 }), fc.option(fc.nat(40), { nil: undefined }), (written, alone) => {
      const deaths = [[3, 1]] as const;
      const {
        host,
        alone: marked,
        deaths: died,
        outcomes,
      } = reportIn(reportText({ host: 'h', alone, deaths }, written));
      expect({ host, marked, died }).toEqual({ host: 'h', marked: alone, died: deaths });
      const read: (ItemOutcome | undefined)[] = written.map(() => undefined);
      for (const { at, count, ...rest } of outcomes) read.fill(rest, at, at + count);
      const timeless = (all: readonly (ItemOutcome | undefined)[]) =>
        all.map((each) => each && { ...each, durationMs: 0 });
      expect(timeless(read)).toEqual(timeless(written));
      const sum = (all: readonly (ItemOutcome | undefined)[]): number =>
        all.reduce((total, each) => total + (each?.durationMs ?? 0), 0);
      expect(Math.abs(sum(read) - sum(written))).toBeLessThan(1 + sum(written) / 100);
    }),
    { numRuns: 1000 },
  );
});

test.each(['', 'nothing', '{}', '{"n":"x"}\n1', '{"n":[1]}\n1\n2', '{"n":1}\n~t{'])('%j is no chunk', (text) => {
  expect(() => itemsIn(text)).toThrow(ProtocolError);
});

test.each(['', 'nothing', '{}', '{"h":"a"}', '{"h":"a","o":[[0]]}'])('%j is no report', (text) => {
  expect(() => reportIn(text)).toThrow(ProtocolError);
});
