// What workers write reaches the runner's own stdout and stderr: whole, and whoever reads it.
import { closeSync, createWriteStream, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, type Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
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

test('of a line that is left open an item has all, also if it is read after the turn of the item before it', async () => {
  const [into, source] = [new PassThrough(), new PassThrough()];
  let text = '';
  into.on('data', (bytes) => {
    text += bytes;
  });
  const output = new Output(into, true, { gone: () => {}, moved: () => {} });
  onTestFinished(() => output.release());
  const passage = output.take(source);
  source.write('abc');
  await turn();
  passage.openTo(6); // the second item has said that it ends there, and half of that is still to be read
  passage.passOpen();
  source.write('def');
  await turn();
  passage.passOpen();
  await turn();
  expect([passage.passed, passage.out, text]).toEqual([6, 6, 'abcdef']);
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

describe('a line that is open when the other stream is written to', () => {
  const folderOf = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'divvy-output-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return folder;
  };
  /** Runs the task `opens` with these redirections, in a folder of their own. */
  const opens = async (redirections: string, ...options: string[]): Promise<(file: string) => string> => {
    const folder = folderOf();
    const args = ['-n', '1', '--no-journal', ...options];
    const by = shell(`cd "$FOLDER"; "$@" ${redirections}`);
    expect((await runTask('opens', { by, env: { FOLDER: folder }, args }).ended()).status).toBe(1);
    return (file) => readFileSync(join(folder, file), 'utf8');
  };
  const FAILED = /^divvy: item 1 \(key \S+\) failed: Error: no$|^divvy: item 1 failed: Error: no$/;

  test.each([
    ['one file', '> both 2>&1'],
    ['one file that is opened twice', '>> both 2>> both'],
    ['one pipe', '2>&1 | cat > both; (exit $PIPESTATUS)'],
  ])('is ended first, if both lead to %s', async (_, redirections) => {
    for (const options of [[], ['--inline']]) {
      const lines = (await opens(redirections, ...options))('both').split('\n');
      expect(lines.slice(0, 3)).toEqual(['begun...', 'open 10...', expect.stringMatching(FAILED)]);
      expect(lines.at(-1)).toBe('');
      expect(lines.filter((line) => line === '')).toHaveLength(1);
    }
  });

  test('stays as it is, if they lead to two files', async () => {
    for (const [options, end] of [
      [[], '\n'], // a worker's last line is given a newline
      [['--inline'], ''],
    ] as const) {
      const file = await opens('> out 2> err', ...options);
      expect(file('out')).toBe(`open 10...${end}`);
      const [first, second] = file('err').split('\n');
      expect(first).toBe('begun...');
      expect(second).toMatch(FAILED);
    }
  });

  test('is ended by a newline that counts for nobody: all of a worker’s output is out, and an empty line is none', async () => {
    const file = join(folderOf(), 'both');
    const fd = openSync(file, 'a');
    onTestFinished(() => closeSync(fd));
    const [stdout, stderr] = [0, 1].map(() => createWriteStream('', { fd, autoClose: false }));
    if (!stdout || !stderr) throw new Error('there are two');
    const masterSays = (stream: Writable): Promise<void> =>
      new Promise((resolve) => stream.write('the master\n', () => resolve()));
    const outputs = [stdout, stderr].map((stream) => new Output(stream, true, { gone: () => {}, moved: () => {} }));
    const sources = [new PassThrough(), new PassThrough()];
    const passages = outputs.map((output, at) => output.take(sources[at] ?? new PassThrough()));
    const says = async (at: number, text: string): Promise<void> => {
      const passage = passages[at];
      sources[at]?.write(text);
      await turn();
      passage?.openTo(passage.read);
      passage?.passOpen();
      expect(passage?.out).toBe(passage?.passed);
    };
    await says(0, 'a');
    await says(1, 'b\n');
    await says(0, '\nc'); // the newline ends what has been ended
    await masterSays(stderr);
    await says(1, 'd');
    await masterSays(stdout);
    for (const source of sources) source.end();
    await Promise.all(passages.map(({ ended }) => ended));
    expect(readFileSync(file, 'utf8')).toBe('a\nb\nc\nthe master\nd\nthe master\n');
    for (const output of outputs) output.release();
  });

  test('is ended first on a terminal, and the line that follows wraps as at its beginning', async () => {
    const by = ['bash', '-c', 'stty cols 40 rows 24; exec "$@"', 'bash'];
    const args = ['-n', '1', '--no-journal', '--no-progress'];
    const { stdout } = await runTask('opens', { by, args, onTerminal: true }).ended();
    expect(stdout).toMatch(/^open 10\.\.\.\r?\ndivvy: item 1 failed: Error: no\r?$/m);
  });
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
