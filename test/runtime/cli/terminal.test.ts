// What a person sees of real runs: their bytes from a real terminal, shown by a terminal without a window, and one in tmux.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { needs } from '../../needs.ts';
import { openTerminal } from '../../tmux.ts';
import { Project } from '../journal/ledger.ts';
import { onTerminal, RUNNER, runTask, type TaskRun } from '../run-task.ts';
import { Screen } from './screen.ts';

const ROWS = 12;
/** Where CI is set, Node.js takes a terminal for one without colours. */
const PLAIN = { CI: undefined, FORCE_COLOR: undefined, NO_COLOR: '1', TERM: 'xterm' };

/** A task with this `dispatch` and this `process`, in a project of its own. */
function taskOf(dispatch: string, work = ''): string {
  const task = join(new Project([]).folder, 'tasks/own.ts');
  writeFileSync(
    task,
    `import { execFileSync } from 'node:child_process';
    const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
    const drawn = () => new Promise((resolve) => setTimeout(resolve, 700));
    export default class Own {
      total() { return 40; }
      async *dispatch() { ${dispatch} }
      async process(item) { ${work} }
    }`,
  );
  return task;
}

/** Runs it in a terminal that says that it is so wide. */
function runIn(columns: number, task: string, env: NodeJS.ProcessEnv = PLAIN): TaskRun {
  const by = ['bash', '-c', `stty cols ${columns} rows ${ROWS}; exec "$@"`, 'bash'];
  return runTask(task, { args: ['-n', '3', '--no-journal'], by, onTerminal: true, env });
}

/** Shows the bytes up to the end of each drawing, one after the other. */
async function* frames(bytes: Buffer, screen: Screen): AsyncGenerator<string[]> {
  const text = bytes.toString();
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\u001b8', from) + 2;
    if (end < 2) break;
    screen.give(text.slice(from, end));
    from = end;
    yield await screen.lines();
  }
  screen.give(text.slice(text.lastIndexOf('\u001b8') + 2));
}

const FOOT = /^(.* )?(0|[1-9]\d?) of 40|^\d+%/;
const END = /^divvy: 40 items: 40 done\. Took/;

describe('output of workers and of the master, on both streams', () => {
  const SAYS = [
    'console.log(item + " <" + "漢字".repeat(item) + ">");',
    'console.error(item + " <" + "word ".repeat(item) + ">");',
  ];
  const dispatch =
    'for (let item = 1; item <= 40; item++) { yield item; console.log("dispatched " + item); await turn(); }';

  test.each([
    [80, 0],
    [20, 20],
    [80, 80],
    [300, 300],
  ])('%d columns (it says %d): whole lines, and below them the line', async (columns, says) => {
    const run = runIn(says, taskOf(dispatch, SAYS.join('\n')));
    expect((await run.ended()).status).toBe(0);
    const screen = new Screen(columns, ROWS, { isRaw: true });
    let most = 0;
    for await (const lines of frames(run.stdoutBytes, screen)) {
      expect(lines.at(-1)).toMatch(FOOT);
      const above = lines.slice(0, -1);
      expect(above.filter((line) => FOOT.test(line) || line.includes('░'))).toEqual([]);
      most = Math.max(most, above.length);
    }
    const lines = (await screen.lines()).map((line) => line.trimEnd());
    expect(most).toBeGreaterThan(100);
    const said = Array.from({ length: 40 }, (_, at) => at + 1).flatMap((item) => [
      `${item} <${'漢字'.repeat(item)}>`,
      `${item} <${'word '.repeat(item)}>`,
      `dispatched ${item}`,
    ]);
    const summary = lines.findIndex((line) => line.startsWith('divvy: 40 items'));
    expect(
      lines
        .slice(0, summary)
        .filter((line) => said.includes(line))
        .sort(),
    ).toEqual(said.sort());
    expect(lines.slice(summary).join(' ').replace(/ +/g, ' ')).toMatch(END);
    expect(lines.join('\n')).not.toMatch(/░| of 40/);
  });

  test('much of it', async () => {
    const much = 'for (let line = 1; line <= 100; line++) console.log(item + " " + line + " " + "x".repeat(90));';
    const run = runIn(80, taskOf('for (let item = 1; item <= 40; item++) yield item;', much));
    expect((await run.ended()).status).toBe(0);
    const screen = new Screen(80, ROWS, { isRaw: true });
    for await (const lines of frames(run.stdoutBytes, screen)) expect(lines.at(-1)).toMatch(FOOT);
    const lines = await screen.lines();
    expect(lines.at(-1)).toMatch(END);
    const said = lines.slice(1, -1);
    expect(said).toHaveLength(4000);
    expect(said.filter((line) => !/^\d+ \d+ x{90}$/.test(line))).toEqual([]);
  });

  test('a reader that is slow: what one stream still has to write is not broken by the other', async () => {
    const long = 'for (const out of ["log", "error"]) console[out](item + " " + out + " " + "x".repeat(8000));';
    const own = 'console.error("dispatched " + item + " " + "y".repeat(3000)); await turn();';
    const task = taskOf(`for (let item = 1; item <= 40; item++) { yield item; ${own} }`, long);
    const args = ['-n', '3', '--no-journal'];
    const run = runTask(task, { args, onTerminal: true, readsSlowly: true, env: PLAIN });
    expect((await run.ended()).status).toBe(0);
    const screen = new Screen(80, ROWS, { isRaw: true });
    for await (const lines of frames(run.stdoutBytes, screen)) expect(lines.at(-1)).toMatch(FOOT);
    const said = (await screen.lines()).slice(1, -1);
    expect(said.filter((line) => !/^\d+ (log|error) x{8000}$|^dispatched \d+ y{3000}$/.test(line))).toEqual([]);
    expect(said).toHaveLength(120);
  });
});

test('a task that ends stdout: what is written to stderr comes all the same', async () => {
  const task = taskOf('yield 1;');
  const ends = "import { Readable } from 'node:stream'; import { pipeline } from 'node:stream/promises';";
  const afterRun = "afterRun() { return pipeline(Readable.from(['the result\\n']), process.stdout); }";
  const text = readFileSync(task, 'utf8').replace('total()', `${afterRun} total()`);
  writeFileSync(task, `${ends}\n${text}`);
  const { status, stdout } = await runIn(80, task).ended();
  expect(stdout).toMatch(/the result/);
  expect(stdout).toMatch(/divvy: 1 item: 1 done\. Took/);
  expect(status).toBe(0);
});

test('stdout that somebody has led to stderr before the run', async () => {
  const preload = join(mkdtempSync(join(tmpdir(), 'divvy-mirror-')), 'mirror.mjs');
  writeFileSync(preload, 'process.stdout.write = (...written) => process.stderr.write(...written);');
  onTestFinished(() => rmSync(dirname(preload), { recursive: true }));
  const env = { ...PLAIN, NODE_OPTIONS: `--import ${preload}` };
  const { status, stdout } = await runIn(80, taskOf('yield 1;', 'console.log("worked");'), env).ended();
  expect(stdout).toMatch(/worked/);
  expect(stdout).toMatch(/divvy: 1 item: 1 done\. Took/);
  expect(status).toBe(0);
});

test('a terminal that gets narrower, and wider again, in the middle of a run', async () => {
  const resized = (columns: number) => `console.log('now ${columns}');
    execFileSync('stty', ['cols', '${columns}'], { stdio: 'inherit' });
    await drawn(); console.log('was ${columns}');`;
  const run = runIn(80, taskOf(`yield 1; await drawn(); ${resized(20)} ${resized(60)}`));
  expect((await run.ended()).status).toBe(0);
  const [first = '', narrow = '', wide = ''] = run.stdout.split(/(?<=now \d+\r\n)/);
  const screen = new Screen(80, ROWS, { isRaw: true });
  const seen: (string | undefined)[] = [];
  for (const [columns, bytes] of [
    [80, first],
    [20, narrow],
    [60, wide],
  ] as const) {
    await screen.resize(columns);
    for await (const rows of frames(Buffer.from(bytes), screen)) seen.push(rows.at(-1));
    expect((await screen.rows()).filter((row) => /░.* of 40/.test(row)).length).toBeLessThanOrEqual(1);
  }
  // Right after a resize the program does not know yet: then it is cut by the terminal.
  expect(seen.filter((row) => !row || !(FOOT.test(row) || /^░+ \d%/.test(row)))).toEqual([]);
  expect(seen).toContainEqual(expect.stringMatching(/^[01] of 40/));
  const lines = await screen.lines();
  expect(lines.slice(1, -1)).toEqual(['now 20', 'was 20', 'now 60', 'was 60']);
  expect(lines.at(-1)).toMatch(/^divvy: 1 item: 1 done\./);
});

test.each([
  [
    'a stop',
    `process.kill(process.pid, 'SIGINT'); await new Promise(() => {});`,
    /^divvy: Stopped by SIGINT\. 1 item: 1 done/,
  ],
  ['an error', `throw new Error('no');`, /^ {2}at .*own\.ts/],
  ['process.exit', `process.exit(9);`, /^open$/],
])('%s leaves nothing of the line', async (_, how, last) => {
  const run = runIn(100, taskOf(`yield 1; await drawn(); process.stdout.write('whole\\nopen'); await drawn(); ${how}`));
  await run.closed;
  const screen = new Screen(100, ROWS, { isRaw: true });
  let count = 0;
  for await (const rows of frames(run.stdoutBytes, screen)) if (rows.some((row) => FOOT.test(row))) count += 1;
  expect(count).toBeGreaterThan(2);
  const lines = await screen.lines();
  expect(lines.join('\n')).not.toMatch(/░|1 of 40/);
  expect(lines).toContain('whole');
  expect(lines.at(-1)).toMatch(last);
});

test('stdout and stderr on two terminals: each shows its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-terminals-'));
  const [outer, inner, shown] = ['outer', 'inner', 'shown'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(inner, 'eval "exec $COMMAND >$OUTER"');
  const nested = onTerminal(['bash', inner], shown).map((word) => `"${word}"`);
  writeFileSync(outer, `export OUTER=$(tty) COMMAND=$(printf "%q " "$@")\nexec ${nested.join(' ')} >/dev/null`);
  const task = taskOf('yield 1; await drawn(); console.log("dispatched"); await drawn();');
  const by = ['bash', outer];
  const run = runTask(task, { by, args: ['-n', '1', '--no-journal'], onTerminal: true, env: PLAIN });
  expect((await run.ended()).status).toBe(0);
  expect(run.stdout).toMatch(/^dispatched\r?\n$/); // the inner one makes the outer one raw
  expect(readFileSync(shown, 'utf8')).toMatch(/1 of 40.*divvy: 1 item: 1 done/s);
});

test('NO_COLOR: the line has none', async () => {
  const run = runIn(80, taskOf('yield 1; await drawn();'));
  await run.ended();
  const screen = new Screen(80, ROWS, { isRaw: true });
  const looks = new Set<string>();
  for await (const rows of frames(run.stdoutBytes, screen))
    for (const look of (await screen.looks(rows.length - 1)).split(' ')) looks.add(look);
  expect([...looks].filter(Boolean)).toEqual(['-']);
});

describe('in tmux', () => {
  needs('tmux');

  test('the line is last, also after a resize; at the end a prompt follows the summary', async () => {
    const task = taskOf(
      'for (let item = 1; item <= 9; item++) { yield item; console.log("said " + item); } await new Promise(() => {});',
    );
    const terminal = openTerminal(['sh', '-i'], join(task, '..'), {
      PATH: process.env['PATH'],
      TERM: 'xterm-256color',
      PS1: 'ready$ ',
      NODE: process.execPath,
      RUNNER,
    });
    onTestFinished(() => terminal.keys('C-c'));
    terminal.types('clear; "$NODE" "$RUNNER" --no-journal -n 2 own.ts');
    terminal.keys('Enter');
    const said = Array.from({ length: 9 }, (_, at) => `said ${at + 1}\n`).join('');
    await terminal.shows(new RegExp(`${said}███░+ 22% {2}9 of 40 .*\n*$`));
    terminal.resize(30);
    await terminal.shows(new RegExp(`${said}███░+ 22% {2}9 of 40\n*$`));
    terminal.resize(90);
    await terminal.shows(new RegExp(`${said}███░+ 22% {2}9 of 40 .*\n*$`));
    terminal.keys('C-c');
    const end = await terminal.shows(/Took .*\n+ready\$/);
    expect(end).toMatch(new RegExp(`${said}divvy: Stopping .*\ndivvy: Stopped by SIGINT.*\n+ready\\$`));
    expect(end).not.toContain('of 40');
  });
});
