// What a run records now and then of itself: memory, and what waits.
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Journal } from '../../../runtime/journal/journal.ts';
import type { JournalRecord, SampleRecord } from '../../../runtime/journal/records.ts';
import type { Delivery } from '../../../runtime/master/delivery.ts';
import type { Payload } from '../../../runtime/master/ended.ts';
import { askedOfPs, memoryOf, Samples } from '../../../runtime/master/samples.ts';
import type { Worker } from '../../../runtime/master/worker.ts';
import { NOTHING_EXPECTED } from '../../../runtime/text/outlook.ts';
import { Project } from '../journal/ledger.ts';

describe('the memory of processes', () => {
  test('is what this process knows of itself, and none of one that is gone', async () => {
    const [own = 0, gone] = await memoryOf([process.pid, 999_999_999]);
    expect(own / process.memoryUsage.rss()).toBeGreaterThan(0.7);
    expect(own / process.memoryUsage.rss()).toBeLessThan(1.4);
    expect(gone).toBe(0);
  });

  test('is the same by ps, for systems without /proc', async () => {
    const [own = 0, gone] = await askedOfPs([process.pid, 999_999_999]);
    expect(own / process.memoryUsage.rss()).toBeGreaterThan(0.7);
    expect(own / process.memoryUsage.rss()).toBeLessThan(1.4);
    expect(gone).toBe(0);
    expect(await askedOfPs([])).toEqual([]);
  });
});

describe('samples', () => {
  afterEach(() => void vi.useRealTimers());

  function begin(workers: number) {
    vi.useFakeTimers();
    const added: JournalRecord[] = [];
    const wake = vi.fn();
    const samples = new Samples({
      journal: { add: (record: JournalRecord) => added.push(record) } as unknown as Journal,
      delivery: { unstarted: 3, leased: 7 } as unknown as Delivery<Payload>,
      workers: Array.from({ length: workers }, (_, at) => ({
        number: at + 1,
        pid: process.ppid,
      })) as unknown as Worker[],
      controls: { expected: { ...NOTHING_EXPECTED, total: 12 }, isPaused: true },
      wake,
    });
    return { added: added as SampleRecord[], samples, wake };
  }

  test('come after a second, then every five; the first says how many items there are', async () => {
    const { added, samples, wake } = begin(2);
    await vi.advanceTimersByTimeAsync(999);
    expect(added).toEqual([]);
    await vi.advanceTimersByTimeAsync(5001);
    expect(added).toHaveLength(2);
    expect(added[0]).toMatchObject({ type: 'sample', workers: 2, pending: 3, leased: 7, total: 12, paused: true });
    expect(added[1]).not.toHaveProperty('total');
    expect(added[0]?.memory.map(([worker]) => worker)).toEqual([0, 1, 2]);
    expect(wake).toHaveBeenCalledTimes(2);
    samples.end();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(added).toHaveLength(2);
  });

  test('look at a hundred workers each, and in time at all', async () => {
    const { added, samples } = begin(250);
    await vi.advanceTimersByTimeAsync(11_000);
    samples.end();
    expect(added.map(({ memory }) => memory.length)).toEqual([101, 101, 101]);
    expect(new Set(added.flatMap(({ memory }) => memory.map(([worker]) => worker))).size).toBe(251);
  });

  test('are left out while they can not be taken, and that is no fault of the run', async () => {
    const { added, samples } = begin(1);
    const rss = vi.spyOn(process.memoryUsage, 'rss').mockImplementation(() => {
      throw new Error('ENOENT: no such file or directory, uv_resident_set_memory');
    });
    await vi.advanceTimersByTimeAsync(1000);
    expect(added).toEqual([]);
    rss.mockRestore();
    await vi.advanceTimersByTimeAsync(5000);
    expect(added).toHaveLength(1);
    samples.end();
  });

  test('are in the journal of a run', async () => {
    const project = new Project(['isAbortable']);
    const run = project.run(['-n', '1']);
    // The first sample may come before the worker has the item.
    const inProgress = (): SampleRecord | undefined => {
      const records = project.entered > 0 ? project.records() : [];
      return records.find((record): record is SampleRecord => record.type === 'sample' && record.leased === 1);
    };
    const sample = await vi.waitUntil(inProgress, { timeout: 60_000, interval: 50 });
    run.kill('SIGTERM');
    expect(sample).toMatchObject({ workers: 1, pending: 0 });
    expect(sample.memory.map(([worker, megabytes]) => [worker, megabytes > 20])).toEqual([
      [0, true],
      [1, true],
    ]);
    await run.ended;
  });
});
