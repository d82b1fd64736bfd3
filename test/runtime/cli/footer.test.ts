// The line below all output, as a terminal shows it: always there, and never in anybody's way.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Footer } from '../../../runtime/cli/footer.ts';
import { drawProgress, type Standing } from '../../../runtime/cli/progress.ts';
import { NOTHING_EXPECTED } from '../../../runtime/text/outlook.ts';
import { type SharedStream, share } from '../../../runtime/text/shared-stream.ts';
import { linesTo } from '../../../runtime/text/terminal.ts';
import { Screen, Tty } from './screen.ts';

const FOOT = '░░ 2 of 9';
const ROWS = 12;

/** The next turn of the event loop, once all that belongs to this one is done. */
const nextTurn = async (): Promise<void> => {
  for (let at = 0; at < 2; at++) await new Promise((resolve) => setImmediate(resolve));
};

/** Shares it up to the end of the test: streams that say nothing of their terminal are all one. */
function shareInTest(stream: Tty): SharedStream {
  const shared = share(stream);
  onTestFinished(() => shared.leave());
  return shared;
}

/** A terminal that stdout and stderr share, with a footer. */
class Seat {
  readonly screen: Screen;
  readonly stdout: Tty;
  readonly stderr: Tty;
  readonly footer: Footer;

  /** says - how wide the streams say that it is. */
  constructor(columns: number, says: number = columns) {
    this.screen = new Screen(columns, ROWS);
    this.stdout = new Tty(says, this.screen);
    this.stderr = new Tty(says, this.screen);
    this.footer = new Footer([this.stderr.stream, this.stdout.stream]);
    onTestFinished(() => this.footer.end());
  }

  /** As a worker's output is written. */
  worker(text: string, stream: Tty = this.stdout): void {
    const shared = share(stream);
    shared.write(Buffer.from(text), () => {});
    shared.leave();
  }

  /** Shows that the footer is the last row and alone there, that the cursor is where output goes on, and returns the rest. */
  async above(foot = FOOT): Promise<string[]> {
    const rows = await this.screen.rows();
    expect(rows.at(-1)).toBe(foot);
    return rows.slice(0, -1);
  }
}

describe('each write', () => {
  test('is erase and output in one write, and the line at once in the next', async () => {
    const seat = new Seat(80);
    seat.footer.show(FOOT);
    expect(await seat.above()).toEqual([]);
    const before = seat.stdout.writes.length;
    seat.worker('one\n');
    const writes = seat.stdout.writes.slice(before).map(String);
    expect(writes).toHaveLength(2);
    expect(writes[0]).toBe('\r\u001b[Jone\n');
    expect(writes[1]).toContain(FOOT);
    expect(await seat.above()).toEqual(['one']);
    expect(await seat.screen.cursor()).toEqual({ row: 1, column: 0 });
  });

  test('counts when the output is out, even if the line still waits', async () => {
    const seat = new Seat(80);
    seat.footer.show(FOOT);
    let isOut = false;
    // The line that follows finds the terminal stopped.
    const stopped = vi.spyOn(seat.footer, 'after').mockImplementationOnce((...output) => {
      seat.stdout.hold();
      stopped.mockRestore();
      seat.footer.after(...output);
    });
    const shared = shareInTest(seat.stdout);
    shared.write(Buffer.from('one\n'), () => {
      isOut = true;
    });
    await nextTurn();
    expect(isOut).toBe(true);
    expect(seat.stdout.writableLength).toBeGreaterThan(0);
    expect(shared.isWaiting).toBe(false); // no output does
  });

  test.each([
    [20, 20],
    [80, 80],
    [80, 0],
    [300, 300],
  ])('leaves the line last and all output whole: %d columns, said to be %d', async (columns, says) => {
    const seat = new Seat(columns, says);
    seat.footer.show(FOOT);
    const lines: string[] = [];
    for (let at = 0; at < 60; at++) {
      const line = at % 3 === 0 ? `${at} ${'漢字'.repeat(at)}` : `${at} ${'word '.repeat(at % 25)}.`;
      lines.push(line);
      if (at % 4 === 0) seat.stderr.write(`${line}\n`);
      else if (at % 4 === 1) seat.stdout.write(`${line}\n`);
      else seat.worker(`${line}\n`, at % 4 === 2 ? seat.stdout : seat.stderr);
      const shown = await seat.screen.lines();
      if (at % 5 === 0)
        expect(shown.at(-1)).toBe(FOOT); // the first one of a turn: at once
      else await nextTurn();
      if (at % 5 === 4) expect(await seat.screen.lines()).toEqual([...lines, FOOT]);
    }
    await nextTurn();
    expect(await seat.screen.lines()).toEqual([...lines, FOOT]);
    seat.footer.end();
    expect(await seat.screen.lines()).toEqual(lines);
  });

  test('much output in one turn: the line is drawn twice at most, and stands below it', async () => {
    const seat = new Seat(80);
    seat.footer.show(FOOT);
    await nextTurn();
    const lines = Array.from({ length: 1000 }, (_, at) => `line ${at}`);
    const before = seat.stdout.writes.length;
    for (const line of lines) seat.worker(`${line}\n`);
    await nextTurn();
    const writes = seat.stdout.writes.slice(before).map(String);
    expect(writes.filter((text) => text.includes(FOOT))).toHaveLength(2);
    expect(await seat.above()).toEqual(lines);
  });
});

describe('a line that is open', () => {
  test('stays where it is, and the line stands below it', async () => {
    const seat = new Seat(40);
    seat.footer.show(FOOT);
    for (let at = 0; at < ROWS + 3; at++) seat.worker(`line ${at}\n`); // the last row of the terminal is in use
    await nextTurn();
    seat.worker('half');
    await nextTurn();
    expect((await seat.above()).at(-1)).toBe('half');
    seat.footer.show('░░ 3 of 9');
    expect((await seat.above('░░ 3 of 9')).at(-1)).toBe('half');
    const { column } = await seat.screen.cursor();
    expect(column).toBe(4);
    seat.worker(' of a line\n');
    await nextTurn();
    expect((await seat.above('░░ 3 of 9')).slice(-2)).toEqual([`line ${ROWS + 2}`, 'half of a line']);
  });

  test.each(['.', '漢'])('grows over the edge of the terminal, one %s at a time', async (sign) => {
    const seat = new Seat(20);
    seat.footer.show(FOOT);
    const onlyWrapped = new Screen(20, ROWS);
    for (let at = 0; at < 75; at++) {
      seat.stdout.write(sign);
      onlyWrapped.give(sign);
      await nextTurn();
      seat.footer.show(FOOT);
      const rows = await seat.screen.rows();
      const plain = await onlyWrapped.rows();
      // While the row is full the cursor is over the edge, and the line is not there.
      expect(rows).toEqual((await onlyWrapped.cursor()).column === 20 ? plain : [...plain, FOOT]);
    }
  });

  test('a colour that output has left on, or ends behind the newline, is nobody else’s', async () => {
    const seat = new Seat(40);
    seat.footer.show(FOOT);
    seat.worker('\u001b[31mred\n');
    seat.worker('still red\u001b[39m\n\u001b[0m');
    await nextTurn();
    expect(await seat.above()).toEqual(['red', 'still red']);
    const [red, still, foot] = await Promise.all([0, 1, 2].map((row) => seat.screen.looks(row)));
    expect([red?.trim(), still?.trim(), foot?.trim()]).toEqual([
      '1 1 1',
      '1 1 1 1 1 1 1 1 1',
      Array(FOOT.length).fill('-').join(' '),
    ]);
  });

  test('what rewrites its own line by \\r keeps what it has there', async () => {
    const seat = new Seat(40);
    seat.footer.show(FOOT);
    seat.worker('100 files\r');
    await nextTurn();
    seat.worker('200');
    await nextTurn();
    expect(await seat.above()).toEqual(['200 files']);
  });

  test('what was open before the line began stays', async () => {
    const screen = new Screen(40, ROWS);
    const stdout = new Tty(40, screen);
    shareInTest(stdout);
    stdout.write('before');
    const footer = new Footer([stdout.stream]);
    footer.show(FOOT);
    stdout.write(' and after\n');
    expect(await screen.rows()).toEqual(['before and after', FOOT]);
    footer.end();
    expect(await screen.rows()).toEqual(['before and after']);
  });
});

describe('a terminal that takes nothing for a while', () => {
  test.each(['stdout', 'stderr'] as const)(
    'gets one line at most, and all output in order; first from %s',
    async (first) => {
      const seat = new Seat(80);
      seat.footer.show(FOOT);
      await nextTurn();
      for (const stream of [seat.stdout, seat.stderr]) stream.hold();
      // The first one does not know yet; all others wait.
      for (let at = 0; at < 1000; at++) seat.footer.show(`░░ ${at} of 9`);
      expect(seat.stderr.writableLength).toBeLessThan(100);
      expect(shareInTest(seat.stderr).isWaiting).toBe(false);
      seat.worker('one\n');
      seat.worker('two\n');
      expect(shareInTest(seat.stdout).isWaiting).toBe(true);
      for (let at = 0; at < 1000; at++) seat.footer.show(`░░ ${at} of 9`);
      await nextTurn();
      expect(seat.stdout.writableLength + seat.stderr.writableLength).toBeLessThan(200);
      // The system decides whose output comes first.
      const order = [seat.stdout, seat.stderr];
      for (const stream of first === 'stdout' ? order : order.reverse()) await stream.release();
      await nextTurn();
      expect(await seat.above('░░ 999 of 9')).toEqual(['one', 'two']);
      seat.worker('three\n');
      await nextTurn();
      expect(await seat.above('░░ 999 of 9')).toEqual(['one', 'two', 'three']);
    },
  );

  test('the line that has waited comes out behind output, and is erased before the next', async () => {
    const seat = new Seat(80);
    for (const stream of [seat.stdout, seat.stderr]) stream.hold();
    seat.footer.show(FOOT);
    seat.worker('one\n');
    void seat.stdout.release();
    void seat.stderr.release();
    seat.worker('2\n'); // before anybody has been told that all of it is out
    await nextTurn();
    expect(await seat.above()).toEqual(['one', '2']);
  });

  test('the end of the run does not leave the line behind', async () => {
    const seat = new Seat(80);
    seat.stderr.hold();
    seat.footer.show(FOOT);
    seat.footer.end();
    linesTo(seat.stderr.stream)({ text: 'divvy: 1 item: 1 done.' });
    await seat.stderr.release();
    expect(await seat.screen.rows()).toEqual(['divvy: 1 item: 1 done.']);
  });
});

test('whatever is written, the terminal shows it as without the line', async () => {
  const piece = fc.oneof(
    fc.constantFrom('a', 'half a line', 'line\n', 'two\nlines\n', '漢字', 'x\t', '\u001b[32mgreen\u001b[39m\n', '\n'),
    fc.constantFrom(
      'x'.repeat(19),
      'y'.repeat(20),
      `${'z'.repeat(40)}\n`,
      '50%\r',
      '\u001b[1mbold\n',
      '\u001b[0m',
      'é',
    ),
  );
  const step = fc.record({
    text: piece,
    by: fc.constantFrom<'worker' | 'master'>('worker', 'master'),
    on: fc.constantFrom<'stdout' | 'stderr'>('stdout', 'stderr'),
    next: fc.constantFrom<'turn' | 'tick' | 'nothing'>('turn', 'tick', 'nothing'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const screens = [new Screen(20, ROWS), new Screen(20, ROWS)] as const;
      // The same way through SharedStream, which ends open lines; only one of them has a footer.
      const shown: string[][] = [];
      for (const [at, screen] of screens.entries()) {
        const streams = { stdout: new Tty(20, screen), stderr: new Tty(20, screen) };
        const shared = { stdout: share(streams.stdout), stderr: share(streams.stderr) };
        const footer = at === 0 ? undefined : new Footer([streams.stderr.stream, streams.stdout.stream]);
        footer?.show(FOOT);
        try {
          for (const { text, by, on, next } of steps) {
            if (by === 'master') streams[on].write(text);
            else shared[on].write(Buffer.from(text), () => {});
            if (next === 'tick') footer?.show(FOOT);
            if (next !== 'nothing') await nextTurn();
            const { row } = await screen.cursor();
            // What a later line will erase is not compared: below the cursor there is only the footer.
            if (next !== 'nothing' && footer) {
              const rows = await screen.rows();
              expect(rows.length).toBeLessThanOrEqual(row + 2);
            }
          }
          await nextTurn();
        } finally {
          footer?.end();
          for (const each of Object.values(shared)) each.leave();
        }
        await nextTurn();
        const rows = await screen.rows();
        shown.push([...rows, ...(await Promise.all(rows.map((_, row) => screen.looks(row))))]);
      }
      expect(shown[1]).toEqual(shown[0]);
    }),
    { numRuns: 200 },
  );
});

describe('progress', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  });

  function progressOn(columns: number, says = columns) {
    const screen = new Screen(columns, ROWS);
    const stdout = new Tty(says, screen);
    const stderr = new Tty(says, screen);
    const counts = { dispatched: 9, failed: 0, unfinished: 0, skipped: 0, retried: 0, spawned: 8, crashed: 0, done: 0 };
    const worked = { times: 0, done: 0, failed: 0, retried: 0 };
    const standing = (): Standing => {
      worked.times += 1;
      const { done, failed, retried } = worked;
      const expected = { ...NOTHING_EXPECTED, total: 1_000_000 };
      return { expected, workers: 8, isPaused: false, counts: { ...counts, done, failed, retried } };
    };
    const stop = drawProgress(standing, { stdout: stdout.stream, stderr: stderr.stream } as never);
    onTestFinished(stop);
    return { screen, stdout, stderr, worked, stop };
  }

  test('is worked out four times a second at most, and drawn after each write', async () => {
    const { screen, stdout, worked } = progressOn(80);
    for (let at = 0; at < 100; at++) {
      stdout.write(`line ${at}\n`);
      await nextTurn();
      expect((await screen.rows()).at(-1)).toMatch(/^░{12} 0% {2}0 of 1,000,000 · 8 workers$/);
    }
    expect(worked.times).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(worked.times).toBe(5);
  });

  test.each([
    [80, 0, '████████░░░░ 64%  640,000 of 1,000,000 · 42,700/s · 9 s left · 3 failed'],
    [20, 20, '64% · 3 failed'],
    [80, 80, '████████░░░░ 64%  640,000 of 1,000,000 · 42,700/s · 9 s left · 3 failed'],
    [300, 300, '████████░░░░ 64%  640,000 of 1,000,000 · 42,700/s · 9 s left · 3 failed · 12 retried · 8 workers'],
    [5, 5, '64%'],
  ])('fits a terminal of %d columns that says %d', async (columns, says, line) => {
    vi.stubEnv('NO_COLOR', '1');
    const { screen, worked } = progressOn(columns, says);
    Object.assign(worked, { done: 639_997, failed: 3, retried: 12 });
    vi.advanceTimersByTime(15_000);
    const rows = await screen.rows();
    expect(rows).toEqual([line]);
  });

  test('done is green, failures are red, retries yellow, and the rest dim', async () => {
    vi.stubEnv('NO_COLOR', undefined);
    vi.stubEnv('FORCE_COLOR', undefined);
    vi.stubEnv('CI', undefined);
    vi.stubEnv('TERM', 'xterm');
    const { screen, worked } = progressOn(120);
    Object.assign(worked, { done: 639_997, failed: 3, retried: 12 });
    vi.advanceTimersByTime(15_000);
    const [row = ''] = await screen.rows();
    const looks = (await screen.looks(0)).split(' ');
    const lookOf = (text: string): string[] => [
      ...new Set(looks.slice(row.indexOf(text), row.indexOf(text) + text.length)),
    ];
    expect(['████████░░░░ 64%  640,000 of 1,000,000', '3 failed', '12 retried'].map(lookOf)).toEqual([
      ['2'],
      ['1'],
      ['3'],
    ]);
    expect([' · 42,700/s · 9 s left · ', ' · 8 workers'].map(lookOf)).toEqual([['-d'], ['-d']]);
  });

  test('a terminal that gets narrower: the line is drawn anew, and nothing of the old one is left', async () => {
    vi.stubEnv('NO_COLOR', '1');
    const { screen, stdout, stderr } = progressOn(80);
    stdout.write('first\n');
    await nextTurn();
    await screen.resize(20);
    for (const stream of [stdout, stderr]) stream.columns = 20;
    stderr.emit('resize');
    expect(await screen.rows()).toEqual(['first', '0 of 1,000,000']);
    await screen.resize(60);
    for (const stream of [stdout, stderr]) stream.columns = 60;
    stderr.emit('resize');
    expect(await screen.rows()).toEqual(['first', '░░░░░░░░░░░░ 0%  0 of 1,000,000 · 8 workers']);
  });

  test('output that comes before the terminal has said that it is narrower', async () => {
    vi.stubEnv('NO_COLOR', '1');
    const { screen, stdout, stop } = progressOn(80);
    stdout.write('first\n');
    await nextTurn();
    await screen.resize(20);
    stdout.write('second\n');
    await nextTurn();
    // The line is still as long as it was: the terminal shows what fits of it, in one row.
    const rows = await screen.rows();
    expect(rows).toEqual(['first', 'second', expect.stringMatching(/^░{12} 0%/)]);
    stdout.write('third\n');
    stop();
    expect(await screen.rows()).toEqual(['first', 'second', 'third']);
  });
});
