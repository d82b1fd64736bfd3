// Events for programs: --json, --events and observe; each with its time and its run, and all of them.
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Observed } from '../../../runtime/events.ts';
import { Master } from '../../../runtime/master/master.ts';
import { items, Project } from '../journal/ledger.ts';
import { ALL_WELL, runTask, taskFile } from '../run-task.ts';

type Event = Record<string, unknown>;
const eventsIn = (text: string): Event[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
const typesOf = (events: readonly Event[]): unknown[] => events.map(({ type }) => type);

describe('--json', () => {
  test('each line is an event of this run and this time, without -v all of them', async () => {
    const project = new Project(['fails', 'fine', 'twice']);
    const before = Date.now();
    const args = ['--json', '-n', '1', '--retries', '1', '--backoff', '1ms'];
    const { status, stderr } = await project.run(args).ended();
    const after = Date.now();
    expect(status).toBe(1);
    const events = eventsIn(stderr);
    const runId = project.files()[0]?.replace('.ndjson', '');
    let last = before;
    for (const event of events) {
      expect(Object.keys(event).slice(0, 3)).toEqual(['at', 'runId', 'type']);
      expect(event['runId']).toBe(runId);
      expect(event['at']).toBeGreaterThanOrEqual(last);
      last = Number(event['at']);
    }
    expect(last).toBeLessThanOrEqual(after);
    const types = typesOf(events);
    expect(types.filter((type) => type === 'item done')).toHaveLength(2);
    expect(types.filter((type) => type === 'item retried')).toHaveLength(2);
    expect(types.filter((type) => type === 'item failed')).toHaveLength(1);
    expect(types).toEqual(expect.arrayContaining(['items handed', 'worker forked', 'worker ready', 'worker exited']));
    expect([types[0], types.at(-1)]).toEqual(['started', 'ended']);
    expect(events.at(-1)).toMatchObject({
      durationMs: expect.any(Number),
      skipped: { done: 0, failed: 0, left: 0, others: 0 },
      result: { counts: { done: 2, failed: 1, skipped: 0 } },
    });
  });

  test('a run that fails ends with an error of it; one that is refused has no run', async () => {
    const { stderr } = await new Project([]).run(['--json', '-n', 'none']).ended();
    expect(eventsIn(stderr)).toEqual([
      { at: expect.any(Number), runId: null, type: 'error', message: expect.stringMatching(/^--workers/), exitCode: 2 },
    ]);
    const broken = await runTask('hooks', { args: ['--json', '-n', '1', '--', 'beforeRun'] }).ended();
    const events = eventsIn(broken.stderr);
    expect(typesOf(events).slice(-2)).toEqual(['ended', 'error']);
    expect(events.at(-1)).toMatchObject({
      ...{ runId: events[0]?.['runId'], exitCode: 70 },
      error: { name: 'RangeError', message: 'beforeRun is broken' },
    });
  });
});

describe('--events', () => {
  test('has the same, apart from what is for people, for this user alone; and is added to', async () => {
    const project = new Project(['fails', ...items(20, 'fine')]);
    const file = join(project.folder, 'events.ndjson');
    const first = await project.run(['-n', '2', '--events', file]).ended();
    expect(first.stderr).toMatch(/^divvy: item 1 \(key .*\) failed: Error: no: fails\n/);
    const events = eventsIn(readFileSync(file, 'utf8'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(typesOf(events).filter((type) => type === 'item done')).toHaveLength(20);
    expect([typesOf(events)[0], events.at(-1)?.['type']]).toEqual(['started', 'ended']);
    const again = await project.run(['--json', '--retry-failed', '--events', file], { env: { MENDED: '1' } }).ended();
    expect(eventsIn(readFileSync(file, 'utf8')).slice(events.length)).toEqual(eventsIn(again.stderr));
  });

  test('items are written nowhere', async () => {
    const project = new Project(['a secret']);
    const file = join(project.folder, 'events.ndjson');
    const { stdout } = await project.run(['--dry-run', '--events', file]).ended();
    expect(stdout).toBe('"a secret"\n');
    const text = readFileSync(file, 'utf8');
    expect(eventsIn(text)).toContainEqual(expect.objectContaining({ type: 'item', number: 1 }));
    expect(text).not.toContain('a secret');
  });

  test('what cannot be written is exit 2, before the run begins', async () => {
    const project = new Project(['fine']);
    const folder = join(project.folder, 'folder');
    mkdirSync(folder);
    for (const [file, why] of [
      [folder, 'EISDIR'],
      [join(folder, 'none/x'), 'ENOENT'],
    ]) {
      const { status, stderr } = await project.run(['--events', file ?? '']).ended();
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringMatching(
          new RegExp(`^divvy: --events cannot write to ${file}: ${why}: .*; name another file\\n$`),
        ),
      });
    }
    expect(project.entries()).toEqual([]);
    expect(existsSync(project.journals)).toBe(false);
  });

  test.runIf(existsSync('/dev/full'))('what cannot be written any more is said once, and the run goes on', async () => {
    const project = new Project(items(50, 'fine'));
    const { status, stderr } = await project.run(['--events', '/dev/full', '-n', '1']).ended();
    expect(status).toBe(0);
    // A device is written to beside the run: a short run may have ended first.
    const lines = stderr.split(/(?<=\n)/);
    const [note, ...others] = lines.filter((line) => line.includes('/dev/full'));
    expect(others).toEqual([]);
    expect(note).toMatch(
      /^divvy: \/dev\/full cannot be written any more: ENOSPC.*; it gets no more events, and the run itself is not affected\n$/,
    );
    expect(lines.filter((line) => line !== note).join('')).toMatch(ALL_WELL);
  });

  test('a pipe gets all of it', async () => {
    // The runner may have ended while `cat` is about to.
    const by = ['bash', '-c', '"$@" --events >(cat >&2); wait $!', 'bash'];
    const project = new Project(items(500, 'fine'));
    const { stderr } = await project.run(['-q'], { by }).ended();
    expect(typesOf(eventsIn(stderr)).filter((type) => type === 'item done')).toHaveLength(500);
    expect(eventsIn(stderr).at(-1)?.['type']).toBe('ended');
  });

  test('all of it is there, also where the task ends the process', async () => {
    const project = new Project([]);
    const task = join(project.folder, 'tasks/own.ts');
    appendFileSync(
      task,
      'export default class Own { *dispatch() { yield 1; } process() {} afterProcess() { process.exit(5); } }',
    );
    const file = join(project.folder, 'events.ndjson');
    const { status } = await runTask(task, { args: ['-n', '1', '--events', file] }).closed;
    expect(status).toBe(5);
    expect(typesOf(eventsIn(readFileSync(file, 'utf8')))).toEqual(
      expect.arrayContaining(['started', 'worker ready', 'items handed']),
    );
  });
});

describe('observe', () => {
  async function observed(options: { itemEvents?: boolean }): Promise<Observed[]> {
    const events: Observed[] = [];
    const observe = (event: Observed): void => void events.push(event);
    await new Master(taskFile('echo'), { items: [1, 2], workers: 1, signals: false, observe, ...options }).run();
    return events;
  }

  test('gets the time and the run with each; and of each item only where it wants that', async () => {
    const few = await observed({});
    const { runId } = few[0] ?? {};
    expect(runId).toMatch(/^\d{8}-\d{6}-\w{4}$/);
    expect(few.every((event) => event.runId === runId && Math.abs(Date.now() - event.at) < 60_000)).toBe(true);
    expect(few.map(({ type }) => type)).not.toContain('item done');
    expect((await observed({ itemEvents: true })).filter(({ type }) => type === 'item done')).toHaveLength(2);
  });
});
