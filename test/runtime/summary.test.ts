// What is said at the end of a run beyond its counts: failures by their errors, and how to go on.
import { describe, expect, test } from 'vitest';
import { Summary } from '../../runtime/cli/summary.ts';
import type { RunResult } from '../../runtime/parallelizable.ts';
import { items, Project } from './ledger.ts';
import { runTask } from './run-task.ts';

const counts = {
  dispatched: 0,
  done: 0,
  failed: 0,
  unfinished: 0,
  skipped: 0,
  retried: 0,
  spawned: 0,
  crashed: 0,
} as const;
const result = (more: Partial<RunResult>): RunResult => ({ counts, exitCode: 0, runId: 'a-run', ...more });

/** Notes that an item has failed. */
function fail(summary: Summary, number: number, message: string): void {
  const outcome = { number, key: '', attempts: 1, crashes: 0, worker: 1, durationMs: 1 };
  summary.note({ type: 'item failed', outcome, error: { name: 'Error', message } });
}

/** `a`, `b`, …, `z`, `ba`, …: without digits, by which errors are not told apart. */
const word = (index: number): string =>
  [...index.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join('');

describe('failures', () => {
  test('are grouped by their errors, the most frequent first; the first five items of each are named', () => {
    const summary = new Summary();
    for (let number = 1; number <= 7; number++) fail(summary, number, `no answer in ${number * 100} ms\nand more`);
    fail(summary, 8, 'refused');
    for (let number = 9; number <= 13; number++) fail(summary, number, 'gone');
    expect(summary.lines(result({}), [])).toEqual([
      '  7 items: Error: no answer in … ms (1, 2, 3, 4, 5, …)',
      '  5 items: Error: gone (9, 10, 11, 12, 13)',
      '  1 item: Error: refused (8)',
    ]);
  });

  test('of more than twenty errors: what comes beyond is counted together', () => {
    const summary = new Summary();
    for (let number = 1; number <= 1000; number++) fail(summary, number, word(number));
    fail(summary, 1001, word(20)); // known already
    const lines = summary.lines(result({}), []);
    expect(lines).toHaveLength(21);
    expect(lines.slice(0, 2)).toEqual([
      '  980 items: other errors (21, 22, 23, 24, 25, …)',
      `  2 items: Error: ${word(20)} (20, 1001)`,
    ]);
    expect(lines[2]).toBe('  1 item: Error: b (1)');
  });

  test('of a real run, with the command that tries them again', async () => {
    const project = new Project([...items(7, 'fails'), 'fine', 'permanent']);
    const { status, stderr } = await project.run(['-n', '1']).ended();
    expect(status).toBe(1);
    const lines = stderr.split('\n').filter((line) => !/^divvy: item \d/.test(line));
    expect(lines).toEqual([
      'divvy: 1 item done, 8 failed',
      'divvy:   7 items: Error: no: fails … (1, 2, 3, 4, 5, …)',
      'divvy:   1 item: PermanentError: never (9)',
      expect.stringMatching(/^divvy: journal: .*\.ndjson$/),
      `divvy: to try what failed again: node runtime/run.mjs --retry-failed '${project.task}' -n 1`,
      '',
    ]);
  });
});

test('with -v, and on a terminal, a run begins with a line: its id, the master, how many workers, and the journal', async () => {
  const project = new Project(['fine']);
  const verbose = await project.run(['-n', '2', '-v']).ended();
  const [name = ''] = project.files();
  const line = `divvy: run ${name.replace('.ndjson', '')}: master \\d+, up to 2 workers, journal \\S.*/\\.divvy/ledger/${name}, socket /`;
  expect(verbose.stderr).toMatch(new RegExp(`^${line}`));
  const terminal = await runTask('echo', { args: ['-n', '1', '--no-journal'], onTerminal: true }).ended();
  expect(terminal.stdout).toMatch(/divvy: run \S+: master \d+, up to 1 worker\r?\n/);
});

describe('how to go on', () => {
  const journal = `${process.cwd()}/j.ndjson`;
  const said = (more: Partial<RunResult>, ...argv: string[]): string[] =>
    new Summary().lines(result({ journal, ...more }), argv).map((line) => line.replace('node runtime/run.mjs', 'run'));
  const failed = { ...counts, failed: 1 };
  const unfinished = { ...counts, unfinished: 1 };

  test.each([
    ['all is well', said({}, 't.ts'), []],
    [
      'stopped, with nothing in progress',
      said({ stoppedBy: 'SIGINT', exitCode: 130 }, 't.ts', '-n', '2'),
      ['journal: j.ndjson', 'to go on: run --resume t.ts -n 2'],
    ],
    [
      'dispatch threw',
      said({ exitCode: 70 }, '--resume', 't.ts'),
      ['journal: j.ndjson', 'to go on: run --resume t.ts'],
    ],
    [
      'some failed, some are left',
      said({ counts: { ...failed, unfinished: 2 }, exitCode: 74 }, 't.ts'),
      ['journal: j.ndjson', 'to go on: run --resume t.ts', 'to try what failed again: run --retry-failed t.ts'],
    ],
    [
      'a retry was stopped: a resume would leave what had failed',
      said({ counts: unfinished, stoppedBy: 'SIGINT' }, '--retry-failed', 't.ts'),
      ['journal: j.ndjson', 'to try what failed again: run --retry-failed t.ts'],
    ],
    [
      "the task's own arguments stay as they are",
      said({ counts: unfinished }, '-c', '2', 't.ts', '--', '--retry-failed', '', "it's", '$HOME', 'a b'),
      ['journal: j.ndjson', `to go on: run --resume -c 2 t.ts -- --retry-failed '' 'it'\\''s' '$HOME' 'a b'`],
    ],
    ['without a journal', new Summary().lines(result({ counts: failed }), ['t.ts']), []],
  ])('%s', (_, lines, expected) => {
    expect(lines).toEqual(expected);
  });
});
