// A module of --import that traces: when it is called, and that its errors never stop the work.
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { runInline } from '#divvy';
import { ALL_WELL, runTask } from './run-task.ts';
import Traced from './tasks/traced-plainly.ts';

const TRACER = join(import.meta.dirname, 'programs/tracer.ts');

const traced = (items: readonly string[], options: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  runTask('traced-plainly', { args: ['--import', TRACER, '-n', '1', ...options, '--', ...items], env }).ended();

const ITEMS = ['now', 'later', 'throws', 'rejects'];
const RETRIES = ['--retries', '1', '--backoff', '0ms'];

/** What the items print, in any order. */
const printed = (stdout: string): string[] =>
  stdout
    .split('\n')
    .filter((line) => / in /.test(line) && !line.startsWith('tracer'))
    .sort();
const told = (stdout: string): string[] => stdout.split('\n').filter((line) => line.startsWith('tracer'));

test.each([
  ['in a worker', []],
  ['with --inline', ['--inline']],
])('%s a run and each attempt have their traces around them', async (_, options) => {
  const { status, stdout } = await traced(ITEMS, [...RETRIES, ...options]);
  expect(status).toBe(0);
  const by = options.length > 0 ? 'undefined' : 'the tracer';
  expect(printed(stdout)).toEqual([
    'dispatch in the run',
    `later in item 2, ${by}`,
    `now in item 1, ${by}`,
    `rejects in item 4, ${by}`,
    `rejects in item 4, ${by}`,
    `throws in item 3, ${by}`,
    `throws in item 3, ${by}`,
  ]);
  const attempts = told(stdout).filter((line) => line.startsWith('tracer: attempt'));
  expect(attempts.sort()).toEqual([
    'tracer: attempt 1 1 1 now done undefined',
    'tracer: attempt 1 2 1 later done undefined',
    'tracer: attempt 1 3 1 throws threw it throws',
    'tracer: attempt 1 3 2 throws done undefined',
    'tracer: attempt 1 4 1 rejects threw it rejects',
    'tracer: attempt 1 4 2 rejects done undefined',
  ]);
  const lines = told(stdout);
  expect(lines[0]).toBe('tracer: run traced-plainly.ts 1');
  expect(lines.slice(-2)).toEqual(['tracer: run ended 0 undefined', 'tracer: flush']);
  // A worker flushes when its task has ended; the master, at its own end, does the rest.
  const ofWorkers = lines.filter((line) => line === 'tracer: flush').length - 1;
  expect(ofWorkers).toBe(options.length > 0 ? 0 : 1);
  if (ofWorkers > 0) expect(stdout.indexOf('exits')).toBeLessThan(stdout.indexOf('tracer: flush'));
});

describe.each(['run', 'attempt', 'before', 'after', 'end', 'end of run', 'flush', 'forgets', 'everything'])(
  'where %s goes wrong in it',
  (part) => {
    test.each([
      ['in a worker', []],
      ['with --inline', ['--inline']],
    ])('%s each item is done, and once', async (_, options) => {
      const { status, stdout, stderr } = await traced(['now', 'later'], options, { TRACER: part });
      expect(status).toBe(0);
      expect(printed(stdout)).toEqual([
        expect.stringMatching(/^dispatch in /),
        expect.stringMatching(/^later in /),
        expect.stringMatching(/^now in /),
      ]);
      const notes = stderr.split('\n').filter((line) => line.includes('telemetry: '));
      // One of the worker at most, and one of the master.
      expect(notes.length).toBeLessThanOrEqual(options.length > 0 ? 1 : 2);
      if (part === 'forgets') expect(stderr).toMatch(ALL_WELL);
      else for (const note of notes) expect(note).toMatch(/^divvy: telemetry: (it failed: )?[\w ]+ is broken$/);
      if (part !== 'forgets') expect(notes).not.toEqual([]);
    });
  },
);

test('a run that fails before its first item has a trace that says so', async () => {
  const journal = join(import.meta.dirname, 'no-such-folder/in/it.ndjson');
  const { status, stdout } = await traced(['now'], ['--journal', `/dev/null/${journal}`]);
  expect(status).not.toBe(0);
  expect(told(stdout)).toEqual([
    'tracer: run traced-plainly.ts 1',
    expect.stringMatching(/^tracer: run ended undefined .+/),
    'tracer: flush',
  ]);
});

test('nobody waits for what is never flushed, and a worker is gone before it would be killed', async () => {
  const { status, stderr } = await traced(['now'], ['--kill-after', '2s'], { TRACER: 'never flushes' });
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: expect.stringMatching(
      new RegExp(`^divvy: telemetry: not everything was sent within 2 s\n${ALL_WELL.source.slice(1)}`),
    ),
  });
});

test('a dry run is not traced, and neither is runInline', async () => {
  expect(told((await traced(['now'], ['--dry-run'])).stdout)).toEqual([]);
  // The tracer is loaded in this process, too: with the task.
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  expect(await runInline(Traced, { items: ['now'] })).toMatchObject([{ done: true }]);
  expect(log.mock.calls).toEqual([['now in undefined, undefined'], ['exits']]);
  log.mockRestore();
});
