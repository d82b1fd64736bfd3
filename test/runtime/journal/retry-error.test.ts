// --retry-failed=ERROR: of the failed items only those whose error has this text in it.
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Ended, runTask } from '../run-task.ts';

const TASK = `
  export default class Errors {
    *dispatch() { yield* ['one reset', 'two', 'three typo', 'four reset', 'five'].map((name) => ({ name })); }
    process({ name }) {
      console.log(name);
      if (process.env.MENDED) return;
      if (name.endsWith('typo')) throw new TypeError('no such field');
      if (name.endsWith('reset')) throw new Error('fetch failed', { cause: Object.assign(new Error('read'), { code: 'ECONNRESET' }) });
    }
  }`;

function taskThatFails(): (...args: string[]) => Promise<Ended & { items: string[]; journals: () => string[] }> {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'divvy-retry-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'errors.ts');
  fs.writeFileSync(file, TASK);
  return async (...args) => {
    const env = args.length > 0 ? { MENDED: '1' } : {};
    const ended = await runTask(file, { args: ['-n', '1', ...args], env }).ended();
    const journals = (): string[] => fs.globSync(path.join(folder, '.divvy/errors/*.ndjson')).sort();
    return { ...ended, items: ended.stdout.trimEnd().split('\n').filter(Boolean), journals };
  };
}

test.each(['ECONNRESET', 'fetch failed', 'caused by Error [ECONNRESET]: read'])(
  'takes the items whose error has %s in it, and the others stay failed',
  async (text) => {
    const run = taskThatFails();
    expect((await run()).status).toBe(1);
    const { status, items, stderr } = await run(`--retry-failed=${text}`);
    expect(items).toEqual(['one reset', 'four reset']);
    expect(stderr).toMatch(
      /^divvy: Retrying 2 failed items of run .* whose error contains “.*”; 1 other failed item is left alone$/m,
    );
    expect(stderr).toContain('1 item had already failed; retry it with --retry-failed');
    expect(status).toBe(1);
    const rest = await run('--retry-failed');
    expect([rest.status, rest.items]).toEqual([0, ['three typo']]);
  },
);

test('that no failed item has: nothing is processed, and what failed stays so', async () => {
  const run = taskThatFails();
  await run();
  const { status, items, stderr } = await run('--retry-failed=ENOENT');
  expect([status, items]).toEqual([1, []]);
  expect(stderr).toMatch(
    /No failed item of run .* has an error that contains “ENOENT”; 3 other failed items are left alone/,
  );
  expect((await run('--retry-failed')).items).toEqual(['one reset', 'three typo', 'four reset']);
});

test.each(['--retry-failed=ENOENT', '--retry-failed'])(
  '%s that finds nothing leaves the journal as it is',
  async (retry) => {
    const run = taskThatFails();
    await run();
    if (retry === '--retry-failed') await run(retry);
    const newer = await run('--resume', '--', 'newer');
    const journals = (): Map<string, string> =>
      new Map(newer.journals().map((file) => [file, fs.readFileSync(file, 'utf8')]));
    const before = journals();
    expect(before.size).toBe(2);
    expect((await run(retry)).items).toEqual([]);
    expect(journals()).toEqual(before);
  },
);

test('what it has done stays done, and what it left can still be retried', async () => {
  const run = taskThatFails();
  await run();
  expect((await run('--retry-failed=TypeError', '--limit', '1')).items).toEqual(['three typo']);
  expect((await run('--resume')).items).toEqual([]);
  expect((await run('--retry-failed')).items).toEqual(['one reset', 'four reset']);
});

test('without a text behind the = it is refused', async () => {
  const { status, stderr } = await taskThatFails()('--retry-failed=');
  expect(status).toBe(2);
  expect(stderr).toContain(
    "--retry-failed must be alone, or have a text to look for after =, as in --retry-failed=ECONNRESET, and is ''",
  );
});
