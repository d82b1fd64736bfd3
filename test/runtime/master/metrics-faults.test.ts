// --metrics-file where it cannot be written, or where something else is: no run suffers, and nobody's file is replaced.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { items, Project } from '../journal/ledger.ts';
import { scratch } from '../journal/requests.ts';
import { makeGate } from '../run-task.ts';
import { leftBeside, metricsWith, readMetrics } from './read-metrics.ts';

const ROOT_ON_LINUX = process.platform === 'linux' && process.getuid?.() === 0;
/** Root may write everywhere, unless that is taken from it. */
const UNPRIVILEGED = ROOT_ON_LINUX ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--'] : [];
const NOTE =
  /^divvy: the metrics cannot be written: (.*): (E\w+): .*; the run itself is not affected, and each later write is tried again$/gm;

/** What it says of metrics that it can't write: the file and why. */
const notesIn = (stderr: string): string[][] =>
  [...stderr.matchAll(NOTE)].map(([, file = '', why = '']) => [file, why]);

describe('what cannot be written is said once, the run goes on, and nothing is left of it:', () => {
  test('a folder that is not there, and comes back', async () => {
    const gate = await makeGate();
    const project = new Project(['quick', 'gate']);
    const folder = join(project.folder, 'collector');
    const file = join(folder, 'm.prom');
    const run = project.run(['-n', '1', '--metrics-file', file], { env: gate.env });
    await gate.arrived(1);
    await run.said(/cannot be written/);
    mkdirSync(folder);
    await metricsWith(file, (metrics) => metrics.value('items_total done') === 1);
    rmSync(folder, { recursive: true });
    gate.open();
    const { status, stderr } = await run.ended();
    expect(status).toBe(0);
    expect(notesIn(stderr)).toEqual([[file, 'ENOENT']]);
    expect(existsSync(folder)).toBe(false);
  });

  test('a folder that goes before the last write: said before the summary', async () => {
    const gate = await makeGate();
    const project = new Project(['gate']);
    const folder = join(project.folder, 'collector');
    mkdirSync(folder);
    const file = join(folder, 'm.prom');
    const run = project.run(['-n', '1', '--metrics-file', file, '--json'], { env: gate.env });
    await gate.arrived(1);
    await metricsWith(file, () => true);
    rmSync(folder, { recursive: true });
    gate.open();
    const { status, stderr } = await run.ended();
    expect(status).toBe(0);
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; text?: string });
    expect(events.filter(({ text }) => text?.startsWith('the metrics cannot be written'))).toHaveLength(1);
    expect(events.at(-1)?.type).toBe('ended');
  });

  test.runIf(ROOT_ON_LINUX || process.getuid?.() !== 0)('a folder that may not be written, also with -q', async () => {
    const project = new Project(items(3, 'quick'));
    const folder = join(project.folder, 'collector');
    mkdirSync(folder);
    chmodSync(folder, 0o555);
    onTestFinished(() => chmodSync(folder, 0o755));
    const file = join(folder, 'm.prom');
    const { status, stderr } = await project.run(['-q', '--metrics-file', file], { by: UNPRIVILEGED }).ended();
    expect(status).toBe(0);
    expect(notesIn(stderr)).toEqual([[file, 'EACCES']]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.runIf(ROOT_ON_LINUX)('a disk that is full: the file from before stays whole', async ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), 'divvy-mount-'));
    const { status: mounted } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', folder]);
    onTestFinished(() => {
      if (mounted === 0) spawnSync('umount', ['-l', folder]);
      rmSync(folder, { recursive: true, force: true });
    });
    if (mounted !== 0) skip('file systems cannot be mounted here');
    const project = new Project(['fails', 'quick']);
    const file = join(folder, 'm.prom');
    expect((await project.run(['--metrics-file', file]).ended()).status).toBe(1);
    const before = readFileSync(file, 'utf8');
    spawnSync('sh', ['-c', `head -c 1000000 /dev/zero > '${folder}/filler'`]);
    const { status, stderr } = await project.run(['--metrics-file', file]).ended();
    expect(status).toBe(1);
    expect(notesIn(stderr)).toEqual([[file, 'ENOSPC']]);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(readdirSync(folder).sort()).toEqual(['filler', 'm.prom']);
  });

  test('a path through a file', async () => {
    const project = new Project(['quick']);
    writeFileSync(join(project.folder, 'file'), 'mine\n');
    const file = join(project.folder, 'file/m.prom');
    const { status, stderr } = await project.run(['--metrics-file', file]).ended();
    expect(status).toBe(0);
    expect(notesIn(stderr)).toEqual([[file, 'ENOTDIR']]);
    expect(readFileSync(join(project.folder, 'file'), 'utf8')).toBe('mine\n');
  });
});

describe('what is not metrics of divvy is never replaced:', () => {
  /** Expects that the run is refused before anything has begun. */
  async function expectRefused(file: string, says: string, by: readonly string[] = []): Promise<string> {
    const project = new Project(['quick']);
    const { status, stderr } = await project.run(['--metrics-file', file], { by }).ended();
    expect(status).toBe(2);
    expect([project.entries(), existsSync(project.journals)]).toEqual([[], false]);
    if (by.length === 0) expect(stderr).toBe(`divvy: ${says}\n`);
    return stderr;
  }

  test('another file, a folder, a pipe, or what stdout goes to', async () => {
    const folder = scratch();
    const others = join(folder, 'users.json');
    for (const text of ['{}', '# HELP node_load1 1m load average.\n', '# HELP divvy']) {
      writeFileSync(others, text);
      await expectRefused(
        others,
        `${others} has something in it that is not metrics of divvy, and is left as it is; remove it yourself, or name another file with --metrics-file`,
      );
      expect(readFileSync(others, 'utf8')).toBe(text);
    }
    const no = (path: string): string =>
      `the metrics cannot be written to ${path}: it is not a file; name one with --metrics-file`;
    await expectRefused(folder, no(folder));
    await expectRefused('/dev/null', no('/dev/null'));
    const pipe = join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    await expectRefused(pipe, no(pipe));
    for (const [stream, number] of [
      ['stdout', 1],
      ['stderr', 2],
    ] as const) {
      const output = join(folder, `${stream}.prom`);
      const said = await expectRefused(output, '', ['sh', '-c', `exec "$@" ${number}>'${output}'`, 'sh']);
      const text = stream === 'stderr' ? readFileSync(output, 'utf8') : said;
      expect(text).toBe(
        `divvy: ${stream} goes to ${output}, too, and the metrics would overwrite it; give another file with --metrics-file\n`,
      );
    }
    expect(readdirSync(folder).sort()).toEqual(['pipe', 'stderr.prom', 'stdout.prom', 'users.json']);
  });

  test('an empty one and one of an earlier run are', async () => {
    const project = new Project(['quick']);
    const file = join(project.folder, 'm.prom');
    writeFileSync(file, '');
    for (let run = 1; run <= 2; run++) {
      expect((await project.run(['--metrics-file', file]).ended()).status).toBe(0);
      expect(readMetrics(file).value('run_exit_code')).toBe(0);
    }
  });

  test('one that somebody puts there in the middle of a run', async () => {
    const gate = await makeGate();
    const project = new Project(['gate']);
    const file = join(project.folder, 'm.prom');
    const run = project.run(['-n', '1', '--metrics-file', file], { env: gate.env });
    await gate.arrived(1);
    await metricsWith(file, () => true);
    writeFileSync(file, 'mine\n');
    gate.open();
    const { status, stderr } = await run.ended();
    expect(status).toBe(0);
    expect(stderr).toContain('m.prom has something in it that is not metrics of divvy, and is left as it is');
    expect(readFileSync(file, 'utf8')).toBe('mine\n');
    expect(leftBeside(file)).toEqual([]);
  });

  test.runIf(ROOT_ON_LINUX || process.getuid?.() !== 0)(
    'one that may not be read: nobody knows what it is',
    async () => {
      const project = new Project(['quick']);
      const file = join(project.folder, 'm.prom');
      writeFileSync(file, 'mine\n');
      chmodSync(file, 0);
      const { status, stderr } = await project.run(['--metrics-file', file], { by: UNPRIVILEGED }).ended();
      expect(status).toBe(0);
      expect(notesIn(stderr)).toEqual([[file, 'EACCES']]);
      chmodSync(file, 0o600);
      expect(readFileSync(file, 'utf8')).toBe('mine\n');
    },
  );
});
