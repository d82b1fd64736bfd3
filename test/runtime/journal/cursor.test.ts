// A cursor: what a resume lists again, what it knows, and what is refused. The simulator has every fault of a run; here are
// real runs, and what is in their journals.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { JournalRecord } from '../../../runtime/journal/records.ts';
import { makeGate, RUNNER, type RunOptions, TaskRun, taskFile } from '../run-task.ts';
import { killWithCursor } from './killed-rows.ts';

type Kind = 'plain' | 'fails' | 'waits';

class Table {
  readonly folder = mkdtempSync(join(tmpdir(), 'divvy-rows-'));
  readonly task = join(this.folder, 'tasks/rows.ts');

  constructor(rows: readonly [id: number, what: Kind][]) {
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
    mkdirSync(join(this.folder, 'tasks'));
    symlinkSync(taskFile('rows'), this.task);
    writeFileSync(join(this.folder, 'divvy.json'), '{}');
    this.has(rows);
  }

  /** From now on these are the rows, in the order of their ids. */
  has(rows: readonly [id: number, what: Kind][]): void {
    const all = rows.toSorted(([one], [other]) => one - other).map(([id, what]) => ({ id, what }));
    writeFileSync(join(this.folder, 'rows.json'), JSON.stringify(all));
  }

  run(args: readonly string[], { way = '', ...options }: RunOptions & { way?: string } = {}): TaskRun {
    const task = ['--', this.folder, ...(way === '' ? [] : [way])];
    return new TaskRun([process.execPath, RUNNER, '-n', '1', ...args, this.task, ...task], options);
  }

  /** What the task has entered since the last call. */
  log(): string[] {
    const lines = readFileSync(join(this.folder, 'log'), 'utf8').trim().split('\n');
    writeFileSync(join(this.folder, 'log'), '');
    return lines;
  }

  records(): JournalRecord[] {
    const folder = join(this.folder, '.divvy/rows');
    const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.ndjson'));
    const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as JournalRecord);
  }

  /** Resolves when the journal has a mark of the row before the one that waits: it may take a tenth of a second. */
  async marked(): Promise<void> {
    const rows = JSON.parse(readFileSync(join(this.folder, 'rows.json'), 'utf8')) as { id: number; what: Kind }[];
    const waits = rows.find(({ what }) => what === 'waits')?.id ?? 0;
    const last = rows.findLast(({ id }) => id < waits)?.id;
    const isThere = (): boolean => this.records().some((record) => record.type === 'mark' && record.place === last);
    while (last !== undefined && !isThere()) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  status(): string {
    return spawnSync(process.execPath, [RUNNER, '--status', this.task], { encoding: 'utf8' }).stdout;
  }
}

const plain = (...ids: number[]): [number, Kind][] => ids.map((id) => [id, 'plain']);

/** Kills a run while a row waits, when the others behind it are done. */
async function cut(table: Table, args: readonly string[], done: number): Promise<void> {
  const gate = await makeGate();
  const run = table.run([...args, '-v', '-n', '2'], { env: gate.env });
  await gate.arrived(1);
  await run.said(/ is done/, done);
  await table.marked();
  run.kill('SIGKILL');
  await run.closed;
  await run.gone();
  table.log();
}

describe('a resume', () => {
  test('goes on after the mark, numbers on, and skips what is done behind it; what was put in there is done, too', async () => {
    const table = new Table([...plain(10, 20), [30, 'waits'], ...plain(40, 50)]);
    await cut(table, [], 4);
    table.has([...plain(5, 10, 20), ...plain(25, 30, 40, 45, 50, 60)]);
    const { status, stderr } = await table.run(['--resume', '-v']).ended();
    expect(status, stderr).toBe(0);
    expect(table.log()).toEqual(['after 20', 'plain 25', 'plain 30', 'plain 45', 'plain 60']);
    expect(stderr).toMatch(/^divvy: Resuming run .*, after 20 \(item 2\), skipping what has ended$/m);
    expect(stderr).toMatch(/item 3 .* is done/);
    expect(stderr).toMatch(/6 items: 4 done, 2 skipped \(done in an earlier run\)/);
    expect(table.status()).toMatch(/: complete: 8 items done;/);
  });

  test('a place becomes the mark only when another has come: rows that share one are listed again together', async () => {
    const table = new Table([...plain(1, 2, 2), [2, 'waits'], ...plain(2, 3)]);
    await cut(table, [], 5);
    table.has(plain(1, 2, 2, 2, 2, 3));
    const { status, stderr } = await table.run(['--resume']).ended();
    expect(status, stderr).toBe(0);
    // Equal rows of one place are interchangeable: one is left to do.
    expect(table.log()).toEqual(['after 1', 'plain 2']);
  });

  test('equal rows at other places are others', async () => {
    const table = new Table([[1, 'waits'], ...plain(2)]);
    await cut(table, [], 1);
    table.has(plain(1, 2));
    expect((await table.run(['--resume']).ended()).status).toBe(0);
    expect(table.log()).toEqual(['after undefined', 'plain 1']);
  });

  test('with --inline, and with places that are texts', async () => {
    const table = new Table([...plain(1, 2), [3, 'fails'], ...plain(4)]);
    const first = await table.run(['--inline', '--limit', '2'], { way: 'text' }).ended();
    expect(first.status, first.stderr).toBe(0);
    const { status, stderr } = await table.run(['--inline', '--resume'], { way: 'text' }).ended();
    expect(status, stderr).toBe(1);
    expect(table.log()).toEqual(['after undefined', 'plain 1', 'plain 2', 'after 1', 'fails 3', 'plain 4']);
  });
});

test('the journal has the places, and the mark moves only over what has its outcome', async () => {
  const table = new Table([...plain(1), [2, 'fails'], ...plain(3, 4)]);
  expect((await table.run([]).ended()).status).toBe(1);
  const records = table.records();
  expect(records[0]).toMatchObject({ type: 'run', cursor: true });
  expect(records[0]).not.toHaveProperty('after');
  const places = records.flatMap((record) => (record.type === 'done' ? (record.places ?? []) : []));
  expect(places).toEqual([1, 3, 4]);
  expect(records.find(({ type }) => type === 'failed')).toMatchObject({
    ...{ number: 2, place: 2, after: { place: 1, number: 1 } },
  });
  expect(records.findLast(({ type }) => type === 'mark')).toEqual({ type: 'mark', place: 3, number: 3 });
});

test('20,000 rows, and 3 masters killed: each row has one outcome, and each resume begins at the mark', async () => {
  await killWithCursor({ count: 20_000, kills: 3, every: 5000 });
});

describe('--retry-failed', () => {
  test('begins before the first failed place, stops when all are met, and leaves a complete run complete', async () => {
    const table = new Table([...plain(1, 2), [3, 'fails'], ...plain(4), [5, 'fails'], ...plain(6, 7, 8)]);
    expect((await table.run([]).ended()).status).toBe(1);
    table.log();
    table.has(plain(1, 2, 3, 4, 5, 6, 7, 8));
    // The content has changed, so the key has, too: the task's rows of the same place and key are those that failed.
    table.has([...plain(1, 2), [3, 'fails'], ...plain(4), [5, 'fails'], ...plain(6, 7, 8)]);
    const { status, stderr } = await table.run(['--retry-failed']).ended();
    expect(status).toBe(1);
    expect(table.log()).toEqual(['after 2', 'fails 3', 'fails 5']);
    expect(stderr).toMatch(/3 items: 0 done, 2 failed, 1 skipped \(had not failed\)/);
    expect(table.status()).toMatch(/: complete: 6 items done, 2 failed;/);
  });

  test('leaves an unfinished run unfinished, and a resume goes on where that was', async () => {
    const table = new Table([...plain(1), [2, 'fails'], ...plain(3, 4, 5)]);
    expect((await table.run(['--limit', '3']).ended()).status).toBe(1);
    table.log();
    expect((await table.run(['--retry-failed']).ended()).status).toBe(1);
    expect(table.log()).toEqual(['after 1', 'fails 2']);
    expect(table.status()).toMatch(/: unfinished: 2 items done, 1 failed;/);
    await table.run(['--resume']).ended();
    expect(table.log()).toEqual(['after 2', 'plain 4', 'plain 5']);
    expect(table.status()).toMatch(/: complete: 4 items done, 1 failed;/);
  });
});

test('a row that comes too late stops the run, and its marks are void: the resume begins at the beginning, and does only what is left', async () => {
  const table = new Table(plain(1, 2, 5, 6, 4, 7));
  const rows = (order: number[]): void =>
    writeFileSync(join(table.folder, 'rows.json'), JSON.stringify(order.map((id) => ({ id, what: 'plain' }))));
  rows([1, 2, 5, 6, 4, 7]);
  const { status, stderr } = await table.run([]).ended();
  expect(status).toBe(70);
  expect(stderr).toMatch(/cursor went back: item 5 is at 4, and the item before it at 6/);
  const [, ...before] = table.log();
  rows([1, 2, 4, 5, 6, 7]);
  expect((await table.run(['--resume']).ended()).status).toBe(0);
  const [after, ...left] = table.log();
  expect(after).toBe('after undefined');
  expect([...before, ...left].sort()).toEqual([1, 2, 4, 5, 6, 7].map((id) => `plain ${id}`));
});

test('a dry run prints more items than may wait, and ends', async () => {
  const table = new Table([]);
  writeFileSync(join(table.folder, 'rows.json'), JSON.stringify(Array.from({ length: 100_500 }, (_, id) => ({ id }))));
  const { status, stdout } = await table.run(['--dry-run']).ended();
  expect(status).toBe(0);
  expect(stdout.trimEnd().split('\n')).toHaveLength(100_500);
});

describe('what is no place is refused, with exit code 70', () => {
  test.each([
    ['throws', /the hook cursor threw: Error: no place/],
    ['none', /cursor returned undefined for item 1; it must return a string or a finite number/],
    ['both', /cursor returned 'two' for item 2, and 1 before; it must return only numbers or only strings/],
    [
      'back',
      /cursor went back: item 2 is at -2, and the item before it at -1; dispatch must yield the items in the order/,
    ],
  ])('%s', async (way, message) => {
    const table = new Table(plain(1, 2, 3));
    const { status, stderr } = await table.run([], { way }).ended();
    expect(status).toBe(70);
    expect(stderr).toMatch(message);
  });

  test.each([
    [
      'does not look',
      /dispatch has yielded an item without a look at `after`, and was to go on after 1; take it: dispatch\(\{ after \}\)/,
    ],
    [
      'from the beginning',
      /dispatch was asked to go on after 1, and began with an item at 1; begin with the first item behind/,
    ],
  ])('a resume whose dispatch %s, before anything is done', async (way, message) => {
    const table = new Table(plain(1, 2, 3));
    expect((await table.run(['--limit', '2'], { way }).ended()).status).toBe(0);
    writeFileSync(join(table.folder, 'log'), '');
    const { status, stderr } = await table.run(['--resume'], { way }).ended();
    expect(status).toBe(70);
    expect(stderr).toMatch(message);
    expect(table.log().filter((line) => line.startsWith('plain'))).toEqual([]);
  });
});

test.each([
  ['had one', 'cursor', 'noCursor', /had a cursor when the run of .* began, and it has none now/],
  ['had none', 'noCursor', 'cursor', /had no cursor when the run of .* began, and it has one now/],
])('a resume of a run whose task %s is refused', async (_, before, after, message) => {
  const table = new Table(plain(1, 2));
  const write = (name: string): void =>
    writeFileSync(
      table.task,
      `export default class Rows { *dispatch({ after }) { yield* [1, 2, 3]; } ${name}(item) { return item; } process() {} }`,
    );
  rmSync(table.task);
  write(before);
  expect((await table.run(['--limit', '2']).ended()).status).toBe(0);
  write(after);
  const { status, stderr } = await table.run(['--resume']).ended();
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/(put it back|take it out), or begin a new run/);
});
