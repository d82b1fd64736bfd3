import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Master, runInline } from '#divvy';
import ExampleTask from '../tasks/example-task.ts';

// The items are given here. The task's own `dispatch` does not run, so a test touches no real data.
const items = [{ id: 1 }, { id: 2 }, { id: 3 }];

test('each item is processed, here in the test process', async () => {
  const { log } = console;
  console.log = () => undefined; // What the task prints is not printed here: some packages fail a test that prints.
  const outcomes = await runInline(ExampleTask, { items }).finally(() => Object.assign(console, { log }));

  assert.deepEqual(
    outcomes.map((outcome) => ({ item: outcome.item, done: outcome.done })),
    items.map((item) => ({ item, done: true })),
  );
});

test('each item is processed, by two workers', async () => {
  const taskFile = new URL('../tasks/example-task.ts', import.meta.url);
  const { counts } = await new Master(taskFile, { workers: 2, items, signals: false }).run();

  assert.equal(counts.done, items.length);
  assert.equal(counts.dispatched, items.length);
});
