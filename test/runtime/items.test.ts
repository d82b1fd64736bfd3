// What items and results may hold, and what becomes of those that cannot be carried.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { encodeValue } from '../../runtime/wire/codec.ts';
import { runProgram, runTask } from './run-task.ts';

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-items-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('what v8.serialize carries comes back as it was, from a worker and inline', async () => {
  const seed = Date.now() % 2 ** 31;
  const { status, stdout, stderr } = await runProgram('round-trip', { args: [String(seed)] }).ended();
  expect({ status, stderr }, `seed ${seed}`).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout), `seed ${seed}`).toEqual({ done: 403, sent: 403, polluted: false, wrong: [] });
});

test.each(['--no-journal', '--inline', '--journal'])(
  'large Buffers arrive whole, and stay so, though the memory that carried them is used again (%s)',
  async (way) => {
    const args = way === '--journal' ? [way, join(scratch(), 'j.ndjson')] : ['--no-journal', way];
    const env = way === '--inline' ? {} : { DEADLY: '1' }; // what runs in the master cannot die alone
    const { status, stderr } = await runTask('buffers', { args: ['-n', '2', ...args], env }).ended();
    expect({ status, stderr }).toMatchObject({ status: 0 });
  },
);

const OTHER = 'which cannot be carried to another process';
const FAILED = new Map([
  [1, [1, `the result of item 1: .back.call is a function, ${OTHER}`]],
  [
    2,
    [
      1,
      'the result of item 2 comes to 1048577 bytes, more than the 1048576 that are allowed; raise --max-item-size (maxItemBytes), or carry a path or an id in its place',
    ],
  ],
  [3, [0, `item 3: .retry is a function, ${OTHER}`]],
  [4, [0, `item 4: .list[1]["odd key"] is a symbol, ${OTHER}`]],
  [5, [0, `item 5: .map.get("k").f is a function, ${OTHER}`]],
  [6, [0, `item 6: (in a Set) is a function, ${OTHER}`]],
  [7, [0, `item 7: .later is a promise, ${OTHER}; await it first`]],
  [8, [0, 'item 8: .broken cannot be carried to another process: not today']],
  [9, [0, 'item 9: .proxy cannot be carried to another process: #<Object> could not be cloned']],
  [10, [0, `item 10 is a function, ${OTHER}`]],
  [11, [0, `item 11 is a symbol, ${OTHER}`]],
  [12, [0, 'item 12 cannot be carried to another process: #<WeakMap> could not be cloned']],
  [13, [0, 'item 13 cannot be carried to another process: Maximum call stack size exceeded']],
  [
    14,
    [
      0,
      'item 14 comes to 1048577 bytes, more than the 1048576 that are allowed; raise --max-item-size (maxItemBytes), or carry a path or an id in its place',
    ],
  ],
] as const);

test.each([[[]], [['--inline']]])(
  'what cannot be carried is a failed item that says where, and the run goes on (%s)',
  async (inline) => {
    const ended = await runTask('unfit', {
      args: ['-n', '1', '--max-item-size', '1', '--retries', '3', ...inline],
    }).ended();
    expect(ended.status).toBe(1);
    const lines = ended.stdout.trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('processed'))).toEqual([
      'processed {"id":1} Object',
      'processed {"id":2} Object',
      'processed {"x":1} Object',
      'processed {"value":"as yielded"} Object',
    ]);
    const failed = [...FAILED].map(
      ([number, [attempts, message]]) => `failed ${number} after ${attempts}: UnfitError: ${message}`,
    );
    const byNumber = (a: string, b: string): number => Number(/\d+/.exec(a)) - Number(/\d+/.exec(b));
    expect(lines.filter((line) => line.startsWith('failed')).sort(byNumber)).toEqual(failed);
    const said = [...FAILED].map(([number, [, message]]) => {
      const what = message.replace(/^item \d+: /, '').replace(/^item \d+ /, 'it ');
      return `divvy: item ${number} failed: ${what}`;
    });
    const told = ended.stderr
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/ \(key .{8}…\)| Took .*/, ''));
    expect(told.slice(0, 15).sort()).toEqual([...said, 'divvy: 16 items: 2 done, 14 failed.'].sort());
  },
);

test('the place of what is unfit is found in a value that holds itself', () => {
  const value: Record<string, unknown> = {};
  value['self'] = value;
  value['map'] = new Map<unknown, unknown>([[value, new Map([[() => {}, 1]])]]);
  expect(() => encodeValue(value, 'item 1', 100)).toThrow(/^item 1: .*is a function|could not be cloned/);
});
