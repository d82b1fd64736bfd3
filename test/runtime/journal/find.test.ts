// Which run is the last: what --resume goes on with, and whose failed items --retry-failed takes.
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RunRecord } from '../../../runtime/journal/records.ts';
import { lastRunOf } from '../../../runtime/journal/standing.ts';
import { makeGate } from '../run-task.ts';
import { endedRun, openRun } from './journals.ts';
import { items, Project } from './ledger.ts';

function scratch(): string {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'divvy-last-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const resumed = (stderr: string): string | undefined => /Resuming run (\S+) of/.exec(stderr)?.[1];

/** No worker ever becomes ready. */
// By a signal: an exit so early may hang in Node.js itself, before the runtime's own remedy for that is loaded (exit-hang.ts).
const NEVER_BOOTS = "--import=data:text/javascript,process.env.DIVVY_WORKER&&process.kill(process.pid,'SIGKILL')";

describe('--resume', () => {
  test('of a stopped run behind a newer one that is complete: nothing is unfinished, and that is said', async () => {
    const project = new Project(items(3));
    await project.run(['--limit', '1', '-n', '1']).ended();
    expect((await project.run(['-n', '1']).ended()).status).toBe(0);
    const [, complete = ''] = project.files();
    const { status, stderr } = await project.run(['--resume', '--limit', '1', '-n', '1']).ended();
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^divvy: The last run \((\S+) of \d+ \w+ 20\d\d, \d\d:\d\d\) is complete: starting a new one\n/,
    );
    expect(stderr).toContain(complete.replace('.ndjson', ''));
    expect(project.files()).toHaveLength(3);
  });

  test.each([
    ['that dispatched nothing', [], {}, 0],
    ['whose socket cannot be opened', ['--socket', '/dev/null/no'], {}, 2],
    ['that no worker of ever booted', ['-n', '1'], { NODE_OPTIONS: NEVER_BOOTS }, 69],
  ])('is not led astray by a later run %s', async (_, args, env, status) => {
    const project = new Project(['fails', ...items(3)]);
    await project.run(['--limit', '2', '-n', '1']).ended();
    const [file = ''] = project.files();
    if (status === 0) project.dispatches([]);
    expect((await project.run(args, { env }).ended()).status).toBe(status);
    project.dispatches(['fails', ...items(3)]);
    const retried = await project.run(['--retry-failed'], { env: { MENDED: '1' } }).ended();
    expect([retried.status, retried.stderr]).toEqual([
      0,
      expect.stringMatching(/^divvy: Retrying 1 failed item of run /),
    ]);
    const { stderr } = await project.run(['--resume']).ended();
    expect(`${resumed(stderr)}.ndjson`).toBe(file);
    expect(stderr).toMatch(/skipping 2 items \(2 done\)/);
    expect(project.processed()).toEqual(['fails', ...items(3)]);
    expect((await project.run(['--status']).ended()).stdout).toContain(
      `${file.replace('.ndjson', '')}: complete: 4 items`,
    );
  });

  test('that goes on with an older run makes it the last one', async () => {
    const project = new Project(['a', 'fails', 'b']);
    await project.run(['--limit', '1', '-n', '1']).ended();
    const [older = ''] = project.files();
    await project.run(['--limit', '1', '-n', '1']).ended();
    const journal = path.join(project.journals, older);
    await project.run(['--resume', '--journal', journal, '-n', '1', '--limit', '1']).ended();
    expect(`${resumed((await project.run(['--resume']).ended()).stderr)}.ndjson`).toBe(older);
    expect(project.records(journal).flatMap((record) => (record.type === 'run' ? [record.number] : []))).toEqual([
      1, 3, 4,
    ]);
  });

  test('runs of other arguments are other runs', async () => {
    const project = new Project(items(2));
    const only = ['-n', '1', '--limit', '1'];
    await project.run([...only, 'table=users']).ended();
    await project.run([...only, 'table=orders']).ended();
    const [users = '', orders = ''] = project.files();
    // There is an unfinished run, but of other arguments.
    const other = await project.run([...only, '--resume', 'table=items']).ended();
    expect(other.stderr).toMatch(/^divvy: There is no unfinished run with the arguments .*: starting a new one\n/);
    expect(other.stderr).toContain(
      `Run ${orders.replace('.ndjson', '')} of ${/of (.*) is unfinished/.exec(other.stderr)?.[1]} is unfinished, and was started with the arguments table=orders. `,
    );
    const { stderr } = await project.run(['--resume', 'table=users']).ended();
    expect(`${resumed(stderr)}.ndjson`).toBe(users);
    expect((await project.run(['--retry-failed', 'table=none']).ended()).stderr).toContain('There is no earlier run');
  });

  test('a mistyped run that has recorded nothing still leads to the one that is unfinished', async () => {
    const project = new Project(items(2));
    await project.run(['-n', '1', '--limit', '1', 'table=users']).ended();
    const typo = project.run(['table=user'], { env: { NODE_OPTIONS: NEVER_BOOTS } });
    expect((await typo.ended()).status).toBe(69);
    const again = await project.run(['--resume', '--limit', '1', 'table=user']).ended();
    expect(again.stderr).toMatch(/^divvy: Run \S+ of .* has recorded nothing: starting again\n/);
    expect(again.stderr).toMatch(
      /is unfinished, and was started with the arguments table=users\. To resume that one, /,
    );
  });

  test('without arguments takes those of the last unfinished run, in the master and in its workers', async () => {
    const folder = scratch();
    const task = path.join(folder, 'task.ts');
    // The arguments are read as the file is loaded.
    fs.writeFileSync(
      task,
      `const [count] = process.argv.slice(2);
      export default class Task {
        *dispatch() { for (let item = 1; item <= Number(count); item++) yield item; }
        process(item) { console.log(item, process.argv.slice(2).join()); }
      }`,
    );
    const project = new Project([]);
    const run = (...args: string[]) =>
      project.run([], { by: ['sh', '-c', `"$1" "$2" '${task}' ${args.join(' ')}`, 'sh'] }).ended();
    expect((await run('3', "'a b'", '-n', '1', '--limit', '1')).stdout).toBe('1 3,a b\n');
    const { status, stdout, stderr } = await run('--resume');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '2 3,a b\n3 3,a b\n' });
    expect(stderr).toContain("divvy: Using its arguments: 3 'a b'\n");
    expect(stderr).toContain('divvy: Using its options: --workers 1\n');
    // A newer run without arguments that is complete, and did something, is what counts to whoever gives none.
    expect((await run('2', '--limit', '1')).status).toBe(0);
    expect((await run('--retry-failed', '--dry-run')).stderr).toContain('Using its arguments: 2\n');
  });
});

test('the items that had failed are counted rightly also where dispatch does not come to them', async () => {
  const project = new Project([...items(27, 'fails'), 'a', 'b', 'c']);
  await project.run(['--limit', '28', '-n', '1']).ended();
  project.dispatches(['b', 'c', ...items(27, 'fails')]);
  const { status, stderr } = await project.run(['--resume', '--limit', '1', '-n', '1']).ended();
  expect(status).toBe(1);
  expect(stderr).toMatch(/skipping 28 items \(1 done, 27 failed\)/);
  expect(stderr).toMatch(/27 items (failed in an earlier run|had already failed)/);
  const retried = await project.run(['--retry-failed', '--limit', '20'], { env: { MENDED: '1' } }).ended();
  expect(retried.status).toBe(1);
  expect(retried.stderr).toContain('Retrying 27 failed items of run');
  expect(retried.stderr).toMatch(/ 7 items (failed in an earlier run|had already failed)/);
});

test.each(['afterFailure', 'afterProcess'])(
  'a run that left %s behind is not complete: a resume does that item again',
  async (hook) => {
    const folder = scratch();
    const task = path.join(folder, 'task.ts');
    const gate = await makeGate();
    fs.writeFileSync(
      task,
      `import net from 'node:net';
    export default class Task {
      *dispatch() { yield* [1, 2, 3]; }
      process(item) { console.log(item); if (item === 3 && '${hook}' === 'afterFailure') throw new Error('boom'); }
      async ${hook}(item) {
        if (item !== 3 || process.env.QUICK) return;
        net.connect(process.env.GATE).write('in the hook');
        await new Promise(() => {});
      }
    }`,
    );
    const project = new Project([]);
    const by = ['sh', '-c', `exec "$1" "$2" '${task}' -n 1 --kill-after 100ms \${MODE}`, 'sh'];
    const run = project.run([], { by, env: { ...gate.env } });
    await gate.arrived(1);
    run.kill('SIGTERM');
    expect((await run.ended()).signal).toBe('SIGTERM');
    const journals = path.join(folder, '.divvy/task');
    const [file = ''] = fs.readdirSync(journals);
    expect(project.records(path.join(journals, file)).at(-1)).toMatchObject({
      ...{ type: 'end', complete: false, counts: { done: 2, unfinished: 1 } },
    });
    const again = await project.run([], { by, env: { QUICK: '1', MODE: '--resume' } }).ended();
    expect(again.stdout).toBe('3\n');
  },
);

test('the last run line is found from the end, wherever the bounds of what is read at once lie', async () => {
  const file = path.join(scratch(), 'j.ndjson');
  const task = path.join(path.dirname(file), 't.ts');
  fs.writeFileSync(task, '');
  const failed = (error: Error): void => expect.unreachable(error.message);
  const request = { taskFile: task, args: [], runId: 'a', file, dryRun: false, failed };
  const { journal } = await openRun({ ...request, mode: 'new' });
  await journal?.close();
  const line = fs.readFileSync(file, 'utf8');
  const at = (number: number): string => line.replace('"number":1', `"number":${number}`);
  // Text that looks like one stands in an error's message, and behind the last newline.
  const bait = `{"type":"failed","key":${JSON.stringify(`\n${at(9)}`)}}\n`;
  const chunk = 1024 * 1024;
  for (const beyond of [-20, -14, -1, 0, 1, 13, line.length, chunk]) {
    const rest = Buffer.alloc(chunk - bait.length - 5 + beyond, `{"type":"later"}\n`);
    fs.writeFileSync(
      file,
      Buffer.concat([Buffer.from(line + at(7)), rest, Buffer.from(`\n${bait}${at(8).slice(0, -5)}`)]),
    );
    expect([beyond, lastRunOf(file)?.number]).toEqual([beyond, 7]);
  }
  fs.writeFileSync(file, '');
  expect(lastRunOf(file)).toBeUndefined();
});

// ---- random histories, against a model ----

type End = 'complete' | 'stopped' | 'killed';

interface Step {
  readonly mode: RunRecord['mode'];
  readonly args: readonly string[];
  /** How many items it does, fails, and of what had failed does after all. */
  readonly done: number;
  readonly failed: number;
  readonly retried: number;
  readonly end: End;
  /** By the clock, which goes as it likes. */
  readonly at: number;
  readonly runId: string;
}

/** What the model knows of a run. */
interface Model {
  readonly runId: string;
  readonly args: string;
  number: number;
  failed: string[];
  done: number;
  complete: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  mode: fc.constantFrom<RunRecord['mode']>('new', 'resume', 'resume', 'retry-failed'),
  args: fc.constantFrom<readonly string[]>([], [], ['table=users'], ['table=orders']),
  done: fc.nat(2),
  failed: fc.nat(2),
  retried: fc.nat(2),
  end: fc.constantFrom<End>('complete', 'stopped', 'killed'),
  at: fc.integer({ min: 0, max: 2e12 }),
  runId: fc.stringMatching(/^[a-z]{6}$/),
});

/** Which run a step goes on with. */
function expected(runs: readonly Model[], { mode, args }: Step): Model | undefined {
  const newest = (some: readonly Model[]): Model | undefined => some.toSorted((a, b) => b.number - a.number)[0];
  const count = runs.filter((run) => run.done + run.failed.length > 0);
  const groups = [...Map.groupBy(count, (run) => run.args).values()].flatMap((group) => newest(group) ?? []);
  const own = groups.find((run) => run.args === args.join());
  const wanted = (run: Model): boolean => mode === 'retry-failed' || !run.complete;
  if (mode === 'new') return undefined;
  if (own && wanted(own)) return own;
  const other = newest(groups.filter((run) => run.args !== args.join() && wanted(run)));
  return args.length === 0 && other && other.number > (own?.number ?? 0) ? other : undefined;
}

test('whatever runs there have been, a resume and a retry take the right one', async () => {
  const sync = vi.spyOn(fs, 'fdatasyncSync').mockImplementation(() => {});
  onTestFinished(() => {
    sync.mockRestore();
    vi.useRealTimers();
  });
  const counts = { dispatched: 0, done: 0, failed: 0, unfinished: 0, skipped: 0, retried: 0, spawned: 0, crashed: 0 };
  const taken = { new: 0, resume: 0, 'retry-failed': 0 };
  vi.useFakeTimers({ toFake: ['Date'] });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 9 }), async (steps) => {
      const folder = fs.mkdtempSync(path.join(tmpdir(), 'divvy-last-'));
      const task = path.join(folder, 'task.ts');
      fs.writeFileSync(task, '');
      const runs: Model[] = [];
      let number = 0;
      try {
        for (const [index, each] of steps.entries()) {
          vi.setSystemTime(each.at);
          const model = expected(runs, each);
          const opened = await openRun({
            ...{ taskFile: task, args: each.args, runId: each.runId, file: true, mode: each.mode, dryRun: false },
            failed: (error) => expect.unreachable(error.message),
          });
          const said = { goesOn: opened.mode !== 'new' && opened.journal !== undefined, runId: opened.runId };
          const isNothing = each.mode === 'retry-failed' && model?.failed.length === 0;
          expect(said.goesOn).toBe(model !== undefined && !isNothing);
          if (model) expect(said.runId).toBe(model.runId);
          expect([opened.keys.done, opened.keys.failed]).toEqual([model?.done ?? 0, model?.failed.length ?? 0]);
          if (!opened.journal) continue; // there is nothing to retry
          taken[opened.mode] += 1;
          const run = model ?? {
            runId: opened.runId,
            args: each.args.join(),
            number,
            failed: [],
            done: 0,
            complete: false,
          };
          if (!model) runs.push(run);
          run.number = ++number;
          const retried = opened.mode === 'retry-failed' ? run.failed.splice(0, each.retried) : [];
          for (const key of [...retried, ...items(each.done, `done ${index}`)]) opened.journal.done(endedRun(1, key));
          run.done += retried.length + each.done;
          for (const key of items(each.failed, `failed ${index}`)) {
            opened.journal.failed(endedRun(1, key), { name: 'Error', message: 'no' });
            run.failed.push(key);
          }
          opened.journal.write();
          run.complete = each.end === 'complete';
          if (each.end === 'killed') await opened.journal.close();
          else await opened.journal.end({ counts, exitCode: 0, runId: run.runId }, run.complete);
        }
      } finally {
        fs.rmSync(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: Number(process.env['DIVVY_RUNS'] ?? 150) },
  );
  for (const count of Object.values(taken)) expect(count).toBeGreaterThan(10);
});
