// Chaos with real processes; the figures are in docs/delivery.md.
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'vitest';
import { killMasters, killWorkers } from './journal-chaos.ts';

test('100,000 items, 8 workers, one of which is killed every 250 ms', async () => {
  const figures = await killWorkers({ count: 100_000, name: 'item', workers: 8, concurrency: 1 }, () => wait(250));
  console.log('workers killed:', figures);
});

test('200 masters killed, one after the other, and resumed', async () => {
  const figures = await killMasters({ count: 20_000, name: 'item', workers: 4, concurrency: 2 }, 200);
  console.log('200 masters killed:', figures);
});
