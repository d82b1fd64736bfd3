// What workers write reaches the runner's own stdout and stderr: whole, and whoever reads it.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Output } from '../../../runtime/master/output.ts';
import { ALL_WELL, isAlive, runTask } from '../run-task.ts';

/** Runs the runner's command line as `"$@"` of a script. */
const shell = (script: string): string[] => ['bash', '-c', script, 'bash'];

test('lines of several workers never mix, however long, and on both streams', async () => {
  const run = runTask('long-lines', { args: ['-n', '8'] });
  const { status, stdout, stderr } = await run.ended();
  expect(status).toBe(0);
  const lines = Array.from({ length: 40 }, (_, at) => `${at + 1}<${'é😀'.repeat(20_000)}>${at + 1}`).sort();
  expect(stdout.split('\n').slice(0, -1).sort()).toEqual(lines);
  const [summary = '', ...written] = stderr.split('\n').slice(0, -1).reverse();
  expect(`${summary}\n`).toMatch(ALL_WELL);
  expect(written.sort()).toEqual(lines);
});

test('a last line that has no newline is given one', async () => {
  const { status, stdout } = await runTask('writes', { args: ['--', 'no newline'] }).ended();
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'a\nlast\n' });
});

test('bytes that are no text stay as they are', async () => {
  const run = runTask('writes', { args: ['--', 'bytes'] });
  expect(await run.ended()).toMatchObject({ status: 0, stderr: expect.stringMatching(ALL_WELL) });
  expect([...run.stdoutBytes]).toEqual([0, 1, 13, 10, 255, 254, 10, 10, 0xc3, 10, 0xa9, 10]);
});

test('much that is written just before the end arrives', async () => {
  const { status, stdout } = await runTask('writes', { args: ['--', 'much at the end'] }).ended();
  expect(status).toBe(0);
  expect(stdout.length).toBe(100 * 100_000 + 4);
  expect(stdout.endsWith('x\nend\n')).toBe(true);
});

test.each([
  ['then exit', 'written before the exit\n'],
  ['then uncaught', 'written before the throw\n'],
])('what is written just before a worker dies arrives: %s', async (way, written) => {
  const { status, stdout, stderr } = await runTask('writes', { args: ['--max-crashes', '1', '--', way] }).ended();
  expect({ status, stdout }).toEqual({ status: 1, stdout: written });
  expect(stderr).toMatch(
    /WorkerDied: worker 1 exited with status \d while on it \(--max-crashes\)(, caused by Error: uncaught)?\n/,
  );
});

test('to a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-output-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'out');
  const run = runTask('chatty', {
    by: shell('"$@" > "$OUT"'),
    env: { OUT: file },
    args: ['-n', '2', '--', '20', '100'],
  });
  expect(await run.ended()).toMatchObject({ status: 0 });
  expect(readFileSync(file, 'utf8').match(/^\d+ x{1000}$/gm)).toHaveLength(2000);
});

test('| head -1 is a graceful stop: exit 141, and no complaint', async () => {
  const by = shell('"$@" | head -1 | cut -c1-2; echo "status $PIPESTATUS"');
  const { stdout, stderr } = await runTask('chatty', { by, args: ['-n', '2', '--', '100000', '10'] }).ended();
  expect(stdout).toMatch(/^[12] \nstatus 141\n$/);
  expect(stderr).toMatch(/Stopping \(stdout closed\)/);
  expect(stderr).toMatch(/Stopped: nobody reads stdout any more\. \d+ items?: \d+ done/);
  expect(stderr).not.toMatch(/EPIPE|Error| at |died|failed/);
});

test.runIf(existsSync('/dev/full'))('to a disk that is full: a graceful stop, 141, which says why', async () => {
  const args = ['--no-journal', '-n', '1', '--', '50'];
  const { stdout, stderr } = await runTask('chatty', { by: shell('"$@" > /dev/full; echo "status $?"'), args }).ended();
  expect(stdout).toBe('status 141\n');
  expect(stderr).toMatch(/stdout cannot be written: ENOSPC.*\ndivvy: Stopping \(stdout closed\)/);
});

test('whoever reads stderr goes: the run goes on', async () => {
  const by = shell('"$@" 2> >(exec true) | wc -l');
  const { stdout } = await runTask('chatty', { by, args: ['-v', '-n', '2', '--', '200', '10'] }).ended();
  expect(stdout.trim()).toBe('2000');
});

test.each([
  ['stdout', '>&-'],
  ['stderr', '2>&-'],
  ['stdin', '<&-'],
  ['all three', '<&- >&- 2>&-'],
])('%s closed from the start: the run goes on', async (_, redirection) => {
  const by = shell(`"$@" ${redirection}; echo "status $?"`);
  const { stdout } = await runTask('chatty', { by, args: ['-n', '2', '--', '20', '10'] }).ended();
  expect(stdout).toMatch(/status 0\n$/);
});

test('a slow reader gets everything, and the master keeps little of it', async () => {
  const reader = join(import.meta.dirname, '../slow-reader.mjs');
  const by = shell('"$@" | "$NODE" "$READER"');
  const env = { NODE: process.execPath, READER: reader };
  const { stdout, stderr } = await runTask('chatty', { by, env, args: ['-n', '4', '--', '300', '1000'] }).ended();
  expect(stdout).toMatch(/read \d+ bytes, 300000 lines\n/);
  // 300 MB went through it.
  expect(Number(/the master took (\d+) MB/.exec(stderr)?.[1])).toBeLessThan(200);
});

test('a reader that stops for longer than the kill delay, as a pager does, loses nothing', async () => {
  const by = shell('"$@" | (sleep 4; wc -c)'); // for that time nothing happens that could be waited for
  const { stdout, stderr } = await runTask('writes', {
    by,
    args: ['--kill-after', '2s', '--', 'much at the end'],
  }).ended();
  expect(Number(stdout)).toBe(100 * 100_000 + 4);
  expect(stderr).toMatch(ALL_WELL);
});

test.each([
  ['is quiet', 'grandchild', /grandchild (\d+)\n/],
  ['writes for ever', 'chatty grandchild', /chatty is (\d+)\n/],
])('a process of the task that holds its output open does not hold the run: it %s', async (_, way, saysPid) => {
  const run = runTask('writes', { args: ['--', way] });
  const [, pid] = await run.said(saysPid);
  onTestFinished(() => {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {} // it has ended with the pipe
  });
  // What is left behind at a graceful exit is the task's own to end.
  expect(await run.closed).toMatchObject({ status: 0 });
  expect(isAlive(Number(pid)) || way === 'chatty grandchild').toBe(true);
});

test('a newline that ends a line which others have ended is no empty line; any other is passed on', async () => {
  const [shared, one, other] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const output = new Output(shared, true, { gone: () => {}, moved: () => {} });
  let all = '';
  shared.on('data', (chunk) => {
    all += chunk;
  });
  const passages = new Map([one, other].map((source) => [source, output.take(source)]));
  const says = async (source: PassThrough, text: string): Promise<void> => {
    source.write(text);
    await turn();
    const passage = passages.get(source);
    passage?.openTo(passage.read);
    passage?.passOpen();
  };
  for (const [source, text] of [
    [one, 'a'],
    [other, 'b'],
    [one, '\nc'],
    [other, '\n'],
    [one, ' goes on'],
    [one, '\n\nd'],
    [other, '\n'],
  ] as const)
    await says(source, text);
  await turn();
  expect(all).toBe('a\nb\nc goes on\n\nd\n\n');
  const { passed, out } = passages.get(one) ?? {};
  expect(out).toBe(passed);
  output.release();
});
