import { expect, test } from 'vitest';
import { faults, openedCode } from '../simulator/faults.ts';
import { search } from '../simulator/search.ts';
import { smallCase } from '../simulator/small-case.ts';

/** The small ones first: most faults are found in one of these. */
const cases = [
  smallCase({ workers: 1, concurrency: 2, items: 2 }, { kills: 3 }),
  smallCase({ workers: 1, prefetch: 1 }, { kills: 1, throws: 1 }),
  smallCase({ workers: 1, prefetch: 1, batchAcks: true }, { kills: 1, throws: 1 }),
  smallCase({ workers: 1, items: 2 }, { deaths: 1, stops: 1, throws: 2 }),
  smallCase({ workers: 1, prefetch: 2, batchAcks: true, equal: true }, { deaths: 2, throws: 1 }),
  smallCase({ workers: 1, concurrency: 2 }, { timeouts: 1, throws: 1 }),
  smallCase({ workers: 1, prefetch: 1 }, { pauses: 2, deaths: 1, throws: 1 }),
  smallCase({ workers: 1, prefetch: 1 }, { cancels: 1, limits: 1, kills: 1 }),
  smallCase({ workers: 1, rate: 100 }, { limits: 1, kills: 1, throws: 1 }),
  smallCase({ workers: 1, concurrency: 2 }, { cancels: 1, timeouts: 1, throws: 1 }),
  smallCase({ workers: 1, prefetch: 2, batchAcks: true }, { cancels: 2, terms: 1, stops: 1 }),
  smallCase({ workers: 1, items: 5, prefetch: 3, batchAcks: true, acksGathered: 1 }, { kills: 1, throws: 1 }),
  smallCase({ prefetch: 1 }, { limits: 2, kills: 1 }),
  smallCase({ workers: 1, concurrency: 2, items: 4, ties: 1 }, { deaths: 2, throws: 2 }),
  smallCase({ workers: 1, concurrency: 2, items: 4, ties: 2 }, { deaths: 1, throws: 2 }),
  smallCase({ workers: 1, prefetch: 2, batchAcks: true, items: 4, ties: 2 }, { deaths: 1, throws: 1 }),
  smallCase({ workers: 1, concurrency: 2, ordered: true }, { deaths: 1, throws: 2, stops: 1 }),
];

/** Two workers, three items, one death of the master, two retries: whichever way. */
const whole = [smallCase({}, { deaths: 1, kills: 1 }), smallCase({ retries: 2 }, { deaths: 1, throws: 2 })];

test.for([...cases, ...whole])('no order of events breaks a rule: %j', async (small) => {
  const { states, events, ends } = search(small, await openedCode());
  console.log(`${states} states, ${events} events, ${ends} ends`);
  expect(ends).toBeGreaterThan(0);
});

test.for(faults.filter(({ searched }) => searched))('the search notices: $what', async (fault) => {
  const faulty = await openedCode(fault);
  expect(() => {
    for (const small of cases) {
      const isFor = small.ordered ? 'order.ts' : small.ties > 0 ? 'cursor.ts' : undefined;
      if (isFor === (['order.ts', 'cursor.ts'].includes(fault.file ?? '') ? fault.file : undefined))
        search(small, faulty);
    }
  }).toThrow();
});
