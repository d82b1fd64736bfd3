// What is said at the end of a run beyond its counts: failures by their errors, and how to go on.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failureLines, waysToGoOn } from '../../../runtime/cli/summary.ts';
import type { RunEvent } from '../../../runtime/events.ts';
import type { Counts, RunResult } from '../../../runtime/parallelizable.ts';
import { Failures } from '../../../runtime/text/failures.ts';
import { endOf } from '../../../runtime/text/report.ts';
import { seconds } from '../../../runtime/text/words.ts';
import { items, Project } from '../journal/ledger.ts';
import { makeGate, runTask } from '../run-task.ts';

const counts: Counts = {
  dispatched: 0,
  done: 0,
  failed: 0,
  unfinished: 0,
  skipped: 0,
  retried: 0,
  spawned: 0,
  crashed: 0,
};
const result = (more: Partial<RunResult>): RunResult => ({ counts, exitCode: 0, runId: 'a-run', ...more });

/** `a`, `b`, …, `z`, `ba`, …: without digits, by which errors are not told apart. */
const word = (index: number): string =>
  [...index.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join('');

describe('how it ended, in a line', () => {
  const said = (more: Partial<Counts>, ended: Partial<RunEvent & { type: 'ended' }> = {}): string =>
    endOf({
      ...{ type: 'ended', durationMs: 5000, skipped: { done: 0, failed: 0, left: 0, others: 0 } },
      ...{ result: result({ counts: { ...counts, ...more } }), ...ended },
    });

  test.each([
    ['all is done', said({ dispatched: 1, done: 1 }), '1 item: 1 done. Took 5 s.'],
    ['there was nothing', said({}), '0 items. Took 5 s.'],
    [
      'a resume',
      said({ dispatched: 3, done: 3, skipped: 5 }, { skipped: { done: 5, failed: 0, left: 0, others: 0 } }),
      '8 items: 3 done, 5 skipped (done in an earlier run). Took 5 s.',
    ],
    [
      'a resume of a run in which some failed',
      said({ dispatched: 3, done: 3, skipped: 1270 }, { skipped: { done: 1269, failed: 1, left: 0, others: 0 } }),
      '1,273 items: 3 done, 1,270 skipped (1,269 done in an earlier run, 1 failed in an earlier run). Took 5 s.',
    ],
    [
      'all that can be told',
      said({ dispatched: 10_000, done: 9990, failed: 6, unfinished: 4, retried: 1200, crashed: 1 }),
      '10,000 items: 9,990 done, 6 failed, 4 unfinished. 1,200 retried, 1 worker died. Took 5 s.',
    ],
    [
      'a dry run',
      said({ skipped: 8 }, { skipped: { done: 5, failed: 0, left: 0, others: 0 } }),
      '8 items: 3 would be processed (dry run), 5 skipped (done in an earlier run). Took 5 s.',
    ],
    [
      'it was stopped',
      said({}, { result: result({ stoppedBy: 'SIGINT', counts: { ...counts, dispatched: 1, unfinished: 1 } }) }),
      'Stopped by SIGINT. 1 item: 0 done, 1 unfinished. Took 5 s.',
    ],
  ])('%s', (_, line, expected) => expect(line).toBe(expected));

  test.each([
    [5, '5 ms'],
    [999.6, '1 s'],
    [1500, '1.5 s'],
    [35_400, '35 s'],
    [119_000, '119 s'],
    [120_000, '2 min'],
    [7_199_000, '2 h'],
    [12_000_000, '3 h 20 min'],
    [3_600_000_000, '1,000 h'],
  ])('%d ms is %s', (ms, expected) => expect(seconds(ms)).toBe(expected));
});

describe('failures', () => {
  test('of more than twenty errors: what comes beyond is counted together, behind the others', () => {
    const failures = new Failures();
    for (let number = 1; number <= 1000; number++)
      failures.note({ name: 'E', message: word(number) }, undefined, `${number}`);
    failures.note({ name: 'E', message: word(20) }, undefined, '1001');
    const lines = failureLines(failures).map(({ text }) => text);
    expect(lines).toHaveLength(21);
    expect(lines.slice(0, 2)).toEqual([`  2 items: E: ${word(20)} (20, 1001)`, '  1 item: E: b (1)']);
    expect(lines.at(-1)).toBe('  980 items: other errors');
  });

  test('of a real run, with the command that tries them again', async () => {
    const project = new Project([...items(7, 'fails'), 'fine', 'permanent']);
    const { status, stderr } = await project.run(['-n', '1']).ended();
    expect(status).toBe(1);
    const lines = stderr.split('\n').filter((line) => !/^divvy: (item \d| {2}at )/.test(line));
    expect(lines).toEqual([
      expect.stringMatching(/^divvy: 9 items: 1 done, 8 failed\. Took /),
      'divvy:   7 items: Error: no: fails … (1, 2, 3, 4, 5, …)',
      'divvy:   1 item: PermanentError: never (9)',
      expect.stringMatching(/^divvy: journal: .*\.ndjson$/),
      `divvy: to try what failed again: node runtime/run.mjs --retry-failed '${project.task}' -n 1`,
      '',
    ]);
  });

  /** Runs a task of this text. */
  async function run(members: string, ...args: string[]) {
    const project = new Project([]);
    const task = join(project.folder, 'tasks/own.ts');
    writeFileSync(task, `export default class Own { ${members} }`);
    return runTask(task, { args: ['-n', '1', ...args] }).ended();
  }

  test('name the keys of the task’s own, the cause, and the line of the task', async () => {
    const { stderr } = await run(`
      *dispatch() { for (let id = 501; id <= 505; id++) yield id; }
      key(id) { return 'user-' + id; }
      process(id) {
        if (id === 501) return;
        throw new TypeError('fetch failed', { cause: Object.assign(new Error('read ECONNRESET by user-' + id), { code: 'ECONNRESET' }) });
      }`);
    const line = 'failed: TypeError: fetch failed, caused by Error: read ECONNRESET by';
    expect(stderr).toMatch(
      new RegExp(`^divvy: item 2 \\(user-502\\) ${line} user-502\ndivvy: {3}at .*own\\.ts:6:15\\)?\n`),
    );
    expect(stderr).toContain(
      'divvy:   4 items: TypeError: fetch failed, caused by Error: read ECONNRESET by … (user-502, user-503, user-504, user-505)\n',
    );
  });

  test('a worker that dies is told of with the keys of its items', async () => {
    const { stderr } = await run(
      `*dispatch() { yield 1; } key() { return 'user-1'; } process() { process.exit(3); }`,
      ...['--max-crashes', '1'],
    );
    expect(stderr).toMatch(/^divvy: worker 1 exited with status 3 while on item 1 \(user-1\)\n/);
    expect(stderr).toContain('divvy: item 1 (user-1) failed: WorkerDied: worker 1 exited with status 3 while on it');
  });

  test('are said when they count: behind the hook, and not where it throws', async () => {
    const fails = `*dispatch() { yield 1; } process() { throw new Error('no'); }`;
    const told = await run(`${fails} afterFailure() { process.stderr.write('in the hook\\n'); }`, '--no-journal');
    expect(told.stderr).toMatch(/^in the hook\ndivvy: item 1 failed: Error: no\n/);
    const thrown = await run(`${fails} afterFailure() { throw new Error('broken'); }`);
    expect(thrown.status).toBe(70);
    expect(thrown.stderr).toMatch(
      /divvy: item 1 \(key .{8}…\) failed, and that could not be recorded; a resume tries it again: Error: no\n/,
    );
    expect(thrown.stderr).toMatch(/divvy: 1 item: 0 done, 1 unfinished\. Took .*\ndivvy: journal: /);
    expect(thrown.stderr).not.toMatch(/1 failed|items?: Error/);
  });

  test('whose hook is left behind by a stop are unfinished, and said to be', async () => {
    const project = new Project([]);
    const task = join(project.folder, 'tasks/own.ts');
    writeFileSync(
      task,
      `export default class Own {
        *dispatch() { yield 1; }
        process() { throw new Error('no'); }
        async afterFailure() { console.log('hangs'); await new Promise(() => setInterval(() => {}, 1000)); }
      }`,
    );
    const hanging = runTask(task, { args: ['-n', '1', '--kill-after', '100ms', '--json'] });
    await hanging.said(/hangs\n/);
    hanging.kill('SIGTERM');
    const { signal, stderr } = await hanging.ended();
    expect(signal).toBe('SIGTERM');
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line): RunEvent => JSON.parse(line));
    expect(events.filter(({ type }) => type === 'item failed')).toEqual([]);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'item unfinished', error: expect.objectContaining({ message: 'no' }) }),
    );
    expect(events.find(({ type }) => type === 'ended')).toMatchObject({
      result: { counts: { failed: 0, unfinished: 1 } },
    });
  });

  test('a missing argument is said, and nothing else', async () => {
    const { status, stderr } = await run(`
      *dispatch() { throw new Error('Give URLs as arguments'); }
      process() {}`);
    expect(status).toBe(70);
    expect(stderr).toMatch(/^divvy: dispatch threw: Error: Give URLs as arguments\n {2}at .*own\.ts:2:\d+\)\n$/);
  });

  test('process.exitCode of the task is the exit code where all is well', async () => {
    const sets = `*dispatch() { process.exitCode = 3; yield 1; } process() {}`;
    expect((await run(sets)).status).toBe(3);
    expect((await run(sets.replace('{}', `{ throw new Error('no'); }`))).status).toBe(1);
  });

  test('-q says them, and nothing else', async () => {
    const one = `*dispatch() { yield 1; } process() {}`;
    expect(await run(one, '-q')).toMatchObject({ status: 0, stderr: '' });
    const { stderr } = await run(one.replace('{}', `{ throw new Error('no'); }`), '-q');
    expect(stderr).toMatch(/^divvy: item 1 \(key .*\) failed: Error: no\ndivvy: {3}at .*\n$/);
    const wrong = await run(`*dispatch() { throw new Error('no'); } process() {}`, '-q');
    expect(wrong.stderr).toMatch(/^divvy: dispatch threw: Error: no\n/);
  });
});

test('Ctrl+C after --halt has stopped the run is answered: what it waits for, and from when on another one helps', async () => {
  const project = new Project(['gate', 'fails']);
  const gate = await makeGate();
  const run = project.run(['-n', '2', '--halt', '1', '--force-after', '20s'], { env: gate.env });
  await gate.arrived(1);
  await run.said(/Stopping \(halt\): waiting for 1 item\.\n/);
  run.kill('SIGINT');
  await run.said(/Already stopping: waiting for 1 item\. After 20 s, Ctrl\+C again abandons it\.\n/);
  gate.open();
  expect(await run.ended()).toMatchObject({ signal: 'SIGINT' });
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
    waysToGoOn(result({ journal, counts: some, ...more }), argv, false).map((line) => {
      expect(line.whole).toBe(true); // it can be copied
      return line.text.replace('node runtime/run.mjs', 'run');
    });
  const some = { ...counts, dispatched: 9 };
  const failed = { ...some, failed: 1 };
  const unfinished = { ...some, unfinished: 1 };

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
    ['nothing was dispatched', said({ counts, exitCode: 70 }, 't.ts'), []],
    [
      'nothing was dispatched, of a run that had begun before',
      said({ counts, exitCode: 70 }, '--resume', 't.ts'),
      ['journal: j.ndjson', 'to go on: run --resume t.ts'],
    ],
    ['without a journal', waysToGoOn(result({ counts: failed }), ['t.ts'], false), []],
  ])('%s', (_, lines, expected) => {
    expect(lines).toEqual(expected);
  });
});
