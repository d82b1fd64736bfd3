// A small dose of what chaos.long.ts does at length: no item is lost, and no line of one that is recorded as done.
import { describe, test } from 'vitest';
import { everyEntries, killMasters, killWorkers } from './chaos.ts';

describe.each([[{}], [{ readsSlowly: true }]] as const)('whoever reads the output reads %o', (reader) => {
  test('workers that are killed lose no item, fail none, and do again at most what they were at', async () => {
    const chaos = { count: 120, name: 'slow', workers: 3, concurrency: 2, lines: 5, ...reader };
    await killWorkers(chaos, everyEntries(30));
  });

  test('masters that are killed, and resumed, lose no item, and have no worker left', async () => {
    await killMasters({ count: 120, name: 'slow', workers: 2, concurrency: 2, lines: 5, ...reader }, 4);
  });
});
