// What an item wrote is out before it counts; how much of it the reader has taken is nobody's guess.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { JournalRecord } from '../../../runtime/journal/records.ts';
import { makeGate, type RunOptions, runTask, suspend, type TaskRun } from '../run-task.ts';

/** More than any pipe holds: an item that writes it waits for its reader. */
const MUCH = 100;

/** A run whose journal can be read. */
function journaled(args: readonly string[], items: readonly string[], options: RunOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-counts-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'journal.ndjson');
  const start = (more: readonly string[], other: RunOptions): TaskRun =>
    runTask('fills', { ...other, args: ['--journal', file, ...args, ...more, '--', ...items] });
  return {
    run: start([], options),
    resume: () => start(['--resume'], {}),
    records: () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as JournalRecord),
  };
}

const linesOf = (item: string, count: number): string[] =>
  Array.from({ length: count }, (_, line) => `${item} ${line + 1} ${'x'.repeat(10_000)}`);

/** Resolves when a worker waits for the reader, as USR2 says it. */
async function waitsForReader(run: TaskRun): Promise<void> {
  await run.said(/: master \d+,/);
  for (let asked = 1; ; asked++) {
    run.kill('SIGUSR2');
    await run.said(/: master \(\d+\): /, asked);
    if (/waits for its output to be read/.test(run.stderr)) return;
  }
}

test('what items that are done wrote is not lost with their worker', async () => {
  const items = ['a,print:50', 'b,sync:50', 'c,print:50', 'd,error:50', 'e,wait:50,uncaught'];
  const { status, stdout, stderr } = await runTask('fills', {
    args: ['-n', '1', '--max-crashes', '1', '--', ...items],
    readsSlowly: true,
  }).ended();
  expect(status).toBe(1);
  expect(stdout.split('\n').slice(0, -1)).toEqual(items.slice(0, 3).flatMap((item) => linesOf(item, 50)));
  expect(stderr.split('\n').filter((line) => line.startsWith('d,'))).toEqual(linesOf('d,error:50', 50));
});

test('also where a process that an item started makes the pipe non-blocking', async () => {
  const items = ['a,unblock', 'b,print:200', 'c,print:200', 'd,print:200', 'e,wait:50,uncaught'];
  const { status, stdout } = await runTask('fills', {
    args: ['-n', '1', '--max-crashes', '1', '--', ...items],
    readsSlowly: true,
  }).ended();
  expect(status).toBe(1);
  const lines = stdout.split('\n').filter((line) => /^[bcd],/.test(line));
  expect(lines).toEqual(items.slice(1, 4).flatMap((item) => linesOf(item, 200)));
});

test('the task may write stdout in a way of its own', async () => {
  const args = ['-n', '2', '--no-journal', '--', '20'];
  const { status, stdout } = await runTask('wraps-write', { args }).ended();
  expect(status).toBe(0);
  expect(stdout.match(/^item \d+$/gm)).toHaveLength(20);
});

describe('a reader that has stopped', () => {
  test('holds workers up, which do not grow meanwhile, and no time counts against items', async () => {
    const { run } = journaled(['-v', '-n', '1', '--timeout', '2s'], [`a,print:${MUCH},wait:100`, 'b'], {
      readsLater: true,
    });
    const [, pid] = await run.said(/worker 1 is process (\d+)/);
    await waitsForReader(run);
    const before = memoryOf(Number(pid));
    await new Promise((resolve) => setTimeout(resolve, 3000)); // longer than an item may take
    expect(memoryOf(Number(pid)) - before).toBeLessThan(20);
    run.read();
    const { status, stdout } = await run.ended();
    expect(status).toBe(0);
    expect(stdout.split('\n').slice(0, -1)).toEqual(linesOf(`a,print:${MUCH},wait:100`, MUCH));
  });

  test('is waited for by a graceful stop', async () => {
    const { run, records } = journaled(['-v', '-n', '1'], [`a,print:${MUCH}`, 'b'], { readsLater: true });
    await waitsForReader(run);
    run.kill('SIGINT');
    await run.said(/Stopping \(SIGINT\)/);
    run.read();
    const { signal, stdout } = await run.ended();
    expect(signal).toBe('SIGINT');
    expect(stdout.split('\n').slice(0, -1)).toEqual(linesOf(`a,print:${MUCH}`, MUCH));
    expect(records().filter(({ type }) => type === 'done')).toHaveLength(1);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'is not waited for once %s has come: what wrote to it is unfinished',
    async (signal) => {
      // The first item fits into the pipe and has ended; the second waits in its write.
      const items = ['a,print:1', `b,print:${MUCH}`, 'c'];
      const args = ['-v', '-n', '1', '--force-after', '0', '--kill-after', '1s'];
      const { run, resume, records } = journaled(args, items, { readsLater: true });
      await waitsForReader(run);
      run.kill('SIGINT');
      await run.said(/Stopping \(SIGINT\)/);
      run.kill(signal);
      await run.said(/[sS]topping now/);
      expect((await stopped(run)).signal).toBe('SIGINT');
      const done = records().filter(({ type }) => type === 'done');
      expect(done.length).toBeLessThan(2);
      expect(records().at(-1)).toMatchObject({ type: 'end', complete: false });
      // Whatever did not count is done again.
      const { status, stdout } = await resume().ended();
      expect(status).toBe(0);
      const again = items.slice(done.length);
      expect(new Set(stdout.split('\n').filter(Boolean))).toEqual(
        new Set(again.flatMap((item) => linesOf(item, item.startsWith('b') ? MUCH : item === 'c' ? 0 : 1))),
      );
    },
  );
});

/** How it ended, where nobody has read its output. */
async function stopped(run: TaskRun): Promise<{ signal: NodeJS.Signals | null }> {
  await run.exited;
  run.read();
  return run.ended();
}

test('when the reader goes, what had written to it is unfinished, and is done again', async () => {
  const items = Array.from({ length: 40 }, (_, index) => `${index},print:10,wait:5`);
  const { run, resume, records } = journaled(['-n', '2'], items, { readsLater: true });
  run.read();
  await run.said(/39,|5,print:10,wait:5 10/);
  run.closeStdout();
  const { status, stderr } = await run.ended();
  expect(status).toBe(141);
  expect(stderr).not.toMatch(/EPIPE|threw|failed/);
  const done = records().filter(({ type }) => type === 'done').length;
  expect(records().at(-1)).toMatchObject({ type: 'end', complete: false });
  const again = await resume().ended();
  expect(again.status).toBe(0);
  const lines = again.stdout.split('\n').filter(Boolean);
  expect(lines).toHaveLength((items.length - done) * 10);
});

test('when the reader goes, though the workers that wrote are gone already, the run ends', async () => {
  const items = Array.from({ length: 60 }, (_, index) => `${index},print:2`);
  const { run, records } = journaled(['-v', '-n', '4', '--recycle-after', '3'], items, { readsLater: true });
  await waitsForReader(run);
  run.kill('SIGINT');
  await run.said(/Stopping \(SIGINT\)/);
  run.closeStdout();
  expect((await run.ended()).signal).toBe('SIGINT');
  expect(records().at(-1)).toMatchObject({ type: 'end', complete: false });
});

test('an item is not begun while what others wrote waits for a reader', async () => {
  const items = Array.from({ length: 400 }, (_, index) => `${index},print:1,wait:1`);
  const { run } = journaled(['-v', '-n', '2'], items, { readsLater: true });
  await run.said(/: master (\d+),/);
  // When nothing is handed out any more, little more than the pipe holds has been begun.
  let handed = -1;
  for (;;) {
    const now = run.stderr.match(/worker \d+ has item/g)?.length ?? 0;
    if (now === handed && now > 0) break;
    handed = now;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const done = run.stderr.match(/is done \(worker/g)?.length ?? 0;
  expect(handed - done).toBeLessThan(12);
  run.read();
  expect((await run.ended()).status).toBe(0);
});

test('a run that is over, and waits for its reader alone, is ended by TERM', async () => {
  const run = runTask('prints-at-end', { args: ['-n', '1', '--no-journal'], readsLater: true });
  await run.said(/1 done/);
  run.kill('SIGTERM');
  await run.exited;
  run.read();
  expect((await run.ended()).signal).toBe('SIGTERM');
});

test('--inline: an item whose line nobody reads any more is not done', async () => {
  const gate = await makeGate();
  const items = ['0,print', '1,print', '2,gate', ...Array.from({ length: 40 }, (_, index) => `${index + 3},print`)];
  const { run, records } = journaled(['--inline'], items, { env: gate.env });
  await gate.arrived(1);
  await run.said(/^1,print 1/m);
  run.closeStdout();
  gate.open();
  expect((await run.ended()).status).toBe(141);
  const done = records().flatMap((record) => (record.type === 'done' ? [record.number] : []));
  expect(done.slice(0, 2)).toEqual([1, 2]);
  expect(done.filter((number) => number > 3)).toEqual([]); // the third may wait until the fourth has written
  expect(records().at(-1)).toMatchObject({ complete: false });
});

test('a hook that prints is not blamed for a reader that has gone', async () => {
  const run = runTask('prints-results', { args: ['-n', '2', '--no-journal', '--', '5000'] });
  await run.said(/result 10\n/);
  run.closeStdout();
  const { status, stderr } = await run.ended();
  expect(status).toBe(141);
  expect(stderr).not.toMatch(/EPIPE|threw/);
});

test('a task that ends its stdout does not crash its worker', async () => {
  const { status, stderr } = await runTask('fills', {
    args: ['-n', '1', '--no-journal', '--', 'a,end', 'b,print'],
  }).ended();
  expect([status, /died|crash|Error/.test(stderr)]).toEqual([0, false]);
});

test('a line that is left open is ended with its worker, and never mixed with another', async () => {
  const items = Array.from({ length: 20 }, (_, index) => `<${index}>,bare`);
  const { status, stdout } = await runTask('fills', { args: ['-n', '3', '--no-journal', '--', ...items] }).ended();
  expect(status).toBe(0);
  expect(
    stdout
      .replaceAll('\n', '')
      .match(/<\d+>,bare/g)
      ?.toSorted(),
  ).toEqual(items.toSorted());
  expect(stdout.endsWith('\n')).toBe(true);
});

test('of a line that is left open all is out before its item counts, whoever is killed', async () => {
  const items = Array.from({ length: 3000 }, (_, index) => `<${index}>,bare`);
  const { run, records } = journaled(['-n', '1'], items);
  await run.said(/<100>,bare/);
  run.kill('SIGKILL');
  const { stdout } = await run.closed;
  const done = records().flatMap((record) => (record.type === 'done' ? [record.number] : []));
  expect(done.length).toBeGreaterThan(0);
  for (const number of done) expect(stdout).toContain(`<${number - 1}>,bare`);
});

describe('a disk that fills up', () => {
  test.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
    'of each item that counts each line is there, whole',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'divvy-full-'));
      const small = join(folder, 'small');
      mkdirSync(small);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]);
      onTestFinished(() => {
        execFileSync('umount', [small]);
        rmSync(folder, { recursive: true });
      });
      const items = Array.from({ length: 60 }, (_, index) => `${index},print`);
      const { run, records } = journaled(['-n', '2'], items, {
        by: ['bash', '-c', '"$@" > "$OUT"', 'bash'],
        env: { OUT: join(small, 'out') },
      });
      const { status, stderr } = await run.ended();
      expect(status).toBe(141);
      expect(stderr).toMatch(/stdout cannot be written: ENOSPC/);
      const lines = new Set(readFileSync(join(small, 'out'), 'utf8').split('\n'));
      const done = records().flatMap((record) => (record.type === 'done' ? [record.number] : []));
      expect(done.length).toBeGreaterThan(0);
      for (const number of done) expect(lines).toContain(linesOf(`${number - 1},print`, 1)[0]);
    },
  );
});

test('a worker that is stopped for longer than the timeout fails nothing', async () => {
  const run = runTask('fills', {
    args: ['-v', '-n', '1', '--timeout', '2s', '--kill-after', '300ms', '--', 'a,wait:400', 'b'],
  });
  const [, pid] = await run.said(/worker 1 is process (\d+)/);
  await run.said(/worker 1 has item 1/);
  await suspend(Number(pid));
  await new Promise((resolve) => setTimeout(resolve, 4000)); // well past the timeout and the kill delay
  process.kill(Number(pid), 'SIGCONT');
  expect(await run.ended()).toMatchObject({ status: 0 });
});

test('a master that is busy fails nothing that could not be read meanwhile', async () => {
  const args = ['-n', '1', '--timeout', '3s', '--kill-after', '200ms', '--no-journal'];
  expect(await runTask('busy-dispatch', { args }).ended()).toMatchObject({ status: 0 });
});

test('a master that is stopped, as by Ctrl+Z, fails nothing', async () => {
  const run = runTask('fills', {
    args: ['-v', '-n', '1', '--timeout', '2s', '--kill-after', '300ms', '--', 'a,wait:400', 'b'],
  });
  await run.said(/worker 1 has item 1/);
  await suspend(run.pid);
  await new Promise((resolve) => setTimeout(resolve, 4000));
  run.kill('SIGCONT');
  expect(await run.ended()).toMatchObject({ status: 0 });
});

/** What a process has in memory, in megabytes. */
function memoryOf(pid: number): number {
  if (!existsSync('/proc'))
    return Number(execFileSync('ps', ['-o', 'rss=', '-p', `${pid}`], { encoding: 'utf8' })) / 1024;
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
