/** A source of rows with a cursor, and a master that is killed again and again. Runs in tests, short and long. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { AHEAD_MAX } from '../../../runtime/journal/marks.ts';
import { readJournal } from '../../../runtime/journal/reading.ts';
import { ACKS_GATHERED } from '../../../runtime/wire/messages.ts';
import { RUNNER, TaskRun, taskFile } from '../run-task.ts';

const WORKERS = 2;
/** What a worker is sent of the shortest items, at most. */
const SENT_AHEAD_MAX = 1024 + 1;

/**
 * Runs a task of `count` rows to its end, with `kills` masters killed, each when it has listed `every` rows. Each row must
 * have been processed and have one outcome, and a resume must list no more again than it may.
 */
export async function killWithCursor({
  count,
  kills,
  every,
}: Record<'count' | 'kills' | 'every', number>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-rows-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'tasks'));
  writeFileSync(join(folder, 'divvy.json'), '{}');
  const task = join(folder, 'tasks/many-rows.ts');
  symlinkSync(taskFile('many-rows'), task);
  const start = (isLast: boolean, ...args: string[]): TaskRun =>
    new TaskRun([process.execPath, RUNNER, '-n', `${WORKERS}`, ...args, task, '--', folder, `${count}`, `${every}`], {
      env: isLast ? {} : { WAITS_AT: `${count}` },
    });

  /** How far the runs so far have listed, at most; and how much was listed again, of each. */
  let listed = 0;
  const again: number[] = [];
  for (let killed = 0; ; killed++) {
    const run = start(killed === kills, ...(killed > 0 ? ['--resume'] : []));
    const [, after = ''] = await run.said(/^begins after (\d+)$/m);
    if (killed > 0) again.push(listed - Number(after));
    if (killed === kills) {
      const { status, stderr } = await run.ended();
      expect(status, stderr).toBe(0);
      break;
    }
    await run.said(/^(listed \d+|waits)$/m);
    run.kill('SIGKILL');
    await run.closed;
    await run.gone();
    // Behind the last that it said it may have listed some more, which it could not say.
    const said = [...run.stdout.matchAll(/^listed (\d+)$/gm)].map(([, last]) => Number(last) + every);
    listed = Math.max(listed, ...said);
  }
  for (const rows of again) expect(rows).toBeLessThanOrEqual(AHEAD_MAX + every);

  const done = readFileSync(join(folder, 'done'), 'utf8').trimEnd().split('\n');
  expect(new Set(done).size).toBe(count);
  // What workers had been sent is done again, as far as its outcome was not written: of each master that was killed.
  const twice = done.length - count;
  expect(twice).toBeLessThanOrEqual(kills * WORKERS * (SENT_AHEAD_MAX + ACKS_GATHERED));
  const outcomes = new Uint8Array(count + 1);
  const journals = join(folder, '.divvy/many-rows');
  const [name = ''] = readdirSync(journals).filter((file) => file.endsWith('.ndjson'));
  readJournal(join(journals, name), (record) => {
    if (record.type === 'done')
      for (const place of record.places ?? []) outcomes[Number(place)] = (outcomes[Number(place)] ?? 0) + 1;
  });
  expect(outcomes.slice(1).every((times) => times === 1)).toBe(true);
  console.log(`${count} rows, ${kills} masters killed: ${twice} processed twice; listed again: ${again.join(', ')}`);
}
