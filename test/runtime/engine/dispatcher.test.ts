// A dispatcher without a run around it, whose queue has no room.
import { expect, onTestFinished, test } from 'vitest';
import { Dispatcher } from '../../../runtime/engine/dispatcher.ts';
import type { Feed } from '../../../runtime/engine/engine.ts';
import { settingsOf } from '../../../runtime/options.ts';
import type { ToMaster } from '../../../runtime/wire/messages.ts';
import { memoryEngine } from './memory-queue.ts';

const CAPACITY = 100;

test('a queue that has no room gets less, and all of it in the end', async () => {
  const engine = memoryEngine(() => performance.now());
  const options = { url: '', task: 'a-task', lockMs: 5000, reached: () => undefined };
  const [open, host] = [await engine.feed(options), await engine.join(options)];
  await host.present({ id: 'h1', name: 'machine:1', capacity: CAPACITY });
  let refusals = 2;
  const put: Feed['put'] = async (chunks) => {
    if (refusals-- > 0) throw new Error('OOM command not allowed when used memory > maxmemory');
    await open.put(chunks);
  };
  const said: string[] = [];
  const dispatcher = new Dispatcher({
    feed: { ...open, put },
    words: [],
    code: { given: undefined, task: 'a', runtime: 'b' },
    lockMs: options.lockMs,
    say: (text) => said.push(text),
  });
  await dispatcher.claim();
  onTestFinished(() => dispatcher.end(true));
  const task = { dispatch: () => [], process: () => undefined };
  const run = {
    runId: 'a-run',
    settings: settingsOf({}),
    args: [],
    mode: 'new' as const,
    wordsBefore: undefined,
    task,
  };
  await dispatcher.opened({ ...run, record: () => undefined });
  const before = dispatcher.prefetch();
  const worker = dispatcher.boot({} as never, {
    said: (_: ToMaster) => undefined,
    reclaimed: () => undefined,
    backpressure: () => undefined,
    exited: () => undefined,
  });
  const payloads = [1, 2, 3].map((number) => ({ key: `key ${number}`, body: String(number) }));
  worker.send({ kind: 'items', batchAcks: true, runs: [{ number: 1, payloads, attempt: 1, hasKeys: true }] });
  await expect.poll(() => open.counts(), { timeout: 10_000 }).toMatchObject({ waiting: 3 });
  expect(said).toContain(
    'the queue refuses what it is asked, tries again: OOM command not allowed when used memory > maxmemory',
  );
  expect(said).toContain('puts less into the queue for a while');
  expect(said.at(-1)).toBe('the queue does what it is asked again');
  expect(before).toBe(2 * CAPACITY);
  expect(dispatcher.prefetch()).toBeLessThanOrEqual(before / 2);
  worker.kill('SIGKILL');
});
