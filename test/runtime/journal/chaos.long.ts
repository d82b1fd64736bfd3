// Chaos with real processes; the figures are in docs/delivery.md. DIVVY_SEED=17 for a seed of one's own.
import { setTimeout as wait } from 'node:timers/promises';
import { describe, test } from 'vitest';
import { killMasters, killWorkers } from './chaos.ts';

describe.each([[{}], [{ readsSlowly: true }]] as const)('whoever reads the output reads %o', (reader) => {
  test('100,000 items, 8 workers, any one of which is killed every 250 ms', async () => {
    const chaos = { count: 100_000, name: 'brief', workers: 8, concurrency: 1, lines: 2, ...reader };
    await killWorkers(chaos, () => wait(250));
  });

  test('200 masters killed, one after the other, and resumed', async () => {
    await killMasters({ count: 20_000, name: 'brief', workers: 4, concurrency: 2, lines: 2, ...reader }, 200);
  });
});
