// A small dose of what journal-chaos.long.ts does at length.
import { test } from 'vitest';
import { everyEntries, killMasters, killWorkers } from './journal-chaos.ts';

test('workers that are killed lose no item, fail none, and do again at most what they were at', async () => {
  await killWorkers({ count: 120, name: 'slow', workers: 3, concurrency: 2 }, everyEntries(30));
});

test('masters that are killed, and resumed, lose no item, and have no worker left', async () => {
  await killMasters({ count: 120, name: 'slow', workers: 2, concurrency: 2 }, 4);
});
