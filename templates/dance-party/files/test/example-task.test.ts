import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Master, runInline } from '#divvy';
import ExampleTask from '../tasks/example-task.ts';

// The tickets are given here. The task's own `dispatch` does not run.
const codes = new Map([
  [0, 'b6589fc6ab0dc82cf12099d1c2d40ab994e8410c'],
  [1, '356a192b7913b04c54574d18c28d46e6395428ab'],
  [9, '0ade7c2cf97f75d009975f4d720d1fa6c19f4897'],
]);

test('each ticket gets its code, here in the test process', async () => {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);

  await runInline(ExampleTask, { items: codes.keys() }).finally(() => Object.assign(console, { log }));

  assert.deepEqual(
    lines,
    [...codes].map(([ticket, code]) => `${String(process.pid).padStart(5)}      ${ticket} ${code}`),
  );
});

test('each ticket is processed, by two workers', async () => {
  const taskFile = new URL('../tasks/example-task.ts', import.meta.url);
  const { counts } = await new Master(taskFile, { workers: 2, items: codes.keys(), signals: false }).run();

  assert.equal(counts.done, codes.size);
  assert.equal(counts.dispatched, codes.size);
});
