// What --status, --runs and the report say of runs that ended otherwise than they should, and of retries.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Ended, runTask, type TaskRun } from '../run-task.ts';

/** A task of four items, two of which fail unless it is mended; more of it is in `also`. */
class Failing {
  readonly folder: string;
  readonly #file: string;

  constructor(also = '') {
    this.folder = mkdtempSync(join(tmpdir(), 'divvy-status-'));
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
    writeFileSync(join(this.folder, 'divvy.json'), '{}');
    this.#file = join(this.folder, 'failing.ts');
    writeFileSync(
      this.#file,
      `export default class Failing {
        total() { return 4; }
        *dispatch() { yield* [1, 2, 3, 4]; ${also} }
        process(item) {
          if (process.env.WAITS) { console.log('waits'); return new Promise(() => {}); }
          if (item > 2) throw new Error('no');
        }
      }`,
    );
  }

  run(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): TaskRun {
    return runTask(this.#file, { args: ['-n', '1', ...args], env });
  }

  async asked(what: string): Promise<string> {
    return (await runTask(this.#file, { args: [what] }).ended()).stdout;
  }

  ended(args?: readonly string[]): Promise<Ended> {
    return this.run(args).ended();
  }
}

test('a run that failed by itself: with what, for whoever has no log of it', async () => {
  const task = new Failing(`throw new Error('cursor lost');`);
  expect((await task.ended()).status).toBe(70);
  const why = 'dispatch threw after 4 items: Error: cursor lost';
  expect(await task.asked('--status')).toMatch(
    new RegExp(`^[\\w-]+: unfinished: 2 items done, 2 failed; .*\nit failed: ${why}; .*\nto go on: .* --resume `),
  );
  expect(await task.asked('--runs')).toMatch(new RegExp(`^[\\w-]+: unfinished \\(${why}.*…\\): 2 done, 2 failed;`));
  expect(JSON.parse(await task.asked('--report-data'))).toMatchObject({ why: expect.stringContaining(why) as string });
});

test('a retry that was stopped is offered again, and not a resume that has nothing to do', async () => {
  const task = new Failing();
  await task.ended();
  const retry = task.run(['--retry-failed'], { WAITS: '1' });
  await retry.said(/waits/);
  const running = await task.asked('--status');
  expect(running).toMatch(/^ {2}running: 0 of 2 items$/m);
  retry.kill('SIGINT');
  retry.kill('SIGTERM');
  await retry.closed;
  const lines = (await task.asked('--status')).split('\n');
  expect(lines[0]).toMatch(/: unfinished \(stopped by SIG\w+\): 2 items done, 2 failed;/);
  expect(lines.slice(1)).toEqual([expect.stringMatching(/^to try what failed again: .*--retry-failed/), '']);
});

test('a retry in a run that was not complete leaves the resume to be offered', async () => {
  const task = new Failing();
  await task.ended(['--limit', '3']);
  const retry = task.run(['--retry-failed'], { WAITS: '1' });
  await retry.said(/waits/);
  retry.kill('SIGTERM');
  await retry.closed;
  expect(await task.asked('--status')).toMatch(/\nto go on: .*--resume .*\nto try what failed again: .*--retry-failed/);
});

test('a clock that was put back in the middle of a run', async () => {
  const task = new Failing();
  await task.ended();
  const { journal } = JSON.parse((await task.ended(['--status', '--json'])).stdout) as { journal: string };
  const text = readFileSync(journal, 'utf8');
  writeFileSync(journal, text.replace(/("type":"end".*"at":")[^"]*/, '$12001-01-01T00:00:00.000Z'));
  expect(await task.asked('--runs')).toMatch(/began 2\d{3}-\S+, ended 2001-01-01T00:00:00\.000Z, by /);
});

test('another run of the task that is going on is named', async () => {
  const task = new Failing();
  const first = task.run(['--', 'first'], { WAITS: '1' });
  await first.said(/waits/);
  const { runId } = JSON.parse((await task.ended(['--status', '--json'])).stdout) as { runId: string };
  const second = task.run(['--', 'second'], { WAITS: '1' });
  await second.said(/waits/);
  expect(await task.asked('--status')).toMatch(new RegExp(`\ngoing on, too: ${runId}\n$`));
  for (const run of [first, second]) run.kill('SIGTERM');
  await Promise.all([first.closed, second.closed]);
  expect(await task.asked('--status')).not.toContain('going on');
});
