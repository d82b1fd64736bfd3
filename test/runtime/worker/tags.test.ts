// --tag: the worker and the key of the item before each line that a worker writes.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Master } from '../../../runtime/index.ts';
import { contentKey } from '../../../runtime/key.ts';
import { OPTIONS } from '../../../runtime/options.ts';
import type { AnyTask } from '../../../runtime/task/task.ts';
import { ReceivedItem } from '../../../runtime/wire/messages.ts';
import { Tags } from '../../../runtime/worker/tags.ts';
import { ALL_WELL, makeGate, runTask, taskFile } from '../run-task.ts';

const lines = (text: string): string[] => text.split('\n').slice(0, -1);
const KEYED = { KEYED: '1' };

/** The path of a journal that is deleted after the test. */
function journal(): string {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-tags-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'j.ndjson');
}

describe('a run', () => {
  test('each line has the worker and the key of the item that wrote it, however many are in progress', async () => {
    const args = ['--tag', '-n', '3', '-c', '4', '--', 'everywhere', '40'];
    const { status, stdout, stderr } = await runTask('tagged', { args, env: KEYED }).ended();
    expect(status).toBe(0);
    const written = lines(stdout).filter((line) => !/^\[w\d\] (afterFork|beforeExit)$/.test(line));
    const items = Array.from({ length: 40 }, (_, at) => at + 1);
    const tag = /^\[w[1-3] user-(\d+)\] /;
    const byItem = (all: readonly string[]): string[][] =>
      items.map((item) =>
        all.filter((line) => tag.exec(line)?.[1] === String(item)).map((line) => line.replace(tag, '')),
      );
    expect(byItem(written)).toEqual(
      items.map((item) => [`start ${item}`, `more of ${item}`, `bytes ${item}`, `of ${item}`, 'Hi!']),
    );
    expect(written).toHaveLength(200);
    expect(byItem(lines(stderr))).toEqual(items.map((item) => [`after a timer ${item}`]));
    // The master's own lines have none.
    expect(`${lines(stderr).at(-1)}\n`).toMatch(ALL_WELL);
  });

  test('of a hash there is the beginning, as in the journal', async () => {
    const file = journal();
    const { status, stdout } = await runTask('tagged-short', { args: ['--tag', '-n', '2', '--journal', file] }).ended();
    expect(status).toBe(0);
    const expected = Array.from({ length: 3000 }, (_, at) => ({ id: at + 1 })).map(
      (item) => `${contentKey(item).slice(0, 8)}…] line of ${item.id}`,
    );
    expect(
      lines(stdout)
        .map((line) => line.replace(/^\[w[12] /, ''))
        .sort(),
    ).toEqual(expected.sort());
    expect(readFileSync(file, 'utf8')).not.toContain('"tag"');
  });

  test('without a journal and without a key there is the number', async () => {
    const { stdout } = await runTask('tagged-short', { args: ['--tag', '-n', '2', '--no-journal'] }).ended();
    const expected = Array.from({ length: 3000 }, (_, at) => `#${at + 1}] line of ${at + 1}`);
    expect(
      lines(stdout)
        .map((line) => line.replace(/^\[w[12] /, ''))
        .sort(),
    ).toEqual(expected.sort());
  });

  test('an item that is tried again has the same key', async () => {
    const args = ['--tag', '-n', '1', '--retries', '2', '--backoff', '0', '--', 'throws', '1'];
    const { status, stdout } = await runTask('tagged', { args, env: KEYED }).ended();
    expect(status).toBe(1);
    expect(lines(stdout).filter((line) => line.includes('try'))).toEqual(Array(3).fill('[w1 user-1] try 1'));
  });

  test('outside of an item there is only the worker', async () => {
    const args = ['--tag', '-n', '1', '--', 'left behind'];
    const { stdout } = await runTask('tagged', { args, env: KEYED }).ended();
    expect(lines(stdout)).toEqual(['[w1] afterFork', '[w1] too late', '[w1] beforeExit']);
  });

  test('what another item has begun is ended, and its rest has its own tag', async () => {
    const gate = await makeGate();
    const args = ['--tag', '-n', '1', '-c', '2', '--', 'pieces', '2'];
    const run = runTask('tagged', { args, env: { ...KEYED, ...gate.env } });
    await gate.arrived(2);
    gate.open();
    const { status, stdout } = await run.ended();
    expect(status).toBe(0);
    const written = lines(stdout);
    expect(written.filter((line) => line.startsWith('[w1 user-1]'))).toEqual(
      ['one 1 ', 'two 1', 'half 1'].map((text) => `[w1 user-1] ${text}`),
    );
    expect(written.filter((line) => line.startsWith('[w1 user-2]'))).toEqual(
      ['one 2 ', 'two 2', 'half 2'].map((text) => `[w1 user-2] ${text}`),
    );
    expect(written).toHaveLength(8); // and both hooks
  });

  test('a line that an item leaves open is out before the item is done, with its tag', async () => {
    const gate = await makeGate();
    const args = ['--tag', '-v', '-n', '1', '-c', '2', '--', 'open', '2'];
    const run = runTask('tagged', { args, env: { ...KEYED, ...gate.env } });
    await gate.arrived(1);
    await run.said(/item 1 \(user-1\) is done/);
    expect(run.stdout).toBe('[w1] afterFork\n[w1 user-1] half');
    gate.open();
    expect((await run.ended()).stdout).toBe('[w1] afterFork\n[w1 user-1] half\n[w1] beforeExit\n');
  });

  test('lines that items leave open are lines of their own, and none is empty', async () => {
    const args = ['--tag', '-n', '2', '--', 'unended', '60'];
    const { status, stdout } = await runTask('tagged', { args, env: KEYED }).ended();
    expect(status).toBe(0);
    const items = Array.from({ length: 60 }, (_, at) => `user-${at + 1}] item ${at + 1}`);
    const hooks = ['afterFork', 'beforeExit'].flatMap((hook) => [1, 2].map((worker) => `[w${worker}] ${hook}`));
    expect(
      lines(stdout)
        .map((line) => line.replace(/^\[w[12] /, ''))
        .sort(),
    ).toEqual([...items, ...hooks.map((line) => line.replace(/^\[w[12] /, ''))].sort());
  });

  test('what a program writes by itself stays as it is', async () => {
    const args = ['--tag', '-n', '1', '--', 'program'];
    const { stdout } = await runTask('tagged', { args, env: KEYED }).ended();
    expect(lines(stdout).slice(1, -1)).toEqual(['[w1 user-1] before', 'by itself', '[w1 user-1] behind']);
  });

  test('bytes that are no text stay as they are', async () => {
    const run = runTask('tagged', { args: ['--tag', '-n', '1', '--', 'bytes'], env: KEYED });
    await run.ended();
    const tag = [...Buffer.from('[w1 user-1] ')];
    const [, ...rest] = run.stdoutBytes.toString('latin1').split('afterFork\n');
    expect([...Buffer.from(rest.join(''), 'latin1')]).toEqual([
      ...[...tag, 0xff, 10, ...tag, 0xc3, 10, ...tag, 10, ...tag, 0xa9, 10],
      ...Buffer.from('[w1] beforeExit\n'),
    ]);
  });

  test('a key may come from anybody: no escapes, no newline, and not too long', async () => {
    const { stdout } = await runTask('tagged', { args: ['--tag', '-n', '1', '--', 'odd keys'], env: KEYED }).ended();
    const [, line = ''] = lines(stdout);
    expect(line).toBe(`[w1 red $& ${'x'.repeat(72)}…] line`);
  });
});

describe('the option', () => {
  test('is refused with --inline, on the command line and by a Master', async () => {
    const { status, stderr } = await runTask('tagged', { args: ['--tag', '--inline'] }).ended();
    expect([status, stderr]).toEqual([2, 'divvy: --tag and --inline do not go together; choose one of them\n']);
    expect(() => new Master(taskFile('tagged'), { tag: true, inline: true })).toThrow(
      'tag and inline do not go together; choose one of them',
    );
    expect(() => new Master(taskFile('tagged'), { tag: 'yes' as never })).toThrow(
      "tag must be true or false, and is 'yes'",
    );
  });

  test('is for one terminal: a resume does not take it over', () => {
    expect(OPTIONS.find(({ key }) => key === 'tag')).toMatchObject({ usage: '--tag', isRecorded: false });
  });
});

test('whatever is written in whatever pieces: each line has a tag, and nothing else changes', () => {
  const task = { key: () => '' } as unknown as AnyTask;
  const item = (number: number) => new ReceivedItem(number, 1, `k${number}`, false, Buffer.alloc(0));
  const piece = fc.record({
    by: fc.integer({ min: 0, max: 2 }),
    text: fc.constantFrom('\n', 'a', 'b\n', 'c\nd', '\n\ne\n', 'é漢', '$&\n'),
    form: fc.constantFrom<'text' | 'bytes' | 'hex'>('text', 'bytes', 'hex'),
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const tags = new Tags(3);
      const own = [1, 2].map((number) => tags.of(item(number), task));
      let all = '';
      let expected = '';
      let openBy: number | undefined;
      for (const { by, text, form } of pieces) {
        const write = (): string => {
          if (form === 'text') return String(tags.tagged(0, text, undefined));
          if (form === 'hex') return String(tags.tagged(0, Buffer.from(text).toString('hex'), 'hex'));
          return String(tags.tagged(0, Buffer.from(text), undefined));
        };
        const tag = own[by - 1];
        if (tag) {
          const { process } = tags.around({ ...task, process: () => (all += write()) } as AnyTask, tag);
          void process(undefined, undefined as never);
        } else all += write();
        // One character after the other.
        for (const character of text) {
          if (openBy !== by) expected += `${openBy === undefined ? '' : '\n'}[w3${by === 0 ? '' : ` k${by}`}] `;
          expected += character;
          openBy = character === '\n' ? undefined : by;
        }
      }
      expect(all).toBe(expected);
    }),
  );
});
