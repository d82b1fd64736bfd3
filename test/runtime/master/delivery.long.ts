import { expect, test } from 'vitest';
import { faultless } from '../simulator/faults.ts';
import { storyOf, violationOf } from '../simulator/story.ts';

/** `DIVVY_SEEDS=5000000` for more. */
const seeds = Number(process.env['DIVVY_SEEDS'] ?? 1_000_000);

test(`${seeds} simulated runs, with what goes on with them, break no rule`, () => {
  expect(seeds).toBeGreaterThan(0);
  for (let seed = 1; seed <= seeds; seed++) {
    if (violationOf(seed, faultless) !== undefined) throw new Error(storyOf(seed));
  }
});
