// Records of a journal, made for tests of reports: what a run leaves, as short as it can be written down.
import type {
  DoneRecord,
  EndRecord,
  FailedRecord,
  JournalRecord,
  RetryRecord,
  RunRecord,
  SampleRecord,
} from '../../../runtime/journal/records.ts';

export const begun = (more: Partial<RunRecord> = {}): RunRecord => ({
  type: 'run',
  format: 1,
  release: '1.2.3',
  number: 1,
  runId: '20300101-000000-abcd',
  at: '2030-01-01T00:00:00.000Z',
  taskFile: '/tasks/nightly.ts',
  taskHash: '',
  args: [],
  ownKeys: true,
  cwd: '/',
  options: {},
  mode: 'new',
  user: 'somebody',
  pid: 999_999_999,
  started: '',
  host: 'elsewhere',
  ...more,
});

export const tick = (ms: number): JournalRecord => ({ type: 'tick', ms });

export const done = (keys: readonly string[], ms: number, more: Partial<DoneRecord> = {}): DoneRecord => ({
  ...{ type: 'done', number: 1, keys, attempts: 1, worker: 1, ms },
  ...more,
});

export const failed = (key: string, ms: number, more: Partial<FailedRecord> = {}): FailedRecord => ({
  ...{ type: 'failed', key, number: 1, attempts: 1, worker: 1, ms },
  error: { name: 'Error', message: 'no luck' },
  ...more,
});

export const retried = (key: string, ms: number, more: Partial<RetryRecord> = {}): RetryRecord => ({
  ...{ type: 'retry', key, number: 1, attempts: 1, worker: 1, ms, error: 'Error: no luck' },
  ...more,
});

export const exited = (worker: number, inOrder: boolean): JournalRecord => ({
  ...{ type: 'exit', worker, pid: 1, code: inOrder ? 0 : null, signal: inOrder ? null : 'SIGKILL', inOrder },
});

export const forked = (worker: number): JournalRecord => ({ type: 'worker', worker, pid: 1, started: '' });

export const sampled = (memory: SampleRecord['memory'], more: Partial<SampleRecord> = {}): SampleRecord => ({
  ...{ type: 'sample', workers: 1, pending: 0, leased: 0, memory },
  ...more,
});

export const ended = (more: Partial<EndRecord> = {}): EndRecord => ({
  ...{ type: 'end', number: 1, at: '2030-01-01T00:01:00.000Z', complete: true, exitCode: 0 },
  counts: { dispatched: 0, done: 0, failed: 0, unfinished: 0, skipped: 0, retried: 0, spawned: 0, crashed: 0 },
  ...more,
});
