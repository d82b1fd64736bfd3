// As crash.test.ts does it a few times, often enough that every place of a write and of an undo is hit.
import { expect, test } from 'vitest';
import { killAtRandom } from './random-kill.ts';

test('killed at random moments, five hundred times', async () => {
  const cut = await killAtRandom(500);
  expect(cut).toBeGreaterThan(100);
});
