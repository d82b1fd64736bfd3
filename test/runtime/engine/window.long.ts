import { expect, test } from 'vitest';
import { violationOf } from './simulation.ts';

test('a run over several machines loses no item and has none in two processes, whatever fails: 300,000 seeds', () => {
  for (let seed = 1; seed <= 300_000; seed++) expect(violationOf(seed), `seed ${seed}`).toBe(undefined);
});
