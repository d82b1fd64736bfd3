import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByNumber } from '../../../runtime/engine/by-number.ts';

test('finds what a list of all items would find', () => {
  const step = fc.record({
    first: fc.nat(30),
    count: fc.integer({ min: 1, max: 6 }),
    isAdded: fc.boolean(),
    at: fc.nat(9),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const rows = new ByNumber<string>();
      const all = new Map<number, { value: string; at: number }>();
      for (const [index, { first, count, isAdded, at }] of steps.entries()) {
        const numbers = Array.from({ length: count }, (_, offset) => first + offset);
        if (isAdded && numbers.some((number) => all.has(number))) continue; // it is in there once
        if (isAdded) rows.add({ first, count, value: `step ${index}`, at });
        else rows.delete(first, count);
        for (const [offset, number] of numbers.entries()) {
          if (isAdded) all.set(number, { value: `step ${index}`, at: at + offset });
          else all.delete(number);
        }
        for (let number = 0; number < 40; number++) expect(rows.find(number)).toEqual(all.get(number));
        expect(rows.size).toBe(all.size);
      }
    }),
    { numRuns: 2000 },
  );
});
