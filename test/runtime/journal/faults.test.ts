// Disks that are full, read-only or gone, and descriptors that have run out: what is not recorded is not reported as done.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ALL_WELL, makeGate } from '../run-task.ts';
import { items, Project } from './ledger.ts';

const ROOT_ON_LINUX = process.platform === 'linux' && process.getuid?.() === 0;

/** What the journal says is done, and what the runner said. */
function doneIn(project: Project, file?: string): number {
  // The last line may be torn.
  try {
    return project.records(file).filter(({ type }) => type === 'done').length;
  } catch {
    return Number.NaN;
  }
}

function saidDone(stderr: string): number {
  return Number(/: ([\d,]+) done/.exec(stderr)?.[1]?.replace(',', ''));
}

async function resumeCompletes(project: Project, all: readonly string[], args: readonly string[] = []): Promise<void> {
  const resumed = await project.run(['--resume', ...args]).ended();
  expect(resumed.stderr).not.toContain('starting a new one');
  expect(resumed.status).toBe(0);
  expect([...new Set(project.processed())].sort()).toEqual([...all].sort());
}

test('a journal that may not grow any more: 74, and a resume completes it', async () => {
  const all = items(60);
  const project = new Project(all);
  // The task's own ledger is smaller than what is allowed: 8 blocks of 512 bytes.
  const journal = ['--journal', join(project.folder, 'j.ndjson')];
  const by = ['sh', '-c', 'ulimit -f 8; exec "$@"', 'sh'];
  const env = { LEDGER: '/dev/null', NODE_COMPILE_CACHE: '', NODE_DISABLE_COMPILE_CACHE: '1' };
  const full = await project.run([...journal, '-n', '1'], { by, env }).ended();
  expect(full.stderr).toMatch(/the journal cannot be written: .*j\.ndjson: EFBIG/);
  expect(full.status).toBe(74);
  const said = saidDone(full.stderr);
  expect(said).toBeGreaterThan(0);
  expect(said).toBeLessThan(60);
  // Whatever was reported as done is not done again, and the rest is.
  const resumed = await project.run(['--resume', ...journal]).ended();
  expect(resumed.status).toBe(0);
  expect(project.processed().length).toBeLessThanOrEqual(60 - said);
  expect(doneIn(project, join(project.folder, 'j.ndjson'))).toBe(60);
});

test('a journal in a folder that the system does not make: 74 at once', async () => {
  const { status, stderr } = await new Project(items(1)).run(['--journal', '/proc/divvy/j.ndjson']).ended();
  expect(stderr).toContain('/proc/divvy');
  expect(status).toBe(74);
});

test('a journal that cannot be synced at its end: 74, and a resume does nothing again', async () => {
  const project = new Project(items(3));
  const fails = 'import fs from "node:fs"; fs.fdatasyncSync = () => { throw Error("EIO: i/o error, fdatasync"); };';
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fails)}` };
  const { status, stderr } = await project.run([], { env }).ended();
  expect(stderr).toMatch(/the journal cannot be written: .*EIO/);
  expect(status).toBe(74);
  await resumeCompletes(project, items(3));
  expect(project.processed()).toHaveLength(3);
});

test('a run that could not begin does not hide the one before it', async () => {
  const project = new Project(['fails', 'fine']);
  expect((await project.run().ended()).status).toBe(1);
  const env = { NODE_COMPILE_CACHE: '', NODE_DISABLE_COMPILE_CACHE: '1' };
  const refused = await project.run([], { by: ['sh', '-c', 'ulimit -f 0; exec "$@"', 'sh'], env }).ended();
  expect(refused.stderr).toMatch(/the journal cannot be written: .*EFBIG/);
  expect([refused.status, project.files().length]).toEqual([74, 1]);
  expect((await project.run(['--retry-failed'], { env: { MENDED: '1' } }).ended()).status).toBe(0);
  expect(project.processed()).toEqual(['fails', 'fine']);
});

describe.runIf(ROOT_ON_LINUX)('a file system of its own', () => {
  function mounted(options: string): string | undefined {
    const folder = mkdtempSync(join(tmpdir(), 'divvy-mount-'));
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
    onTestFinished(() => {
      if (status === 0) spawnSync('umount', ['-l', folder]);
      rmSync(folder, { recursive: true, force: true });
    });
    return status === 0 ? folder : undefined;
  }

  test('that fills up in the middle of a run: 74, and a resume completes it', async ({ skip }) => {
    const folder = mounted('size=16k') ?? skip('file systems cannot be mounted here');
    const all = items(150);
    const project = new Project(all);
    const journal = ['--journal', join(folder, 'j.ndjson')];
    const full = await project.run([...journal, '-n', '1']).ended();
    expect(full.stderr).toMatch(/the journal cannot be written: .*ENOSPC/);
    expect(full.status).toBe(74);
    const said = saidDone(full.stderr);
    expect(said).toBeGreaterThan(0);
    expect(spawnSync('mount', ['-o', 'remount,size=1m', folder]).status).toBe(0);
    const before = project.processed().length;
    await resumeCompletes(project, all, journal);
    expect(project.processed().length - before).toBeLessThanOrEqual(150 - said);
  });

  test('that is full from the start, or read-only: 74 before anything is processed', async ({ skip }) => {
    const folder = mounted('size=16k') ?? skip('file systems cannot be mounted here');
    spawnSync('sh', ['-c', `head -c 1000000 /dev/zero > ${folder}/filler`]);
    const project = new Project(items(3));
    const full = await project.run(['--journal', join(folder, 'j.ndjson')]).ended();
    expect(full.stderr).toMatch(
      /the journal cannot be written: .*ENOSPC.*; correct that, then run the same command with --resume \(a new run, /,
    );
    expect(full.status).toBe(74);
    rmSync(join(folder, 'filler'));

    const locked = new Project(items(3), { within: folder });
    onTestFinished(() => void spawnSync('mount', ['-o', 'remount,rw', folder]));
    spawnSync('mount', ['-o', 'remount,ro', folder]);
    const readOnly = await locked.run().ended();
    expect(readOnly.stderr).toMatch(/the journal cannot be written: .*EROFS/);
    expect([readOnly.status, readOnly.stdout]).toEqual([74, '']);
    expect((await locked.run(['--dry-run']).ended()).status).toBe(0);
    expect([...project.entries(), ...locked.entries()]).toEqual([]);
  });
});

describe('a folder that may not be written', () => {
  // Root may write everywhere, unless that is taken from it.
  const by = ROOT_ON_LINUX ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--'] : [];

  function lock(folder: string): void {
    chmodSync(folder, 0o555);
    onTestFinished(() => chmodSync(folder, 0o755));
  }

  test('where there is no journal yet: 74 before anything is processed', async () => {
    const project = new Project(items(2));
    lock(project.folder);
    const refused = await project.run([], { by }).ended();
    expect(refused.stderr).toMatch(
      /the journal cannot be written: .*EACCES.*; correct that, then run the same command with --resume \(a new run, /,
    );
    expect([refused.status, project.entered]).toEqual([74, 0]);
    expect((await project.run(['--dry-run'], { by }).ended()).stdout).toBe('"item 1"\n"item 2"\n');
    const unlocked = await project.run(['--no-journal'], { by }).ended();
    expect(unlocked.status).toBe(0);
    expect(unlocked.stderr).toMatch(
      /^divvy: this run has no lock, so it can be started a second time: the lock cannot be made in \S*.*: EACCES: .*\n/,
    );
    expect(project.processed()).toEqual(items(2));
  });

  test('any more, when all is recorded: the run is done, and what it cannot remove harms nobody', async () => {
    const project = new Project(['gate']);
    const gate = await makeGate();
    const running = project.run(['-n', '1'], { by, env: gate.env });
    await gate.arrived(1);
    lock(project.journals);
    lock(running.socketParent);
    gate.open();
    expect(await running.closed).toMatchObject({ status: 0, stderr: expect.stringMatching(ALL_WELL) });
    expect(project.records().at(-1)).toMatchObject({ type: 'end', complete: true });
    chmodSync(project.journals, 0o755);
    expect((await project.run(['--retry-failed'], { by }).ended()).status).toBe(0);
  });

  test('with a journal in it: a resume is refused with 74, and how it stands can be read', async () => {
    const project = new Project(items(3));
    expect((await project.run(['--limit', '1'], { by }).ended()).status).toBe(0);
    lock(project.journals);
    for (const how of ['--resume', '--retry-failed']) {
      const refused = await project.run([how], { by }).ended();
      expect(refused.stderr).toMatch(/the journal cannot be written: .*EACCES/);
      expect([how, refused.status, project.processed().length]).toEqual([how, 74, 1]);
    }
    expect((await project.run(['--status'], { by }).ended()).stdout).toContain('unfinished: 1 item done');
    const journal = join(project.journals, project.files()[0] ?? '');
    chmodSync(journal, 0o000);
    const unread = await project.run(['--status'], { by }).ended();
    expect([unread.status, unread.stdout]).toEqual([74, '']);
    expect(unread.stderr).toMatch(
      /^divvy: the status of the run cannot be read: .*EACCES.*; correct that, or ask as the user who started the run\n$/,
    );
    chmodSync(journal, 0o600);
    chmodSync(project.journals, 0o755);
    expect((await project.run(['--resume'], { by }).ended()).status).toBe(0);
    expect(project.processed()).toEqual(items(3));
    expect(project.files()).toHaveLength(1);
  });
});

test('a place that is no folder is told', async () => {
  const project = new Project(items(3));
  writeFileSync(join(project.folder, '.divvy'), '');
  const { status, stderr } = await project.run().ended();
  expect(stderr).toContain('the journal cannot be written');
  expect(status).toBe(74);
  const folder = join(project.folder, 'a folder');
  mkdirSync(folder);
  const named = await project.run(['--journal', folder, '--resume']).ended();
  expect(named.stderr).toMatch(/the journal cannot be written: .*a folder: it is not a file/);
  expect(named.status).toBe(74);
  expect(project.entries()).toEqual([]);
});

test('a folder that is removed in the middle of a run: 74, and what was in progress is not reported as done', async () => {
  const project = new Project(['first', 'gate', 'last']);
  const gate = await makeGate();
  const running = project.run(['-n', '1', '-v'], { env: gate.env });
  await gate.arrived(1);
  await running.said(/item 1 .*is done/); // it counts a turn after the next was handed out
  renameSync(project.journals, `${project.journals}.moved`);
  rmSync(`${project.journals}.moved`, { recursive: true });
  gate.open();
  const { status, stderr } = await running.ended();
  expect(stderr).toMatch(/the journal cannot be written: .*it has been removed/);
  expect(stderr).toMatch(/\d items: 1 done, \d unfinished/);
  expect(stderr).not.toMatch(/item 2 .*is done/);
  expect(status).toBe(74);
  expect(existsSync(project.journals)).toBe(false);
  expect(project.processed().slice(0, 2)).toEqual(['first', 'gate']); // and perhaps what was on its way behind it
});

test('a clock that jumps changes nothing: no item ends too early or too late, and a resume goes on', async () => {
  const project = new Project(['twice', 'slow', 'ignores', 'last']);
  const jumps = 'const now = Date.now; Date.now = () => now() + (Math.random() - 0.5) * 1e12;';
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(jumps)}` };
  const args = ['-n', '1', '--timeout', '1s', '--kill-after', '500ms', '--retries', '1', '--backoff', '10ms'];
  expect((await project.run([...args, '--limit', '1'], { env }).ended()).status).toBe(0);
  const { status, stderr } = await project.run([...args, '--resume'], { env }).ended();
  expect(stderr).toMatch(/item 3 .*failed after 2 attempts: TimeoutError/);
  expect([status, project.processed(), project.files().length]).toEqual([1, ['last', 'slow', 'twice'], 1]);
});

test('where descriptors run out, the run does what it can, or says what is wrong; nothing is lost', async () => {
  const all = items(12);
  const project = new Project(all);
  const by = ['sh', '-c', 'ulimit -n 32; exec "$@"', 'sh'];
  const { status, stderr } = await project.run(['-n', '8'], { by }).ended();
  expect(stderr).not.toContain('bug in the runtime');
  if (status !== 0) {
    expect([69, 74]).toContain(status);
    expect(stderr).toMatch(/EMFILE|ever became ready/);
    await resumeCompletes(project, all);
  }
  expect(project.processed()).toEqual([...all].sort());
});
