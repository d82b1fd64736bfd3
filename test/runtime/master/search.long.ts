import { expect, test } from 'vitest';
import { openedCode } from '../simulator/faults.ts';
import { search } from '../simulator/search.ts';
import { smallCase } from '../simulator/small-case.ts';

/** Two workers, three items, one death of the master, and two or three more things that go wrong. */
test.for([
  smallCase({ retries: 2 }, { deaths: 1, throws: 2, kills: 1 }),
  smallCase({}, { deaths: 1, throws: 1, kills: 1 }),
  smallCase({ concurrency: 2 }, { deaths: 1, throws: 1, kills: 1 }),
  smallCase({ concurrency: 2 }, { deaths: 1, timeouts: 1, throws: 1 }),
  smallCase({ concurrency: 2 }, { deaths: 1, terms: 1, stops: 1 }),
  smallCase({ prefetch: 1 }, { deaths: 1, throws: 1, kills: 1 }),
  smallCase({ prefetch: 1, batchAcks: true }, { deaths: 1, kills: 1, timeouts: 1 }),
  smallCase({ prefetch: 1 }, { deaths: 1, limits: 2, kills: 1 }),
  smallCase({ rate: 100 }, { deaths: 1, limits: 1, throws: 1 }),
  smallCase({ prefetch: 1 }, { cancels: 2, kills: 1 }),
  smallCase({ concurrency: 2 }, { deaths: 1, cancels: 1, throws: 1 }),
  smallCase({ ordered: true }, { deaths: 1, throws: 2, kills: 1 }),
  smallCase({ items: 4, ties: 1 }, { deaths: 2, throws: 1 }),
  smallCase({ items: 4, ties: 2 }, { deaths: 2, throws: 1 }),
  smallCase({ prefetch: 1 }, { pauses: 2, kills: 1, throws: 1 }),
  smallCase({ ordered: true }, { deaths: 2, stops: 1 }),
])('no order of events breaks a rule: %j', async (small) => {
  const { states, events, ends } = search(small, await openedCode());
  console.log(`${states} states, ${events} events, ${ends} ends`);
  expect(ends).toBeGreaterThan(0);
});
