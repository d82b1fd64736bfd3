// Going on with a run that ended early, by real runs.
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { machineHere } from '../../../runtime/journal/processes.ts';
import { gone, isAlive, makeGate, suspend } from '../run-task.ts';
import { items, Project } from './ledger.ts';

describe('a journal', () => {
  test('holds the run, its workers and outcomes, and never an item; only its owner may read it', async () => {
    const project = new Project(['twice', 'permanent secret', 'twin', 'twin']);
    const env = { HOOKS: '1' };
    const { status, stdout } = await project
      .run(['--retries', '1', '--backoff', '1ms', '-n', '1', 'an', 'argument'], { env })
      .ended();
    expect(status).toBe(1);
    const [name = ''] = project.files();
    const file = join(project.journals, name);
    expect(name).toMatch(/^\d{8}-\d{6}-[a-z]{4}\.ndjson$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(project.folder, '.divvy/.gitignore'), 'utf8')).toBe('*\n');
    expect(readFileSync(file, 'utf8')).not.toMatch(/secret|twin/);

    const keyOf = (of: string, nth = 0): string => project.entries().filter(({ item }) => item === of)[nth]?.key ?? '';
    const outcome = { attempts: 1, worker: 1, ms: expect.any(Number) };
    const born = { pid: expect.any(Number), started: expect.any(String) };
    const [first, ...rest] = project.records();
    expect(first).toEqual({
      type: 'run',
      format: 1,
      release: 'unreleased',
      number: 1,
      runId: name.replace('.ndjson', ''),
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      taskFile: project.task,
      taskHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      args: ['an', 'argument'],
      cwd: process.cwd(),
      options: { retries: 1, backoffMs: 1, workers: 1 },
      mode: 'new',
      user: userInfo().username,
      control: expect.stringMatching(/\/control\.sock$/),
      ...machineHere(),
      ...born,
    });
    expect(rest.at(-1)).toMatchObject({
      type: 'end',
      number: 1,
      complete: true,
      exitCode: 1,
      counts: { done: 3, failed: 1 },
    });
    expect(rest).toContainEqual({ type: 'worker', worker: 1, ...born });
    expect(rest).toContainEqual({
      type: 'exit',
      worker: 1,
      pid: expect.any(Number),
      code: 0,
      signal: null,
      inOrder: true,
    });
    expect(rest).toContainEqual({ type: 'done', keys: [keyOf('twice')], number: 1, ...outcome, attempts: 2 });
    expect(rest).toContainEqual({ type: 'done', keys: [keyOf('twin')], number: 3, ...outcome });
    expect(rest).toContainEqual({ type: 'done', keys: [keyOf('twin')], number: 4, ...outcome });
    const retry = {
      type: 'retry',
      key: keyOf('twice'),
      number: 1,
      ...outcome,
      error: expect.stringMatching(/^Error: /),
    };
    expect(rest).toContainEqual(retry);
    const error = expect.objectContaining({ name: 'PermanentError', message: 'never' });
    expect(rest).toContainEqual({ type: 'failed', key: keyOf('permanent secret'), number: 2, ...outcome, error });
    // What process and the hooks are told is the same in each attempt, and for equal items.
    expect(keyOf('twice', 0)).toBe(keyOf('twice', 2));
    expect(keyOf('twin', 2)).toBe(keyOf('twin'));
    expect(stdout).toBe(`gave up permanent secret ${keyOf('permanent secret')}\n`);
  });

  test('is not made by --no-journal, nor by --dry-run, which prints what would be processed', async () => {
    const project = new Project(items(4));
    expect((await project.run(['--no-journal', '--limit', '1']).ended()).status).toBe(0);
    const dry = await project.run(['--dry-run', '--limit', '2']).ended();
    expect(dry.stdout).toBe('"item 1"\n"item 2"\n');
    expect(() => project.files()).toThrow('ENOENT');
    expect(project.processed()).toEqual(['item 1']);
  });
});

describe('--resume', () => {
  test('does what is new and what is left, wherever it stands, and not what is done', async () => {
    const project = new Project(['twin', 'a', 'twin', 'b', 'c']);
    const first = await project.run(['--limit', '2', '-n', '1']).ended();
    expect(first.status).toBe(0);
    expect(project.processed()).toEqual(['a', 'twin']);

    project.dispatches(['new', 'c', 'b', 'twin', 'twin', 'newer', 'twin', 'a']);
    const dry = await project.run(['--resume', '--dry-run']).ended();
    expect(dry.stdout.split('\n').sort().join(' ')).toBe(' "b" "c" "new" "newer" "twin" "twin"');
    const limited = await project.run(['--resume', '--limit', '3', '-n', '1']).ended();
    expect(limited.status).toBe(0);
    expect(project.processed(4)).toEqual(['b', 'c', 'new']);
    const last = await project.run(['--resume', '-v']).ended();
    expect(last.status).toBe(0);
    expect(project.processed(10)).toEqual(['newer', 'twin', 'twin']);
    expect(project.files()).toHaveLength(1);
    expect(project.records().filter(({ type }) => type === 'run')).toMatchObject([
      { mode: 'new' },
      { mode: 'resume' },
      { mode: 'resume' },
    ]);
    const keys = new Map<string, Set<string>>();
    for (const { item, key } of project.entries()) keys.set(item, (keys.get(item) ?? new Set()).add(key));
    expect(Object.fromEntries([...keys].map(([item, all]) => [item, all.size]))).toMatchObject({ a: 1, b: 1, twin: 1 });

    // Now it is complete: the next is a new run, and is said to be.
    const after = await project.run(['--resume', '--limit', '1']).ended();
    expect(after.stderr).toMatch(/The last run \(\S+ of .*\) is complete: starting a new one/);
    expect(project.files()).toHaveLength(2);
  });

  test('goes on with the run of its arguments, and tells of a task file that has changed', async () => {
    const project = new Project(items(3));
    await project.run(['--limit', '1', 'a', 'b c']).ended();
    const lines = project.records().length;
    const file = join(project.journals, project.files()[0] ?? '');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"taskHash":"\w{64}"/, `"taskHash":"${'0'.repeat(64)}"`));
    const told = await project.run(['a', 'b c', '--resume']).ended();
    expect(told.status).toBe(0);
    expect(told.stderr).toContain('the task file has changed since the run began');
    expect(project.processed()).toEqual(items(3));
    expect(project.records().length).toBeGreaterThan(lines);
  });

  test('goes on with the journal that --journal names, which without --resume is refused', async () => {
    const project = new Project(items(3));
    const journal = ['--journal', join(project.folder, 'deep/er/my.ndjson')];
    expect((await project.run([...journal, '--limit', '2', '--resume']).ended()).stderr).toContain(
      'starting a new one',
    );
    const refused = await project.run(journal).ended();
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('there is a journal at');
    expect((await project.run([...journal, '--resume']).ended()).status).toBe(0);
    expect(project.processed()).toEqual(items(3));
    expect(project.entries()).toHaveLength(6);
    expect(() => project.files()).toThrow('ENOENT');
    // A journal that is named is that of its arguments.
    const before = readFileSync(journal[1] ?? '');
    const other = await project.run([...journal, '--resume', 'another']).ended();
    expect([other.status, other.stderr]).toEqual([
      2,
      expect.stringContaining('the run to resume has the task arguments none, and given are'),
    ]);
    expect(readFileSync(journal[1] ?? '')).toEqual(before);
  });

  test('leaves failed items failed, says so, and ends with 1; --retry-failed takes these alone', async () => {
    const project = new Project(['fails 1', 'fine 1', 'fails 2', 'fine 2']);
    const first = await project.run(['--limit', '3', '-n', '1']).ended();
    expect(first.status).toBe(1);
    const early = await project.run(['--retry-failed', '--limit', '1'], { env: { MENDED: '1' } }).ended();
    // One is still failed, although this run did not come to it.
    expect(early.status).toBe(1);
    expect(early.stderr).toMatch(/1 item (failed in an earlier run|had already failed)/);
    // That has not made a complete run of it: there is one left that was never begun.
    const resumed = await project.run(['--resume']).ended();
    expect(resumed.status).toBe(1);
    expect(resumed.stderr).toContain('1 item had already failed; retry it with --retry-failed');
    expect(project.processed()).toEqual(['fails 1', 'fine 1', 'fine 2']);
    const entries = project.entries().length;

    const retried = await project.run(['--retry-failed'], { env: { MENDED: '1' } }).ended();
    expect(retried.status).toBe(0);
    expect(project.entries(entries).map(({ item }) => item)).toEqual(['fails 2', 'fails 2']);
    const none = await project.run(['--retry-failed']).ended();
    expect([none.status, none.stdout]).toEqual([0, '']);
    expect(project.entries()).toHaveLength(entries + 2);
    expect(project.files()).toHaveLength(1);
  });

  test('--retry-failed of a run that stopped early leaves the rest to a resume', async () => {
    const project = new Project(['fails', 'a', 'b', 'c']);
    await project.run(['--limit', '2', '-n', '1']).ended();
    const retried = await project.run(['--retry-failed'], { env: { MENDED: '1' } }).ended();
    expect(retried.status).toBe(0);
    expect(retried.stderr).toMatch(
      /^divvy: Retrying 1 failed item of run \S+ of .*\ndivvy: Using its options: --workers 1\ndivvy: 2 items are not processed yet; --resume does the rest\ndivvy: 4 items: 1 done, 3 skipped \(1 done in an earlier run, 2 not processed yet\)\. Took .*\n$/,
    );
    expect(project.processed()).toEqual(['a', 'fails']);
    const resumed = await project.run(['--resume']).ended();
    expect(resumed.stderr).toMatch(
      /^divvy: Resuming run \S+ of \d.*: skipping 2 items \(2 done\)\ndivvy: Using its options: --workers 1\ndivvy: 4 items: 2 done, 2 skipped \(done in an earlier run\)\. Took .*\n$/,
    );
    expect(project.processed()).toEqual(['a', 'b', 'c', 'fails']);
  });

  test('a run that --limit ends says how to go on', async () => {
    const project = new Project(['a', 'fails', 'b', 'c', 'd']);
    const limited = async (...args: string[]) => (await project.run(['-n', '1', '--limit', ...args]).ended()).stderr;
    expect(await limited('1')).toMatch(/to go on: .* --resume .*\n$/);
    expect(await limited('1', '--resume')).toMatch(
      /to go on: .* --resume .*\n.*what failed again: .* --retry-failed .*\n$/,
    );
    expect(await limited('1', '--resume', '-v')).toMatch(/to go on: .* --resume .*\n$/);
    expect(await limited('9', '--resume', '-v')).not.toContain('to go on');
  });

  test('--retry-failed where there has been no run is exit 0, and says so', async () => {
    const project = new Project(items(2));
    const { status, stderr } = await project.run(['--retry-failed']).ended();
    expect(status).toBe(0);
    expect(stderr).toContain('There is no earlier run without arguments whose failed items could be retried');
    expect(project.entries()).toEqual([]);
  });
});

describe('a master that was killed', () => {
  test('has its workers gone before the first item of the resume, also one that is suspended', async () => {
    const project = new Project(['gate 1', 'gate 2', 'done']);
    const gate = await makeGate();
    const killed = project.run(['-n', '2'], { env: gate.env });
    await gate.arrived(2);
    const workers = project.entries().map(({ pid }) => pid);
    await suspend(workers[0] ?? 0);
    killed.kill('SIGKILL');
    await killed.closed.catch(() => {});
    expect(isAlive(workers[0] ?? 0)).toBe(true);

    const status = await project.run(['--status']).ended();
    expect(status.stdout).toMatch(/unfinished: 0 items done/);
    gate.open();
    const seen = project.entries().length;
    const resumed = project.run(['--resume', '-n', '2'], { env: gate.env });
    await resumed.closed;
    await gone(workers[0] ?? 0);
    await gone(workers[1] ?? 0);
    expect((await resumed.ended()).status).toBe(0);
    expect(project.entries(seen).filter(({ pid }) => workers.includes(pid))).toEqual([]);
    expect(project.processed()).toEqual(['done', 'gate 1', 'gate 2']);
  });

  test('a run that goes on is left alone by a resume, and --status says that it does', async () => {
    const project = new Project(['gate', 'last']);
    const gate = await makeGate();
    const running = project.run(['-n', '1'], { env: gate.env });
    await gate.arrived(1);
    const refused = await project.run(['--resume']).ended();
    expect(refused.status).toBe(75);
    expect(refused.stderr).toContain(`this run is already going on: process ${running.pid} on `);
    const status = await project.run(['--status']).ended();
    expect(status.stdout).toContain(`runs, master ${running.pid} on ${hostname()}: 0 items done`);
    gate.open();
    expect((await running.ended()).status).toBe(0);
    const after = await project.run(['--status', '--json']).ended();
    expect(JSON.parse(after.stdout)).toMatchObject({ state: 'complete', done: 2, failed: 0, pid: running.pid });
  });
});

test.each(['at its end', 'by --status'])(
  'the command that a stopped run shows %s goes on with it, pasted in a shell',
  async (when) => {
    const project = new Project(['gate', "it's left"]);
    const gate = await makeGate();
    const args = ['-n', '1', '--', 'two words', "it's", '--resume'];
    const stopped = project.run(args, { env: gate.env });
    await gate.arrived(1);
    stopped.kill('SIGINT');
    await stopped.said(/waiting for/);
    gate.open();
    const { signal, stderr } = await stopped.ended();
    expect(signal).toBe('SIGINT');
    const said = when === 'at its end' ? stderr : (await project.run(['--status']).ended()).stdout;
    const command = /to go on: (.*)\n/.exec(said)?.[1] ?? '';
    expect(command).toContain('--resume');
    const pasted = project.run([], { by: ['sh', '-c', `${command} && exit 0`], env: gate.env });
    expect(await pasted.ended()).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(
        /^divvy: Resuming run \S+ of .*\ndivvy: \d items: \d done, \d skipped \(done in an earlier run\)\. Took .*\n$/,
      ),
    });
    expect(project.processed()).toEqual(['gate', "it's left"]);
    expect(project.files()).toHaveLength(1);
  },
);

test('--status of a journal from elsewhere shows what could play with the terminal', async () => {
  const project = new Project(['fine']);
  await project.run(['\u001b[2J\u202e']).ended();
  const journal = join(project.journals, project.files()[0] ?? '');
  const text = readFileSync(journal, 'utf8');
  writeFileSync(journal, text.replace(/"complete":true/, '"complete":false,"stoppedBy":"\\u001b[31mnobody"'));
  const { stdout } = await project.run(['--status']).ended();
  expect(stdout).toContain('(stopped by \\u{1b}[31mnobody)');
  expect(stdout).toMatch(/^to go on: .*\\u\{1b\}\[2J\\u\{202e\}/m);
  for (const character of ['\u001b', '\u202e']) expect(stdout).not.toContain(character);
});

test('runs that begin in one second are in the order in which they began', async () => {
  const project = new Project(['fine']);
  for (let count = 1; count <= 6; count++) {
    await project.run([String(count)]).ended();
    const { stdout } = await project.run(['--status', '--json']).ended();
    expect(JSON.parse(stdout).args).toEqual([String(count)]);
  }
});

test('--status of a task file that is not there: exit 2', async () => {
  const project = new Project(['fine']);
  rmSync(project.task);
  const { status, stdout, stderr } = await project.run(['--status']).ended();
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('there is no task file at');
});

test('--status where there has been no run says so; where items have failed, how to try them again', async () => {
  const project = new Project(['fails', 'fine']);
  const none = await project.run(['--status']).ended();
  expect([none.status, none.stdout]).toEqual([0, 'no run yet\n']);
  await project.run(['an', 'argument']).ended();
  const { stdout } = await project.run(['--status']).ended();
  expect(stdout).toMatch(/: complete: 1 item done, 1 failed; began .*\n/);
  expect(stdout).not.toContain('to go on');
  const command = /to try what failed again: (.*)\n/.exec(stdout)?.[1] ?? '';
  const pasted = await project.run([], { by: ['sh', '-c', `${command} && exit 0`], env: { MENDED: '1' } }).ended();
  expect([pasted.status, project.processed()]).toEqual([0, ['fails', 'fine']]);
});
