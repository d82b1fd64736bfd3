// How far a run is: the line on a terminal, the plain lines elsewhere, and what they leave alone.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { drawn, Progress, plainly, type Standing, sayProgress } from '../../../runtime/cli/progress.ts';
import { NOTHING_EXPECTED } from '../../../runtime/text/outlook.ts';
import { linesTo, widthOf, wrapped } from '../../../runtime/text/terminal.ts';
import { Project } from '../journal/ledger.ts';
import { runTask } from '../run-task.ts';

const standing = (
  ended: number,
  more: Partial<Standing & Standing['counts'] & Standing['expected']> = {},
): Standing => ({
  workers: 8,
  isPaused: false,
  ...more,
  expected: { ...NOTHING_EXPECTED, total: 1_000_000, ...more },
  counts: {
    ...{ dispatched: ended, done: ended, failed: 0, unfinished: 0, skipped: 0, retried: 0, spawned: 8, crashed: 0 },
    ...more,
  },
});
const texts = (parts: readonly { readonly text: string }[]): string[] => parts.map(({ text }) => text);
/** With a sign for each escape. */
const visible = (text: string): string => text.replaceAll('\u001b', '␛');
/** No terminal, and so without colours. */
const colourless = Object.assign(new Writable(), { isTTY: false }) as unknown as NodeJS.WriteStream;

beforeEach(() => void vi.stubEnv('FORCE_COLOR', undefined));
afterEach(() => void vi.unstubAllEnvs());

describe('the line', () => {
  test('says how far it is, how fast, how long it will take, and what went wrong', () => {
    const progress = new Progress(0);
    progress.parts(standing(21_112), 0);
    const parts = progress.parts(standing(640_109, { failed: 3, retried: 12 }), 15_000);
    expect(drawn(parts, 0.64, 120, colourless)).toBe(
      '████████░░░░ 64%  640,112 of 1,000,000 · 41,300/s · 9 s left · 3 failed · 12 retried · 8 workers',
    );
    expect(plainly(parts, 0.64)).toBe(
      '640,112 of 1,000,000 (64%), 41,300/s, 9 s left, 3 failed, 12 retried, 8 workers',
    );
  });

  test('the rate is that of the last 15 s', () => {
    const progress = new Progress(0);
    let said: string[] = [];
    for (let at = 0; at <= 60_000; at += 250) {
      // 1,000 a second for half a minute, and then 20.
      said = texts(progress.parts(standing(at < 30_000 ? at : 30_000 + (at - 30_000) / 50), at));
    }
    expect(said).toEqual(['30,600 of 1,000,000', '20/s', '13 h 28 min left', '8 workers']);
  });

  test('what an earlier run had done counts for how far it is, and not for the rate', () => {
    const parts = new Progress(0).parts(standing(100, { skipped: 500_000 }), 10_000);
    expect(texts(parts)).toEqual(['500,100 of 1,000,000', '10/s', '13 h 53 min left', '8 workers']);
  });

  test('a resume begins where the run was, before anything is skipped', () => {
    const progress = new Progress(0);
    const resumed = { earlier: 600_000 };
    const first = progress.parts(standing(0, { ...resumed, dispatched: 0, skipped: 10 }), 20_000);
    expect(texts(first)).toEqual(['600,000 of 1,000,000', '8 workers']);
    // The 20 s in which it has skipped are not part of the rate.
    const parts = progress.parts(standing(5000, { ...resumed, skipped: 600_000 }), 25_000);
    expect(texts(parts)).toEqual(['605,000 of 1,000,000', '1,000/s', '7 min left', '8 workers']);
  });

  test('a retry counts what it tries again', () => {
    const parts = new Progress(0).parts(standing(10, { total: 50, isRetry: true, skipped: 9000 }), 10_000);
    expect(texts(parts)).toEqual(['10 of 50', '1.0/s', '40 s left', '8 workers']);
  });

  test('with --limit the time left is that of so many items', () => {
    const parts = new Progress(0).parts(standing(10, { limit: 100 }), 10_000);
    expect(texts(parts)).toEqual(['10 of 1,000,000', '1.0/s', '90 s left', '8 workers']);
  });

  test('a total that was too small is dropped', () => {
    const parts = new Progress(0).parts(standing(28, { total: 20 }), 10_000);
    expect(texts(parts)).toEqual(['28 items', '2.8/s', '8 workers']);
  });

  test('the time left is told from 2 % or 5 s on', () => {
    const at = (ended: number, ms: number): boolean =>
      texts(new Progress(0).parts(standing(ended), ms)).some((text) => text.endsWith('left'));
    expect([at(19_999, 4999), at(20_000, 4999), at(1, 5000)]).toEqual([false, true, true]);
  });

  test('without a total there is no end to tell', () => {
    const parts = new Progress(0).parts(standing(5, { total: undefined, workers: 1 }), 10_000);
    expect(plainly(parts, undefined)).toBe('5 items, 0.5/s, 1 worker');
  });

  test.each([0, 5, 20, 40, 80, 300])('fits %d columns', (columns) => {
    const parts = new Progress(0).parts(standing(640_000, { failed: 3, retried: 12 }), 15_000);
    const line = drawn(parts, 0.64, columns, colourless);
    expect(widthOf(line)).toBeLessThan(Math.max(columns, 1));
    if (columns === 40) expect(line).toBe('640,003 of 1,000,000 · 3 failed');
    if (columns === 20) expect(line).toBe('64% · 3 failed');
  });
});

describe('without a terminal', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('there is a plain line each minute, until the run ends', () => {
    const said: string[] = [];
    let done = 0;
    const stop = sayProgress(
      (text) => said.push(text),
      () => standing(done, { total: 1000, workers: 2 }),
    );
    vi.advanceTimersByTime(59_999);
    expect(said).toEqual([]);
    done = 300;
    vi.advanceTimersByTime(1);
    done = 600;
    vi.advanceTimersByTime(60_000);
    expect(said).toEqual([
      '300 of 1,000 (30%), 5.0/s, 2 min left, 2 workers',
      '600 of 1,000 (60%), 5.0/s, 80 s left, 2 workers',
    ]);
    stop();
    vi.advanceTimersByTime(600_000);
    expect(said).toHaveLength(2);
  });
});

test('wide characters count by their width', () => {
  expect(['abc', '漢字', 'é', 'e\u0301', '👨‍👩‍👧', '█░', ''].map(widthOf)).toEqual([3, 4, 1, 1, 2, 2, 0]);
});

describe('lines on a terminal', () => {
  test('are broken between words, and indented as their first word is', () => {
    expect(wrapped('divvy: one two three four', 20)).toEqual(['divvy: one two three', '  four']);
    expect(wrapped('divvy:   one two three four five six', 28)).toEqual([
      'divvy:   one two three four',
      '         five six',
    ]);
    expect(wrapped('divvy: 漢字 漢字 漢字 漢字 x', 22)).toEqual(['divvy: 漢字 漢字 漢字', '       漢字 x']);
  });

  test('a word that is wider than the terminal stays whole', () => {
    const path = `/${'x'.repeat(50)}`;
    expect(wrapped(`divvy: at ${path} b`, 30)).toEqual(['divvy: at', `       ${path}`, '       b']);
  });

  /** What a terminal of so many columns is given. */
  function given(columns: number | undefined, ...line: Parameters<ReturnType<typeof linesTo>>): string {
    let all = '';
    const stream = new Writable({
      write(chunk, _, written) {
        all += chunk;
        written();
      },
    });
    const terminal = Object.assign(stream, { isTTY: true, columns, getColorDepth: () => 4 });
    linesTo(terminal as unknown as NodeJS.WriteStream)(...line);
    return all;
  }

  test('0 columns are taken for 80', () => {
    const text = `divvy: ${'word '.repeat(20)}`.trim();
    expect(given(0, { text })).toBe(given(80, { text }));
    expect(given(0, { text }).split('\n')[0]).toHaveLength(76);
  });

  test('a command is never broken', () => {
    const text = `divvy: to go on: ${'node '.repeat(40)}`;
    expect(given(80, { text, whole: true })).toBe(`${text}\n`);
  });

  test('what failed is red, and each piece of a line by itself', () => {
    expect(given(20, { text: 'divvy: one two three', look: 'bad' })).toBe('\u001b[31mdivvy: one two three\u001b[39m\n');
    expect(given(20, { text: 'divvy: a two threefour', look: 'bad' })).toBe(
      '\u001b[31mdivvy: a two\u001b[39m\n\u001b[31m  threefour\u001b[39m\n',
    );
    expect(given(80, { text: '9 items: 7 done, 2 failed. 1 retried', look: 'counts' })).toBe(
      '9 items: \u001b[32m7 done\u001b[39m, \u001b[31m2 failed\u001b[39m. \u001b[33m1 retried\u001b[39m\n',
    );
  });
});

describe('a real run', () => {
  /** A task of this dispatch, in a project of its own. */
  function taskOf(dispatch: string): string {
    const project = new Project([]);
    const task = join(project.folder, 'tasks/own.ts');
    writeFileSync(
      task,
      `const drawn = () => new Promise((resolve) => setTimeout(resolve, 700));
      export default class Own {
        total() { return 4; }
        async *dispatch() { ${dispatch} }
        process(item) { if (item === 3) throw new Error('no'); }
      }`,
    );
    return task;
  }
  const WAITS = 'yield 1; await drawn(); yield 3;';
  // Where CI is set, Node.js takes a terminal for one without colours.
  const colour = { CI: undefined, FORCE_COLOR: undefined, NO_COLOR: undefined, TERM: 'xterm' };

  test('on a terminal: drawn, and erased before anything else is written', async () => {
    const stdout = visible(
      (
        await runTask(taskOf(WAITS), {
          args: ['-n', '1', '--no-journal'],
          onTerminal: true,
          env: colour,
        }).ended()
      ).stdout,
    );
    expect(stdout).toMatch(/␛\[32m███░{9} 25% {2}1 of 4␛\[39m␛\[2m · /);
    expect(stdout).toMatch(/\r␛\[J␛\[31mdivvy: item 2 failed: Error: no␛\[39m\r?\n/);
    expect(stdout.slice(stdout.indexOf('item 2 failed'))).toMatch(/(\r?\n|␛\[J)divvy: 2 items: ␛\[32m1 done/);
  });

  test('half a line of dispatch stays, and the rest comes behind it', async () => {
    const task = taskOf(`yield 1; process.stderr.write('half'); await drawn(); process.stderr.write(' a line\\n');`);
    const stdout = visible(
      (
        await runTask(task, {
          args: ['-n', '1', '--no-journal'],
          onTerminal: true,
          env: colour,
        }).ended()
      ).stdout,
    );
    // One row down, and back to where it ends; the same again to erase it.
    const [, between = ''] = /half(.*?) a line\r?\n/s.exec(stdout) ?? [];
    expect(between.startsWith('␛D␛[A␛7␛[B\r')).toBe(true);
    expect(between.endsWith('␛D␛[A␛7␛[B\r␛[J␛8')).toBe(true);
    expect(between).toContain('1 of 4');
  });

  test.each([
    ['TERM=dumb', { ...colour, TERM: 'dumb' }, true, ['--progress']],
    ['NO_COLOR', { ...colour, NO_COLOR: '1' }, true, ['--no-progress']],
    ['no terminal, though --progress', colour, false, ['--progress']],
  ])('%s: no escapes', async (_, env, onTerminal, args) => {
    const run = runTask(taskOf(WAITS), { args: ['-n', '1', '--no-journal', ...args], onTerminal, env });
    const ended = await run.ended();
    const all = visible(ended.stdout + ended.stderr);
    expect(all).toMatch(/divvy: item 2 failed: Error: no\r?\n/);
    expect(all).not.toContain('␛');
    expect(all).not.toMatch('of 4');
  });

  test('FORCE_COLOR colours, also where there is no terminal', async () => {
    const env = { ...colour, FORCE_COLOR: '1' };
    const stderr = visible((await runTask(taskOf(WAITS), { args: ['-n', '1', '--no-journal'], env }).ended()).stderr);
    expect(stderr).toMatch('␛[31mdivvy: item 2 failed: Error: no␛[39m\n');
  });

  test.each([
    ['a pager owns the terminal where stdout is a pipe: nothing is drawn', [], false],
    ['but with --progress it is', ['--progress'], true],
  ])('%s', async (_, args, isDrawn) => {
    const by = ['bash', '-c', '"$@" | cat', 'bash'];
    const run = runTask(taskOf(WAITS), {
      args: ['-n', '1', '--no-journal', ...args],
      by,
      onTerminal: true,
      env: colour,
    });
    const stdout = visible((await run.ended()).stdout);
    expect(stdout.includes('1 of 4')).toBe(isDrawn);
    expect(stdout).toMatch(/divvy: 2 items: /);
  });
});
