import { test } from 'vitest';
import { killWithCursor } from './killed-rows.ts';

test('1,000,000 rows with a cursor, and 20 masters killed', async () => {
  await killWithCursor({ count: 1_000_000, kills: 20, every: 45_000 });
});
