// A generated `csv` project over a file of many rows, whose master is killed half way: what there is after a resume.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { cleanEnvironment } from '../generators/commands.ts';
import { outcomesOf } from './outcomes.ts';
import { makeProject } from './projects.ts';

/** As much as the master may have for its objects, in megabytes: it never has more than a few rows. */
const MASTER_HEAP_MB = 64;

/** Kills the run when half of the rows have a result, goes on with it, and looks whether each row has its result. */
export async function killAndResume(count: number): Promise<void> {
  const project = await makeProject('csv');
  writeFileSync(join(project, 'rows.csv'), csv(count));
  const results = join(project, 'rows.ndjson');

  const half = Math.floor((lineOf(count).length * count) / 2);
  const halfDone = grown(results, half);
  const killed = run(project, []);
  await halfDone;
  killed.kill('SIGKILL');
  await once(killed, 'close');
  const before = outcomesOf(project);
  expect(before.length).toBeGreaterThan(0);
  expect(before.length).toBeLessThan(count);
  const lines = readResults(results, count);
  expect(before.filter(({ key }) => !lines.has(key)).length).toBe(0);

  const resumed = run(project, ['--resume']);
  resumed.stderr.setEncoding('utf8');
  const [stderr, [code]] = await Promise.all([resumed.stderr.toArray(), once(resumed, 'close')]);
  expect(stderr.join('')).toMatch(
    /^divvy: Resuming run .*\ndivvy: [\d,]+ items: [\d,]+ done, [\d,]+ skipped \(done in an earlier run\)\. Took .*\n$/,
  );
  expect(code).toBe(0);
  const after = outcomesOf(project);
  expect(after.length).toBe(count);
  expect(new Set(after.map(({ key }) => key)).size).toBe(count);
  const all = readResults(results, count);
  expect(all.size).toBe(count);
  console.log(`${before.length} of ${count} rows were recorded at the kill`);
}

function run(project: string, options: readonly string[]) {
  const argv = [
    'vendor/divvy/run.mjs',
    '-n',
    '2',
    '--results',
    'rows.ndjson',
    ...options,
    'tasks/my-task.ts',
    'rows.csv',
  ];
  const child = spawn(process.execPath, [`--max-old-space-size=${MASTER_HEAP_MB}`, ...argv], {
    cwd: project,
    env: cleanEnvironment(),
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Each row has a comma, quotes and a line end in a value, and white space to trim. */
function csv(count: number): string {
  const rows = Array.from({ length: count }, (_, at) => `${at + 1}," Name ${at + 1} ","a, ""b""\r\n${at + 1}"\r\n`);
  return `\uFEFFid,name,note\r\n${rows.join('')}`;
}

const lineOf = (id: number): string =>
  `${JSON.stringify({ key: `rows.csv:${id}`, number: id, result: { id: `${id}`, name: `Name ${id}`, note: `a, "b"\r\n${id}` } })}\n`;

/** Resolves when a file in this folder, which need not exist yet, has so many bytes. */
function grown(file: string, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(dirname(file), () => {
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) < bytes) return;
      watcher.close();
      resolve();
    });
  });
}

/** Reads the results up to the last whole line, each of which must be that of its row, and the only one. Returns the keys. */
function readResults(file: string, count: number): Set<string> {
  const keys = new Set<string>();
  for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
    const { key } = JSON.parse(line) as { key: string };
    const id = Number(/^rows\.csv:(\d+)$/.exec(key)?.[1]);
    if (!(id >= 1 && id <= count) || `${line}\n` !== lineOf(id)) throw new Error(`no row has this result: ${line}`);
    if (keys.has(key)) throw new Error(`a row has two results: ${line}`);
    keys.add(key);
  }
  return keys;
}
