// How far a run has come, against what a list of all items says. The simulator drives the same class in whole runs.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cursor } from '../../../runtime/master/cursor.ts';

/** Places in their order, as often as items share them. */
const places = fc
  .array(fc.nat(4), { minLength: 1, maxLength: 40 })
  .map((counts) => counts.flatMap((count, index) => Array.from({ length: count }, () => index * 10)));

describe('the mark', () => {
  test('is the last place of which, and before which, every item has ended, if another place has come', () => {
    fc.assert(
      fc.property(places, fc.array(fc.nat()), fc.boolean(), (all, order, isText) => {
        const of = (place: number): string | number => (isText ? `p${place}` : place);
        const cursor = new Cursor(undefined, true, 1000);
        const open = new Set<number>();
        let listed = 0;
        const check = (): void => {
          const ended = (number: number): boolean => !open.has(number);
          let last = 0;
          for (let number = 1; number < listed && all.slice(0, number).every((_, at) => ended(at + 1)); number++)
            if (all[number - 1] !== all[number]) last = number;
          const mark = last === 0 ? undefined : { place: of(all[last - 1] ?? 0), number: last };
          expect(cursor.mark).toEqual(mark);
        };
        // In turn an item is listed, and one that was listed before ends.
        for (const choice of [...order, ...all.map((_, at) => at)]) {
          if (listed < all.length && (choice % 2 === 0 || open.size === 0)) {
            cursor.yielded(of(all[listed] ?? 0), listed + 1);
            listed += 1;
            open.add(listed);
          } else if (open.size > 0) {
            const number = [...open][choice % open.size] ?? 0;
            open.delete(number);
            cursor.ended(number, 1);
          }
          check();
        }
      }),
    );
  });

  test('counts items that end together, in any order', () => {
    const cursor = new Cursor(undefined, true);
    for (let number = 1; number <= 10; number++) cursor.yielded(number, number);
    cursor.ended(7, 3);
    cursor.ended(1, 3);
    expect(cursor.mark).toEqual({ place: 3, number: 3 });
    cursor.ended(4, 3);
    expect(cursor.mark).toEqual({ place: 9, number: 9 });
  });
});

describe('what may be dispatched', () => {
  test('is bounded by the mark that is recorded', () => {
    const cursor = new Cursor({ place: 5, number: 50 }, true, 4);
    for (let number = 51; number <= 54; number++) cursor.yielded(number, number);
    expect([cursor.room, cursor.isPressing, cursor.firstOpen]).toEqual([0, true, 51]);
    cursor.ended(51, 2);
    expect([cursor.room, cursor.unrecorded]).toEqual([0, { place: 52, number: 52 }]);
    cursor.recorded();
    expect([cursor.room, cursor.unrecorded, cursor.isPressing]).toEqual([2, undefined, false]);
  });

  test('is not bounded where all items share one place, and all have ended', () => {
    const cursor = new Cursor(undefined, true, 4);
    for (let number = 1; number <= 4; number++) cursor.yielded('here', number);
    expect(cursor.room).toBe(0);
    cursor.ended(1, 4);
    expect(cursor.room).toBe(4);
  });

  test('a run that records no marks goes by its own outcomes', () => {
    const cursor = new Cursor(undefined, false, 4);
    for (let number = 1; number <= 4; number++) cursor.yielded(number, number);
    cursor.ended(1, 3);
    expect([cursor.room, cursor.unrecorded]).toEqual([3, undefined]);
  });
});
